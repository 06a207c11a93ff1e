"""The resolvers of this machine or pod, as the C library reads them."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from pathlib import Path

from mldns.exceptions import InvalidInput
from mldns.gate.servers import Server, ServerRole, parse_server
from mldns.messages import quoted

RESOLV_CONF = "/etc/resolv.conf"

_MOST = 3  # the C library asks no more (MAXNS)
_LINE = re.compile(r"nameserver[ \t]+([^;# \t]+)")  # at the very beginning of the line, as glibc and musl want it


@dataclass(frozen=True, slots=True)
class SystemResolvers:
    """The resolvers that are asked here, and a line for each entry that is passed over."""

    servers: tuple[Server, ...]
    warnings: tuple[str, ...]


def system_resolvers(path: str | None = None) -> SystemResolvers:
    """Read the resolvers; what the C library passes over is passed over with a warning.

    :param path: of the file; `RESOLV_CONF` unless given.
    :raises InvalidInput: it cannot be read, or names no server that can be asked.
    """
    path = path or RESOLV_CONF
    try:
        text = Path(path).read_text(errors="replace")
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}; name a resolver with --resolver") from None
    servers: list[Server] = []
    warnings: list[str] = []
    for line in text.splitlines():
        if line.split()[:1] != ["nameserver"]:
            continue
        match = _LINE.match(line)
        why = _useless(match[1]) if match else "it is no entry as the C library reads them"
        if not why and len(servers) == _MOST:
            why = f"the C library asks the first {_MOST} only"
        if match and not why:
            servers.append(parse_server(match[1], ServerRole.RESOLVER))
        else:
            warnings.append(f"{path}: {quoted(line.strip())} is passed over: {why}")
    if not servers:
        reason = f" ({warnings[0]})" if warnings else ""
        raise InvalidInput(f"{path} names no server that can be asked{reason}: name a resolver with --resolver")
    return SystemResolvers(tuple(dict.fromkeys(servers)), tuple(warnings))


def _useless(text: str) -> str:
    """Why nothing can be asked at this address; "" where it can."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "it is no address"
    scope = address.scope_id if isinstance(address, ipaddress.IPv6Address) else None
    if scope is None:
        return ""
    try:
        if scope.isdecimal():
            socket.if_indextoname(int(scope))
        else:
            socket.if_nametoindex(scope)
    except (OSError, OverflowError):
        return f"this machine has no interface {scope!r}"
    return ""
