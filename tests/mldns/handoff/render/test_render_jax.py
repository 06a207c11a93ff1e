"""The arguments of `jax.distributed.initialize`."""

from __future__ import annotations

import inspect

import jax
import pytest

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render.jax import initialize_arguments, variables


def test_one_process_a_host(two: HandOff) -> None:
    found = initialize_arguments(two, two.host(1))
    assert found == {
        "coordinator_address": "worker-0.bert.ml.example.com:29400",
        "num_processes": 2,
        "process_id": 1,
    }
    assert "process_id" not in initialize_arguments(two)


def test_one_process_a_slot(uneven: HandOff) -> None:
    found = initialize_arguments(uneven, uneven.host(1, "worker"), local_rank=2)
    assert (found["num_processes"], found["process_id"], found["local_device_ids"]) == (14, 12, [2])


def test_jax_takes_them(two: HandOff) -> None:
    bound = inspect.signature(jax.distributed.initialize).bind(**initialize_arguments(two, two.host(1), local_rank=7))
    assert bound.arguments["process_id"] == 15


def test_a_process_of_no_host_is_refused(two: HandOff) -> None:
    with pytest.raises(InvalidInput, match="local rank 3 of which host"):
        initialize_arguments(two, local_rank=3)


def test_as_variables(two: HandOff) -> None:
    assert variables(initialize_arguments(two, two.host(1), local_rank=7)) == {
        "JAX_COORDINATOR_ADDRESS": "worker-0.bert.ml.example.com:29400",
        "JAX_NUM_PROCESSES": "16",
        "JAX_PROCESS_ID": "15",
        "JAX_LOCAL_DEVICE_IDS": "7",
    }
