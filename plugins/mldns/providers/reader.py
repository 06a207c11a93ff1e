"""Reading of a zone what matters to one owner: as few calls as the job needs, however large the zone is."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from mldns.ownership.manifest import Manifest, decode
from mldns.ownership.markers import Markers
from mldns.providers.base import DnsProvider, Zone
from mldns.records.names import Key, in_zone, manifest_name
from mldns.records.rrset import RRset

log = logging.getLogger(__name__)

# Names outside the owner's subtree cost a call each; a whole zone of 10,000 rrsets costs ten.
_READ_BY_NAME = 8


@dataclass(frozen=True, slots=True)
class JobView:
    """What a zone holds at an owner's names.

    :param records: every rrset in the owner's subtree and at the other names asked for or claimed; not the manifest.
    :param before: the owner's manifest as listed, the one that the next change must find unchanged. No record was read
        before it, so that whoever changed one meanwhile has changed the manifest, too.
    :param whole: the whole zone, where it was listed anyway.
    """

    records: tuple[RRset, ...]
    before: RRset | None
    manifest: Manifest | None
    whole: tuple[RRset, ...] | None

    def least_size(self, dns_name: str) -> int:
        """How many rrsets the zone holds; at least that many, where it was not listed whole."""
        if self.whole is not None:
            return len(self.whole)
        apex = {(dns_name, "NS"), (dns_name, "SOA")}
        return len(apex | {rrset.key for rrset in self.records}) + (self.before is not None)


class ZoneReader:
    """Reads one zone. It keeps no records: every view is read anew, because others write, too."""

    def __init__(self, provider: DnsProvider, zone: Zone) -> None:
        self._provider, self._zone = provider, zone

    @property
    def dns_name(self) -> str:
        """What the zone serves."""
        return self._zone.dns_name

    def job(self, owner: str, names: Collection[str]) -> JobView:
        """Return what the zone holds at an owner's names.

        A list of several pages is no snapshot. Another writer of this owner would go unnoticed if its work were missing
        among records that were listed before the manifest, which tells of it: then the manifest is read, and the
        records once more.

        :param owner: the job's label, or `shared`.
        :param names: absolute names to look at, too, beside those that the owner's manifest covers.
        """
        view, torn = self._job(owner, names)
        return self._job(owner, names, self.manifest(owner)[0])[0] if torn else view

    def _job(self, owner: str, names: Collection[str], read: RRset | None = None) -> tuple[JobView, bool]:
        """The view, and whether it may be torn; `read` is the manifest, where it was read before."""
        subtree, key = f"{owner}.{self.dns_name}", (manifest_name(owner, self.dns_name), "TXT")
        found = list(self._provider.rrsets(self._zone, below=subtree))
        before = read or next((rrset for rrset in found if rrset.key == key), None)
        torn = read is None and before is not None and found[0].key != key
        manifest = decode(before, owner=owner, dns_name=self.dns_name)
        outside = {*names, *(name for name, _ in manifest.covered)} if manifest else {*names}
        outside = {name for name in outside if not in_zone(name, subtree)}
        whole: tuple[RRset, ...] | None = None
        if len(outside) > _READ_BY_NAME:
            whole = tuple(self._provider.rrsets(self._zone))
            log.info("zone %s: listed whole, %d rrsets", self._zone.name, len(whole))
            found += [rrset for rrset in whole if rrset.name in outside]
        else:
            found += [rrset for name in sorted(outside) for rrset in self._provider.rrsets(self._zone, name=name)]
        records = tuple(rrset for rrset in found if rrset.key != key)
        return JobView(records, before, manifest, whole), torn

    def manifest(self, owner: str) -> tuple[RRset | None, Manifest | None]:
        """An owner's manifest alone, as listed and as read."""
        name = manifest_name(owner, self.dns_name)
        before = next(self._provider.rrsets(self._zone, name=name, type="TXT"), None)
        return before, decode(before, owner=owner, dns_name=self.dns_name)

    def markers(self, view: JobView) -> Markers:
        """Whose the records of this zone are, as far as TXT records tell; one list."""
        texts = view.whole or self._provider.rrsets(self._zone, below=self.dns_name, type="TXT")
        return Markers(texts, dns_name=self.dns_name)


class Neighbours:
    """Whose the records of a zone are beside an owner's own; read when first asked, since most edits meet nobody."""

    def __init__(self, reader: ZoneReader, view: JobView, owner: str) -> None:
        self._reader, self._view, self._owner = reader, view, owner
        self._subtree = f"{owner}.{reader.dns_name}"

    def owner_of(self, key: Key) -> str | None:
        """Whose the record at `key` is, in words; None where nothing tells."""
        return self._markers.owner_of(key)

    def rival_of(self, key: Key) -> str | None:
        """The other job to which a key outside the owner's subtree belongs; within it the owner comes first.

        A record belongs to the job that wrote it. Where there is none, the name belongs to whoever has claimed it.
        """
        if in_zone(key[0], self._subtree):
            return None
        return self._markers.job_of(key, written=key in self._present, besides=self._owner)

    @cached_property
    def _markers(self) -> Markers:
        return self._reader.markers(self._view)

    @cached_property
    def _present(self) -> frozenset[Key]:
        return frozenset(rrset.key for rrset in self._view.records)
