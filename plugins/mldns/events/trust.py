"""Whose word counts about a job's records: which asset events are believed, and what a manifest alone is. Pure.

told by a task of            of run            about records claimed by    is believed
DAG `train`                  the lease         DEPLOYMENT/train            yes: a job's author may say what is the job's
DAG `train`                  another one       DEPLOYMENT/train            no
`mldns_pretraining`          any               any claimant, or none       yes: it wrote them under that very claim
the DAG that checks          any               any claimant, or none       yes: it says again what was believed before
any other DAG                any               any                         no: it would choose another job's addresses
nobody, posted over the API  any               any                         no
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.events.written_records import Told, of_lease, parse
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


def believed(event: TaskEvent, *, checker: str, dag_of: DagOf) -> bool:
    """Whether the event's task may say what the records of its job are.

    :param checker: the DAG that checks zones, and tells what it has repaired.
    """
    if not (event.task_id and event.dag_id):
        return False
    if event.dag_id in (PREPARING_DAG, checker):
        return True
    claimant, lease = str(event.extra.get("claimant") or ""), event.extra.get("lease")
    return event.dag_id == dag_of(claimant) and bool(lease) and event.run_id == lease


def hear(
    pages: Iterable[Collection[TaskEvent]],
    manifests: Iterable[Manifest],
    *,
    believe: Callable[[TaskEvent], bool],
    dns_name: str,
    enough_pages: int,
) -> list[Told]:
    """What believed tasks told of the leases that hold these manifests' names, newest first.

    All of a manifest's own generation, for these count together; and older ones until each name that a release must not
    take from the manifest alone (`unvouched`) has been told, or one was heard of where there is none.

    :param pages: events, newest first; no more than needed are asked for.
    :param enough_pages: how many are read for events of the same generation; behind these, only for manifests of which
        nothing, or not all that must be, was heard.
    """
    wanted = {manifest.owner: manifest for manifest in manifests}
    found: dict[str, list[Told]] = {owner: [] for owner in wanted}
    open_names = {owner: _doubtful(manifest, dns_name) for owner, manifest in wanted.items()}
    settled: set[str] = set()
    for number, page in enumerate(pages, 1):
        for event in page:
            manifest = wanted.get(str(event.extra.get("job")))
            if manifest is None or not _of(manifest, event.extra) or not believe(event):
                continue
            owner = manifest.owner
            # An older one cannot count after a newer one.
            if event.extra.get("generation") != manifest.generation:
                settled.add(owner)
            told = parse(event.extra)
            if told is not None:
                found[owner].append(told)
                open_names[owner] -= {rrset.key for rrset in told.rrsets}
            if owner in settled and not open_names[owner]:
                del wanted[owner]
        late = number >= enough_pages
        if not wanted or (late and all(found[owner] and not open_names[owner] for owner in wanted)):
            break
    return [told for one in found.values() for told in one]


def unvouched(manifest: Manifest, told: Iterable[Told], dns_name: str) -> frozenset[Key]:
    """The names that only the manifest says are the job's, so that nobody but the job itself may remove them.

    Whoever can write a TXT record can write a manifest. It is believed about what mldns writes below the job's own
    name; about other names, and addresses' names, where a believed task told of them; about the apex never.
    """
    vouched = {rrset.key for one in of_lease(manifest, told) for rrset in one.rrsets}
    never = {(name, kind) for name, kind in manifest.names if name == dns_name or kind not in WRITABLE_TYPES}
    return frozenset(never | (_doubtful(manifest, dns_name) - vouched))


def _doubtful(manifest: Manifest, dns_name: str) -> set[Key]:
    """What takes a task's word; in a reverse zone all, for a job has no name of its own there."""
    own = f".{manifest.owner}.{dns_name}"
    reverse = is_reverse(dns_name)
    return {key for key in manifest.names if reverse or not key[0].endswith(own)}


def _of(manifest: Manifest, extra: Mapping[str, Any]) -> bool:
    return matches(manifest.claimant, str(extra.get("claimant") or "")) and matches(
        manifest.lease, str(extra.get("lease") or "")
    )
