"""TCP ports that must accept a connection before the gate opens: a name that resolves says nothing about a firewall."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
from collections.abc import Callable, Iterable

from mldns.gate.servers import Endpoint

CONNECT_SECONDS = 3.0
AT_ONCE = 512
"""Connections that are being opened, at most: ten thousand silent hosts take a minute."""

_SHARE = 4
_BURST, _BREATH = 16, 0.01  # connections that begin together, and seconds until the next ones do
_NO_FILE_PAUSE = 0.1


OnPort = Callable[[Endpoint, str], object]
"""Gets an endpoint and why no connection came about; "" where one did."""


DISCARD = 9
"""A port to ask the routes about; any will do."""


async def connect_all(
    endpoints: Iterable[Endpoint], on_port: OnPort, *, seconds: float = CONNECT_SECONDS, at_once: int | None = None
) -> None:
    """Open a TCP connection to each endpoint, close it again without a word, and tell how that went.

    :param endpoints: each with an address.
    :param on_port: called once for each.
    :param seconds: after which an attempt counts as unanswered.
    :param at_once: connections that are being opened at a time; `open_at_once()` unless given.
    """
    left = iter(endpoints)

    async def take_turns() -> None:
        for endpoint in left:
            on_port(endpoint, await _connect(endpoint, seconds))

    async with asyncio.TaskGroup() as workers:
        for number in range(open_at_once() if at_once is None else at_once):
            workers.create_task(take_turns())
            if number % _BURST == _BURST - 1:
                # What begins together times out together: the event loop would be held by all of them at once.
                await asyncio.sleep(_BREATH)


def no_way_to(address: str) -> str:
    """Return why this host has no way to an address, by its own routes; empty where it has one. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, DISCARD))
    except OSError as error:
        return os.strerror(error.errno or 0)
    return ""


def open_at_once() -> int:
    """How many connections may be opening: a share of the files that this process may have, which others open, too."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return AT_ONCE if files == resource.RLIM_INFINITY else max(min(AT_ONCE, files // _SHARE), 1)


async def _connect(endpoint: Endpoint, seconds: float) -> str:
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        # A bare socket: a stream's buffers would be most of the work, and nothing is read.
        async with asyncio.timeout(seconds):
            with await _new_socket(family) as opening:
                await asyncio.get_running_loop().sock_connect(opening, (endpoint.address, endpoint.port))
    except ConnectionRefusedError:
        return f"refused by {endpoint}"
    except TimeoutError:
        return f"no answer from {endpoint} in {seconds:g} s"
    except OSError as error:
        return f"cannot reach {endpoint}: {os.strerror(error.errno) if error.errno else error}"
    return ""


async def _new_socket(family: socket.AddressFamily) -> socket.socket:
    """A socket, once there is a file for it: that others hold them all says nothing about a port."""
    while True:
        try:
            made = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            await asyncio.sleep(_NO_FILE_PAUSE)
        else:
            made.setblocking(False)
            return made
