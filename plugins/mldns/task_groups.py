"""The pre-training step inside a training's own DAG: names before it, release after it, whatever happens between.

with training_dns(zone="ml", job="bert", workers=["10.0.0.7", "10.0.0.8"]) as dns:
    train = KubernetesPodOperator(task_id="train", env_vars=dns.env, …)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from mldns.inventory.job_records import DEFAULT_TTL
from mldns.operators.cloud_dns import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSHandOffOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.operators.handoff import ENVIRONMENT_KEY
from mldns.ownership.claims import DEFAULT_LEASE_HOURS
from mldns.plan.plan import DEFAULT_POLICY
from mldns.sensors.resolution import DNSResolutionSensor
from mldns.tasks.guard import put_before, require_names
from mldns.tasks.turns import CLAIM_TIMEOUT

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, XComArg

__all__ = ["HANDOFF_VARIABLE", "TrainingDns", "require_names", "training_dns"]

HANDOFF_VARIABLE = "MLDNS_HANDOFF"
"""The environment variable that carries the hand-off as JSON."""

GATE_TIMEOUT = 900.0
"""Seconds: Google's name servers follow within a minute, a resolver's negative cache within five."""

RETRIES: Mapping[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=10)}
"""Of each task before the training. Refusals and the gate's time-out are final whatever this says. But Airflow may fail
a deferred task that goes on soon after it was put off (apache/airflow 72716): the executor's word of the first start's
end comes when the second one runs already."""

_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "NNODES")
"""Of the hand-off task's `environment`: what every launcher reads."""


@dataclass(frozen=True, slots=True)
class TrainingDns:
    """What `training_dns` gives to the tasks inside it.

    :param group: the task group.
    :param handoff: the hand-off as an XCom (`mldns.handoff.writer.hand_off`).
    :param env: environment variables, as templates, for any operator that templates its own: MLDNS_HANDOFF, the whole
        hand-off as JSON, and from it MASTER_ADDR, MASTER_PORT, WORLD_SIZE and NNODES.
    """

    group: TaskGroup
    handoff: XComArg
    env: dict[str, str]


