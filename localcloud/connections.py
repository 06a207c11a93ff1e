"""The open HTTP connections: to cut one without an answer, and to let go of waiting calls when the server stops."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Collection
from typing import Any

_POLL_S = 0.01
# Close without lingering: the peer gets a reset instead of an orderly end.
_NO_LINGER = struct.pack("ii", 1, 0)


class Connections:
    """The connections of one server. ASGI has no message for "cut", so this reaches past it to the transport."""

    def __init__(self) -> None:
        self._open: Collection[Any] = ()
        self._stopping = asyncio.Event()

    def follow(self, open_: Collection[Any]) -> None:
        """Take over the server's own, changing collection of open connections: uvicorn's protocol objects."""
        self._open = open_

    def stop(self) -> None:
        """The server stops: whoever waits, waits no longer."""
        self._stopping.set()

    async def pause(self, seconds: float) -> bool:
        """Wait; False when the server stops before the time is over."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False

    async def gone(self, client: tuple[str, int]) -> None:
        """Wait until the client has hung up or the server stops."""
        # Asked rather than told: a request's own `receive` may have been replaced on its way here.
        while self._find(client) is not None and await self.pause(_POLL_S):
            pass

    async def cut(self, client: tuple[str, int]) -> None:
        """Reset the client's connection; what was sent to it and not read yet is lost."""
        transport = self._find(client)
        if transport is not None:
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()
        while self._find(client) is not None:  # noqa: ASYNC110 - the loop closes it in its next round, and tells uvicorn
            await asyncio.sleep(0)

    def _find(self, client: tuple[str, int]) -> asyncio.Transport | None:
        return next((connection.transport for connection in self._open if connection.client == client), None)
