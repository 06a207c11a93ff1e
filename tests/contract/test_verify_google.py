"""`make verify-google` itself, with localcloud in the place of Google.

Each test runs the command of the make target, in a process of its own, as a person would.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.contract.scratch import PREFIX
from tests.contract.untried import untried
from tests.http_server import answering

if TYPE_CHECKING:
    from tests.cloud_fixture import Cloud

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "stand-in.md"
_INHERITED = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS", "PYTEST_"))}
_SECONDS = 240


def recipe(**variables: str) -> list[str]:
    """The command that `make verify-google VARIABLE=…` would run, without the set-up before it."""
    told = [f"{name}={value}" for name, value in variables.items()]
    dry = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "verify-google", *told],
        cwd=ROOT,
        env=_INHERITED,
        capture_output=True,
        text=True,
        check=True,
    )
    return shlex.split(dry.stdout.splitlines()[-1])


def endpoints(cloud: Cloud) -> str:
    """ARGS for a localcloud without an Airflow connection."""
    return (
        f"--dns-endpoint {cloud.api} --resource-manager-endpoint {cloud.api} --name-server {cloud.dns[0]}"
        " -p no:cacheprovider"
    )


def environment(tmp_path: Path, **more: str) -> Mapping[str, str]:
    return _INHERITED | {"AIRFLOW_HOME": str(tmp_path), "COLUMNS": "160", **more}


def run(command: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=_SECONDS, check=False)


def zone_names(cloud: Cloud) -> list[str]:
    return [zone["name"] for zone in cloud.call("GET", "")["managedZones"]]


@contextmanager
def pretender(api: str) -> Iterator[str]:
    """A server that passes everything on to `api` and writes a status into errors; its base URL."""

    def passed_on(method: str, path: str, body: bytes) -> tuple[int, object]:
        answer = requests.request(method, api + path, data=body, timeout=30)
        said = answer.json()
        if "error" in said:
            said["error"]["status"] = "INVENTED"
        return answer.status_code, said

    with answering(passed_on) as url:
        yield url


@pytest.fixture
def quick_cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("--done-ms", "50", "--serve-ms", "0")


@pytest.mark.slow
def test_by_connection(quick_cloud: Cloud, tmp_path: Path) -> None:
    """An Airflow connection is all it takes; policies stay untouched without a member, and nothing is left."""
    env = environment(tmp_path, AIRFLOW_CONN_STAND_IN=quick_cloud.connection())
    done = run(recipe(PROJECT=quick_cloud.project, CONN="stand_in", ARGS="-p no:cacheprovider -k iam"), env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\d+ held, \d+ learned: as guessed, \d+ not tried$", done.stdout, re.MULTILINE), done.stdout
    assert "left behind: nothing" in done.stdout
    assert "IAM_MEMBER=serviceAccount:" in done.stdout
    assert zone_names(quick_cloud) == []
    assert "setIamPolicy" not in " ".join(quick_cloud.stats())


def test_with_a_member(quick_cloud: Cloud, tmp_path: Path) -> None:
    """With a member and a network every fact is tried that one identity can try, and every grant is taken back."""
    command = recipe(
        PROJECT=quick_cloud.project,
        IAM_MEMBER="serviceAccount:somebody@elsewhere.iam.gserviceaccount.com",
        NETWORK=quick_cloud.network,
        ZONE_DOMAIN="ml.example.com",
        ARGS=endpoints(quick_cloud),
    )
    done = run(command, environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    tried_later = len(untried()) + 1  # and done_is_no_proof, which a server without lag cannot show
    assert re.search(rf"^\d+ held, \d+ learned: as guessed, {tried_later} not tried$", done.stdout, re.MULTILINE)
    assert not quick_cloud.call("POST", f"/v3/projects/{quick_cloud.project}:getIamPolicy").get("bindings")
    assert zone_names(quick_cloud) == []


def test_a_guess_that_is_wrong_is_news_and_no_failure(start_cloud: Callable[..., Cloud], tmp_path: Path) -> None:
    cloud = start_cloud("--done-ms", "50", "--serve-ms", "0", "--page-size", "400")
    done = run(recipe(PROJECT=cloud.project, ARGS=f"{endpoints(cloud)} -k 'page'"), environment(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "learned: otherwise" in done.stdout
    assert "{'no maxResults': 400, '1000': 400, '5000': 400}" in done.stdout


@pytest.mark.slow
def test_a_fact_that_does_not_hold_fails(quick_cloud: Cloud, tmp_path: Path) -> None:
    """Google's recorded errors have no status: a server that adds one contradicts a fact of grade R."""
    with pretender(quick_cloud.api) as api:
        arguments = f"--dns-endpoint {api} --resource-manager-endpoint {api} -p no:cacheprovider -k requests"
        done = run(recipe(PROJECT=quick_cloud.project, ARGS=arguments), environment(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 did not hold" in done.stdout
    assert "unexpected status" in done.stdout
    assert zone_names(quick_cloud) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive)])
def test_an_interrupted_run_leaves_nothing(
    start_cloud: Callable[..., Cloud], tmp_path: Path, number: signal.Signals
) -> None:
    cloud = start_cloud("--done-ms", "50", "--serve-ms", "0", "--latency-ms", "60")
    command = recipe(PROJECT=cloud.project, ARGS=f"{endpoints(cloud)} -k 'refusals or rrsets'")
    with subprocess.Popen(command, cwd=ROOT, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as running:
        began = time.monotonic()
        while not any(name.startswith(PREFIX) for name in zone_names(cloud)):
            assert time.monotonic() - began < 60
            time.sleep(0.05)
        running.send_signal(number)
        time.sleep(0.1)
        running.send_signal(number)  # and once more, out of impatience: the clean-up goes on
        output, _ = running.communicate(timeout=60)
    assert running.returncode == 2, output
    assert "the run ended before its turn" in output
    assert "left behind: nothing" in output
    assert zone_names(cloud) == []


NOWHERE = "--dns-endpoint http://127.0.0.1:1 --resource-manager-endpoint http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        pytest.param({"ARGS": NOWHERE}, "Connection refused", id="no server"),
        pytest.param(
            {"CONN": "unheard_of"}, "AIRFLOW_CONN_UNHEARD_OF", id="no such connection", marks=pytest.mark.slow
        ),
        pytest.param({}, "default credentials", id="no credentials", marks=pytest.mark.slow),
        pytest.param(
            {"ARGS": "--dns-endpoint http://127.0.0.1:1"},
            "plain HTTP",
            id="a token over plain HTTP",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_project_out_of_reach_is_one_line(tmp_path: Path, variables: dict[str, str], reason: str) -> None:
    env = environment(tmp_path, HOME=str(tmp_path), NO_GCE_CHECK="true")
    done = run(recipe(PROJECT="demo-project", **variables), env)
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert re.search(rf"verify-google: cannot ask demo-project: [^\n]*{reason}", said), said
    assert "Traceback" not in said


def test_the_guide_lists_every_guess() -> None:
    """docs/stand-in.md and the suite name the same unverified facts."""
    guesses = {finding.fact.id for finding in untried() if finding.fact.grade == "U"}
    for module in Path(__file__).parent.glob("test_contract_*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "fact":
                id_, grade = (ast.literal_eval(argument) for argument in node.args[:2])
                guesses |= {id_} if grade == "U" else set()
    listed = re.findall(r"^\| `([a-z0-9_]+\.[a-z0-9_.]+)` \|", GUIDE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(guesses)
