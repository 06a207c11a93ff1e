"""Fixtures for all tests, and the rule that none of them leaves this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["tests.cloud_fixture"]

WITH_AIRFLOW = {"e2e", "ui", "demo", "compose"}
"""Folders whose tests run against a real Airflow: one at a time is as much as a laptop likes."""
LONG = (
    "tests/e2e",
    "tests/ui",
    "tests/demo",
    "tests/compose",
    "tests/simulator",
    "tests/dags/test_reconcile.py",
    "tests/mldns/hooks/test_hook_grants.py",
    "tests/mldns/under_fire",
    "tests/contract",
    "tests/dags",
    "tests/mldns/triggers",
    "tests/mldns/providers",
)
"""What takes longest, longest first. Begun last, it would keep one process busy while the other has nothing to do."""


class NetworkRefused(OSError):
    """A test tried to reach another machine."""


def pytest_configure(config: pytest.Config) -> None:
    os.environ["AIRFLOW__API__BASE_URL"] = "http://airflow"  # a claimant's first half
    # `make verify-google` runs tests/contract against a real project on purpose.
    if not config.getoption("--target-project", default=None):
        sys.addaudithook(refuse_other_machines)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is exhaustive is slow; where processes share the work, the longest comes first."""
    for item in items:
        if item.get_closest_marker("exhaustive"):
            item.add_marker(pytest.mark.slow)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((n for n, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG)))


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Keep together, when several processes share the work, a file's tests, and all that start an Airflow.

    They are handed out in the order of the tests, not by how many a file has. pytest-xdist 3.8 has groups of its own
    for this, and pytest 9.2 keeps names where it does not look for them.
    """
    config.option.loadscopereorder = False
    return _ByServer(config, log)


class _ByServer(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "airflow" if set(Path(file).parts) & WITH_AIRFLOW else file


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
