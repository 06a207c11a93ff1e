"""What is asked of whom, and how answers are judged."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Answer, Expectation, Verdict, expectations, judge
from mldns.gate.servers import Server, ServerRole, parse_server, servers_to_ask
from mldns.records.rrset import RRset

AUTH, RESOLVER = ServerRole.AUTHORITATIVE, ServerRole.RESOLVER
NAME = "worker-0.job.ml.test."
A = Expectation(NAME, "A", ("10.0.0.7",), 30)


def authoritative(*rrdatas: str, ttl: int = 30, **kwargs: object) -> Answer:
    return Answer(rrdatas=rrdatas, ttl=ttl, authoritative=True, **kwargs)  # type: ignore[arg-type]


class TestExpectations:
    def test_ttl_bound_is_the_records_own_unless_given(self) -> None:
        rrsets = [RRset(NAME, "A", 30, ("10.0.0.7",)), RRset(NAME, "AAAA", 60, ("2001:db8::7",))]
        assert [e.max_ttl for e in expectations(rrsets)] == [30, 60]
        assert [e.max_ttl for e in expectations(rrsets, max_ttl=300)] == [300, 300]
        assert expectations(rrsets)[1] == Expectation(NAME, "AAAA", ("2001:db8::7",), 60)


class TestServers:
    @pytest.mark.parametrize(
        ("text", "host", "port", "label"),
        [
            ("127.0.0.1:5354", "127.0.0.1", 5354, "127.0.0.1:5354"),
            ("10.0.0.2", "10.0.0.2", 53, "10.0.0.2"),
            ("::1", "::1", 53, "::1"),
            ("[::1]:5354", "::1", 5354, "[::1]:5354"),
            ("[2001:db8::1]", "2001:db8::1", 53, "2001:db8::1"),
            ("ns-cloud-a1.googledomains.com.", "ns-cloud-a1.googledomains.com.", 53, "ns-cloud-a1.googledomains.com"),
            (" localhost:53 ", "localhost", 53, "localhost"),
            ("fe80::1%eth0", "fe80::1%eth0", 53, "fe80::1%eth0"),
            ("[fe80::1%br-0.7]:5354", "fe80::1%br-0.7", 5354, "[fe80::1%br-0.7]:5354"),
        ],
    )
    def test_forms(self, text: str, host: str, port: int, label: str) -> None:
        server = parse_server(text, AUTH)
        assert server == Server(host, port, AUTH)
        assert server.label == label
        assert parse_server(label, AUTH).label == label

    @pytest.mark.parametrize(
        "text",
        ["", " ", ":53", "host:", "host:0", "host:65536", "host:dns", "host:-1", "host:٥٣", "[::1", "[::1]53",
         "[host]:53", "1::2::3", "a:b:c", "http://host", "two words", "user@host", None, 53,
         "fe80::1%", 'fe80::1%"', "fe80::1%a b",
         "[fe80::1%a\n]:53", "fe80::1%a\n- x", 'a"b', "a\nb", "a#b", "10.0.0.1%a"],
    )  # fmt: skip
    def test_bad_addresses_are_named(self, text: str) -> None:
        with pytest.raises(InvalidInput, match="is not a DNS server") as caught:
            parse_server(text, AUTH)
        assert repr(text) in str(caught.value)

    @given(st.text(max_size=30))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            server = parse_server(text, AUTH)
        except InvalidInput:
            return
        assert 1 <= server.port <= 65535
        assert re.fullmatch(r"[\w.:%-]+", server.host), "stands unquoted in logs, and quoted in YAML"

    @pytest.mark.parametrize(
        ("visibility", "resolvers", "labels"),
        [
            ("public", [], ["n1", "n2"]),
            ("public", ["10.0.0.2"], ["n1", "n2", "10.0.0.2"]),
            ("private", ["10.0.0.2", "10.0.0.3:5353"], ["10.0.0.2", "10.0.0.3:5353"]),
            ("private", [], ["169.254.169.254"]),
        ],
    )
    def test_who_is_asked(self, visibility: str, resolvers: list[str], labels: list[str]) -> None:
        """A public zone's own servers first; of a private one the resolvers alone, at least the metadata server."""
        servers = servers_to_ask(visibility=visibility, name_servers=["n1", "n2", "n1"], resolvers=resolvers)
        assert [server.label for server in servers] == labels
        assert [s.role for s in servers] == [AUTH if s.host.startswith("n") else RESOLVER for s in servers]

    def test_public_zone_without_name_servers_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="no name servers"):
            servers_to_ask(visibility="public", name_servers=[], resolvers=["10.0.0.2"])


