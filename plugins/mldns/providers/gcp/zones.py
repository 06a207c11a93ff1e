"""Managed zones: what is asked for, made if absent, compared if there, and deleted if it is ours and empty."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mldns.exceptions import InvalidInput, PermissionMissing, ZoneMismatch, ZoneNotEmpty, ZoneNotOurs
from mldns.providers.errors import AlreadyExists, ApiRefused
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.records.names import absolute

log = logging.getLogger(__name__)

OUR_LABEL = ("managed-by", "mldns")
"""Stands on every zone that mldns makes; without it mldns deletes none."""

DEFAULT_DESCRIPTION = "Names of training jobs, managed by mldns"

_NOT_EMPTY = "containerNotEmpty"

ZONE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NETWORK = re.compile(
    r"(?:https://(?:www\.googleapis\.com|compute\.googleapis\.com)/compute/[a-z0-9]+/)?"
    r"projects/(?P<project>[a-z0-9.:-]+)/global/networks/(?P<network>[a-z](?:[-a-z0-9]*[a-z0-9])?)"
)
_NETWORK_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class WantedZone:
    """A zone as asked for, validated; `networks` are full URLs."""

    name: str
    dns_name: str
    visibility: str
    networks: tuple[str, ...]
    labels: Mapping[str, str]
    description: str

    def to_api(self) -> dict[str, Any]:
        """The body of `managedZones.create`. Cloud DNS wants a description, so there always is one."""
        resource: dict[str, Any] = {
            "name": self.name,
            "dnsName": self.dns_name,
            "visibility": self.visibility,
            "description": self.description or DEFAULT_DESCRIPTION,
            "labels": {**self.labels, OUR_LABEL[0]: OUR_LABEL[1]},
        }
        if self.networks:
            resource["privateVisibilityConfig"] = {"networks": [{"networkUrl": url} for url in self.networks]}
        return resource


def parse_zone(
    *,
    zone: str,
    dns_name: str,
    visibility: str,
    networks: Iterable[str],
    labels: Mapping[str, str] | None,
    description: str,
    allow_unbound: bool,
    project_id: str,
) -> WantedZone:
    """What the caller wants, or InvalidInput naming what is wrong with it.

    :param networks: of a private zone: full URLs, `projects/P/global/networks/N`, or a name `N` in `project_id`.
    :param allow_unbound: let a private zone have no network; nobody can query it until one is bound.
    """
    if visibility not in ("public", "private"):
        raise InvalidInput(f"visibility {visibility!r} is neither 'private' nor 'public'")
    if isinstance(networks, str | Mapping) or not isinstance(networks, Iterable):
        raise InvalidInput(f"networks must be a list, not {networks!r}")
    urls = tuple(dict.fromkeys(network_url(network, project_id) for network in networks))
    if visibility == "public" and urls:
        raise InvalidInput(f"zone {zone!r} is public: networks are for private zones")
    if visibility == "private" and not urls and not allow_unbound:
        raise InvalidInput(
            f"private zone {zone!r} has no networks, so nobody could resolve its names: name the workers' VPC networks,"
            " or say allow_unbound=True"
        )
    if not isinstance(description, str) or len(description) > 1024:
        raise InvalidInput(f"description of zone {zone!r} must be text of at most 1,024 characters")
    return WantedZone(
        name=parse_zone_name(zone),
        dns_name=_parse_dns_name(dns_name),
        visibility=visibility,
        networks=urls,
        labels=_parse_labels(labels or {}),
        description=description,
    )


def parse_zone_name(zone: str) -> str:
    """The name of a managed zone: an RFC 1035 label."""
    if not isinstance(zone, str) or not ZONE_NAME.fullmatch(zone):
        raise InvalidInput(
            f"zone name {zone!r} is not 1 to 63 lower-case letters, digits and hyphens that begin with a letter"
        )
    return zone


def _parse_dns_name(dns_name: str) -> str:
    name = absolute(dns_name)
    if name.startswith("*."):
        raise InvalidInput(f"dns_name {name!r} is a wildcard: a zone serves one name and all below it")
    return name


def network_url(network: str, project_id: str) -> str:
    """The URL of a VPC network as Cloud DNS spells it; raises InvalidInput."""
    if isinstance(network, str):
        if _NETWORK_NAME.fullmatch(network):
            network = f"projects/{project_id}/global/networks/{network}"
        if match := _NETWORK.fullmatch(network):
            return (
                f"https://www.googleapis.com/compute/v1/projects/{match['project']}/global/networks/{match['network']}"
            )
    raise InvalidInput(f"network {network!r} is neither a name nor projects/PROJECT/global/networks/NETWORK")


def ensure_zone(client: DNSClient, wanted: WantedZone) -> Resource:
    """The zone as the API gives it, made if there was none, plus `created` and `drift`.

    `drift` lists what differs, `{"field", "wanted", "found"}` each, and is not repaired: a zone may be somebody's on
    purpose. Its last entry tells of another zone of the same dnsName, as resolvers see one of the two only.

    :raises ZoneMismatch: a zone of that name serves another dnsName or has another visibility.
    """
    found = client.find_zone(wanted.name)
    created = False
    if found is None:
        try:
            found = client.create_zone(wanted.to_api())
            created = True
            log.info("zone %s created: %s %s", wanted.name, wanted.visibility, wanted.dns_name)
        except AlreadyExists:
            found = client.get_zone(wanted.name)
    drift = compare_zone(wanted, found) + _rivals(client, found)
    for item in drift:
        log.warning("zone %s: %s is %r, asked for was %r", wanted.name, item["field"], item["found"], item["wanted"])
    return {**found, "created": created, "drift": drift}


def delete_zone(client: DNSClient, zone: str) -> bool:
    """Delete a zone that mldns made; False where there is none any more.

    :raises ZoneNotOurs: it has no label managed-by=mldns.
    :raises ZoneNotEmpty: it holds records beside its own NS and SOA.
    """
    found = client.find_zone(zone)
    if found is None:
        return False
    if not is_ours(found):
        raise ZoneNotOurs(zone)
    try:
        return client.delete_zone(zone)
    except ApiRefused as refusal:
        if refusal.reason != _NOT_EMPTY:
            raise
        raise ZoneNotEmpty(zone) from refusal


def is_ours(zone: Mapping[str, Any]) -> bool:
    """Whether mldns made the zone, by its label."""
    key, value = OUR_LABEL
    return bool(zone.get("labels", {}).get(key) == value)


def _parse_labels(labels: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise InvalidInput(f"labels must be a mapping, not {labels!r}")
    for key, value in labels.items():
        if not isinstance(key, str) or not _LABEL_KEY.fullmatch(key):
            raise InvalidInput(f"label {key!r}: a key is lower-case letters, digits, _ and -, and begins with a letter")
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            raise InvalidInput(f"label {key!r}: value {value!r} is not lower-case letters, digits, _ and -, at most 63")
    return dict(labels)


def compare_zone(wanted: WantedZone, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs, as in `ensure_zone`; raises `ZoneMismatch` for what Google cannot change."""
    for field, asked, there in (
        ("dnsName", wanted.dns_name, str(found.get("dnsName", "")).lower()),
        ("visibility", wanted.visibility, str(found.get("visibility", "public")).lower()),
    ):
        if asked != there:
            raise ZoneMismatch(zone=wanted.name, field=field, wanted=asked, found=there)
    drift: list[dict[str, Any]] = []
    networks = _networks(found)
    if sorted(wanted.networks) != sorted(networks):
        drift.append({"field": "networks", "wanted": sorted(wanted.networks), "found": sorted(networks)})
    labels = found.get("labels", {})
    for key, value in wanted.labels.items():
        if labels.get(key) != value:
            drift.append({"field": f"labels.{key}", "wanted": value, "found": labels.get(key)})
    if wanted.description and wanted.description != found.get("description"):
        drift.append({"field": "description", "wanted": wanted.description, "found": found.get("description")})
    return drift


def _networks(zone: Mapping[str, Any]) -> list[str]:
    bound = zone.get("privateVisibilityConfig", {}).get("networks", ())
    urls = [str(network.get("networkUrl", "")) for network in bound]
    return [network_url(url, "") if _NETWORK.fullmatch(url) else url for url in urls]


def _rivals(client: DNSClient, zone: Resource) -> list[dict[str, Any]]:
    """Other zones of the project for the same names and the same askers."""
    try:
        same_names = client.list_zones(dns_name=zone["dnsName"])
    except PermissionMissing as missing:
        log.info("zone %s: not compared with the project's other zones: %s", zone["name"], missing)
        return []
    ours = set(_networks(zone))
    return [
        {
            "field": "dnsName",
            "wanted": f"{zone['dnsName']} in this zone alone",
            "found": f"also in zone {other['name']}",
        }
        for other in same_names
        if other["name"] != zone["name"]
        and other.get("visibility", "public") == zone.get("visibility", "public")
        and (zone.get("visibility", "public") == "public" or ours & set(_networks(other)))
    ]
