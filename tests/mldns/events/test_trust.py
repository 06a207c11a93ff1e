"""Which events may say what a job's records are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mldns.events.trust import TaskEvent, is_trusted, trusted_records, unattested
from mldns.events.written_records import WrittenRecords, pack
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.manifest import Manifest, masked
from mldns.records.names import Key
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
REVERSE = "10.in-addr.arpa."
HOME = "airflow.example.com"
WORKER = RRset(f"worker-0.bert.{ZONE}", "A", 30, ("10.0.0.7",))
SERVICE = RRset(f"service.{ZONE}", "A", 30, ("10.0.0.9",))


def dag_of(claimant: str) -> str | None:
    home, _, dag = claimant.rpartition("/")
    return dag if home == HOME else None


def event(
    dag: str | None = "train",
    run: str | None = "run-1",
    task: str | None = "upsert",
    *,
    rrsets: tuple[RRset, ...] = (WORKER,),
    **fields: Any,
) -> TaskEvent:
    said: dict[str, Any] = {"job": "bert", "claimant": f"{HOME}/train", "lease": "run-1", "generation": 3, **fields}
    packed = pack(DesiredRecords("bert", ZONE, 30, records=rrsets))
    extra = WrittenRecords(**said, rrsets=rrsets, packed=packed).to_event(project="p", zone="ml", now=0)
    return TaskEvent(extra, dag, run, task)


def trusted(one: TaskEvent) -> bool:
    return is_trusted(one, checker="mldns_reconcile", dag_of=dag_of)


@pytest.mark.parametrize(
    ("emitted", "expected"),
    [
        (event(), True),
        (event(dag="other_events"), False),  # another DAG about this job
        (event(run="run-2"), False),  # the claimant's DAG, another run
        (event(claimant="elsewhere.example.com/train"), False),  # another deployment's DAG of the same name
        (event(dag="mldns_pretraining", run="triggered-7"), True),  # called by the claimant's DAG
        (event(dag="mldns_pretraining", claimant="", lease="", job="shared"), True),
        (event(dag="mldns_reconcile", run="scheduled-9"), True),
        (event(claimant="", lease="", job="shared"), False),
        (event(run="", lease=""), False),
        (event(dag=None, run=None, task=None), False),  # posted over the API
        (event(dag="mldns_pretraining", task=None), False),
    ],
)
def test_who_is_trusted(emitted: TaskEvent, expected: bool) -> None:
    assert trusted(emitted) is expected


def manifest(*keys: Key, **fields: Any) -> Manifest:
    given = {"claimant": f"{HOME}/train", "lease": "run-1", "generation": 3, "names": frozenset(keys), **fields}
    return Manifest("bert", **given)


def found(pages: list[list[TaskEvent]], of: Manifest, enough_pages: int = 2) -> tuple[list[WrittenRecords], int]:
    """What is found of one manifest, and how many pages are read."""
    read = 0

    def turning() -> Iterator[list[TaskEvent]]:
        nonlocal read
        for page in pages:
            read += 1
            yield page

    written = trusted_records(turning(), [of], trusts=trusted, dns_name=ZONE, enough_pages=enough_pages)
    return written, read


def test_a_public_zones_digests_come_in_clear() -> None:
    hidden = manifest(WORKER.key, claimant=masked(f"{HOME}/train"), lease=masked("run-1"))
    ((written,), _) = found([[event()]], hidden)
    assert (written.claimant, written.lease, written.rrsets) == (f"{HOME}/train", "run-1", (WORKER,))


NOISE = [event(job="other"), event(dag="other_events")]


@pytest.mark.parametrize(
    ("pages", "claimed", "generations", "read"),
    [
        ([[event(), event(generation=2)], NOISE], [WORKER], [3, 2], 1),  # an older one: nothing newer follows
        ([[event(), event()], NOISE, NOISE], [WORKER], [3, 3], 2),  # all of one generation count, within reason
        ([NOISE, NOISE, NOISE, [event()], NOISE], [WORKER], [3], 4),  # other jobs' events do not push it out
        ([[event(generation=2)], NOISE, [event(generation=1, rrsets=(SERVICE,))], NOISE], [SERVICE], [2, 1], 3),
        ([NOISE] * 5, [WORKER], [], 5),
    ],
)
def test_how_far_back_is_read(
    pages: list[list[TaskEvent]], claimed: list[RRset], generations: list[int], read: int
) -> None:
    written, turned = found(pages, manifest(*(rrset.key for rrset in claimed)))
    assert ([one.generation for one in written], turned) == (generations, read)


WRITTEN = [WrittenRecords("bert", f"{HOME}/train", "run-1", 1, (WORKER, SERVICE))]
APEX = (ZONE, "TXT")
POINTER = RRset(f"7.0.0.{REVERSE}", "PTR", 30, (WORKER.name,))


@pytest.mark.parametrize(
    ("keys", "written", "zone", "unproven"),
    [
        ([WORKER.key], [], ZONE, []),
        ([WORKER.key, SERVICE.key], [], ZONE, [SERVICE.key]),
        ([WORKER.key, SERVICE.key], WRITTEN, ZONE, []),  # of whatever generation
        ([SERVICE.key], [WrittenRecords("bert", f"{HOME}/train", "run-2", 1, (SERVICE,))], ZONE, [SERVICE.key]),
        ([SERVICE.key], [WrittenRecords("evil", f"{HOME}/train", "run-1", 1, (SERVICE,))], ZONE, [SERVICE.key]),
        ([(f"bert.{ZONE}", "A")], [], ZONE, [(f"bert.{ZONE}", "A")]),
        ([(f"x.notbert.{ZONE}", "A")], [], ZONE, [(f"x.notbert.{ZONE}", "A")]),
        ([(f"sub.bert.{ZONE}", "NS")], [], ZONE, [(f"sub.bert.{ZONE}", "NS")]),  # no type that mldns writes
        ([APEX], [WrittenRecords("bert", f"{HOME}/train", "run-1", 3, (RRset(*APEX, 30, ('"x"',)),))], ZONE, [APEX]),
        ([POINTER.key], [], REVERSE, [POINTER.key]),
        ([POINTER.key], [WrittenRecords("bert", f"{HOME}/train", "run-1", 3, (POINTER,))], REVERSE, []),
    ],
)
def test_what_a_manifest_does_not_prove(
    keys: list[Key], written: list[WrittenRecords], zone: str, unproven: list[Key]
) -> None:
    assert unattested(manifest(*keys), written, zone) == set(unproven)


def test_a_job_named_like_a_number_owns_no_addresses() -> None:
    claim = Manifest("0", claimant="x", lease="y", names=frozenset({POINTER.key}))
    assert unattested(claim, [], "0.10.in-addr.arpa.") == {POINTER.key}
