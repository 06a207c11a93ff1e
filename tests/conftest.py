"""Fixtures for all tests, and the rule that none of them leaves this machine."""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

import pytest

pytest_plugins = ["tests.cloud_fixture"]

WITH_AIRFLOW = {"e2e", "ui"}
"""Folders whose tests run against a real Airflow: one at a time is as much as a laptop likes."""


class NetworkRefused(OSError):
    """A test tried to reach another machine."""


def pytest_configure(config: pytest.Config) -> None:
    # `make verify-google` runs tests/contract against a real project on purpose.
    if not config.getoption("--target-project", default=None):
        sys.addaudithook(refuse_other_machines)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say which tests stay together when several processes share the work: a file, or all that start an Airflow."""
    for item in items:
        if item.get_closest_marker("exhaustive"):
            item.add_marker(pytest.mark.slow)
        folder = item.path.relative_to(config.rootpath / "tests").parts[0]
        item.add_marker(pytest.mark.xdist_group("airflow" if folder in WITH_AIRFLOW else str(item.path)))


def refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: loopback and Unix sockets only, and no look-ups of other machines' names."""
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        target, address = arguments[0], arguments[1]
        if target.family in (socket.AF_INET, socket.AF_INET6) and address is not None:
            _refuse_unless_local(address[0], event)
    elif event == "socket.getaddrinfo":
        _refuse_unless_local(arguments[0], event)


def _refuse_unless_local(host: str | bytes | None, event: str) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name in {"localhost", socket.gethostname()}:
        return
    try:
        if _is_loopback(name):
            return
        literal = True
    except ValueError:
        literal = False
    if event == "socket.getaddrinfo" and literal:
        return  # turning the text of an address into an address asks nobody
    raise NetworkRefused(f"{event} {name}: tests run on loopback only")


def _is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    return address.is_loopback or address.is_unspecified
