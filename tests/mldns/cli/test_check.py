"""`python -m mldns check`: real sockets, exit codes; with dnspython alone, as an init container runs it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns
import dns.flags
import pytest

from mldns.__main__ import main
from mldns.cli.check import Progress
from mldns.cli.resolv_conf import system_resolvers
from mldns.exceptions import InvalidInput
from mldns.gate.expectations import any_address
from mldns.gate.report import Report
from mldns.gate.servers import ServerRole, parse_server
from mldns.gate.survey import Survey
from tests.cloud_fixture import Cloud
from tests.mldns.check_fixture import PLUGINS, WORKERS, Job
from tests.mldns.scripted_dns import ScriptedDns, response


class Ran(subprocess.CompletedProcess[str]):
    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.stdout))


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str]]:
    """A Python that has mldns and dnspython and nothing else that is not its own: command and environment."""
    alone = tmp_path_factory.mktemp("dnspython")
    (alone / "dns").symlink_to(Path(dns.__path__[0]))
    path = os.pathsep.join([str(PLUGINS), str(alone)])
    return [sys.executable, "-S", "-m", "mldns"], {"PYTHONPATH": path, "PATH": os.environ["PATH"]}


Run = Callable[..., Ran]


@pytest.fixture
def mldns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`mldns("check", …, stdin="…", MLDNS_HANDOFF="…")`, in this process."""

    def run(*arguments: str, stdin: str = "", **variables: str) -> Ran:
        monkeypatch.delenv("MLDNS_HANDOFF", raising=False)
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as end:  # argparse's own
            code = int(str(end.code))
        return Ran(arguments, code, *capsys.readouterr())

    return run


