"""`python -m mldns render`: text ready to use, or one line that says why not."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mldns.__main__ import main
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from tests.cloud_fixture import Cloud
from tests.mldns.check_fixture import PLUGINS, WORKERS, Job

HANDED_OVER = json.dumps(
    hand_off(
        DesiredRecords.parse(owner="bert", dns_name="ml.test.", workers="10.0.0.1 slots=8\n10.0.0.2 slots=8"), zone="ml"
    )
)


def render(*arguments: str) -> list[str]:
    return ["render", *arguments, "--handoff", HANDED_OVER]


@pytest.mark.parametrize(
    ("arguments", "first_line"),
    [
        (("torchrun", "--rank", "1"), "--rdzv-backend=static --rdzv-endpoint=worker-0.bert.ml.test:29500"),
        (("torchrun", "--rank", "1", "--backend", "c10d"), "--rdzv-backend=c10d"),
        (("torchrun", "--format", "sh"), "export PET_RDZV_BACKEND=static"),
        (("torchrun", "--format", "dotenv"), "PET_RDZV_BACKEND=static"),
        (("torchrun", "--format", "json"), '{"PET_RDZV_BACKEND":"static"'),
        (
            ("jax", "--rank", "1"),
            '{"coordinator_address":"worker-0.bert.ml.test:29500","num_processes":2,"process_id":1}',
        ),
        (("jax", "--format", "sh"), "export JAX_COORDINATOR_ADDRESS=worker-0.bert.ml.test:29500"),
        (("tf-config",), '{"cluster":{"worker":["worker-0.bert.ml.test:29500",'),
        (("tf-config", "--format", "dotenv"), 'TF_CONFIG={"cluster":'),
        (("hostfile",), "worker-0.bert.ml.test slots=8"),
        (("hostfile", "--format", "mpich"), "worker-0.bert.ml.test:8"),
        (("k8s",), "dnsConfig:"),
        (("k8s", "--format", "json"), '{"dnsConfig":{"options":[{"name":"ndots","value":"1"}]}}'),
        (("env",), "export MASTER_ADDR=worker-0.bert.ml.test"),
        (("env", "--format", "json"), '{"MASTER_ADDR":"worker-0.bert.ml.test"'),
    ],
)
def test_every_target(arguments: tuple[str, ...], first_line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(render(*arguments)) == 0
    said = capsys.readouterr()
    assert said.out.startswith(first_line)
    assert said.out.endswith("\n")
    assert said.err == ""


def test_the_hand_off_comes_from_a_file_standard_input_or_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "handoff.json").write_text(HANDED_OVER)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HANDED_OVER.encode())))
    monkeypatch.setenv("MLDNS_HANDOFF", HANDED_OVER)
    for where in (["--handoff", str(tmp_path / "handoff.json")], ["--handoff", "-"], []):
        assert main(["render", "hostfile", *where]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6
    assert len(set(said)) == 2


def test_a_shell_evaluates_what_it_prints() -> None:
    script = 'eval "$("$0" -S -m mldns render tf-config --rank 1 --format sh)" && printf %s "$TF_CONFIG"'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PLUGINS), "MLDNS_HANDOFF": HANDED_OVER},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # Not even dnspython was there.
    assert json.loads(done.stdout)["task"] == {"type": "worker", "index": 1}


def test_a_reader_that_goes_away_leaves_no_traceback() -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PLUGINS), "MLDNS_HANDOFF": HANDED_OVER}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mldns", "render", "hostfile"],
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


class TestOutput:
    def test_a_file_is_written_whole_and_keeps_its_mode(self, tmp_path: Path) -> None:
        target = tmp_path / "hosts.txt"
        target.write_text("before")
        target.chmod(0o640)
        assert main(render("hostfile", "--output", str(target))) == 0
        assert target.read_text().splitlines() == ["worker-0.bert.ml.test slots=8", "worker-1.bert.ml.test slots=8"]
        assert target.stat().st_mode & 0o777 == 0o640
        assert os.listdir(tmp_path) == ["hosts.txt"]

    def test_after_an_error_the_file_is_what_it_was(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        target = tmp_path / "env"
        target.write_text("before")
        assert main(render("env", "--rank", "2", "--output", str(target))) == 2
        assert target.read_text() == "before"
        assert capsys.readouterr().err == "mldns: job 'bert' has no worker rank 2: it has ranks 0 to 1 of it\n"

    def test_where_it_cannot_be_written_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(render("env", "--output", str(tmp_path / "nowhere" / "env"))) == 2
        assert capsys.readouterr().err.endswith("/nowhere/env: No such file or directory\n")


class TestHosts:
    def test_addresses_come_from_the_inventory(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "workers").write_text("10.0.0.1 slots=8\n10.0.0.2 slots=8")
        assert main(render("hosts", "--workers", str(tmp_path / "workers"))) == 0
        assert "10.0.0.1 worker-0.bert.ml.test master.bert.ml.test\n" in capsys.readouterr().out

    def test_another_inventory_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "workers").write_text("10.0.0.1 slots=8\n10.0.0.3 slots=8")
        assert main(render("hosts", "--workers", str(tmp_path / "workers"))) == 2
        assert "these workers are not those of the hand-off of job 'bert'" in capsys.readouterr().err

    def test_without_either_it_says_what_to_give(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(render("hosts")) == 2
        assert "give the inventory (--workers FILE), or ask DNS (--resolve)" in capsys.readouterr().err

    def test_an_older_hand_off_cannot_prove_addresses(self, capsys: pytest.CaptureFixture[str]) -> None:
        older = json.dumps({**json.loads(HANDED_OVER), "addresses": None})
        assert main(["render", "hosts", "--resolve", "--handoff", older]) == 2
        assert "cannot prove addresses: give --workers FILE" in capsys.readouterr().err

    def test_addresses_come_from_dns_once_they_are_the_right_ones(
        self, cloud: Cloud, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job = Job(cloud, WORKERS)
        command = ["render", "hosts", "--handoff", json.dumps(job.value), "--resolve"]
        job.write({"worker-2": ["10.9.9.9"]})
        assert main(command) == 20
        said = capsys.readouterr()
        assert said.out == ""
        assert "worker-2.bert.ml.test." in said.err
        cloud.reset()
        job = Job(cloud, WORKERS)
        job.write()
        assert main(command) == 0
        lines = capsys.readouterr().out.splitlines()[1:]
        assert lines[0] == "10.0.0.1 worker-0.bert.ml.test master.bert.ml.test"
        assert [line.split()[0] for line in lines] == WORKERS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["env", "--rank", "-1"], "argument --rank: '-1' is not a whole number from 0"),
        (["env", "--role", "worker"], "role 'worker' alone says no host: say its rank, too"),
        (["env", "--rank", "0", "--local-rank", "8"], "worker-0.bert.ml.test has no local rank 8: it has 8 slot(s)"),
        (["torchrun", "--backend", "c10d"], "with the c10d backend each host needs settings of its own: say the rank"),
        (["nothing"], "argument TARGET: invalid choice: 'nothing'"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(render(*arguments))
    except SystemExit as end:  # argparse's own
        code = int(str(end.code))
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    assert message in said.err.splitlines()[-1]


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["check"], ["render"], *(["render", name] for name in TARGETS)):
        with pytest.raises(SystemExit) as end:
            main([*command, "--help"])
        assert end.value.code == 0
        assert capsys.readouterr().out.startswith(("usage: mldns ", "usage: python -m mldns "))


TARGETS = ["torchrun", "jax", "tf-config", "hostfile", "hosts", "k8s", "env"]
