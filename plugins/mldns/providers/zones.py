"""Zones, whatever the cloud: made if absent, compared if there, and deleted if they are ours and empty."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from mldns.exceptions import PermissionMissing, ZoneMismatch, ZoneNotFound, ZoneNotOurs
from mldns.providers.base import DnsProvider, Zone, ZoneSpec
from mldns.providers.errors import AlreadyExists

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EnsuredZone:
    """A zone that is there.

    :param created: whether this call made it.
    :param drift: what differs, `{"field", "wanted", "found"}` each.
    """

    zone: Zone
    created: bool
    drift: tuple[dict[str, Any], ...]


def ensure_zone(provider: DnsProvider, wanted: ZoneSpec) -> EnsuredZone:
    """Make the zone if there is none, and compare it with what is wanted.

    What differs is not repaired: a zone may be somebody's on purpose. The last entry of `drift` tells of another zone
    of the same dnsName, as resolvers see one of the two only.

    :raises ZoneMismatch: a zone of that name serves another dnsName or has another visibility.
    """
    found = provider.find_zone(wanted.name)
    created = False
    if found is None:
        try:
            found = provider.create_zone(wanted)
            created = True
            log.info("zone %s created: %s %s", wanted.name, wanted.visibility, wanted.dns_name)
        except AlreadyExists:
            found = get_zone(provider, wanted.name)
    drift = (*compare_zone(wanted, found), *_rivals(provider, found))
    for item in drift:
        log.warning("zone %s: %s is %r, asked for was %r", wanted.name, item["field"], item["found"], item["wanted"])
    return EnsuredZone(found, created, drift)


def get_zone(provider: DnsProvider, name: str) -> Zone:
    """The zone of that name or id; raises `ZoneNotFound`."""
    found = provider.find_zone(name)
    if found is None:
        raise ZoneNotFound(name, provider.project)
    return found


def delete_zone(provider: DnsProvider, name: str) -> bool:
    """Delete a zone that mldns made; False where there is none any more.

    :raises ZoneNotOurs: it has no label managed-by=mldns.
    :raises ZoneNotEmpty: it holds records beside its own NS and SOA.
    """
    found = provider.find_zone(name)
    if found is None:
        return False
    if not found.managed:
        raise ZoneNotOurs(name)
    return provider.delete_zone(found)


def compare_zone(wanted: ZoneSpec, found: Zone) -> list[dict[str, Any]]:
    """What differs, as in `EnsuredZone`; raises `ZoneMismatch` for what cannot be changed."""
    for field, asked, there in (
        ("dnsName", wanted.dns_name, found.dns_name),
        ("visibility", wanted.visibility, found.visibility),
    ):
        if asked != there:
            raise ZoneMismatch(zone=wanted.name, field=field, wanted=asked, found=there)
    drift: list[dict[str, Any]] = []
    if sorted(wanted.networks) != sorted(found.networks):
        drift.append({"field": "networks", "wanted": sorted(wanted.networks), "found": sorted(found.networks)})
    for key, value in wanted.labels.items():
        if found.labels.get(key) != value:
            drift.append({"field": f"labels.{key}", "wanted": value, "found": found.labels.get(key)})
    if wanted.description and wanted.description != found.description:
        drift.append({"field": "description", "wanted": wanted.description, "found": found.description})
    return drift


def _rivals(provider: DnsProvider, zone: Zone) -> list[dict[str, Any]]:
    """Other zones of the project for the same names and the same askers."""
    try:
        same_names = provider.list_zones(dns_name=zone.dns_name)
    except PermissionMissing as missing:
        log.info("zone %s: not compared with the project's other zones: %s", zone.name, missing)
        return []
    return [
        {"field": "dnsName", "wanted": f"{zone.dns_name} in this zone alone", "found": f"also in zone {other.name}"}
        for other in same_names
        if (other.id or other.name) != (zone.id or zone.name)
        and other.visibility == zone.visibility
        and (zone.public or set(zone.networks) & set(other.networks))
    ]
