"""Under whose name a task claims, and whether the run that holds a claim is still at work.

By default the claimant is this deployment and DAG, and the lease is the run: two runs never release each other's names.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mldns import arguments
from mldns.airflow_versions import conf
from mldns.exceptions import ClaimRefused, InvalidInput
from mldns.ownership.claims import Holder, LeaseEnd
from mldns.ownership.leases import run_state
from mldns.records.names import SHARED_OWNER, slug

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

Result = TypeVar("Result")

_LEASES_ASKED_ABOUT = 5
"""While the names go from run to run: whoever is refused that often is not the next one."""


def deployment() -> str:
    """Return what tells this Airflow from others that write to the same zone: `[api] base_url` without its scheme.

    :raises InvalidInput: it is not set: every Airflow without one would be the same claimant.
    """
    if home := _home():
        return home
    raise InvalidInput(
        "[api] base_url is not set on this worker, so its claims could be any Airflow's; set AIRFLOW__API__BASE_URL "
        "to the address of this Airflow's UI for every component, or say a claimant"
    )


def _home() -> str:
    url = urlsplit(conf.get("api", "base_url", fallback="") or "")
    return f"{url.netloc}{url.path}".rstrip("/")


def holder_of(
    context: Context, job: str, *, claimant: Any, lease: Any, lease_hours: Any = None, adopt: Any = False
) -> Holder:
    """Return who asks for a job's names, what was not given filled in; the shared records of a zone belong to no run.

    :param job: the owner of the names.
    :param claimant: who claims; None or "" for this deployment and DAG.
    :param lease: the run that claims; None or "" for this one.
    :param lease_hours: how long another run of the same claimant is kept off; None promises nothing.
    :param adopt: take over from another claimant; a boolean or its text.
    :raises InvalidInput: one of them is not what it has to be, or this Airflow does not know its own address.
    """
    owner = slug(job)
    adopts = arguments.flag(adopt, "adopt")
    if owner == SHARED_OWNER:
        return Holder.parse(owner=owner, now=time.time(), adopt=adopts)
    return Holder.parse(
        owner=owner,
        claimant=arguments.text(claimant) or f"{deployment()}/{context['dag'].dag_id}",
        lease=arguments.text(lease) or context["run_id"],
        lease_hours=arguments.hours(lease_hours, "lease_hours"),
        now=time.time(),
        adopt=adopts,
    )


def hold(context: Context, holder: Holder, call: Callable[[Holder], Result]) -> Result:
    """Return what `call(holder)` does, with what this Airflow knows of the run that holds the names now.

    First as if that run were at work, which is refused whenever there is another one; then it is asked about. So a
    training that outlasts its lease keeps its names as long as its run goes on. The answer is good for that run's lease
    alone: when another run has the names by then, that one is asked about, too.

    :param context: of the task that asks.
    :param holder: who asks.
    :param call: what asks the hook for it.
    :raises ClaimRefused: another claimant has them, or a run that is not over.
    """
    told: LeaseEnd | bool = False
    for _ in range(_LEASES_ASKED_ABOUT):
        try:
            return call(replace(holder, lease_ended=told))
        except ClaimRefused as refused:
            if isinstance(told, LeaseEnd) and told.lease == refused.lease:
                raise
            # None where this Airflow cannot tell, so that the lease's end decides: for the runs of another deployment,
            # for a lease that is no run, and in a public zone, whose manifests hold digests, which name no run.
            ended = run_state(state_of_run(context, refused.claimant, refused.lease)).ended
            if ended is False:
                raise refused.for_run_at_work() from None
            if not refused.same_claimant:
                raise
            told = LeaseEnd(refused.lease, ended)
            if told.ended:
                log.info("The run %s of %s is over: taking over its names", refused.lease, refused.claimant)
    return call(replace(holder, lease_ended=told))


def dag_of(claimant: str) -> str | None:
    """Return the DAG of this Airflow that a claimant names; None for another deployment's, a digest, any other text."""
    home, _, dag_id = claimant.rpartition("/")
    return dag_id if dag_id and home and home == _home() else None


def state_of_run(context: Context, claimant: str, lease: str) -> str | None:
    """Return the state of the run behind a lease, as Airflow spells it; None where this Airflow cannot tell.

    :param context: of the task that asks.
    :param claimant: `DEPLOYMENT/DAG`.
    :param lease: the run's id.
    """
    dag_id = dag_of(claimant)
    if dag_id is None or not lease:
        log.info("Claimant %s, lease %s: no run that this Airflow can ask about", claimant, lease)
        return None
    try:
        state = context["ti"].get_dagrun_state(dag_id, lease)
    except Exception as error:  # noqa: BLE001 - a lease may be any text, and an unknown run is not a finished one
        log.info("Airflow cannot tell about run %s of DAG %s: %s", lease, dag_id, error)
        return None
    log.info("Run %s of DAG %s, which holds the names, is %s", lease, dag_id, state)
    return str(getattr(state, "value", state))  # dag.test() gives an enumeration, a worker text
