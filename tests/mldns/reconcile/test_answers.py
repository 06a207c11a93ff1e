"""Whether a zone's names answer, asked of a real localcloud's servers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from mldns.gate.servers import Server, ServerRole, parse_server
from mldns.reconcile.answers import Answers, ask
from mldns.records.rrset import RRset
from tests.cloud_fixture import NETWORK, Cloud

ZONE = "ml.example.com."
HERE = RRset(f"worker-0.bert.{ZONE}", "A", 30, ("10.0.0.7",))
THERE = RRset(f"worker-1.bert.{ZONE}", "A", 30, ("10.0.0.8",))
LOST = RRset(f"worker-2.bert.{ZONE}", "A", 30, ("10.0.0.9",))
ROUTED = RRset(f"by-place.{ZONE}", "A", 30, ())


def make_zone(cloud: Cloud, visibility: str, network: str = NETWORK) -> None:
    more = {"privateVisibilityConfig": {"networks": [{"networkUrl": network}]}} if visibility == "private" else {}
    cloud.make_zone("ml", ZONE, visibility=visibility, **more)
    cloud.write(HERE.to_api(), THERE.to_api())


@pytest.fixture
def authority(cloud: Cloud) -> Server:
    return parse_server(cloud.dns[0], ServerRole.AUTHORITATIVE)


@pytest.fixture
def resolver(cloud: Cloud) -> Server:
    return parse_server(cloud.resolver, ServerRole.RESOLVER)


@pytest.fixture
def nobody() -> Iterator[Server]:
    """A server that receives everything and answers nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield Server("127.0.0.1", silent.getsockname()[1], ServerRole.AUTHORITATIVE)


Verdicts = list[tuple[str, str, str]]


def verdicts(answers: Answers) -> Verdicts:
    return [(one.expectation.name, one.server.role.value, one.judgement.verdict.value) for one in answers.unanswered]


def test_a_public_zone_is_asked_at_its_servers_and_then_at_the_resolvers(
    cloud: Cloud, authority: Server, resolver: Server
) -> None:
    make_zone(cloud, "public")
    answers = ask([HERE, THERE, LOST, ROUTED], dns_name=ZONE, servers=[authority, resolver])
    assert (answers.names, answers.ok, answers.reason, answers.attention) == (3, 2, "", True)
    assert verdicts(answers) == [(LOST.name, "authoritative", "missing")], "a resolver would cache the denial"
    assert [(one.ok, one.failed) for one in answers.servers] == [(2, 1), (2, 0)]


def test_a_type_that_dns_has_no_number_for_is_left_out(cloud: Cloud, authority: Server) -> None:
    """Google keeps record sets of type ALIAS, which its servers answer as A and AAAA."""
    make_zone(cloud, "public")
    alias = RRset(ZONE, "ALIAS", 30, ("www.example.net.",))
    answers = ask([HERE, alias], dns_name=ZONE, servers=[authority])
    assert (answers.names, answers.ok, answers.reason) == (1, 1, "")


def test_another_address_is_wrong(cloud: Cloud, authority: Server) -> None:
    make_zone(cloud, "public")
    answers = ask([RRset(HERE.name, "A", 30, ("10.9.9.9",))], dns_name=ZONE, servers=[authority])
    assert verdicts(answers) == [(HERE.name, "authoritative", "wrong")]
    assert answers.unanswered[0].judgement.got == "10.0.0.7"


def test_a_private_zone_answers_in_its_network(cloud: Cloud, resolver: Server) -> None:
    make_zone(cloud, "private")
    answers = ask([HERE, THERE], dns_name=ZONE, servers=[resolver])
    assert (answers.names, answers.ok, answers.attention) == (2, 2, False)


def test_a_resolver_outside_the_zones_network_is_no_reason_for_alarm(cloud: Cloud, resolver: Server) -> None:
    make_zone(cloud, "private", NETWORK.replace("training", "other"))
    answers = ask([HERE, THERE], dns_name=ZONE, servers=[resolver])
    assert resolver.label in answers.reason
    assert ZONE in answers.reason
    assert (answers.attention, answers.unanswered) == (False, ())


def test_a_name_server_that_says_nothing_fails_every_name_and_hides_no_other(
    cloud: Cloud, authority: Server, nobody: Server
) -> None:
    make_zone(cloud, "public")
    answers = ask([HERE, THERE], dns_name=ZONE, servers=[nobody, authority])
    assert (answers.names, answers.ok, answers.attention) == (2, 2, True)
    assert [(one.server, one.ok, one.failed) for one in answers.servers] == [(authority, 2, 0), (nobody, 0, 2)]


def test_where_nobody_answers_it_says_so_in_time(nobody: Server) -> None:
    answers = ask([HERE], dns_name=ZONE, servers=[nobody], budget=0.3)
    assert answers.reason == f"no answer within 0.3 s from {nobody.label}"


def test_a_zone_without_jobs_is_asked_for_nothing_but_itself(cloud: Cloud, authority: Server) -> None:
    make_zone(cloud, "public")
    answers = ask([], dns_name=ZONE, servers=[authority])
    assert (answers.names, answers.ok, answers.reason, answers.attention) == (0, 0, "", False)


def test_what_comes_late_is_asked_for_again(start_cloud: Callable[..., Cloud]) -> None:
    late = start_cloud("--serve-ms", "300")
    make_zone(late, "public")
    server = parse_server(late.dns[0], ServerRole.AUTHORITATIVE)
    while ask([HERE], dns_name=ZONE, servers=[server]).ok == 0:
        time.sleep(0.05)
    late.write(LOST.to_api())
    answers = ask([LOST], dns_name=ZONE, servers=[server])
    assert (answers.ok, answers.unanswered) == (1, ())
    assert answers.seconds >= 1, "asked once, and once more a second later"
