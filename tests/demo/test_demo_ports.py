"""Ports for servers: free ones, and different ones."""

from __future__ import annotations

import socket

import pytest

from demo import ports


def test_ports_are_free_and_different() -> None:
    found = ports.free_ports(5)
    assert len(set(found)) == 5
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_somebody_listens_on_is_not_offered(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((host, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_RANGE", range(port, port + 1))
        with pytest.raises(OSError, match="no 1 free TCP ports"):
            ports.free_ports(1)
