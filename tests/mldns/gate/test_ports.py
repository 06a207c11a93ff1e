"""TCP ports tried on real sockets: one that accepts, one that refuses, one that says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mldns.gate.ports import connect_all, open_at_once
from mldns.gate.servers import Endpoint


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


def test_silent_ports_are_waited_for_together() -> None:
    """All attempts stand open at one moment: none of them ends before the last one has begun."""
    with silent_port() as port:
        doors = [Endpoint(f"worker-{rank}", "127.0.0.1", port) for rank in range(64)]
        most = 0

        async def run() -> dict[Endpoint, str]:
            nonlocal most
            found: dict[Endpoint, str] = {}
            trying = asyncio.create_task(connect_all(doors, found.__setitem__, seconds=3))
            before = len(asyncio.all_tasks())
            while not found:
                await asyncio.sleep(0.01)
                most = max(most, len(asyncio.all_tasks()) - before)
            await trying
            return found

        found = asyncio.run(run())
    assert {why.split(" from ")[0] for why in found.values()} == {"no answer"}
    assert (len(found), most >= len(doors)) == (64, True)


@pytest.mark.parametrize(("files", "expected"), [(1024, 256), (1_048_576, 512), (resource.RLIM_INFINITY, 512), (2, 1)])
def test_a_share_of_the_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch, files: int, expected: int) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert open_at_once() == expected


def test_no_file_left_is_not_the_ports_fault(listening: socket.socket) -> None:
    """Other parts of the process hold all files for a while; it is one of its own, for other tests have threads."""
    program = """
import asyncio, resource, sys
from mldns.gate.ports import connect_all
from mldns.gate.servers import Endpoint

async def run():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    asyncio.get_running_loop().call_later(0.3, resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    await connect_all([Endpoint("worker-0", "127.0.0.1", int(sys.argv[1]))], lambda _, why: print(repr(why)), at_once=1)

asyncio.run(run())
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, str(listening.getsockname()[1])]
    assert subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout == "''\n"


def test_ipv6_is_written_in_brackets() -> None:
    assert str(Endpoint("worker-0", "2001:db8::7", 29500)) == "[2001:db8::7]:29500"
