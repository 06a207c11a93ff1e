"""The tests themselves must not reach other machines: the guard in conftest.py sees to it."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize("address", ["192.0.2.1", "169.254.169.254", "dns.googleapis.com"])
def test_connecting_to_another_machine_is_refused(address: str) -> None:
    with pytest.raises(OSError, match="loopback only"):
        socket.create_connection((address, 80), timeout=5)


def test_a_datagram_to_another_machine_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(OSError, match="loopback only"):
        sender.sendto(b"?", ("192.0.2.1", 53))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost"])
def test_loopback_is_open(host: str) -> None:
    with socket.create_server((host, 0)) as server, socket.create_connection(server.getsockname(), timeout=5) as client:
        assert client.getpeername() == server.getsockname()
