"""Three ways to bring a zone to N address records, over the same API: mldns, a plain loop, and the bare requests."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import google.cloud.dns  # type: ignore[import-untyped]  # noqa: TID253 - measured here, imported by no DAG file
from google.auth.credentials import AnonymousCredentials

from benchmarks.measure import Target

Records = Sequence[dict[str, Any]]
_BATCH = 1000  # additions, or deletions, that one change may hold
_POLL = 0.1  # seconds


class Contender(Protocol):
    """Brings the zone from what it holds to exactly `wanted`, and returns when the last change is `done`."""

    name: str

    def apply(self, wanted: Records) -> None: ...


class Mldns:
    """The hook: claim, plan against the zone, pack into batches, wait for the last one."""

    name = "mldns hook"

    def __init__(self, target: Target) -> None:
        from mldns.hooks.cloud_dns import CloudDNSHook

        self._hook = CloudDNSHook(gcp_conn_id=target.connection)
        self._zone = target.zone

    def apply(self, wanted: Records) -> None:
        if not wanted:
            self._hook.delete_records(zone=self._zone, owner="bench", lease="bench")
            return
        self._hook.upsert_records(
            zone=self._zone, records=wanted, owner="bench", claimant="bench/bench", lease="bench", policy="sync"
        )


class _PlainClient:
    def __init__(self, target: Target) -> None:
        client = google.cloud.dns.Client(
            project=target.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options={"api_endpoint": target.api},
        )
        self._zone = client.zone(target.zone, target.dns_name)

    def _send(self, additions: Iterable[dict[str, Any]], deletions: Iterable[dict[str, Any]]) -> Any:
        changes = self._zone.changes()
        for record in additions:
            changes.add_record_set(self._rrset(record))
        for record in deletions:
            changes.delete_record_set(self._rrset(record))
        changes.create()
        return changes

    def _rrset(self, record: dict[str, Any]) -> Any:
        return self._zone.resource_record_set(record["name"], record["type"], record["ttl"], record["rrdatas"])

    def _wait(self, changes: Any) -> None:
        while changes.status != "done":
            time.sleep(_POLL)
            changes.reload()


class PlainLoop(_PlainClient):
    """What one writes first: list the zone, and send a change for each record that is not as wanted."""

    name = "google-cloud-dns, a change a record"

    def apply(self, wanted: Records) -> None:
        found = {
            rrset.name: {"name": rrset.name, "type": rrset.record_type, "ttl": rrset.ttl, "rrdatas": rrset.rrdatas}
            for rrset in self._zone.list_resource_record_sets()
            if rrset.record_type == "A"
        }
        last = None
        for record in wanted:
            before = found.pop(record["name"], None)
            if before != record:
                last = self._send([record], [before] if before else [])
        for record in found.values():
            last = self._send([], [record])
        if last is not None:
            self._wait(last)


class BareRequests(_PlainClient):
    """The ceiling: it is told what the zone holds, reads nothing, claims nothing, and sends full changes."""

    name = "bare requests (ceiling)"

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._held: Records = ()

    def apply(self, wanted: Records) -> None:
        last = None
        if wanted != self._held:
            for start in range(0, max(len(wanted), len(self._held)), _BATCH):
                last = self._send(wanted[start : start + _BATCH], self._held[start : start + _BATCH])
        self._held = wanted
        if last is not None:
            self._wait(last)


CONTENDERS = (Mldns, PlainLoop, BareRequests)
