"""What Airflow itself asks of an operator: templates, serialization, mapping, retries."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, BaseOperator

from mldns.airflow_versions import RETRY_POLICIES, AirflowFailException
from mldns.exceptions import (
    ChangeFailed,
    ClaimRefused,
    CloudUnavailable,
    InvalidInput,
    OwnershipConflict,
    ZoneMismatch,
    ZoneNotOurs,
)
from mldns.operators import cloud_dns, discovery
from mldns.sensors.resolution import DNSResolutionSensor
from tests.airflow_versions import DagSerialization

OPERATORS = [getattr(cloud_dns, name) for name in cloud_dns.__all__]
SENSORS = [DNSResolutionSensor, *(getattr(discovery, name) for name in discovery.__all__)]
# `conn_id` is `gcp_conn_id` by its other name.
NOT_TEMPLATED = {"conn_id", "retry_policy", "kwargs", "self", "poke_interval", "timeout", "mode", "deferrable"}


def arguments_of(operator: type[BaseOperator]) -> set[str]:
    """The arguments that mldns adds, over all classes between the operator and Airflow's base."""
    own = [base for base in operator.__mro__ if base.__module__.startswith("mldns.")]
    names = {name for base in own for name in inspect.signature(inspect.unwrap(base.__init__)).parameters}
    return names - NOT_TEMPLATED


def filled(operator: type[BaseOperator]) -> dict[str, str]:
    return {name: f"{{{{ params.{name} }}}}" for name in arguments_of(operator)}


@pytest.mark.parametrize("operator", [*OPERATORS, *SENSORS], ids=lambda operator: operator.__name__)
def test_every_argument_is_templated(operator: type[BaseOperator]) -> None:
    with DAG("a_dag"):
        task = operator(task_id="task", **filled(operator))
    task.render_template_fields({"params": {name: f"<{name}>" for name in arguments_of(operator)}})  # type: ignore[arg-type]
    assert {getattr(task, name) for name in task.template_fields} == {f"<{name}>" for name in arguments_of(operator)}
    task.dry_run()


@pytest.mark.parametrize("operator", OPERATORS, ids=cloud_dns.__all__)
def test_arguments_are_keywords_only(operator: type[BaseOperator]) -> None:
    with pytest.raises(TypeError), DAG("a_dag"):
        operator("task", *filled(operator).values())


def test_a_dag_of_all_operators_can_be_serialized() -> None:
    with DAG("a_dag") as dag:
        for operator in [*OPERATORS, *SENSORS]:
            operator(task_id=operator.__name__, **filled(operator))
    restored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert {task.task_type for task in restored.tasks} >= {*cloud_dns.__all__, *discovery.__all__}
    assert {task.task_type for task in restored.tasks if getattr(task, "reschedule", False)} >= {*discovery.__all__}


def test_jobs_can_be_mapped() -> None:
    with DAG("a_dag") as dag:
        partial = cloud_dns.CloudDNSUpsertRecordsOperator.partial(task_id="upsert", zone="ml")
        mapped = partial.expand_kwargs([{"job": "a", "workers": ["10.0.0.7"]}, {"job": "b", "workers": ["10.0.0.8"]}])
    assert not RETRY_POLICIES or mapped.has_retry_policy
    assert DagSerialization.from_dict(DagSerialization.to_dict(dag)).task_ids == ["upsert"]


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (InvalidInput("bad"), True),
        (OwnershipConflict([]), True),
        (ZoneMismatch(zone="z", field="dnsName", wanted="a.", found="b."), True),
        (ZoneNotOurs("z"), True),
        (CloudUnavailable("503"), False),
        (ChangeFailed(zone="z", live=1, missing=1, reason="503"), False),
        (ClaimRefused(owner="o", claimant="c", lease="l", expires=None, same_claimant=True), True),
        (ConnectionError("reset"), False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_only_what_a_retry_cannot_mend_fails_at_once(error: Exception, final: bool) -> None:
    """By a retry policy; where Airflow has none, by a base class of the exception, which stays what it was."""
    data = {**vars(error), "text": str(error)}
    assert fails_at_once(error, retry_policy=None) is False
    assert fails_at_once(error) is final
    assert {**vars(error), "text": str(error)} == data


def fails_at_once(error: Exception, **policy: None) -> bool:
    class Failing(cloud_dns.CloudDNSDeleteZoneOperator):
        def execute(self, context: Any) -> Any:
            raise error

    with DAG("a_dag"):
        task = Failing(task_id="task", zone="ml", retries=3, **policy)
    with pytest.raises(type(error)) as raised:
        task.execute({})  # type: ignore[arg-type]
    assert raised.value is error
    if RETRY_POLICIES and task.retry_policy is not None:
        return bool(task.retry_policy.evaluate(error, try_number=1, max_tries=3).action.value == "fail")
    return isinstance(error, AirflowFailException)


@pytest.mark.parametrize("operator", [*OPERATORS, *SENSORS], ids=lambda operator: operator.__name__)
def test_a_dag_may_set_its_own_retry_policy_and_outlets(operator: type[BaseOperator]) -> None:
    with DAG("a_dag", default_args={"retry_policy": None, "outlets": [Asset("theirs")]}):
        task = operator(task_id="task", **filled(operator))
    assert task.retry_policy is None
    assert task.outlets[0] == Asset("theirs")
