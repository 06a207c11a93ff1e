"""One suite of facts about Google's API, run in two ways.

* Without options, as part of `make test`: against localcloud. Every fact must hold, the unverified ones too: they are
  what the stand-in promises to do.
* With `--target-project` (`make verify-google`): against throw-away zones in that project. A table says which facts
  held; the exit code speaks of those with grade R, D and Q, those with grade U are what there is to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.contract.queries import NameServer, NoAnswer, name_servers, until_all
from tests.contract.run import LEFT_BEHIND, OBSERVED, FactRun, verifying
from tests.contract.scratch import ScratchZones, Zone
from tests.contract.target import OutOfReach, Target, from_options, stand_in

if TYPE_CHECKING:
    from tests.cloud_fixture import Cloud


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("verify", "facts about Google's API, checked in a real project (make verify-google)")
    group.addoption("--target-project", metavar="PROJECT", help="check the facts in this project, not in localcloud")
    group.addoption("--connection", metavar="CONN_ID", help="Airflow connection to take credentials and endpoints from")
    group.addoption("--dns-endpoint", metavar="URL", help="another server than https://dns.googleapis.com")
    group.addoption("--resource-manager-endpoint", metavar="URL", help="the same for the Resource Manager API")
    group.addoption(
        "--iam-member", metavar="MEMBER", help="allow policy changes: this member gets roles and loses them"
    )
    group.addoption("--zone-domain", metavar="DOMAIN", help="make the public zones under this domain")
    group.addoption("--network", metavar="URL", help="a VPC network that private zones may be bound to")
    group.addoption("--name-server", metavar="HOST:PORT", action="append", help="ask this server, not the zone's own")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fact(id, grade, source): a statement about Google's API")
    config.pluginmanager.register(FactRun(config), "mldns-facts")


def _scope(fixture_name: str, config: pytest.Config) -> Literal["session", "function"]:
    """localcloud is emptied after each test; a real project would rather see one zone than a hundred."""
    return "session" if verifying(config) else "function"


@pytest.fixture(scope=_scope)
def target(request: pytest.FixtureRequest) -> Target:
    """The project under test."""
    if not verifying(request.config):
        cloud: Cloud = request.getfixturevalue("cloud")
        return stand_in(cloud.api, project=cloud.project, name_servers=cloud.dns, network=cloud.network)
    try:
        return from_options(request.config)
    except OutOfReach as reason:
        pytest.exit(f"verify-google: cannot ask {request.config.getoption('target_project')}: {reason}", returncode=2)


@pytest.fixture(scope=_scope)
def zones(request: pytest.FixtureRequest, target: Target) -> Iterator[ScratchZones]:
    """Where throw-away zones come from; all of them are removed at the end."""
    scratch = ScratchZones(target.dns, target.domains)
    yield scratch
    left = scratch.remove_all()
    if verifying(request.config):
        request.config.stash[LEFT_BEHIND].update(left)
    else:
        assert not left


@pytest.fixture(scope=_scope)
def shared_zone(request: pytest.FixtureRequest, zones: ScratchZones) -> Zone:
    """A public zone that tests share where zones are dear; tests take `zone`, their own corner of it."""
    try:
        return zones.create()
    except AssertionError as error:
        if not verifying(request.config):
            raise
        pytest.exit(f"verify-google: {error}; name a domain of yours: ZONE_DOMAIN=…", returncode=2)


@pytest.fixture
def zone(shared_zone: Zone) -> Zone:
    """A public zone whose `origin` is this test's alone."""
    return shared_zone.corner()


@pytest.fixture
def own_zone(zones: ScratchZones) -> Iterator[Zone]:
    """A fresh public zone that nobody else has written to."""
    zone = zones.create()
    yield zone
    assert zones.remove(zone.name) is None


@pytest.fixture
def private_zone(zones: ScratchZones) -> Iterator[Zone]:
    """A fresh private zone that no network sees."""
    zone = zones.create(visibility="private")
    yield zone
    assert zones.remove(zone.name) is None


@pytest.fixture(scope=_scope)
def servers(target: Target, shared_zone: Zone) -> tuple[NameServer, ...]:
    """The name servers of `shared_zone`, all of them serving it by now."""
    try:
        servers = name_servers(shared_zone.body["nameServers"], target.name_servers)
        until_all(servers, lambda server: bool(server.ask(shared_zone.dns_name, "SOA").answer), target.patience)
    except NoAnswer as silence:
        pytest.skip(f"no DNS from here: {silence}")
    return servers


@pytest.fixture
def lagging(request: pytest.FixtureRequest) -> tuple[Target, Zone, tuple[NameServer, ...]]:
    """A zone and its servers that follow some time after `done`: always so in this localcloud, perhaps elsewhere."""
    if verifying(request.config):
        return request.getfixturevalue("target"), request.getfixturevalue("zone"), request.getfixturevalue("servers")
    cloud: Cloud = request.getfixturevalue("start_cloud")("--done-ms", "0", "--serve-ms", "500")
    target = stand_in(cloud.api, project=cloud.project, name_servers=cloud.dns, network=cloud.network)
    zone = ScratchZones(target.dns, target.domains).create()
    servers = name_servers((), target.name_servers)
    until_all(servers, lambda server: bool(server.ask(zone.dns_name, "SOA").answer), target.patience)
    return target, zone, servers


@pytest.fixture
def observed(request: pytest.FixtureRequest) -> Callable[[object], None]:
    """Call it with what was seen; the last call is what the table shows."""

    def record(seen: object) -> None:
        request.node.stash[OBSERVED] = str(seen)

    return record
