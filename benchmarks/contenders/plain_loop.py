"""What one writes first over google-cloud-dns: list the zone, send a change for each record that is not as wanted."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.contenders import Operation
from benchmarks.job import Job, Record

_POLL_SECONDS = 0.1


def stage(job: Job) -> None:
    """Nothing to configure."""


def prepare(job: Job) -> Operation:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.dns import Client

    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    client = Client(project=job.project, credentials=credentials, client_options={"api_endpoint": job.api})
    zone = client.zone(job.zone, job.dns_name)
    return lambda: _bring(zone, job.wanted)


def _bring(zone: Any, wanted: list[Record]) -> None:
    found = {rrset.name: rrset for rrset in zone.list_resource_record_sets() if rrset.record_type == "A"}
    last = None
    for record in wanted:
        before = found.pop(record["name"], None)
        if before is None or (before.ttl, before.rrdatas) != (record["ttl"], record["rrdatas"]):
            after = zone.resource_record_set(record["name"], record["type"], record["ttl"], record["rrdatas"])
            last = _change(zone, before, after)
    for before in found.values():
        last = _change(zone, before, None)
    while last is not None and last.status != "done":
        time.sleep(_POLL_SECONDS)
        last.reload()


def _change(zone: Any, before: Any, after: Any) -> Any:
    changes = zone.changes()
    if before is not None:
        changes.delete_record_set(before)
    if after is not None:
        changes.add_record_set(after)
    changes.create()
    return changes
