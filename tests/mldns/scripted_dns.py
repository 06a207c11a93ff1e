"""A DNS server on a real loopback socket that answers as a test says: late, never, truncated, forged, wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from mldns.gate.servers import Server, ServerRole, parse_server

Reply = dns.message.Message | bytes
Script = Callable[[dns.message.Message], Reply | Iterable[Reply]]
"""Gets each query as it arrives, returns what to send back."""


def response(
    query: dns.message.Message,
    *rrdatas: str,
    ttl: int = 30,
    type: str | None = None,
    rcode: str = "NOERROR",
    flags: int = dns.flags.AA,
    authority: str = "",
) -> dns.message.Message:
    """A response to `query`; `authority` is an rrset as text, such as `ml.test. 300 IN SOA …`."""
    message = dns.message.make_response(query)
    message.flags |= flags
    message.set_rcode(dns.rcode.from_text(rcode))
    question = query.question[0]
    if rrdatas:
        message.answer.append(dns.rrset.from_text(question.name, ttl, "IN", type or question.rdtype, *rrdatas))
    if authority:
        message.authority.append(dns.rrset.from_text(*authority.split(" ", 4)))
    return message


class ScriptedDns:
    """A context manager; the server lives in a thread of its own, UDP and TCP on one port."""

    def __init__(self, udp: Script, *, tcp: Script | None = None, host: str = "127.0.0.1") -> None:
        self.queries: list[dns.message.Message] = []
        self.clients: list[tuple[str, int]] = []
        self.port = 0
        self._host, self._udp, self._tcp = host, udp, tcp
        self._listener: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()

    def server(self, role: ServerRole = ServerRole.AUTHORITATIVE) -> Server:
        return parse_server(self.address, role)

    @property
    def address(self) -> str:
        return f"[{self._host}]:{self.port}" if ":" in self._host else f"{self._host}:{self.port}"

    def __enter__(self) -> ScriptedDns:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._transport.close()
        if self._listener is not None:
            self._listener.close()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _listen(self) -> None:
        for _ in range(20):
            self._transport, _ = await self._loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self._host, 0)
            )
            self.port = self._transport.get_extra_info("sockname")[1]
            if self._tcp is None:
                return
            try:
                self._listener = await asyncio.start_server(self._serve_tcp, self._host, self.port)
                return
            except OSError:  # free for UDP, taken for TCP
                self._transport.close()
        raise RuntimeError("no port is free for both UDP and TCP")

    def answer_datagram(self, data: bytes, client: tuple[str, int]) -> list[bytes]:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        self.clients.append(client)
        return _wires(self._udp(query))

    async def _serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._tcp is not None
        length = int.from_bytes(await reader.readexactly(2), "big")
        query = dns.message.from_wire(await reader.readexactly(length))
        for wire in _wires(self._tcp(query)):
            writer.write(len(wire).to_bytes(2, "big") + wire)
        writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: ScriptedDns) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for wire in self._server.answer_datagram(data, addr):
            self._transport.sendto(wire, addr)


def _wires(replies: Reply | Iterable[Reply]) -> list[bytes]:
    if isinstance(replies, dns.message.Message | bytes):
        replies = [replies]
    # Without max_size dnspython keeps to the payload size that the query told.
    return [reply if isinstance(reply, bytes) else reply.to_wire(max_size=65535) for reply in replies]
