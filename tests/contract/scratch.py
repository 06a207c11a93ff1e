"""Throw-away zones: unique names, known before they are asked for, gone afterwards whatever happens in between."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from tests.contract.interrupts import uninterrupted
from tests.contract.wire import Reply, Wire

PREFIX = "mldns-verify-"
LABELS = {"created-by": "mldns-verify"}
_DELETIONS_AT_ONCE = 500
_APEX_TYPES = ("NS", "SOA")

Record = dict[str, Any]


def rrset(name: str, type_: str, ttl: object, *rrdatas: str) -> Record:
    """A record set as the API takes it."""
    return {"name": name, "type": type_, "ttl": ttl, "rrdatas": list(rrdatas)}


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that may be written to. Names made with `at` are under `origin`, a test's own corner of it."""

    wire: Wire
    body: Mapping[str, Any]
    origin: str

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def dns_name(self) -> str:
        return str(self.body["dnsName"])

    @property
    def path(self) -> str:
        return f"managedZones/{self.name}"

    def at(self, label: str = "") -> str:
        """An absolute name: `label` under the test's corner, or the corner itself."""
        return f"{label}.{self.origin}" if label else self.origin

    def corner(self) -> Zone:
        """The same zone with an origin of its own, so that tests sharing a zone do not meet."""
        return replace(self, origin=f"t{secrets.token_hex(4)}.{self.dns_name}")

    def change(self, *, add: Sequence[Record] = (), delete: Sequence[Record] = ()) -> Reply:
        """POST one change."""
        return self.wire.post(f"{self.path}/changes", {"additions": list(add), "deletions": list(delete)})

    def add(self, *records: Record) -> dict[str, Any]:
        """One change that must succeed; its body."""
        return self.change(add=records).ok()

    def wait_done(self, change_id: str, patience: float) -> float:
        """Poll a change until it is done; the seconds that took. AssertionError after `patience` seconds."""
        began = time.monotonic()
        while self.wire.get(f"{self.path}/changes/{change_id}").ok()["status"] != "done":
            assert time.monotonic() - began < patience, f"change {change_id} still pending after {patience:.0f} s"
            time.sleep(0.1)
        return time.monotonic() - began

    def page(self, **query: object) -> Reply:
        """One page of `rrsets.list`."""
        return self.wire.get(f"{self.path}/rrsets", **query)

    def records(self, **query: object) -> list[Record]:
        """Every page of `rrsets.list`."""
        listed: list[Record] = []
        token: dict[str, object] = {}
        while True:
            body = self.page(**query, **token).ok()
            listed += body["rrsets"]
            if not body.get("nextPageToken"):
                return listed
            token = {"pageToken": body["nextPageToken"]}

    def find(self, name: str, type_: str) -> Record | None:
        """The record set as listed, None when the zone has none."""
        return next(iter(self.records(name=name, type=type_)), None)

    def rrset_path(self, name: str, type_: str) -> str:
        return f"{self.path}/rrsets/{quote(name, safe='')}/{type_}"


class ScratchZones:
    """Makes zones in one project and takes them away again."""

    def __init__(self, wire: Wire, domains: Sequence[str]) -> None:
        self.run = secrets.token_hex(4)
        self._wire = wire
        self._domains = domains
        self._asked_for: list[str] = []

    def request(self, *, domain: str | None = None, visibility: str = "public", **fields: object) -> Reply:
        """POST a zone of a new, unique name and dnsName; `fields` overrides or adds (None leaves a field out)."""
        name = f"{PREFIX}{self.run}-{len(self._asked_for)}"
        body: dict[str, object] = {
            "name": name,
            "dnsName": f"{name}.{domain or self._domains[0]}",
            "description": "throw-away zone of make verify-google in mldns: safe to delete",
            "visibility": visibility,
            "labels": LABELS,
        } | fields
        self._asked_for.append(str(body["name"]))  # before the request: its answer may never arrive
        return self._wire.post("managedZones", {key: value for key, value in body.items() if value is not None})

    def create(self, *, visibility: str = "public", **fields: object) -> Zone:
        """A new zone, public ones under the first domain that the server accepts. AssertionError when none is."""
        refusals = []
        for domain in self._domains if visibility == "public" else self._domains[:1]:
            reply = self.request(domain=domain, visibility=visibility, **fields)
            if reply.status == 200:
                return Zone(self._wire, reply.body, reply.body["dnsName"])
            refusals.append(f"under {domain} {reply}")
        raise AssertionError(f"no zone could be made: {'; '.join(refusals)}")

    def remove(self, name: str) -> str | None:
        """Empty and delete one zone; None when it is gone, or one line that says why it is not."""
        found = self._wire.get(f"managedZones/{name}")
        if found.status == 404:
            return None
        try:
            self._empty(Zone(self._wire, found.ok(), ""))
            deleted = self._wire.delete(f"managedZones/{name}")
            return None if deleted.status in (200, 204, 404) else str(deleted)
        except (OSError, AssertionError) as error:  # requests' exceptions are OSErrors
            return str(error)

    def remove_all(self) -> dict[str, str]:
        """Remove every zone ever asked for; those left behind, each with the reason. Waits out one Ctrl-C."""
        with uninterrupted():
            left = {name: self.remove(name) for name in reversed(self._asked_for)}
        self._asked_for.clear()
        return {name: reason for name, reason in left.items() if reason is not None}

    def _empty(self, zone: Zone) -> None:
        apex = zone.dns_name
        doomed = [r for r in zone.records() if not (r["name"] == apex and r["type"] in _APEX_TYPES)]
        for start in range(0, len(doomed), _DELETIONS_AT_ONCE):
            zone.change(delete=doomed[start : start + _DELETIONS_AT_ONCE]).ok()
