"""Hostfiles: our own reader takes back each style, and MPI itself where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.hostfile import Style, hostfile


@pytest.mark.parametrize(
    ("style", "lines"),
    [
        ("openmpi", ["chief-0.bert.ml.example.com slots=2", "worker-0.bert.ml.example.com slots=8"]),
        ("deepspeed", ["chief-0.bert.ml.example.com slots=2", "worker-0.bert.ml.example.com slots=8"]),
        ("mpich", ["chief-0.bert.ml.example.com:2", "worker-0.bert.ml.example.com:8"]),
    ],
)
def test_one_line_a_host_the_master_first(style: Style, lines: list[str], uneven: HandOff) -> None:
    assert hostfile(uneven, style).splitlines()[:2] == lines
    assert len(hostfile(uneven, style).splitlines()) == 3


def test_slots_that_are_not_told_are_not_guessed(untold: HandOff) -> None:
    with pytest.raises(InvalidInput, match="does not tell the slots"):
        hostfile(untold)


def test_open_mpi_reads_it(uneven: HandOff, tmp_path: Path) -> None:
    """It tells what it would start where; unless told not to, it cuts names at their first dot."""
    mpirun = shutil.which("mpirun.openmpi") or shutil.which("mpirun")  # Debian's, beside MPICH's; or whichever there is
    if mpirun is None or not re.search(r"\((Open MPI|OpenRTE)\) 4", run(mpirun, "--version")):
        pytest.skip("Open MPI 4 is not installed: apt-get install openmpi-bin")
    (tmp_path / "hosts").write_text(hostfile(uneven))
    mapped = run(
        *(mpirun, "--allow-run-as-root", "--mca", "orte_keep_fqdn_hostnames", "1"),
        *("--hostfile", str(tmp_path / "hosts"), "-np", "14", "--do-not-launch", "--display-map", "true"),
    )
    assert re.findall(r"Data for node: (\S+)\s+Num slots: (\d+)", mapped) == [
        ("chief-0.bert.ml.example.com", "2"),
        ("worker-0.bert.ml.example.com", "8"),
        ("worker-1.bert.ml.example.com", "4"),
    ]


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
