"""Google's rules for what a zone may be called and what it may be bound to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.providers.base import ZoneSpec
from mldns.records.names import absolute

ZONE_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NETWORK = re.compile(
    r"(?:https://(?:www\.googleapis\.com|compute\.googleapis\.com)/compute/[a-z0-9]+/)?"
    r"projects/(?P<project>[a-z0-9.:-]+)/global/networks/(?P<network>[a-z](?:[-a-z0-9]*[a-z0-9])?)"
)
_NETWORK_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


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
) -> ZoneSpec:
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
            f"private zone {zone!r} has no networks, so nobody could resolve its names; name the workers' VPC networks,"
            " or say allow_unbound=True"
        )
    if not isinstance(description, str) or len(description) > 1024:
        raise InvalidInput(f"description of zone {zone!r} must be text of at most 1,024 characters")
    return ZoneSpec(
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


def network_urls(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks that a zone of the API is bound to, each as `network_url` spells it."""
    bound = resource.get("privateVisibilityConfig", {}).get("networks", ())
    urls = [str(network.get("networkUrl", "")) for network in bound]
    return tuple(network_url(url, "") if _NETWORK.fullmatch(url) else url for url in urls)


def _parse_labels(labels: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(labels, Mapping):
        raise InvalidInput(f"labels must be a mapping, not {labels!r}")
    for key, value in labels.items():
        if not isinstance(key, str) or not _LABEL_KEY.fullmatch(key):
            raise InvalidInput(f"label {key!r}: a key is lower-case letters, digits, _ and -, and begins with a letter")
        if not isinstance(value, str) or not _LABEL_VALUE.fullmatch(value):
            raise InvalidInput(f"label {key!r}: value {value!r} is not lower-case letters, digits, _ and -, at most 63")
    return dict(labels)
