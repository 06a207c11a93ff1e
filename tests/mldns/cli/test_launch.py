"""`python -m mldns launch` as a process: which host it takes itself for, and what it becomes.

The names are in an /etc/hosts of its own; tests/e2e/test_e2e_namespaces.py has them in DNS, and real launchers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mldns.cli.this_host import MAX_LOOKED_UP, SCHEDULERS
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from tests.mldns.check_fixture import PLUGINS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for an /etc/hosts of its own")

ADDRESSES = ["127.0.0.2", "127.0.0.1", "192.0.2.200"]
SHOW = ("env", "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")


def launched(home: Path, *arguments: str, workers: list[str] = ADDRESSES, **variables: str) -> tuple[int, str]:
    """Exit code and output of `mldns launch` where DNS has no server, and /etc/hosts the workers."""
    desired = DesiredRecords.parse(
        owner="bert", dns_name="ml.test.", workers=workers, allow_addresses=["127.0.0.0/8", "::1/128", "192.0.2.0/24"]
    )
    lines = [f"{address} worker-{rank}.bert.ml.test" for rank, address in enumerate(workers)]
    (home / "hosts").write_text("\n".join(lines) + "\n")
    (home / "resolv.conf").write_text("")
    script = 'for file in hosts resolv.conf; do mount --bind "$0/$file" /etc/$file || exit 9; done; exec "$@"'
    mldns = [sys.executable, "-m", "mldns", "launch", "--no-check", *arguments]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, str(home), *mldns],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PLUGINS),
            "MLDNS_HANDOFF": json.dumps(hand_off(desired, zone="ml")),
            **variables,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables", "rank"),
    [
        (("--rank", "0"), {"MLDNS_RANK": "1"}, "0"),
        ((), {"MLDNS_RANK": "0", "TPU_WORKER_ID": "1"}, "0"),
        *(((), {name: "0"}, "0") for name in SCHEDULERS),
        ((), {}, "1"),  # the one name whose address an interface has
    ],
)
def test_the_rank_comes_from_the_first_that_tells_it(
    arguments: tuple[str, ...], variables: dict[str, str], rank: str, tmp_path: Path
) -> None:
    code, said = launched(tmp_path, *arguments, *SHOW, **variables, MASTER_ADDR="somebody-else")
    first, shown = said.splitlines()
    assert code == 0
    assert first == f"mldns: this is worker-{rank}.bert.ml.test, {ADDRESSES[int(rank)]} on lo"
    told = json.loads(shown)
    assert {name: told[name] for name in ("NODE_RANK", "RANK", "MASTER_ADDR", "GLOO_SOCKET_IFNAME")} == {
        "NODE_RANK": rank,
        "RANK": rank,
        "MASTER_ADDR": "worker-0.bert.ml.test",
        "GLOO_SOCKET_IFNAME": "lo",
    }


@pytest.mark.parametrize(
    ("arguments", "variables", "culprit"),
    [
        ((), {"MLDNS_RANK": "one"}, "MLDNS_RANK is 'one'"),
        ((), {"SLURM_PROCID": "9"}, "no worker rank 9"),
        ((), {"SLURM_PROCID": "2"}, "SLURM_PROCID 2 means worker-2.bert.ml.test, 192.0.2.200"),
    ],
)
def test_what_cannot_be_this_host_is_named(
    arguments: tuple[str, ...], variables: dict[str, str], culprit: str, tmp_path: Path
) -> None:
    code, said = launched(tmp_path, *arguments, *SHOW, **variables)
    assert (code, len(said.splitlines())) == (2, 1)
    assert culprit in said


@pytest.mark.parametrize(
    "workers",
    [
        ["127.0.0.2", "127.0.0.3"],
        ["127.0.0.1", "::1"],
        [f"127.0.{n // 250}.{n % 250 + 1}" for n in range(MAX_LOOKED_UP + 1)],
    ],
    ids=["none of this host", "two of this host", "too many to look up"],
)
def test_who_has_no_one_name_is_told_to_say_the_rank(workers: list[str], tmp_path: Path) -> None:
    code, said = launched(tmp_path, *SHOW, workers=workers)
    assert (code, len(said.splitlines())) == (2, 1)
    assert "--rank N" in said


def test_an_interface_that_is_set_already_stays(tmp_path: Path) -> None:
    _, said = launched(tmp_path, "--rank", "0", *SHOW, NCCL_SOCKET_IFNAME="ib0")
    told = json.loads(said.splitlines()[-1])
    assert (told["NCCL_SOCKET_IFNAME"], told["GLOO_SOCKET_IFNAME"]) == ("ib0", "lo")


def test_a_launcher_that_is_not_installed_is_named(tmp_path: Path) -> None:
    code, said = launched(tmp_path, "env", "--rank", "0", "--", "nobody-has-this")
    assert (code, len(said.splitlines())) == (2, 1)
    assert "is not there" in said
