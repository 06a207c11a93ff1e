"""The open HTTP connections: to cut one without an answer, to let go of waiting calls when the server stops, and to
close those whose client does not send a whole request in time."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Collection
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_POLL_S = 0.01
# Close without lingering: the peer gets a reset instead of an orderly end.
_NO_LINGER = struct.pack("ii", 1, 0)


class TimedProtocol(HttpToolsProtocol):
    """A connection that is cut where a request takes too long to arrive: uvicorn itself waits for ever.

    The time runs from the connection, and again from the first byte of each later request, to the request's last byte.

    :param request_seconds: that time.
    """

    def __init__(self, *arguments: Any, request_seconds: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._request_seconds = request_seconds
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._start_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timer()

    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._request_seconds, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Connections:
    """The connections of one server, by their transports: ASGI cannot say that a connection is to be cut."""

    def __init__(self) -> None:
        self._open: Collection[Any] = ()
        self._stopping = asyncio.Event()

    def follow(self, open_: Collection[Any]) -> None:
        """Take over the server's own, changing collection of open connections: uvicorn's protocol objects."""
        self._open = open_

    def stop(self) -> None:
        """End all waiting, as the server stops."""
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
