"""TCP ports tried on real sockets: one that accepts, one that refuses, one that says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from mldns.ports import Endpoint, connect_all


def tried(*endpoints: Endpoint, seconds: float = 3.0, at_once: int = 64) -> dict[Endpoint, str]:
    found: dict[Endpoint, str] = {}

    def on_port(endpoint: Endpoint, why: str) -> None:
        assert endpoint not in found, "told twice"
        found[endpoint] = why

    asyncio.run(connect_all(endpoints, on_port, seconds=seconds, at_once=at_once))
    return found


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops further attempts, as a firewall would."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        time.sleep(0.05)
        yield server.getsockname()[1]


def test_accepted(listening: socket.socket) -> None:
    door = Endpoint("worker-0", "127.0.0.1", listening.getsockname()[1])
    assert tried(door) == {door: ""}


def test_refused() -> None:
    door = Endpoint("worker-0", "127.0.0.1", 9)
    assert tried(door) == {door: "refused by 127.0.0.1:9"}


def test_silent() -> None:
    with silent_port() as port:
        door = Endpoint("worker-0", "127.0.0.1", port)
        assert tried(door, seconds=0.3) == {door: f"no answer from 127.0.0.1:{port} in 0.3 s"}


def test_unreachable() -> None:
    door = Endpoint("worker-0", "not-an-address.invalid.", 29500)
    (why,) = tried(door).values()
    assert why.startswith("cannot reach not-an-address.invalid.:29500: ")


def test_each_is_told_once_however_few_are_tried_at_a_time(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    doors = [Endpoint(f"worker-{rank}", "127.0.0.1", port) for rank in range(50)]
    assert tried(*doors, at_once=3) == dict.fromkeys(doors, "")


def test_none() -> None:
    assert tried() == {}


def test_ipv6_is_written_in_brackets() -> None:
    assert str(Endpoint("worker-0", "2001:db8::7", 29500)) == "[2001:db8::7]:29500"
