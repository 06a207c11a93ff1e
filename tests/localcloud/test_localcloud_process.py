"""localcloud as a process: its command line, ready line, end and controls, and data that it cannot use."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from localcloud.__main__ import parse_arguments

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "stand-in.md"
ZONES = "/dns/v1/projects/demo-project/managedZones"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localcloud", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["--api", "8053"], "'8053' is not HOST:PORT"),
        (["--api", "127.0.0.1:99999"], "'127.0.0.1:99999' is not HOST:PORT"),
        (["--dns", "::1:5354"], "'::1:5354' is not HOST:PORT"),
        (["--dns", "127.0.0.1:0+slow"], "'slow' is not a number of milliseconds"),
        (["--dns", "127.0.0.1:0+"], "'' is not a number of milliseconds"),
        (["--quota", "managedZones"], "'managedZones' is not NAME=NUMBER"),
        (["--quota", "managedZones=-1"], "'managedZones=-1' is not NAME=NUMBER"),
        (["--quota", "managedZones=0"], "managedZones is a whole number from 1 to 2,147,483,647, not 0"),
        (["--quota", "zones=1"], "there is no limit 'zones' to set"),
        (["--resolver", "127.0.0.1:0=training"], "'training' is neither a network URL"),
        (["--latency-ms", "fast"], "'fast' is not a number of milliseconds"),
        (["--done-ms", "-1"], "'-1' is not a number of milliseconds"),
        (["--page-size", "0"], "'0' is not a number from 1 to 1000"),
        (["--page-size", "1001"], "'1001' is not a number from 1 to 1000"),
        (["--enforce-iam", "me@example.com"], "'me@example.com' is not the address of a service account"),
        (["--grant-delay-ms", "5"], "without --enforce-iam no grant is enforced"),
        (["--enforce-iam", "--grant-delay-ms", "3600001"], "is longer than the hour for which policies are remembered"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_a_bad_flag_is_one_line(arguments, culprit, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_arguments(arguments)
    told = capsys.readouterr()
    assert (ended.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert culprit in told.err


@pytest.mark.parametrize("flag", ["--api", "--dns", "--resolver"])
def test_a_port_in_use_is_one_line(flag):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ports = {"--api": "127.0.0.1:0", "--dns": "127.0.0.1:0", flag: address}
        ended = run(*(word for pair in ports.items() for word in pair))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"localcloud: cannot listen on {address}: ")
    assert "in use" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_data_that_cannot_be_used_is_one_line_that_names_the_file(tmp_path):
    with sqlite3.connect(tmp_path / "localcloud.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    ended = run("--api", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--data", str(tmp_path))
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(f"localcloud: cannot use {tmp_path}/localcloud.sqlite3: ")
    assert "--data" in ended.stderr


def test_the_guide_tells_of_every_flag():
    flags = {line.split()[0] for line in run("--help").stdout.splitlines() if line.startswith("  --")}
    rows = {line.split("`")[1].split()[0] for line in GUIDE.read_text().splitlines() if line.startswith("| `--")}
    assert flags == rows
    assert len(flags) > 10


def test_it_listens_on_every_address_that_was_asked_for(start_cloud):
    free = "127.0.0.1:0"
    cloud = start_cloud(
        "--dns", free, "--dns", free, "--resolver", free, "--resolver", f"{free}=projects/p/global/networks/n"
    )
    assert len({*cloud.dns, *cloud.resolvers}) == 4
    for address in (*cloud.dns, *cloud.resolvers, cloud.api.removeprefix("http://")):
        host, port = address.rsplit(":", 1)
        socket.create_connection((host, int(port)), timeout=30).close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_with_a_client_still_connected(start_cloud, number):
    cloud = start_cloud()
    with requests.Session() as session:  # keeps its connection open
        session.get(cloud.api + ZONES, timeout=30)
        cloud.process.send_signal(number)
        assert cloud.process.wait(timeout=30) == 0
    assert cloud.process.stdout.read() == ""  # the ready line was all


def test_an_open_address_is_warned_about():
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud", "--api", "0.0.0.0:0", "--dns", "127.0.0.1:0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("localcloud ready api=http://0.0.0.0:")
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert (
        errors == "localcloud: warning: 0.0.0.0:0 can be reached from other machines, and there is no authentication\n"
    )


def test_latency_is_added_to_each_call_but_not_to_the_controls(start_cloud):
    cloud = start_cloud("--latency-ms", "200")
    started = time.monotonic()
    requests.get(cloud.api + ZONES, timeout=30)
    assert time.monotonic() - started >= 0.2
    times = []
    for _ in range(5):  # one of them is quick, however busy the machine is
        started = time.monotonic()
        cloud.stats()
        times.append(time.monotonic() - started)
    assert min(times) < 0.2


class TestControl:
    def test_calls_are_counted_by_method_and_code(self, api, cloud):
        api.zone()
        api.post("managedZones", {"name": "ml", "dnsName": "ml.example.com."})
        api.get("managedZones/nobody")
        api.post("/v3/projects/demo-project:getIamPolicy")
        api.get("policies")
        assert cloud.stats() == {
            "managedZones.create": {"200": 1, "409": 1},
            "managedZones.get": {"404": 1},
            "cloudresourcemanager.projects.getIamPolicy": {"200": 1},
            "unimplemented": {"501": 1},
        }

    def test_reset_forgets_zones_policies_and_counts(self, api, cloud):
        api.zone()
        api.post(
            "/v3/projects/demo-project:setIamPolicy",
            {"policy": {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}},
        )
        assert api.post("/_localcloud/reset") == (200, {})
        assert cloud.stats() == {}
        assert api.get("managedZones").body["managedZones"] == []
        assert "bindings" not in api.post("/v3/projects/demo-project:getIamPolicy").body
