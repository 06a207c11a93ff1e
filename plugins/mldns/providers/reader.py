"""Reading of a zone what matters to one owner: as few calls as the job needs, however large the zone is."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from mldns.ownership.manifest import Manifest, decode
from mldns.ownership.markers import Markers
from mldns.providers.gcp.client import RECORD_FIELDS, DNSClient, Resource
from mldns.records.names import Key, in_zone, manifest_name
from mldns.records.rrset import RRset, from_api

log = logging.getLogger(__name__)

# Names outside the owner's subtree cost a call each; a whole zone of 10,000 rrsets costs ten.
_READ_BY_NAME = 8

# Rrsets that any server surely sends on one page, when asked for 1,000.
_ONE_PAGE = 50


@dataclass(frozen=True, slots=True)
class ZoneFacts:
    """What of a zone never changes."""

    name: str
    dns_name: str
    public: bool

    @classmethod
    def of(cls, resource: Resource) -> ZoneFacts:
        """Read from the API's zone; no visibility means public, as it was before private zones came."""
        visibility = resource.get("visibility", "public")
        return cls(resource["name"], str(resource["dnsName"]).lower(), str(visibility).lower() == "public")


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

    def __init__(self, client: DNSClient, facts: ZoneFacts) -> None:
        self._client, self._facts = client, facts

    @property
    def dns_name(self) -> str:
        """What the zone serves."""
        return self._facts.dns_name

    def job(self, owner: str, names: Collection[str]) -> JobView:
        """The view of an owner who wants `names`, beside those that its manifest covers."""
        view, torn = self._job(owner, names)
        return self._job(owner, names, self.manifest(owner)[0])[0] if torn else view

    def _job(self, owner: str, names: Collection[str], read: RRset | None = None) -> tuple[JobView, bool]:
        """The view, and whether it may be torn; `read` is the manifest, where it was read before.

        A list of several pages is no snapshot. Another writer of this owner would go unnoticed if its work were missing
        among records that were listed before the manifest, which tells of it.
        """
        subtree, key = f"{owner}.{self.dns_name}", (manifest_name(owner, self.dns_name), "TXT")
        below = self._client.list_rrsets_below(self._facts.name, subtree, fields=RECORD_FIELDS)
        whole = self._everything() if below is None else None
        listed = _parsed(below) if below is not None else whole or ()
        before = read or next((rrset for rrset in listed if rrset.key == key), None)
        manifest = decode(before, owner=owner, dns_name=self.dns_name)
        outside = {*names, *(name for name, _ in manifest.covered)} if manifest else {*names}
        outside = {name for name in outside if not in_zone(name, subtree)}
        found = [rrset for rrset in listed if rrset.name in outside or in_zone(rrset.name, subtree)]
        torn = read is None and before is not None and found[0].key != key and len(listed) > _ONE_PAGE
        if whole is None and len(outside) > _READ_BY_NAME:
            whole = self._everything()
            found += [rrset for rrset in whole if rrset.name in outside]
        elif whole is None:
            found += [rrset for name in sorted(outside) for rrset in self._at(name)]
        records = tuple(rrset for rrset in found if rrset.key != key)
        return JobView(records, before, manifest, whole), torn

    def manifest(self, owner: str) -> tuple[RRset | None, Manifest | None]:
        """An owner's manifest alone, as listed and as read."""
        name = manifest_name(owner, self.dns_name)
        before = next((rrset for rrset in self._at(name) if rrset.type == "TXT"), None)
        return before, decode(before, owner=owner, dns_name=self.dns_name)

    def markers(self, view: JobView) -> Markers:
        """Whose the records of this zone are, as far as TXT records tell; one list."""
        texts: Iterable[RRset] | None = view.whole
        if texts is None:
            listed = self._client.list_rrsets_below(self._facts.name, self.dns_name, kind="TXT", fields=RECORD_FIELDS)
            texts = self._everything() if listed is None else _parsed(listed)
        return Markers(texts, dns_name=self._facts.dns_name)

    def _at(self, name: str) -> list[RRset]:
        return _parsed(self._client.list_rrsets(self._facts.name, name=name, fields=RECORD_FIELDS))

    def _everything(self) -> tuple[RRset, ...]:
        found = tuple(_parsed(self._client.list_rrsets(self._facts.name, fields=RECORD_FIELDS)))
        log.info("zone %s: listed whole, %d rrsets", self._facts.name, len(found))
        return found


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


def _parsed(resources: Iterable[Resource]) -> list[RRset]:
    return [from_api(resource) for resource in resources]
