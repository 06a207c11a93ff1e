"""TCP ports that must accept a connection before the gate opens: a name that resolves says nothing about a firewall."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mldns.exceptions import InvalidInput

CONNECT_SECONDS = 3.0
_AT_ONCE = 64  # connections that are being opened: below the usual 1,024 files of a process


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A worker's port: the address is the one that its record must have, so no lookup comes between."""

    name: str
    address: str
    port: int

    def __post_init__(self) -> None:
        if not 1 <= self.port <= 65535:
            raise InvalidInput(f"port {self.port} of {self.name} is not between 1 and 65535")

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


OnPort = Callable[[Endpoint, str], object]
"""Gets an endpoint and why no connection came about; "" where one did."""


async def connect_all(
    endpoints: Iterable[Endpoint], on_port: OnPort, *, seconds: float = CONNECT_SECONDS, at_once: int = _AT_ONCE
) -> None:
    """Open a TCP connection to each endpoint, close it again without a word, and tell how that went."""
    left = iter(endpoints)

    async def take_turns() -> None:
        for endpoint in left:
            on_port(endpoint, await _connect(endpoint, seconds))

    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(take_turns())


async def _connect(endpoint: Endpoint, seconds: float) -> str:
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(endpoint.address, endpoint.port)
    except ConnectionRefusedError:
        return f"refused by {endpoint}"
    except TimeoutError:
        return f"no answer from {endpoint} in {seconds:g} s"
    except OSError as error:
        return f"cannot reach {endpoint}: {os.strerror(error.errno) if error.errno else error}"
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return ""
