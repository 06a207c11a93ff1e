"""Managed zones between the API's JSON and the model: creating, patching, writing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from localcloud import assumptions, errors
from localcloud.errors import ApiError, Problem, invalid, not_implemented, required
from localcloud.model import ManagedZone, ResourceRecordSet, Visibility
from localcloud.rrsets import is_domain_name
from localcloud.timestamps import rfc3339

_APEX_TTL = 21_600
_ZONE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_NETWORK = re.compile(r"(?:https://[^/]+/compute/v1/)?(projects/[^/]+/global/networks/[^/]+)")
_NETWORK_ROOT = "https://www.googleapis.com/compute/v1/"
_LONGEST_DESCRIPTION = 1_024
_PATH = "entity.managedZone"
_IMMUTABLE = ("name", "dnsName", "visibility", "id", "creationTime", "nameServers")
# A PUT must hold the whole zone: the list, its order and the odd index are Google's.
_NEEDED_BY_PUT = ("name", "dnsName", "description", "id", "nameServers[0]", "creationTime", "visibility")
_NOT_IMPLEMENTED = ("forwardingConfig", "peeringConfig", "reverseLookupConfig", "serviceDirectoryConfig")


def public_name_servers(shard: str) -> tuple[str, ...]:
    """The four servers of a shard, `a` to `e`."""
    return tuple(f"ns-cloud-{shard}{number}.googledomains.com." for number in range(1, 5))


PRIVATE_NAME_SERVERS = ("ns-gcp-private.googledomains.com.",)


def apex_rrsets(zone: ManagedZone) -> tuple[ResourceRecordSet, ResourceRecordSet]:
    """NS and SOA as the server makes them. The serial stays 1 for ever: Google never bumps it."""
    soa = f"{zone.name_servers[0]} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"
    return (
        ResourceRecordSet(zone.dns_name, "NS", _APEX_TTL, zone.name_servers),
        ResourceRecordSet(zone.dns_name, "SOA", _APEX_TTL, (soa,)),
    )


def to_api(zone: ManagedZone) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "kind": "dns#managedZone",
        "id": str(zone.id),
        "name": zone.name,
        "dnsName": zone.dns_name,
        "description": "",
        "creationTime": rfc3339(zone.created_at),
        "nameServers": list(zone.name_servers),
        "visibility": zone.visibility,
        "cloudLoggingConfig": {"kind": "dns#managedZoneCloudLoggingConfig"},
        **zone.attributes,
    }
    if zone.networks:
        resource["privateVisibilityConfig"] = _private_visibility(zone.networks)
    return resource


def _private_visibility(networks: Iterable[str]) -> dict[str, Any]:
    network_kind = "dns#managedZonePrivateVisibilityConfigNetwork"
    return {
        "kind": "dns#managedZonePrivateVisibilityConfig",
        "networks": [{"kind": network_kind, "networkUrl": network} for network in networks],
        "gkeClusters": [],
    }


def parse(body: Mapping[str, Any], *, project: str, zone_id: int, created_at: float) -> ManagedZone:
    """The zone that a `managedZones.create` body asks for, without name servers yet. Raises ApiError 400 or 501."""
    problems = _missing(body, ("name", "dnsName"))
    name = body.get("name")
    if name is not None and not (isinstance(name, str) and _ZONE_NAME.fullmatch(name)):
        problems.append(invalid(f"{_PATH}.name", name))
    dns_name = body.get("dnsName")
    lowered = dns_name.lower() if isinstance(dns_name, str) else ""
    if dns_name is not None and (not is_domain_name(lowered) or lowered.startswith("*")):
        problems.append(invalid(f"{_PATH}.dnsName", dns_name))
    visibility = body.get("visibility") or "public"
    if visibility not in ("public", "private"):
        problems.append(invalid(f"{_PATH}.visibility", visibility))
    if body.get("nameServerSet"):
        problems.append(invalid(f"{_PATH}.nameServerSet", body["nameServerSet"]))
    zone = ManagedZone(
        project=project,
        id=zone_id,
        name=str(name),
        dns_name=lowered,
        visibility=_visibility(visibility),
        networks=(),
        name_servers=(),
        created_at=created_at,
    )
    _apply_mutable(zone, body, problems)
    if problems:
        raise ApiError(400, problems)
    return zone


def _missing(body: Mapping[str, Any], fields: Iterable[str]) -> list[Problem]:
    return [required(f"{_PATH}.{field}") for field in fields if body.get(field.removesuffix("[0]")) in (None, [])]


def _visibility(value: object) -> Visibility:
    return "private" if value == "private" else "public"


def _check_immutable(zone: ManagedZone, body: Mapping[str, Any]) -> None:
    """Raise ApiError 400 when `body` names another value for a field that no update may change."""
    current = to_api(zone)
    changed = [
        errors.immutable_field(f"{_PATH}.{field}")
        for field in _IMMUTABLE
        if body.get(field) is not None and body[field] != current[field]
    ]
    if changed:
        raise ApiError(400, changed)


def patched(zone: ManagedZone, body: Mapping[str, Any], *, replace: bool) -> ManagedZone:
    """A copy of `zone` with the mutable fields of `body`: merged (patch) or taking the place of all of them (update).

    The copy shares records and journal with `zone`. Raises ApiError 400 or 501.
    """
    problems = _missing(body, _NEEDED_BY_PUT) if replace else []
    if problems:
        raise ApiError(400, problems)
    _check_immutable(zone, body)
    result = ManagedZone(
        project=zone.project,
        id=zone.id,
        name=zone.name,
        dns_name=zone.dns_name,
        visibility=zone.visibility,
        networks=() if replace else zone.networks,
        name_servers=zone.name_servers,
        created_at=zone.created_at,
        attributes={} if replace else dict(zone.attributes),
        rrsets=zone.rrsets,
        journal=zone.journal,
    )
    _apply_mutable(result, body, problems)
    if problems:
        raise ApiError(400, problems)
    return result


def _apply_mutable(zone: ManagedZone, body: Mapping[str, Any], problems: list[Problem]) -> None:
    """Set description, labels, logging and networks of `zone` from `body`; unknown keys are tolerated."""
    for field in _NOT_IMPLEMENTED:
        if body.get(field):
            raise not_implemented(f"managed zones with {field}")
    dnssec = body.get("dnssecConfig")
    if isinstance(dnssec, Mapping) and dnssec.get("state", "off") != "off":
        raise not_implemented("DNSSEC (dnssecConfig)")
    if "description" in body:
        description = body["description"] or ""
        if not isinstance(description, str) or len(description) > _LONGEST_DESCRIPTION:
            problems.append(invalid(f"{_PATH}.description", description))
        zone.attributes["description"] = description
    if "labels" in body:
        _apply_labels(zone, body["labels"], problems)
    logging = body.get("cloudLoggingConfig")
    if isinstance(logging, Mapping) and "enableLogging" in logging:
        zone.attributes["cloudLoggingConfig"] = {
            "kind": "dns#managedZoneCloudLoggingConfig",
            "enableLogging": bool(logging["enableLogging"]),
        }
    if "privateVisibilityConfig" in body:
        zone.networks = _networks(zone, body["privateVisibilityConfig"] or {}, problems)


def _apply_labels(zone: ManagedZone, sent: object, problems: list[Problem]) -> None:
    """Merge labels (RFC 7396): one that is null goes away, null in place of all of them removes them all."""
    if sent is not None and not isinstance(sent, Mapping):
        problems.append(invalid(f"{_PATH}.labels", sent))
        return
    labels = {} if sent is None else {**zone.attributes.get("labels", {}), **sent}
    labels = {key: value for key, value in labels.items() if value is not None}
    for position, (key, value) in enumerate(labels.items()):
        if not (_LABEL_KEY.fullmatch(key) and isinstance(value, str) and _LABEL_VALUE.fullmatch(value)):
            # Google names the position, not the label: terraform-provider-google issue 16915.
            problems.append(invalid(f"{_PATH}.labels", position))
    zone.attributes.pop("labels", None)
    if labels:
        zone.attributes["labels"] = labels


def _networks(zone: ManagedZone, sent: object, problems: list[Problem]) -> tuple[str, ...]:
    path = f"{_PATH}.privateVisibilityConfig"
    if not isinstance(sent, Mapping) or not isinstance(sent.get("networks") or [], list):
        problems.append(invalid(path, sent))
        return ()
    if sent.get("gkeClusters"):
        raise not_implemented("private zones bound to GKE clusters (gkeClusters)")
    networks: list[str] = []
    for position, network in enumerate(sent.get("networks") or []):
        url = network.get("networkUrl") if isinstance(network, Mapping) else None
        match = _NETWORK.fullmatch(url) if isinstance(url, str) else None
        if match is None or zone.visibility == "public":
            problems.append(invalid(f"{path}.networks[{position}].networkUrl", "" if url is None else url))
        else:
            networks.append(_NETWORK_ROOT + match[1])
    return tuple(dict.fromkeys(networks))


def free_shard(dns_name: str, taken: Collection[tuple[str, ...]]) -> str:
    """The shard for a new public zone; `taken` are the name servers of the zones with that name.

    Raises ApiError 400 when the name is reserved or every shard serves it already.
    """
    for shard in assumptions.SHARDS:
        if public_name_servers(shard) not in taken and dns_name not in assumptions.RESERVED_DNS_NAMES:
            return shard
    raise ApiError(400, [errors.dns_name_not_available(dns_name)])
