"""A pod's DNS settings: with Kubernetes' `ndots:5` each look-up of a worker tries every search domain first."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from mldns.exceptions import InvalidInput
from mldns.gate.servers import DNS_PORT, ServerRole, parse_server
from mldns.handoff.reader import HandOff

MAX_NAME_SERVERS = 3


def dns_settings(handoff: HandOff, *, short_names: bool = False, own_resolvers: bool = False) -> dict[str, Any]:
    """Return what goes into a pod's `spec`.

    `ndots:1` asks for a name with a dot as it stands, first: one question instead of one for each search domain, and no
    denial that a cache would keep.

    :param handoff: of the job.
    :param short_names: search the job's domain, so that `worker-0` alone is found.
    :param own_resolvers: ask the hand-off's resolvers instead of the cluster's; services of the cluster are then not
        found by name.
    :raises InvalidInput: a pod cannot ask these resolvers.
    """
    config: dict[str, Any] = {"options": [{"name": "ndots", "value": "1"}]}
    if short_names:
        config["searches"] = [handoff.domain]
    if not own_resolvers:
        return {"dnsConfig": config}
    return {"dnsPolicy": "None", "dnsConfig": {"nameservers": _name_servers(handoff), **config}}


def yaml(settings: Mapping[str, Any]) -> str:
    """The settings as YAML, to be pasted below a pod's `spec:`; each text as JSON has it, which YAML reads the same."""
    lines = [f"dnsPolicy: {json.dumps(settings['dnsPolicy'])}"] if "dnsPolicy" in settings else []
    lines.append("dnsConfig:")
    config = settings["dnsConfig"]
    for key in ("nameservers", "searches"):
        if key in config:
            lines += [f"  {key}:", *(f"    - {json.dumps(item)}" for item in config[key])]
    lines.append("  options:")
    for option in config["options"]:
        lines += [f"    - name: {option['name']}", f"      value: {json.dumps(option['value'])}"]
    return "\n".join(lines) + "\n"


def _name_servers(handoff: HandOff) -> list[str]:
    servers = [parse_server(text, ServerRole.RESOLVER) for text in handoff.resolvers]
    if not 1 <= len(servers) <= MAX_NAME_SERVERS:
        raise InvalidInput(
            f"a pod takes 1 to {MAX_NAME_SERVERS} name servers, the hand-off has {len(servers)} resolvers"
        )
    for server in servers:
        try:
            ipaddress.ip_address(server.host)
        except ValueError:
            raise InvalidInput(f"a pod takes addresses of name servers, not the name {server.host!r}") from None
        if "%" in server.host:
            raise InvalidInput(
                f"a pod takes addresses that mean the same on every node, not the link-local {server.host!r} of one "
                "interface"
            )
        if server.port != DNS_PORT:
            raise InvalidInput(f"a pod asks name servers on port {DNS_PORT} only, not {server.label}")
    return [server.host for server in servers]