def test_nothing_but_dnspython_is_there(interpreter: tuple[list[str], dict[str, str]]) -> None:
    """What makes the tests in a process of its own mean something."""
    command, environment = interpreter
    program = (
        "import importlib.util as u; print([n for n in ('dns', 'airflow', 'requests', 'google') if u.find_spec(n)])"
    )
    found = subprocess.run([*command[:-2], "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['dns']"


def test_help_loads_nothing_that_asks(interpreter: tuple[list[str], dict[str, str]]) -> None:
    """Hundreds of hosts start it at once, most of them to print a line: dnspython and asyncio take most of the time."""
    command, environment = interpreter
    program = "import sys, mldns.__main__ as m; m._parser(); print({'dns', 'asyncio'} & sys.modules.keys())"
    found = subprocess.run([*command[:-2], "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


class TestAJob:
    def test_all_names_with_the_addresses_that_were_handed_over(
        self, cloud: Cloud, interpreter: tuple[list[str], dict[str, str]]
    ) -> None:
        """As an init container runs it."""
        job, (command, environment) = Job(cloud, WORKERS), interpreter
        job.write()
        ran = subprocess.run(
            [*command, "check", "--handoff", "-", "--passes", "2", "--json", "--quiet"],
            input=json.dumps(job.value),
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        result = json.loads(ran.stdout)
        assert (result["ok"], result["exit"], result["names"], result["passes"]) == (True, 0, 4, 2)
        assert result["addresses_proven"] is True

    def test_it_says_so_in_a_line(self, cloud: Cloud, mldns: Run) -> None:
        job = Job(cloud, WORKERS)
        job.write()
        ran = mldns("check", "--quiet", "--handoff", "-", stdin=json.dumps(job.value))
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("ready: 4 of 4 names on 1 server in ")

    def test_a_withheld_record_is_named(self, cloud: Cloud, mldns: Run) -> None:
        job = Job(cloud, WORKERS)
        job.write({"worker-1": None})
        ran = mldns("check", "--wait", "0", MLDNS_HANDOFF=json.dumps(job.value))
        assert ran.returncode == 20
        assert ran.stdout.startswith("not ready: 3 of 4 names on 1 server (1 missing)")
        assert "worker-1.bert.ml.test. A" in ran.stderr

    def test_a_wrong_address_is_found_by_the_digest_and_named(self, cloud: Cloud, mldns: Run) -> None:
        job = Job(cloud, WORKERS, ttl=1)
        job.write({"worker-2": ["10.9.9.9"]})
        handed_over = json.dumps(job.value)
        once = mldns("check", "--wait", "0", "--json", MLDNS_HANDOFF=handed_over)
        assert once.returncode == 20  # a cache may have kept the last run's address
        waited = mldns("check", "--wait", "1.2", "--json", MLDNS_HANDOFF=handed_over)
        assert waited.returncode == 30
        [failure] = waited.json["failures"]
        assert (failure["name"], failure["verdict"], failure["got"]) == ("worker-2.bert.ml.test.", "wrong", "10.9.9.9")
        assert waited.json["names_right"] == 3

    @pytest.mark.parametrize(("holder", "why"), [("run-1", "the run that holds it"), ("run-2", "another run")])
    def test_a_hand_off_that_was_overtaken_is_not_waited_for(
        self, holder: str, why: str, cloud: Cloud, mldns: Run
    ) -> None:
        job = Job(cloud, WORKERS, ttl=1, lease="run-1")
        job.write({"worker-2": ["10.9.9.9"]})
        job.hold(holder)
        ran = mldns("check", "--wait", "300", "--json", "--quiet", MLDNS_HANDOFF=json.dumps(job.value))
        assert ran.returncode == 30
        [failure] = ran.json["failures"]
        assert (failure["name"], failure["verdict"]) == ("worker-2.bert.ml.test.", "replaced")
        assert why in failure["why"]

    def test_a_name_that_appears_late_is_waited_for(
        self, cloud: Cloud, interpreter: tuple[list[str], dict[str, str]]
    ) -> None:
        job = Job(cloud, WORKERS, visibility="public")
        job.write({"worker-1": None})
        command, environment = interpreter
        # The name server first: the resolver is not asked before, so it caches no denial.
        process = subprocess.Popen(
            [*command, "check", "--server", cloud.dns[0], "--wait", "30"],
            env=environment | {"MLDNS_HANDOFF": json.dumps(job.value)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert "first worker-1.bert.ml.test. A" in process.stderr.readline()  # what it is waiting for
        job.add({"worker-1.bert.ml.test.": ["10.0.0.2"]})
        said, _ = process.communicate(timeout=40)
        assert process.returncode == 0
        assert said.startswith("ready: 4 of 4 names on 2 servers")

    def test_what_one_host_needs_alone(self, cloud: Cloud, mldns: Run) -> None:
        job = Job(cloud, WORKERS)
        job.write({"worker-1": None})
        handed_over = json.dumps(job.value)
        ran = mldns("check", "--rank", "2", "--json", "--wait", "0", MLDNS_HANDOFF=handed_over)
        assert (ran.returncode, ran.json["names"]) == (0, 3)
        assert mldns("check", "--rank", "1", "--wait", "0", MLDNS_HANDOFF=handed_over).returncode == 20

    def test_of_many_hosts_one_alone_is_not_proven(self, cloud: Cloud, mldns: Run, tmp_path: Path) -> None:
        """Somebody else's address for this host: of 200 the hand-off has digests of groups, which cannot tell."""
        hosts = [f"10.0.0.{rank + 1}" for rank in range(200)]
        job = Job(cloud, hosts)
        job.write({"worker-2": ["10.0.0.99"]})
        (tmp_path / "workers.json").write_text(json.dumps(hosts))
        arguments = ["check", "--wait", "0", "--rank", "2"]
        alone = mldns(*arguments, MLDNS_HANDOFF=json.dumps(job.value))
        assert (alone.returncode, alone.stdout.startswith("ready: ")) == (10, True)
        assert "worker-0.bert.ml.test. and 1 more is answered, not proven" in alone.stderr
        assert "--workers FILE proves it, or a check of all hosts, without --rank" in alone.stderr
        workers = ["--workers", str(tmp_path / "workers.json")]
        assert mldns(*arguments, *workers, MLDNS_HANDOFF=json.dumps(job.value)).returncode == 30
        right = mldns("check", "--quiet", "--wait", "0", "--rank", "3", *workers, MLDNS_HANDOFF=json.dumps(job.value))
        assert (right.returncode, right.stderr) == (0, "")


class TestThePort:
    @pytest.fixture
    def port(self) -> Iterator[int]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield listener.getsockname()[1]

    def test_it_must_accept_a_connection(self, cloud: Cloud, mldns: Run, port: int) -> None:
        job = Job(cloud, ["127.0.0.1", "127.0.0.2"], port=port)
        job.write()
        ran = mldns("check", "--connect", "--json", "--wait", "0", MLDNS_HANDOFF=json.dumps(job.value))
        assert ran.returncode == 0
        assert ran.json["ports"] == {"wanted": 1, "open": 1, "failures": []}

    def test_a_port_that_refuses_is_not_ready(self, cloud: Cloud, mldns: Run, port: int) -> None:
        job = Job(cloud, ["127.0.0.2", "127.0.0.1"], port=port)  # the master is where nobody listens
        job.write()
        ran = mldns("check", "--connect", "--wait", "0", MLDNS_HANDOFF=json.dumps(job.value))
        assert ran.returncode == 20
        assert f"worker-0.bert.ml.test.: refused by 127.0.0.2:{port}" in ran.stderr

    def test_of_any_name(self, cloud: Cloud, mldns: Run, port: int) -> None:
        Job(cloud, ["127.0.0.1"]).write()
        arguments = ("--names", "master.bert.ml.test", "--resolver", cloud.resolver, "--wait", "0", "--json")
        ran = mldns("check", *arguments, "--connect", f"worker-0.bert.ml.test:{port}")
        assert (ran.returncode, ran.json["ports"]["open"]) == (10, 1)  # both have one address


class TestNames:
    def test_one_address_for_two_names_is_a_warning(self, cloud: Cloud, mldns: Run) -> None:
        Job(cloud, WORKERS).write()
        names = "worker-0.bert.ml.test,master.bert.ml.test"
        ran = mldns("check", "--names", names, "--resolver", cloud.resolver, "--wait", "0")
        assert ran.returncode == 10
        assert "warning: 10.0.0.1 is the address of 2 names" in ran.stderr

    @pytest.mark.parametrize(("address", "code"), [("10.0.0.1", 0), ("10.0.0.2", 30), ("10.0.0.1,10.0.0.2", 30)])
    def test_names_do_not_shadow_what_is_expected(self, resolver: str, address: str, code: int) -> None:
        """As the docs print it: names, one of which must have a known address."""
        arguments = ("--names", "worker-0.ml.test,worker-1.ml.test", "--expect", f"worker-0.ml.test={address}")
        assert main(["check", *arguments, "--resolver", resolver, "--wait", "0"]) == code

    @pytest.mark.parametrize(
        ("required", "code"),
        [("worker-1.ml.test", 0), ("worker-1.ml.test=10.0.0.2", 0), ("worker-1.ml.test=10.0.0.1", 30), ("no.test", 20)],
    )
    def test_what_the_training_needs_elsewhere(self, resolver: str, required: str, code: int) -> None:
        arguments = ("--names", "worker-0.ml.test", "--required", required, "--resolver", resolver, "--wait", "0")
        assert main(["check", *arguments]) == code

    @pytest.mark.parametrize(("required", "warned"), [("six.test", ["six.test. has IPv6"]), ("both.test", [])])
    def test_a_name_of_ipv6_alone_is_a_warning_on_a_host_without(
        self, resolver: str, required: str, warned: list[str], mldns: Run
    ) -> None:
        arguments = ("--names", "worker-0.ml.test", "--required", required, "--resolver", resolver, "--wait", "0")
        ran = mldns("check", "--json", *arguments)
        assert ran.returncode == (10 if warned else 0)
        assert [line[: len("six.test. has IPv6")] for line in ran.json["warnings"]] == warned


ADDRESSES = {"worker-0.ml.test.": "10.0.0.1", "worker-1.ml.test.": "10.0.0.2", "storage.test.": "127.0.0.1"}
ADDRESSES |= {"both.test.": "127.0.0.1", "six.test.": ""}
SIX = "fe80::1"  # without its interface there is no way to it on any host


@pytest.fixture
def served() -> Iterator[ScriptedDns]:
    """A resolver that knows `ADDRESSES`."""

    def answer(query: Any) -> Any:
        question = query.question[0]
        address = ADDRESSES.get(question.name.to_text())
        if address is None:
            return response(query, rcode="NXDOMAIN", flags=dns.flags.RA)
        found = {1: address, 28: SIX if question.name.to_text() in ("both.test.", "six.test.") else ""}[question.rdtype]
        return response(query, *([found] if found else []), flags=dns.flags.RA)

    with ScriptedDns(answer) as server:
        yield server


@pytest.fixture
def resolver(served: ScriptedDns) -> str:
    return served.address


class TestResolversOfThisMachine:
    @pytest.fixture
    def conf(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr("mldns.cli.resolv_conf.RESOLV_CONF", str(tmp_path / "resolv.conf"))
        return tmp_path / "resolv.conf"

    @pytest.mark.parametrize(
        ("text", "servers", "passed_over"),
        [
            ("# nameserver 10.9.9.9\nsearch a.test\nnameserver\t10.0.0.53 # ours\noptions ndots:5\n", ["10.0.0.53"], 0),
            ("nameserver fd00::53\nnameserver fe80::1%lo\n", ["fd00::53", "fe80::1%lo"], 0),
            ("nameserver 10.0.0.53\nnameserver fe80::1%nowhere0\nnameserver fe80::1%99999999999\n", ["10.0.0.53"], 2),
            ("nameserver dns.test\nnameserver\n nameserver 10.9.9.9\nnameserver 10.0.0.53\n", ["10.0.0.53"], 3),
            ("".join(f"nameserver 10.0.0.{n}\n" for n in range(5)), ["10.0.0.0", "10.0.0.1", "10.0.0.2"], 2),
        ],
    )
    def test_are_those_that_the_c_library_asks(
        self, conf: Path, text: str, servers: list[str], passed_over: int
    ) -> None:
        conf.write_text(text)
        found = system_resolvers()
        assert [server.label for server in found.servers] == servers
        assert len(found.warnings) == passed_over

    @pytest.mark.parametrize("text", [None, "", "nameserver dns.test\n"])
    def test_without_any_the_file_is_named(self, conf: Path, text: str | None) -> None:
        if text is not None:
            conf.write_text(text)
        with pytest.raises(InvalidInput, match=re.escape(str(conf))):
            system_resolvers()

    def test_useless_lines_and_a_dead_one_are_warnings(
        self, conf: Path, served: ScriptedDns, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As `getent hosts` answers at once; a wrong answer of the living one is none the less wrong."""
        monkeypatch.setattr("mldns.gate.servers.DNS_PORT", served.port)
        conf.write_text("nameserver fe80::1%nowhere0\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n")
        for expected, code in (("10.0.0.1", 10), ("10.9.9.9", 30)):
            arguments = ("--expect", f"worker-0.ml.test={expected}", "--resolver", "system", "--wait", "0", "--json")
            assert main(["check", *arguments]) == code
            warnings = json.loads(capsys.readouterr().out)["warnings"]
            assert ["fe80::1%nowhere0" in warnings[0], "127.0.0.2" in warnings[1], len(warnings)] == [True, True, 2]


BAD_USAGE = [
    ((), "no hand-off: give --handoff FILE, JSON or -, or set MLDNS_HANDOFF"),
    (("--handoff", "/nowhere/handoff.json"), "--handoff /nowhere/handoff.json: No such file or directory"),
    (("--handoff", "/"), "--handoff /: Is a directory"),
    (("--handoff", "{"), "the hand-off is not JSON"),
    (("--handoff", '{"version": 9}'), "the hand-off has version 9, this mldns reads up to 1"),
    (("--handoff", "-"), "the hand-off is not JSON (Expecting value at character 0)"),
    (("--names", "a b"), "label 'a b' of 'a b' is not a host label"),
    (("--expect", "a.test"), "--expect 'a.test': expected NAME=ADDRESS"),
    (("--expect", "a.test=10.0.0"), "address '10.0.0' of a.test. is not an IPv4 or IPv6 address"),
    (("--names", "a.test", "--resolver", "10.0.0.1:x"), "'10.0.0.1:x' is not a DNS server"),
    (("--names", "a.test", "--connect"), "--connect needs NAME:PORT, or a hand-off"),
    (("--names", "a.test", "--connect", "a.test:0"), "'a.test:0': port '0'"),
    (("--names", "a.test", "--rank", "0"), "--rank and --workers are of a job: give its --handoff, too"),
    (("--names", "a.test", "--wait", "soon"), "argument --wait: 'soon' is not a number of seconds"),
    (("--names", "a.test", "--passes", "0"), "passes is 0, it must be at least 1"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_USAGE, ids=[" ".join(case[0])[:40] for case in BAD_USAGE])
def test_bad_usage_is_one_line_and_asks_nobody(arguments: tuple[str, ...], message: str, mldns: Run) -> None:
    ran = mldns("check", *arguments, "--quiet")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert message in ran.stderr.splitlines()[-1]


def test_an_interrupt_ends_it_with_one_line(interpreter: tuple[list[str], dict[str, str]]) -> None:
    command, environment = interpreter
    with ScriptedDns(lambda query: []) as silent:
        process = subprocess.Popen(
            [*command, "check", "--names", "a.test", "--resolver", silent.address],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # A shell's background jobs ignore Ctrl-C, and their children inherit that: CI may run us as one.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads
        )
        until(lambda: bool(silent.queries))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "mldns: interrupted"
    assert "Traceback" not in said


class TestProgress:
    @pytest.fixture
    def report(self) -> Report:
        names = [any_address("a.test"), any_address("b.test")]
        return Survey(names, [parse_server("10.0.0.53", ServerRole.RESOLVER)], now=0.0).report(1.0)

    def test_a_terminal_has_one_line_that_is_written_over(
        self, report: Report, capsys: pytest.CaptureFixture[str]
    ) -> None:
        progress = Progress(terminal=True)
        progress(report)
        progress(replace(report, names_right=2, waiting=0))
        progress.end()
        _, first, second = capsys.readouterr().err.split("\r")
        assert first == "0 of 2 names on 1 server; 2 still to ask"
        assert second.rstrip(" \n") == "2 of 2 names on 1 server"
        assert len(second.rstrip("\n")) == len(first)  # nothing of the longer line is left

    def test_a_log_gets_a_line_now_and_then(self, report: Report, capsys: pytest.CaptureFixture[str]) -> None:
        progress = Progress(terminal=False)
        for right in (0, 0, 1, 2):
            progress(replace(report, names_right=right))
        progress.end()
        assert capsys.readouterr().err == "0 of 2 names on 1 server; 2 still to ask\n"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