@contextmanager
def training_dns(
    *,
    zone: str,
    job: str,
    workers: Any,
    records: Any = None,
    ttl: int | str = DEFAULT_TTL,
    port: Any = None,
    lease_hours: float | str | None = DEFAULT_LEASE_HOURS,
    renew: bool | str = True,
    policy: str = DEFAULT_POLICY,
    adopt: bool | str = False,
    claim_timeout: timedelta | float | str = CLAIM_TIMEOUT,
    guard: bool = True,
    allow_addresses: Sequence[str] | str = (),
    reverse_zone: str | None = None,
    required_names: Sequence[str] | str | None = None,
    connect: str | None = None,
    deferrable: bool = True,
    gate_timeout: float = GATE_TIMEOUT,
    gate: Mapping[str, Any] | None = None,
    project_id: str | None = None,
    conn_id: str | None = None,
    gcp_conn_id: str = "google_cloud_default",
    impersonation_chain: str | Sequence[str] | None = None,
    group_id: str = "dns",
) -> Iterator[TrainingDns]:
    """Claim the job's names, write them, prove them, and release them behind the tasks made inside.

    What comes before the training are setups, so that a clear of the training takes all of them along; the release is
    the claim's teardown: it runs when the upsert fails half-way, when the training fails or is killed, and when the run
    is marked failed. Whatever was cleared, no task made inside starts unless its run holds the names and all are
    written. The lease is the run, so parallel runs never release each other's names. Arguments are those of
    `CloudDNSUpsertRecordsOperator`; `workers` and `port` may be another task's output, that of a mapped one included:
    the lists that its instances return are put together.

    :param renew: while the run is at work, `mldns_reconcile` moves the lease's end on by `lease_hours` whenever half of
        it is over; False: the lease ends when it first said.
    :param claim_timeout: how long to wait for another run that holds the names, in seconds or as a timedelta; 0 fails
        at once.
    :param guard: False where the training's workers may not read the zone: then nobody looks, and a training that was
        cleared alone starts without names.
    :param required_names: names outside the zone that the training needs; the gate waits for them, too.
    :param connect: "master" or "workers": whose port must accept a connection before the gate opens.
    :param deferrable: wait in the triggerer, without a worker slot; False where the triggerer cannot ask the workers'
        resolvers.
    :param gate_timeout: seconds until names that do not resolve fail the run.
    :param conn_id: instead of `gcp_conn_id`: a connection of any cloud, such as "aws_default"; its type says which.
    :param gate: more arguments of `DNSResolutionSensor`, such as `{"passes": 3, "tolerate": ["dead-server"]}`.
    :raises ValueError: no task was made inside: the names would be released before anybody used them.
    """
    target: dict[str, Any] = {"project_id": project_id, "gcp_conn_id": conn_id or gcp_conn_id, "zone": zone, "job": job}
    target["impersonation_chain"] = impersonation_chain
    names: dict[str, Any] = {"workers": workers, "ttl": ttl, "port": port, "allow_addresses": allow_addresses}
    reverse: dict[str, Any] = {"reverse_zone": reverse_zone}
    written: dict[str, Any] = {**target, **names, **reverse, "records": records}
    hold: dict[str, Any] = {"lease_hours": lease_hours, "adopt": adopt}
    proof: dict[str, Any] = {"required_names": required_names, "connect": connect, "deferrable": deferrable}
    with TaskGroup(group_id) as group:
        claim = CloudDNSClaimOperator(task_id="claim", **written, **hold, claim_timeout=claim_timeout, **RETRIES)
        look = partial(require_names, **target, again=claim.task_id)
        # The run may be marked failed, and its release be through, before the upsert has begun.
        upsert = CloudDNSUpsertRecordsOperator(
            task_id="upsert", **written, **hold, policy=policy, claimed=True, renew=renew, **RETRIES
        )
        opens = DNSResolutionSensor(
            task_id="gate", **{**written, **proof, **RETRIES, "timeout": gate_timeout, **(gate or {})}
        )
        handoff = CloudDNSHandOffOperator(task_id="handoff", **target, **names, **RETRIES)
        # A release that fails leaves names that stall the next job's resolvers: worth more tries than most tasks.
        release = CloudDNSDeleteRecordsOperator(
            task_id="release", **target, **reverse, retries=3, retry_delay=timedelta(seconds=20)
        )
        for task in (upsert, opens, handoff):
            task.is_setup = True
        claim >> upsert >> opens >> handoff
        release.as_teardown(setups=claim)  # which makes the claim a setup
        own = set(group.children)
        yield TrainingDns(group=group, handoff=handoff.output, env=_environment(handoff))
        training = _enclose(group, own, handoff, release)
        if guard:
            for task in (opens, handoff):
                put_before(task, look())
            for task in training:
                put_before(task, look(handoff=handoff.output))


def _environment(handoff: BaseOperator) -> dict[str, str]:
    """The variables as templates that render to text."""
    # In a mapped group each instance has a hand-off of its own.
    index = ", map_indexes=ti.map_index" if next(handoff.iter_mapped_task_groups(), None) else ""
    pulled = f"ti.xcom_pull(task_ids='{handoff.task_id}'{index}%s)"
    shared = pulled % f", key='{ENVIRONMENT_KEY}'"
    # Where templates become native objects, `29500` would be a number and the JSON a mapping: in quotes both stay text.
    text = " | string | tojson" if handoff.dag.render_template_as_native_obj else ""
    values = {HANDOFF_VARIABLE: f"{pulled % ''} | tojson"} | {name: f"{shared}['{name}']" for name in _VARIABLES}
    return {name: f"{{{{ ({value}){text} }}}}" for name, value in values.items()}


def _enclose(group: TaskGroup, own: set[str], before: BaseOperator, after: BaseOperator) -> list[Any]:
    """Put whatever was added to the group between `before` and `after`; return what may not start without names."""
    added = [task for task in group.iter_tasks() if task.task_id not in own]
    if not added:
        raise ValueError(
            f"task group {group.group_id!r} of training_dns has no training: make its tasks inside the with block"
        )
    ids = {task.task_id for task in added}
    for task in added:
        if not task.upstream_task_ids & ids and before.task_id not in task.upstream_task_ids:
            before.set_downstream(task)
        if not task.downstream_task_ids & ids:
            task.set_downstream(after)
    return [task for task in added if not task.is_teardown]
