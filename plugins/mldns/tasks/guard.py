"""The last look before a training's first line: are its names still there, and still its run's?

Airflow clears what a person picks: a training alone, the failed tasks of a run, one instance of many. Then the tasks
that wrote the names keep their old success, while the release has long removed them. Or a claim runs again although
nothing behind it does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from mldns import arguments
from mldns.airflow_versions import AirflowFailException
from mldns.exceptions import NamesMissing
from mldns.handoff.reader import read
from mldns.ownership.claims import Holder, holds, overtaken_by
from mldns.tasks.base import dns_hook, report_failure
from mldns.tasks.lease import holder_of

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    from mldns.ownership.manifest import Manifest

log = logging.getLogger(__name__)

Check = Callable[["Context"], None]

_OVER = ("success", "failed", "skipped", "upstream_failed", "removed")


class NotStarted(NamesMissing, AirflowFailException):
    """The task does not start without its names; no retry brings them back."""


def require_names(
    *,
    zone: Any,
    job: Any,
    handoff: Any = None,
    again: str = "",
    project_id: Any = None,
    gcp_conn_id: Any = "google_cloud_default",
    impersonation_chain: str | Sequence[str] | None = None,
) -> Check:
    """Return a `pre_execute` that lets a task begin only while its run holds the job's names and all are written.

    It reads the job's manifest, one small call, with the worker's own credentials. A task that goes on after it was
    deferred is not looked at again.

    :param zone: name of the managed zone; a template or another task's output, as all of these.
    :param job: the job, as given to the claim.
    :param handoff: the hand-off that the task works from: the names of all its ranks must be there.
    :param again: the task that a person clears to have the names written again.
    :param project_id: Google project of the zone; the connection's default when not given.
    :param gcp_conn_id: Airflow connection of type `google_cloud_platform`.
    :param impersonation_chain: service account to impersonate, or a chain of them.
    :return: the function, which raises `NotStarted`.
    """
    given = {
        "zone": zone,
        "job": job,
        "handoff": handoff,
        "project_id": project_id,
        "gcp_conn_id": gcp_conn_id,
        "impersonation_chain": impersonation_chain,
    }

    def check(context: Context) -> None:
        if _goes_on(context):
            return
        said = context["task"].render_template(given, context)
        holder = holder_of(context, said["job"], claimant="", lease="")
        why = _missing(_manifest(said, holder.owner), said["handoff"] or {}, holder)
        if why:
            refusal = NotStarted(owner=holder.owner, zone=str(said["zone"]), why=why, again=again)
            report_failure({**context, "exception": refusal})
            raise refusal

    return check


def nobody_needs(claim: BaseOperator, context: Context) -> bool:
    """Return whether this instance of a mapped group has its training and its release behind it, in this very run.

    With one instance's training Airflow clears the setups of all instances, and that one's release alone: what the
    others wrote again, nobody would use or release.

    :param claim: the group's claim, which is about to run.
    :param context: of it.
    :return: False also where Airflow cannot tell.
    """
    own = context["ti"]
    index, group = getattr(own, "map_index", None), context["dag"].task_dict[claim.task_id].task_group
    if index is None or index < 0 or group is None:
        return False
    behind = [task.task_id for task in group.iter_tasks() if not task.is_setup]
    try:
        states = own.get_task_states(dag_id=own.dag_id, task_ids=behind, map_index=index, run_ids=[own.run_id]).get(
            own.run_id, {}
        )
    except Exception as error:  # noqa: BLE001 - a claim too many costs a clean-up, a claim too few the training
        log.info("Airflow cannot tell what is behind this claim: %s", error)
        return False
    return bool(states) and all(state in _OVER for state in states.values())


def put_before(task: BaseOperator | MappedOperator, check: Check) -> None:
    """Have `check` run before the task's own `pre_execute`, if it has one."""
    if isinstance(task, BaseOperator):
        task._pre_execute_hook = _both(check, task._pre_execute_hook)
    else:
        task.partial_kwargs["pre_execute"] = _both(check, task.partial_kwargs.get("pre_execute"))


def _both(check: Check, own: Check | None) -> Check:
    def both(context: Context) -> None:
        check(context)
        if own is not None:
            own(context)

    return both


def _goes_on(context: Context) -> bool:
    server = getattr(context["ti"], "_ti_context_from_server", None)
    return bool(server and server.next_method)


def _manifest(said: dict[str, Any], owner: str) -> Manifest | None:
    chain = arguments.texts(said["impersonation_chain"], "impersonation_chain") or None
    hook = dns_hook(said["gcp_conn_id"], chain)
    editor = hook.zone_editor(arguments.text(said["project_id"]) or hook.project_id, said["zone"])
    return editor.reader.manifest(owner)[1]


def _missing(manifest: Manifest | None, handoff: dict[str, Any], holder: Holder) -> str:
    """Why the names cannot be relied on; empty where they can."""
    if manifest is None or manifest.idle:
        return "they were released"
    if not holds(manifest, holder):
        return f"run {overtaken_by(manifest, holder)} holds them now"
    if manifest.pending:
        return f"{len(manifest.pending):,} of them are claimed and not written"
    names = {name for name, kind in manifest.names if kind in ("A", "AAAA")}
    if not handoff.get("count"):
        return ""
    job = read(handoff)
    wanted = [f"{job.name_of(role, rank)}." for role, count in job.roles.items() for rank in range(count)]
    gone = [name for name in wanted if name not in names]
    return f"{len(gone):,} of {len(wanted):,} are gone, first {gone[0]}" if gone else ""
