"""Everything in one asyncio loop: the HTTP API, the authoritative name servers, the resolvers."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import uvicorn

from localcloud.addresses import Address
from localcloud.app import build_app
from localcloud.archive import Archive
from localcloud.calls import Service
from localcloud.connections import Connections, TimedProtocol
from localcloud.dns.authoritative import serve_authoritative
from localcloud.dns.listener import DnsListener
from localcloud.dns.resolver import serve_resolver
from localcloud.quota import Limits
from localcloud.store import Store

_SHUTDOWN_SECONDS = 2
# As patient as Google's front ends. uvicorn's own 5 seconds cut off clients that pause between two calls: requests does
# not repeat a POST that meets a connection just closed.
_IDLE_SECONDS = 240
_BACKLOG = 2_048


@dataclass(frozen=True, slots=True)
class NameServer:
    """An authoritative server to start; `behind` is how much longer than the others it lags, in seconds."""

    address: Address
    behind: float = 0.0


@dataclass(frozen=True, slots=True)
class Resolver:
    """A caching resolver to start; `network` (a URL) opens that network's private zones to it."""

    address: Address
    network: str | None


@dataclass(frozen=True, slots=True)
class Settings:
    """What to start. Times in seconds; `data` None keeps nothing, `owner` None enforces no policy.

    :param host_names: names that the API is called by in a Host header, beside those that are always taken.
    :param request_seconds: how long a client may take to send a request.
    """

    api: Address
    dns: tuple[NameServer, ...]
    resolvers: tuple[Resolver, ...]
    data: Path | None
    latency: float
    done_after: float
    serve_after: float
    page_size: int
    limits: Limits
    owner: str | None
    grant_delay: float
    host_names: tuple[str, ...]
    request_seconds: float


class CannotListen(Exception):
    """An address could not be bound; the message is one line."""


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, and leaves signals to the loop so that the exit code stays 0."""

    def __init__(self, config: uvicorn.Config, ready_line: str, connections: Connections) -> None:
        super().__init__(config)
        self._ready_line = ready_line
        self._connections = connections
        connections.follow(self.server_state.connections)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self._ready_line, flush=True)

    def stop(self) -> None:
        self.should_exit = True
        self._connections.stop()


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises CannotListen or archive.ArchiveError before anything is served."""
    archive = Archive(settings.data) if settings.data is not None else None
    store = Store(archive)
    try:
        async with contextlib.AsyncExitStack() as stack:
            service = Service(
                store,
                limits=settings.limits,
                owner=settings.owner,
                grant_delay=settings.grant_delay,
                done_after=settings.done_after,
                page_size=settings.page_size,
            )
            api_socket = stack.enter_context(_listen(settings.api))
            listeners = await _start_dns(settings, store, stack)
            service.on_reset.extend(listener.flush for listener in listeners)
            app = build_app(service, latency=settings.latency, host_names=settings.host_names)
            config = uvicorn.Config(
                app,
                http=cast("type[TimedProtocol]", partial(TimedProtocol, request_seconds=settings.request_seconds)),
                log_level="warning",
                lifespan="off",
                proxy_headers=False,  # a client is whoever is connected
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )
            server = _Server(config, _ready_line(settings, api_socket, listeners), service.connections)
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, server.stop)
            await server.serve(sockets=[api_socket])
    finally:
        store.close()


def _listen(address: Address) -> socket.socket:
    try:
        family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0][0]
        # asyncio turns Nagle's algorithm off only where the protocol is spelt out; left on, it costs 40 ms a call.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener
    except OSError as error:
        raise _cannot_listen(address, error) from error


def _cannot_listen(address: Address, error: OSError) -> CannotListen:
    return CannotListen(f"cannot listen on {address}: {error.strerror or error}")


async def _start_dns(settings: Settings, store: Store, stack: contextlib.AsyncExitStack) -> list[DnsListener]:
    """Authoritative listeners first, then resolvers, each in the order of the command line."""
    listeners: list[DnsListener] = []

    def lag(behind: float = 0.0) -> float:
        return settings.serve_after + behind

    for server in settings.dns:
        try:
            listener = await serve_authoritative(store, *server.address, lag=partial(lag, server.behind))
        except OSError as error:
            raise _cannot_listen(server.address, error) from error
        stack.push_async_callback(listener.close)
        listeners.append(listener)
    for resolver in settings.resolvers:
        try:
            listener = await serve_resolver(store, *resolver.address, network=resolver.network, lag=lag)
        except OSError as error:
            raise _cannot_listen(resolver.address, error) from error
        stack.push_async_callback(listener.close)
        listeners.append(listener)
    return listeners


def _ready_line(settings: Settings, api_socket: socket.socket, listeners: list[DnsListener]) -> str:
    bound = [str(Address(*listener.address)) for listener in listeners]
    dns, resolvers = bound[: len(settings.dns)], bound[len(settings.dns) :]
    api = Address(settings.api.host, api_socket.getsockname()[1])
    line = f"localcloud ready api=http://{api} dns={','.join(dns)}"
    return f"{line} resolver={','.join(resolvers)}" if resolvers else line
