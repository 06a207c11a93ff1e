"""Which asset events may say what a job's records are, and what a manifest alone proves. Pure.

emitted by a task of         of run            about records claimed by    is trusted
DAG `train`                  the lease         DEPLOYMENT/train            yes: a job's author may say what is the job's
DAG `train`                  another one       DEPLOYMENT/train            no
`mldns_pretraining`          any               any claimant, or none       yes: it wrote them under that very claim
the DAG that checks          any               any claimant, or none       yes: it repeats what was trusted before
any other DAG                any               any                         no: it would choose another job's addresses
none, posted over the API    any               any                         no
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mldns.events.written_records import WrittenRecords, of_lease, parse
from mldns.ownership.leases import PREPARING_DAG
from mldns.ownership.manifest import Manifest, matches
from mldns.records.addresses import is_reverse
from mldns.records.names import Key
from mldns.records.rrset import WRITABLE_TYPES

DagOf = Callable[[str], str | None]
"""The DAG of this Airflow that a claimant names, or None."""


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """An asset event with the task instance that Airflow says it is of; None where somebody posted it."""

    extra: Mapping[str, Any]
    dag_id: str | None
    run_id: str | None
    task_id: str | None


def is_trusted(event: TaskEvent, *, checker: str, dag_of: DagOf) -> bool:
    """Return whether the event's task may say what the records of its job are.

    :param event: with the task instance that Airflow says it is of.
    :param checker: the DAG that checks zones, and emits what it has repaired.
    :param dag_of: the DAG of this Airflow that a claimant names.
    """
    if not (event.task_id and event.dag_id):
        return False
    if event.dag_id in (PREPARING_DAG, checker):
        return True
    claimant, lease = str(event.extra.get("claimant") or ""), event.extra.get("lease")
    return event.dag_id == dag_of(claimant) and bool(lease) and event.run_id == lease


def trusted_records(
    pages: Iterable[Collection[TaskEvent]],
    manifests: Iterable[Manifest],
    *,
    trusts: Callable[[TaskEvent], bool],
    dns_name: str,
    enough_pages: int,
) -> list[WrittenRecords]:
    """Return what trusted tasks wrote under the leases that hold these manifests' names, newest first.

    All of a manifest's own generation, for these count together; and older ones until each name that a release must not
    take from the manifest alone (`unattested`) was found, or one event was found where there is no such name.

    :param pages: events, newest first; no more than needed are asked for.
    :param manifests: of the zone.
    :param trusts: `is_trusted`, with its other arguments given.
    :param dns_name: what the zone serves.
    :param enough_pages: how many are read for events of the same generation; behind these, only for manifests of which
        nothing, or not all that must be, was found.
    """
    searches = {manifest.owner: _Search(manifest, _unproven(manifest, dns_name)) for manifest in manifests}
    open_searches = dict(searches)
    for number, page in enumerate(pages, 1):
        for event in page:
            search = open_searches.get(str(event.extra.get("job")))
            if search is None or not search.is_about(event.extra) or not trusts(event):
                continue
            search.take(event.extra)
            if search.older and not search.unproven:
                del open_searches[search.manifest.owner]
        late = number >= enough_pages
        if not open_searches or (late and all(one.found and not one.unproven for one in open_searches.values())):
            break
    return [written for search in searches.values() for written in search.found]


@dataclass(slots=True)
class _Search:
    """What is found of one manifest's lease, and which names no event has attested yet."""

    manifest: Manifest
    unproven: set[Key]
    found: list[WrittenRecords] = field(default_factory=list)
    older: bool = False  # one of an older generation was found: none of the manifest's own can follow

    def is_about(self, extra: Mapping[str, Any]) -> bool:
        return matches(self.manifest.claimant, str(extra.get("claimant") or "")) and matches(
            self.manifest.lease, str(extra.get("lease") or "")
        )

    def take(self, extra: Mapping[str, Any]) -> None:
        self.older = self.older or extra.get("generation") != self.manifest.generation
        written = parse(extra)
        if written is not None:
            self.found.append(written)
            self.unproven -= {rrset.key for rrset in written.rrsets}


def unattested(manifest: Manifest, written: Iterable[WrittenRecords], dns_name: str) -> frozenset[Key]:
    """Return the names that only the manifest says are the job's, so that nobody but the job itself may remove them.

    Whoever can write a TXT record can write a manifest. It is trusted about what mldns writes below the job's own name;
    about other names, and addresses' names, where a trusted task wrote them; about the apex never.

    :param written: what trusted tasks said they wrote, of any lease; those of the manifest's own count.
    :param dns_name: what the zone serves.
    """
    attested = {rrset.key for one in of_lease(manifest, written) for rrset in one.rrsets}
    never = {(name, kind) for name, kind in manifest.names if name == dns_name or kind not in WRITABLE_TYPES}
    return frozenset(never | (_unproven(manifest, dns_name) - attested))


def _unproven(manifest: Manifest, dns_name: str) -> set[Key]:
    """What a manifest does not prove; in a reverse zone nothing is proven, for a job has no name of its own there."""
    own = f".{manifest.owner}.{dns_name}"
    reverse = is_reverse(dns_name)
    return {key for key in manifest.names if reverse or not key[0].endswith(own)}
