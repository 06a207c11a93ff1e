"""What the gate reads of a managed zone, through the hook."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mldns.exceptions import ZoneNotFound

if TYPE_CHECKING:
    from mldns.hooks.cloud_dns import CloudDNSHook


def zone_of(hook: CloudDNSHook, name: str, project: str | None) -> dict[str, Any]:
    """The zone as the API gives it, its visibility said; raises `ZoneNotFound`."""
    zone = hook.get_zone(zone=name, project_id=project)
    if zone is None:
        raise ZoneNotFound(name, project or hook.project_id)
    return {"visibility": "public", **zone}


def name_servers_of(hook: CloudDNSHook, zone: dict[str, Any]) -> Sequence[str]:
    """Whom to ask for the zone: those that the connection names, else its own name servers."""
    return hook.name_server_addresses or zone.get("nameServers", ())
