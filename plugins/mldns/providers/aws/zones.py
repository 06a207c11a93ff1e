"""What a hosted zone may be called and bound to, and how AWS's answer about one is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.providers.aws.wire import written_name
from mldns.providers.base import Zone, ZoneSpec
from mldns.records.names import absolute

ZONE_ID = re.compile(r"Z[0-9A-Z]{1,31}")
_VPC = re.compile(r"(?P<id>vpc-[0-9a-f]{8,17})(?:@(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]))?")
_VISIBILITIES = ("public", "private")
_LONGEST_COMMENT = 256
_LONGEST_KEY, _LONGEST_VALUE = 128, 256


def parse_zone_name(zone: str) -> str:
    """Return what a hosted zone is found by: its id, such as `Z0A1`, or the name that it serves, without last dot."""
    if isinstance(zone, str) and ZONE_ID.fullmatch(zone):
        return zone
    try:
        return absolute(zone).removesuffix(".")
    except InvalidInput:
        raise InvalidInput(f"zone {zone!r} is neither a hosted zone's id, such as 'Z0A1B2C3', nor its name") from None


def parse_zone(
    *,
    zone: str,
    dns_name: str,
    visibility: str,
    networks: Iterable[str],
    labels: Mapping[str, str] | None,
    description: str,
    region: str,
) -> ZoneSpec:
    """Return what the caller wants, checked by AWS's rules.

    :param zone: the name that it serves, or the id of one that is there.
    :param networks: of a private zone: `vpc-…`, in `region`, or `vpc-…@REGION`.
    :raises InvalidInput: naming what is wrong.
    """
    name, served = parse_zone_name(zone), absolute(dns_name)
    if not ZONE_ID.fullmatch(name) and f"{name}." != served:
        raise InvalidInput(f"zone {zone!r}: a hosted zone is called as it serves, {served!r}, or by its id")
    if visibility not in _VISIBILITIES:
        raise InvalidInput(f"visibility {visibility!r} is neither 'private' nor 'public'")
    if isinstance(networks, str | Mapping) or not isinstance(networks, Iterable):
        raise InvalidInput(f"networks must be a list, not {networks!r}")
    vpcs = tuple(dict.fromkeys(vpc(network, region) for network in networks))
    if (visibility == "private") != bool(vpcs):
        way_out = (
            "is made with a VPC: name the workers' in networks" if not vpcs else "is public: networks are for others"
        )
        raise InvalidInput(f"zone {zone!r} {way_out}")
    if not isinstance(description, str) or len(description) > _LONGEST_COMMENT:
        raise InvalidInput(f"description of zone {zone!r} must be text of at most {_LONGEST_COMMENT} characters")
    return ZoneSpec(name, served, visibility, vpcs, _parse_tags(labels or {}), description)


def vpc(network: str, region: str) -> str:
    """Return a VPC as `vpc-ID@REGION`; raises InvalidInput."""
    found = _VPC.fullmatch(network) if isinstance(network, str) else None
    if found is None or not (found["region"] or region):
        raise InvalidInput(f"network {network!r} is not vpc-ID@REGION" + ("" if found is None else ": name the region"))
    return f"{found['id']}@{found['region'] or region}"


def vpc_parameter(network: str) -> dict[str, str]:
    """Return what `vpc` returned as boto3 takes it."""
    number, _, region = network.partition("@")
    return {"VPCRegion": region, "VPCId": number}


def zone_of(answer: Mapping[str, Any], name: str, tags: Mapping[str, str]) -> Zone:
    """Read a hosted zone.

    :param answer: of `GetHostedZone`, or of a list with that zone as its `HostedZone`.
    :param name: what people call it.
    """
    found, config = answer["HostedZone"], answer["HostedZone"].get("Config", {})
    networks = tuple(f"{bound['VPCId']}@{bound['VPCRegion']}" for bound in answer.get("VPCs", ()))
    servers = tuple(f"{server}." for server in answer.get("DelegationSet", {}).get("NameServers", ()))
    zone = Zone(
        name=name,
        dns_name=written_name(found["Name"]),
        visibility="private" if config.get("PrivateZone") else "public",
        id=bare_id(found),
        name_servers=servers,
        networks=networks,
        labels=tags,
        description=str(config.get("Comment", "")),
    )
    seen = {"name": name, "id": zone.id, "dnsName": zone.dns_name, "visibility": zone.visibility}
    return replace(zone, source={**seen, "nameServers": list(servers), "networks": list(networks)})


def bare_id(found: Mapping[str, Any]) -> str:
    """Return `Z0A1` of `/hostedzone/Z0A1`."""
    return str(found["Id"]).rpartition("/")[2]


def _parse_tags(labels: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise InvalidInput(f"labels must be a mapping, not {labels!r}")
    for key, value in labels.items():
        if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or key.startswith("aws:"):
            raise InvalidInput(f"label {key!r}: a tag's key has 1 to {_LONGEST_KEY} characters and no 'aws:' in front")
        if not isinstance(value, str) or len(value) > _LONGEST_VALUE:
            raise InvalidInput(f"label {key!r}: value {value!r} is not text of at most {_LONGEST_VALUE} characters")
    return dict(labels)
