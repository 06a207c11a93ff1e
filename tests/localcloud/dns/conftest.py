"""Zones with a clock of their own, and real listeners over them in a loop beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any

import pytest

from localcloud.dns.authoritative import serve_authoritative
from localcloud.dns.listener import DnsListener
from localcloud.dns.resolver import serve_resolver
from localcloud.model import JournalEntry, ManagedZone, ResourceRecordSet, RRsetKey, Visibility

APEX = """
    @ 21600 SOA ns-1.test. host.test. 1 21600 3600 259200 300
    @ 21600 NS  ns-1.test.
    @ 21600 NS  ns-2.test.
"""


def parse_rrsets(text: str, origin: str) -> tuple[ResourceRecordSet, ...]:
    """Lines of `name ttl type rdata`; names without a dot at the end are relative to the origin, `@` is the origin."""
    found: dict[RRsetKey, ResourceRecordSet] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        owner, ttl, type_, rdata = line.split(None, 3)
        name = origin if owner == "@" else owner if owner.endswith(".") else f"{owner}.{origin}"
        before = found.get(RRsetKey(name, type_))
        rrdatas = (*(before.rrdatas if before else ()), rdata)
        found[RRsetKey(name, type_)] = ResourceRecordSet(name, type_, int(ttl), rrdatas)
    return tuple(found.values())


class ZoneBook:
    """A store: zones edited as the API edits them, at a time that only the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.lag = 0.0
        self.book: list[ManagedZone] = []

    def zones(self) -> Iterable[ManagedZone]:
        return self.book

    def clock(self) -> float:
        return self.now

    def create(
        self, dns_name: str, records: str = "", *, visibility: Visibility = "public", networks: tuple[str, ...] = ()
    ) -> ManagedZone:
        number = len(self.book) + 1
        zone = ManagedZone("demo", number, f"zone-{number}", dns_name, visibility, networks, (), self.now)
        self.book.append(zone)
        self.edit(zone, add=APEX + records)
        return zone

    def edit(self, zone: ManagedZone, *, add: str = "", delete: str = "") -> None:
        additions, deletions = parse_rrsets(add, zone.dns_name), parse_rrsets(delete, zone.dns_name)
        zone.journal.append(JournalEntry(self.now, deletions, additions))

    def delete(self, zone: ManagedZone) -> None:
        zone.deleted_at = self.now


@pytest.fixture
def rrsets() -> Callable[[str, str], tuple[ResourceRecordSet, ...]]:
    return parse_rrsets


@pytest.fixture
def apex() -> str:
    return APEX


@pytest.fixture
def book() -> ZoneBook:
    return ZoneBook()


@pytest.fixture
def run() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Runs a coroutine in an event loop of another thread, and waits for its result."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(60)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@pytest.fixture
def authoritative(
    book: ZoneBook, run: Callable[[Coroutine[Any, Any, DnsListener]], DnsListener]
) -> Iterator[DnsListener]:
    """An authoritative server over the book."""
    listener = run(serve_authoritative(book, "127.0.0.1", 0, lag=lambda: book.lag, clock=book.clock))
    yield listener
    run(listener.close())


@pytest.fixture
def resolver_in(
    book: ZoneBook, run: Callable[[Coroutine[Any, Any, Any]], Any]
) -> Iterator[Callable[[str | None], DnsListener]]:
    """Starts a resolver over the book in a network (or in none)."""
    started: list[DnsListener] = []

    def start(network: str | None = None) -> DnsListener:
        resolver = serve_resolver(book, "127.0.0.1", 0, network=network, lag=lambda: book.lag, clock=book.clock)
        started.append(run(resolver))
        return started[-1]

    yield start
    for listener in started:
        run(listener.close())
