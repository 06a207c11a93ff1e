"""Google Cloud DNS as a `DnsProvider`: the client's JSON becomes mldns's values here, and mldns's values its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from mldns.exceptions import ZoneNotEmpty
from mldns.plan.batches import Change, Limits
from mldns.providers.base import OUR_LABEL, ChangeRef, ChangeStatus, Zone, ZoneSpec
from mldns.providers.errors import ApiRefused
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.zones import network_urls
from mldns.providers.retry import RetryPolicy
from mldns.records.rrset import RRset, from_api, normalised

DEFAULT_DESCRIPTION = "Names of training jobs, managed by mldns"

_RECORD_FIELDS = "name,type,ttl,rrdatas,routingPolicy"
"""What planning needs of an rrset: a page of a thousand is a third smaller without the rest."""

_LOOKED_UP = 100  # changes: far more than other writers can have got in since ours was sent
_LOOKUP_PAGE = 10  # a change may hold 1,000 rrsets, and ours is mostly the newest one
_NOT_EMPTY = "containerNotEmpty"


@dataclass(frozen=True, slots=True)
class CloudDNSProvider:
    """The zones of one project through its client."""

    client: DNSClient
    documented: Limits = field(default_factory=Limits)

    @property
    def project(self) -> str:
        """The project id."""
        return str(self.client.project)

    @property
    def retry(self) -> RetryPolicy:
        """The client's."""
        return self.client.retrying

    def find_zone(self, name: str) -> Zone | None:
        """The managed zone by name or numeric id."""
        found = self.client.find_zone(name)
        return None if found is None else zone_of(found)

    def list_zones(self, *, dns_name: str | None = None) -> list[Zone]:
        """The project's managed zones."""
        return [zone_of(found) for found in self.client.list_zones(dns_name=dns_name)]

    def create_zone(self, spec: ZoneSpec) -> Zone:
        """Make a managed zone. Cloud DNS wants a description, so there always is one."""
        resource: dict[str, Any] = {
            "name": spec.name,
            "dnsName": spec.dns_name,
            "visibility": spec.visibility,
            "description": spec.description or DEFAULT_DESCRIPTION,
            "labels": {**spec.labels, OUR_LABEL[0]: OUR_LABEL[1]},
        }
        if spec.networks:
            resource["privateVisibilityConfig"] = {"networks": [{"networkUrl": url} for url in spec.networks]}
        return zone_of(self.client.create_zone(resource))

    def delete_zone(self, zone: Zone) -> bool:
        """Delete a managed zone that holds nothing but its apex."""
        try:
            return self.client.delete_zone(zone.name)
        except ApiRefused as refusal:
            if refusal.reason != _NOT_EMPTY:
                raise
            raise ZoneNotEmpty(zone.name) from refusal

    def limits(self, zone: Zone) -> Limits:  # noqa: ARG002 - Google's hold for a project
        """The project's quota; a limit that it leaves out is the documented one."""
        return limits_of(self.client.quota())

    def rrsets(
        self, zone: Zone, *, below: str | None = None, name: str | None = None, type: str | None = None
    ) -> Iterator[RRset]:
        """See `DnsProvider.rrsets`; a server that refuses the filter is asked for all of them."""
        if below is None:
            listed = self.client.list_rrsets(zone.name, name=name, kind=type, fields=_RECORD_FIELDS)
        else:
            listed = self.client.list_rrsets_below(zone.name, below, kind=type, fields=_RECORD_FIELDS)
        return map(from_api, listed)

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        """See `DnsProvider.submit`."""
        return _change_ref(self.client.create_change(zone.name, change))

    def status(self, zone: Zone, change_id: str) -> ChangeStatus:
        """See `DnsProvider.status`: `pending` or `done`."""
        return _change_ref(self.client.get_change(zone.name, change_id)).status

    def find_change(self, zone: Zone, change: Change | None = None) -> ChangeRef | None:
        """See `DnsProvider.find_change`: among the newest changes, however the server spells its rrsets."""
        if change is None:
            newest = self.client.newest_changes(zone.name, page_size=1, whole=False)
            return next((_change_ref(found) for found in newest), None)
        newest = islice(self.client.newest_changes(zone.name, page_size=_LOOKUP_PAGE), _LOOKED_UP)
        return next((_change_ref(found) for found in newest if _is(found, change)), None)


def zone_of(resource: Resource) -> Zone:
    """Read the API's zone; no visibility means public, as it was before private zones came."""
    return Zone(
        name=resource["name"],
        dns_name=str(resource["dnsName"]).lower(),
        visibility=str(resource.get("visibility", "public")).lower(),
        id=str(resource.get("id", "")),
        name_servers=tuple(resource.get("nameServers", ())),
        networks=network_urls(resource),
        labels=resource.get("labels", {}),
        description=str(resource.get("description", "")),
        source=resource,
    )


def limits_of(quota: Mapping[str, Any]) -> Limits:
    """Read `projects.get` → `quota`; a limit that is absent keeps Google's documented default."""
    default = Limits()
    return Limits(
        additions=int(quota.get("rrsetAdditionsPerChange", default.additions)),
        deletions=int(quota.get("rrsetDeletionsPerChange", default.deletions)),
        rrdata_bytes=int(quota.get("totalRrdataSizePerChange", default.rrdata_bytes)),
        rrsets_per_zone=int(quota.get("rrsetsPerManagedZone", default.rrsets_per_zone)),
        rrdatas_per_rrset=int(quota.get("resourceRecordsPerRrset", default.rrdatas_per_rrset)),
    )


def _change_ref(resource: Resource) -> ChangeRef:
    done = resource.get("status") == "done"
    return ChangeRef(resource.get("id"), ChangeStatus.DONE if done else ChangeStatus.PENDING)


def _is(resource: Resource, change: Change) -> bool:
    for side, sent in (("additions", change.additions), ("deletions", change.deletions)):
        listed = resource.get(side, ())
        if len(listed) != len(sent):
            return False
        if {normalised(from_api(item)) for item in listed} != {normalised(rrset) for rrset in sent}:
            return False
    return True
