"""TF_CONFIG, and where it does not fit into a variable."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.tf_config import MAX_VARIABLE, tf_config, variables
from tests.mldns.handoff.render.conftest import handed_over


def test_the_cluster_by_role_and_the_task_of_a_host(uneven: HandOff) -> None:
    assert tf_config(uneven, uneven.host(1, "worker")) == {
        "cluster": {
            "chief": ["chief-0.bert.ml.example.com:29500"],
            "worker": ["worker-0.bert.ml.example.com:29500", "worker-1.bert.ml.example.com:29500"],
        },
        "task": {"type": "worker", "index": 1},
    }
    assert "task" not in tf_config(uneven)


def test_an_evaluator_is_in_its_own_cluster_alone() -> None:
    rows = [{"role": "worker", "address": "10.0.0.1"}, {"role": "evaluator", "address": "10.0.0.2"}]
    handoff = handed_over(rows)
    assert set(tf_config(handoff, handoff.host(0, "worker"))["cluster"]) == {"worker"}
    assert tf_config(handoff, handoff.host(0, "evaluator"))["task"] == {"type": "evaluator", "index": 0}
    assert "evaluator" in tf_config(handoff, handoff.host(0, "evaluator"))["cluster"]


def test_a_variable_is_told_from_a_file_by_size() -> None:
    small, large = (
        handed_over([f"10.{n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(count)])
        for count in (2_000, 10_000)
    )
    assert json.loads(variables(tf_config(small, small.host(1_999)))["TF_CONFIG"])["task"]["index"] == 1_999
    with pytest.raises(InvalidInput, match="TF_CONFIG of 10,000 hosts takes 398,925 bytes, a variable holds 131,072"):
        variables(tf_config(large))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_the_limit_is_that_of_linux() -> None:
    value = "x" * (MAX_VARIABLE - len("TF_CONFIG=") - 1)
    environment = {"PATH": os.environ["PATH"]}
    assert subprocess.run(["true"], env={**environment, "TF_CONFIG": value}, check=False).returncode == 0
    with pytest.raises(OSError, match="Argument list too long"):
        subprocess.run(["true"], env={**environment, "TF_CONFIG": value + "x"}, check=True)