class TestJudge:
    @pytest.mark.parametrize(
        ("answer", "verdict", "got"),
        [
            (authoritative("10.0.0.7"), Verdict.PASS, ""),
            (authoritative("10.0.0.7", ttl=5), Verdict.PASS, ""),
            (authoritative("10.0.0.8"), Verdict.WRONG, "10.0.0.8"),
            (authoritative("10.0.0.7", "10.0.0.8"), Verdict.WRONG, "10.0.0.7 10.0.0.8"),
            (authoritative("10.0.0.7", ttl=31), Verdict.LONG_TTL, "10.0.0.7 ttl 31"),
            (authoritative(rcode="NXDOMAIN", negative_ttl=300), Verdict.MISSING, "NXDOMAIN"),
            (authoritative(negative_ttl=300), Verdict.MISSING, "no such type (NODATA)"),
            (authoritative(alias="elsewhere.test."), Verdict.WRONG, "CNAME elsewhere.test."),
            (authoritative(alias="gone.test.", rcode="NXDOMAIN"), Verdict.WRONG, "CNAME gone.test."),
            (authoritative(rcode="SERVFAIL"), Verdict.SERVFAIL, "SERVFAIL"),
            (authoritative(rcode="NOTIMP"), Verdict.SERVFAIL, "NOTIMP"),
            (Answer(rcode="REFUSED"), Verdict.REFUSED, "REFUSED"),
            (Answer(rrdatas=("10.0.0.7",), ttl=30), Verdict.LAME, "10.0.0.7"),
            (Answer(), Verdict.LAME, "a referral or nothing"),
            (Answer(rcode="NXDOMAIN"), Verdict.LAME, "NXDOMAIN"),
            (Answer(silence="no answer in 3 tries"), Verdict.TIMEOUT, "no answer"),
        ],
    )
    def test_authoritative_answers(self, answer: Answer, verdict: Verdict, got: str) -> None:
        judgement = judge(A, answer, AUTH)
        assert (judgement.verdict, judgement.got) == (verdict, got)
        assert judgement.cached_for == 0, "an authoritative server has no cache: ask it again at once"
        assert bool(judgement.why) == (verdict is not Verdict.PASS)

    @pytest.mark.parametrize(
        ("answer", "verdict", "hold"),
        [
            (Answer(rrdatas=("10.0.0.7",), ttl=12, recursion_available=True), Verdict.PASS, 0),
            (Answer(rrdatas=("10.0.0.8",), ttl=12, recursion_available=True), Verdict.WRONG, 12),
            (Answer(rrdatas=("10.0.0.7",), ttl=280, recursion_available=True), Verdict.LONG_TTL, 280),
            (Answer(alias="elsewhere.test.", ttl=60, recursion_available=True), Verdict.WRONG, 60),
            (Answer(rcode="NXDOMAIN", negative_ttl=300, recursion_available=True), Verdict.MISSING, 300),
            (Answer(negative_ttl=300, recursion_available=True), Verdict.MISSING, 300),
            (Answer(rcode="NXDOMAIN", recursion_available=True), Verdict.MISSING, 0),
            (Answer(recursion_available=True), Verdict.MISSING, 0),
            (Answer(), Verdict.LAME, 0),
            (Answer(rcode="SERVFAIL", recursion_available=True), Verdict.SERVFAIL, 0),
            (Answer(rcode="REFUSED"), Verdict.REFUSED, 0),
            (Answer(silence="no answer in 3 tries"), Verdict.TIMEOUT, 0),
        ],
    )
    def test_resolver_answers_hold_as_long_as_they_are_cached(
        self, answer: Answer, verdict: Verdict, hold: int
    ) -> None:
        judgement = judge(A, answer, RESOLVER)
        assert (judgement.verdict, judgement.cached_for) == (verdict, hold)

    @pytest.mark.parametrize(
        ("kind", "expected", "answered"),
        [
            ("AAAA", "2001:db8::7", "2001:DB8:0:0:0:0:0:7"),
            ("CNAME", "service.ml.test.", "Service.ML.test."),
            ("SRV", "0 0 29500 worker-0.job.ml.test.", "0 0 29500 Worker-0.job.ml.test."),
            ("TXT", '"rank=0"', "rank=0"),
        ],
    )
    def test_spelling_does_not_count(self, kind: str, expected: str, answered: str) -> None:
        expectation = Expectation(NAME, kind, (expected,), 30)
        assert judge(expectation, authoritative(answered), AUTH).verdict is Verdict.PASS

    @given(st.permutations([f"10.0.0.{host}" for host in range(1, 6)]))
    def test_order_does_not_count(self, answered: list[str]) -> None:
        expectation = Expectation(NAME, "A", tuple(f"10.0.0.{host}" for host in range(1, 6)), 30)
        assert judge(expectation, authoritative(*answered), AUTH).verdict is Verdict.PASS

    def test_difference_is_told(self) -> None:
        expectation = Expectation(NAME, "A", ("10.0.0.1", "10.0.0.2"), 30)
        why = judge(expectation, authoritative("10.0.0.2", "10.0.0.9"), AUTH).why
        assert why == "lacks 10.0.0.1, has 10.0.0.9 too much"

    @given(st.lists(st.text(min_size=1, max_size=500), min_size=1, max_size=100))
    def test_whatever_a_server_sends_stays_one_short_line(self, rrdatas: list[str]) -> None:
        judgement = judge(A, authoritative(*rrdatas), AUTH)
        assert len(judgement.got) < 200
        assert len(judgement.why) < 500
        assert "\n" not in judgement.got + judgement.why
