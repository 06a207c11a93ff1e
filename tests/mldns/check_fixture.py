"""A job in a real zone, with its hand-off: what `python -m mldns` is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.manifest import Manifest
from tests.cloud_fixture import Cloud

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
WORKERS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


class Job:
    """A job in a zone of localcloud, written through its API, and its hand-off."""

    def __init__(
        self,
        cloud: Cloud,
        workers: Any,
        *,
        ttl: int = 30,
        port: int | None = None,
        visibility: str = "private",
        lease: str = "",
    ) -> None:
        desired = DesiredRecords.parse(
            owner="bert", dns_name="ml.test.", ttl=ttl, workers=workers, port=port, allow_addresses=["127.0.0.0/8"]
        )
        self.records = {rrset.name: list(rrset.rrdatas) for rrset in desired.rrsets if rrset.type == "A"}
        self.value = hand_off(desired, zone="ml", visibility=visibility, resolvers=cloud.resolvers, lease=lease)
        self._ttl = ttl
        self._cloud = cloud
        cloud.make_zone(dns_name="ml.test.", visibility=visibility)

    def write(self, changes: Mapping[str, list[str] | None] | None = None) -> None:
        """Write all records, changed as said; None withholds one."""
        wanted = self.records | {f"{name}.bert.ml.test.": data for name, data in (changes or {}).items()}
        self.add({name: data for name, data in wanted.items() if data is not None})

    def add(self, records: Mapping[str, list[str]]) -> None:
        self._done(self._cloud.write(*self._rrsets(records)))

    def hold(self, lease: str) -> None:
        """Let a run hold the names, by the manifest in the zone."""
        rrset = Manifest(owner="bert", claimant="here/train", lease=lease).to_rrset("ml.test.")
        text = {"name": rrset.name, "type": "TXT", "ttl": self._ttl, "rrdatas": list(rrset.rrdatas)}
        self._done(self._cloud.write(text))

    def replace(self, name: str, before: list[str], after: list[str]) -> None:
        full = f"{name}.bert.ml.test."
        self._done(self._cloud.write(*self._rrsets({full: after}), delete=self._rrsets({full: before})))

    def _rrsets(self, records: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        return [{"name": name, "type": "A", "ttl": self._ttl, "rrdatas": data} for name, data in records.items()]

    def _done(self, change: str) -> None:
        """Wait for the change: from then on it is served, too."""
        while self._cloud.call("GET", f"ml/changes/{change}")["status"] != "done":
            pass
