"""Whether a lease is over, and whether it is to be moved on: what its run tells, and what its end says. Pure.

lease              its run is        the next run takes its names   a check collects them     a check moves its end
no end promised    whatever          at once                        never: nobody said when   no
until 12:00        at work           no, also after 12:00           no, also after 12:00      when half of it is over
until 12:00        ended             at once                        at once: no release ran   no
until 12:00        not to be asked   after 12:00                    after 12:00               no

A run of `mldns_pretraining` ends before its training begins: the next such run takes its names at once, as whoever
starts one by hand again means it; a check, which nobody means anything by, waits for the end of the lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mldns.ownership.manifest import Manifest
from mldns.records.names import SHARED_OWNER

PREPARING_DAG = "mldns_pretraining"
"""Its runs end before the training that they prepare begins, so that their end says nothing of a lease."""

_AT_WORK = ("running", "queued")


class RunState(StrEnum):
    """How far the run that holds a lease is; UNKNOWN where this Airflow cannot tell."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool | None:
        """Whether the run is over; None where this Airflow cannot tell."""
        return None if self is RunState.UNKNOWN else self is not RunState.RUNNING


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds a manifest's names, in clear as far as it is known.

    :param dag_id: of this Airflow, and `run_id` with it; None where the lease is no run of it, or nobody knows.
    """

    claimant: str
    lease: str
    dag_id: str | None = None
    run_id: str | None = None
    state: RunState = RunState.UNKNOWN


class Over(StrEnum):
    """Why a lease is over."""

    ORPHANED = "orphaned"
    """Its run has ended without releasing it."""
    EXPIRED = "expired"
    """Its time is over, and nobody can tell about its run."""


def run_state(text: str | None) -> RunState:
    """Of a run's state as Airflow spells it; None where Airflow could not tell."""
    if text in _AT_WORK:
        return RunState.RUNNING
    return RunState(text) if text in ("success", "failed") else RunState.UNKNOWN


def over(manifest: Manifest, holding: Holding, now: float) -> Over | None:
    """Why a lease is over, or None where it counts. Shared records have no lease.

    :param holding: who has the names, as far as it is known.
    :param now: Unix seconds.
    """
    if manifest.idle or manifest.owner == SHARED_OWNER or manifest.expires is None:
        return None
    if holding.state.ended is False:
        return None
    if holding.state.ended and holding.dag_id != PREPARING_DAG:
        return Over.ORPHANED
    return Over.EXPIRED if manifest.expires <= now else None


def to_renew(manifest: Manifest, holding: Holding, hours: float | None, now: float) -> bool:
    """Return whether a check moves the lease's end on: less than half of it is left, and its run is at work.

    :param holding: who has the names, as far as it is known.
    :param hours: how long the job's own task wants it to last from a renewal on; None: it is not to be renewed.
    :param now: Unix seconds.
    """
    if hours is None or manifest.idle or manifest.expires is None or holding.state.ended is not False:
        return False
    return manifest.expires - now < hours * 3600 / 2
