"""The sockets: UDP and TCP on one address, asyncio all through."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import cast

from localcloud.dns.exchange import Responder, exchange

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""How long a TCP connection may be silent (RFC 7766 section 6.2.3 asks for a few seconds)."""
_PORT_TRIES = 32
_RECEIVE_BUFFER = 4 << 20
"""Bytes; a gate may send thousands of queries in one breath, and the kernel drops what does not fit."""


class DnsListener:
    """A name server on one address. Made by `listen`; `address` is the (host, port) that is bound, for UDP and TCP."""

    def __init__(self, responder: Responder, idle_seconds: float) -> None:
        self.address: tuple[str, int] = ("", 0)
        self._responder = responder
        self._idle_seconds = idle_seconds
        self._datagrams: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.Task[None]] = set()
        self._closed = False

    async def bind(self, host: str, port: int) -> None:
        """Take the port for UDP and TCP. OSError when it is taken; nothing stays open then."""
        datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(self._responder), local_addr=(host, port)
        )
        bound = datagrams.get_extra_info("sockname")
        try:
            self._server = await asyncio.start_server(self._accept, bound[0], bound[1])
        except BaseException:
            datagrams.close()
            raise
        self._datagrams = datagrams
        self.address = (bound[0], bound[1])

    def flush(self) -> None:
        """Forget what was learnt of the zones, and all cached answers. To be called when the store was reset."""
        self._responder.flush()

    async def close(self) -> None:
        """Free the port and cut the conversations off. Closing twice is fine."""
        self._closed = True
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
        conversations = list(self._conversations)
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._closed:  # it had been accepted, but not begun, when the listener closed
            writer.close()
            return
        conversation = cast("asyncio.Task[None]", asyncio.current_task())
        self._conversations.add(conversation)
        try:
            await self._converse(reader, writer)
        except asyncio.IncompleteReadError:
            pass  # the client has asked all it wanted; what was answered is still sent
        except (ConnectionError, TimeoutError):
            writer.transport.abort()
        except asyncio.CancelledError:
            writer.transport.abort()  # closing could wait for ever for a client that does not read
            raise
        finally:
            self._conversations.discard(conversation)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries and answers in turn, each after its length in two bytes (RFC 1035 section 4.2.2)."""
        while True:
            async with asyncio.timeout(self._idle_seconds):
                size = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(size)
            answer = exchange(wire, self._responder, udp=False)
            if answer is None:
                return
            writer.write(len(answer).to_bytes(2, "big") + answer)
            async with asyncio.timeout(self._idle_seconds):
                await writer.drain()
            # Neither reading nor draining need pause: a client that pipelines would have the loop for itself.
            await asyncio.sleep(0)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = exchange(data, self._responder, udp=True)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)

    def error_received(self, exc: Exception) -> None:
        log.debug("an answer could not be sent: %s", exc)


async def listen(responder: Responder, host: str, port: int, *, idle_seconds: float = IDLE_SECONDS) -> DnsListener:
    """Serve on `host`:`port`, UDP and TCP. Port 0 takes one that is free for both. OSError when the port is taken."""
    listener = DnsListener(responder, idle_seconds)
    for _ in range(_PORT_TRIES if port == 0 else 1):
        try:
            await listener.bind(host, port)
        except OSError as error:
            taken = error
        else:
            return listener
    raise taken
