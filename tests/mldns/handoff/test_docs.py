"""docs/hand-off.md says what is so: its hand-off is one, its YAML is a pod's, its targets are the command's."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from mldns.__main__ import main
from mldns.handoff.reader import read
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "hand-off.md").read_text()


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_example_is_a_hand_off_as_it_is_made() -> None:
    example = json.loads(block("json"))
    assert example == hand_off(
        DesiredRecords.parse(owner="bert", dns_name="ml.example.com.", workers="10.0.0.7 slots=8\n10.0.0.8 slots=4"),
        zone="ml",
        name_servers=["ns-gcp-private.googledomains.com."],
        resolvers=["169.254.169.254"],
        lease="manual__2026-01-05",
    )
    assert read(example).hosts[1].first_process == 8


def test_every_key_is_told() -> None:
    keys = {key for row in re.findall(r"^\| (`[^|]*`) \|", TEXT, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)}
    assert set(json.loads(block("json"))) - {"version", "zone", "dns_name", "job"} <= keys


def test_every_target_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["render", "--help"])
    targets = re.findall(r"^    ([a-z0-9-]+)(?: {2,}|$)", capsys.readouterr().out, re.MULTILINE)
    assert len(targets) == 7
    assert set(targets) <= set(re.findall(r"^\| `([a-z0-9-]+)` \|", TEXT, re.MULTILINE))


def test_the_commands_of_the_pod_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    pod = yaml.safe_load(block("yaml"))["spec"]["template"]["spec"]
    commands = [
        command
        for container in (*pod["initContainers"], *pod["containers"])
        for command in re.findall(r"python -m mldns ([^|)]*)", container["args"][0])
    ]
    assert [command.split()[0] for command in commands] == ["check", "render"]
    monkeypatch.setenv("MLDNS_HANDOFF", "[]")
    for command in commands:
        # It reads the options, and only then the hand-off, which is none.
        assert main(shlex.split(command.replace("$JOB_COMPLETION_INDEX", "0"))) == 2
