"""Free TCP ports for servers that cannot be handed an open socket."""

from __future__ import annotations

import random
import socket
import sys
from collections.abc import Iterator

# Below the ranges that Linux (32768-) and macOS (49152-) give to outgoing connections, so nobody is handed such a port
# between our look and the server's bind; and random, so that two demos that start at once rarely look at the same one.
_RANGE = range(18_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return `count` different ports on which nothing listened a moment ago, on any address."""
    ports: list[int] = []
    for port in _candidates():
        if _is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise OSError(f"no {count} free TCP ports between {_RANGE.start} and {_RANGE.stop}")


def _candidates() -> Iterator[int]:
    yield from random.SystemRandom().sample(_RANGE, len(_RANGE))


def _is_free(port: int) -> bool:
    families = [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET, "127.0.0.1")]
    if socket.has_dualstack_ipv6():
        families.append((socket.AF_INET6, "::"))
    for family, host in families:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            if sys.platform != "win32":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
