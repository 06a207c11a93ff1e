"""Under whose name a task claims, and whether the run that holds a claim is still at work.

By default the claimant is this deployment and DAG, and the lease is the run: two runs never release each other's names.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from airflow.sdk import conf

from mldns.exceptions import ClaimRefused
from mldns.ownership.claims import LeaseEnd
from mldns.records.names import SHARED_OWNER

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

Result = TypeVar("Result")

DEFAULT_LEASE_HOURS = 24.0
"""A second run must not take the names from a training at work, and a run that crashed must not keep them for ever."""

_ENDED = ("success", "failed")

_LEASES_ASKED_ABOUT = 5
"""While the names go from run to run: whoever is refused that often is not the next one."""


def deployment() -> str:
    """What tells this Airflow from others that write to the same zone: `[api] base_url` without its scheme."""
    url = urlsplit(conf.get("api", "base_url", fallback="") or "")
    return f"{url.netloc}{url.path}".rstrip("/") or "airflow"


def claimant_and_lease(context: Context, *, owner: str, claimant: str, lease: str) -> tuple[str, str]:
    """Fill in what was not given; the shared records of a zone belong to no run."""
    if owner == SHARED_OWNER:
        return "", ""
    run = context["run_id"]
    return claimant or f"{deployment()}/{context['dag'].dag_id}", lease or run


def hold(context: Context, call: Callable[[LeaseEnd | bool], Result]) -> Result:
    """Return what `call(lease_ended)` does, with what this Airflow knows of the run that holds the names now.

    First as if that run were at work, which is refused whenever there is another one; then it is asked about. So a
    training that outlasts its lease keeps its names as long as its run goes on. The answer is good for that run's lease
    alone: when another run has the names by then, that one is asked about, too.

    :raises ClaimRefused: another claimant has them, or a run that is not over.
    """
    told: LeaseEnd | bool = False
    for _ in range(_LEASES_ASKED_ABOUT):
        try:
            return call(told)
        except ClaimRefused as refused:
            if not refused.same_claimant or (isinstance(told, LeaseEnd) and told.lease == refused.lease):
                raise
            told = LeaseEnd(refused.lease, _holder_ended(refused, context))
            if told.ended is False:
                raise
            if told.ended:
                log.info("The run %s of %s is over: taking over its names", refused.lease, refused.claimant)
    return call(told)


def _holder_ended(refused: ClaimRefused, context: Context) -> bool | None:
    """Whether the run behind a lease is over; None where this Airflow cannot tell, so that the lease's end decides.

    That is so for the runs of another deployment, for a lease that is no run, and in a public zone, whose manifests
    hold digests, which name no run.
    """
    state = state_of_run(context, refused.claimant, refused.lease)
    return None if state is None else state in _ENDED


def dag_of(claimant: str) -> str | None:
    """The DAG of this Airflow that a claimant names; None for another deployment's, a digest, or any other text."""
    home, _, dag_id = claimant.rpartition("/")
    return dag_id if dag_id and home == deployment() else None


def state_of_run(context: Context, claimant: str, lease: str) -> str | None:
    """The state of the run behind a lease, as Airflow spells it; None where this Airflow cannot tell."""
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
