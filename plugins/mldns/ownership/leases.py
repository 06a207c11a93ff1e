"""Whether a lease is over: what its run tells, and what its end says. Pure.

lease              its run is          is over
no end promised    whatever            never: nobody said when
until 12:00        at work             never, also after 12:00: a training may take longer than its lease
until 12:00        ended               yes, at once: its release did not run
until 12:00        not to be asked     after 12:00
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mldns.ownership.manifest import Manifest
from mldns.records.names import SHARED_OWNER

PREPARING_DAG = "mldns_pretraining"
"""Its runs end before the training that they prepare begins, so that their end says nothing of a lease."""

_ENDED = ("success", "failed")
_AT_WORK = ("running", "queued")


class RunState(StrEnum):
    """How far the run that holds a lease is; UNKNOWN where this Airflow cannot tell."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    UNKNOWN = "unknown"


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
    return RunState(text) if text in _ENDED else RunState.UNKNOWN


def over(manifest: Manifest, holding: Holding, now: float) -> Over | None:
    """Why a lease is over, or None where it counts. Shared records have no lease.

    :param holding: who has the names, as far as it is known.
    :param now: Unix seconds.
    """
    if manifest.idle or manifest.owner == SHARED_OWNER or manifest.expires is None:
        return None
    if holding.state is RunState.RUNNING:
        return None
    if holding.state is not RunState.UNKNOWN and holding.dag_id != PREPARING_DAG:
        return Over.ORPHANED
    return Over.EXPIRED if manifest.expires <= now else None
