"""The caching resolver on real sockets: what it remembers, whose private zones it sees, where it gives up."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from localcloud.dns.listener import DnsListener

TRAINING = "https://www.googleapis.com/compute/v1/projects/demo/global/networks/training"
SERVING = "https://www.googleapis.com/compute/v1/projects/demo/global/networks/serving"


def ask(listener: DnsListener, name: str, rdtype: str = "A", *, how=dns.query.udp, **query) -> dns.message.Message:
    host, port = listener.address
    return how(dns.message.make_query(name, rdtype, **query), host, port=port, timeout=30)


def rdatas(response: dns.message.Message) -> list[str]:
    return sorted(f"{rrset.name} {rrset.ttl} {record.to_text()}" for rrset in response.answer for record in rrset)


@pytest.mark.parametrize("how", [dns.query.udp, dns.query.tcp])
def test_answers_are_recursive_and_not_authoritative(book, resolver_in, how):
    book.create("ml.test.", "worker-0 60 A 192.0.2.10")
    response = ask(resolver_in(), "Worker-0.ML.test.", how=how)
    assert rdatas(response) == ["Worker-0.ML.test. 60 192.0.2.10"]
    assert response.flags & dns.flags.RA
    assert response.flags & dns.flags.RD
    assert not response.flags & dns.flags.AA


def test_without_rd_it_refuses(book, resolver_in):
    book.create("ml.test.", "worker-0 60 A 192.0.2.10")
    response = ask(resolver_in(), "worker-0.ml.test.", flags=0)
    assert (response.rcode(), response.answer) == (dns.rcode.REFUSED, [])
    assert response.flags & dns.flags.RA


def test_a_name_asked_for_too_early_stays_denied_for_300_seconds(book, resolver_in, authoritative):
    zone = book.create("ml.test.")
    resolver = resolver_in()
    early = ask(resolver, "w.ml.test.")
    assert early.rcode() == dns.rcode.NXDOMAIN
    assert [(soa.name.to_text(), soa.rdtype, soa.ttl) for soa in early.authority] == [
        ("ml.test.", dns.rdatatype.SOA, 300)
    ]
    book.edit(zone, add="w 60 A 192.0.2.1\n w 60 AAAA 2001:db8::1")
    book.now += 299.5
    assert ask(authoritative, "w.ml.test.").answer
    for rdtype in ("A", "AAAA"):  # NXDOMAIN speaks for the name
        late = ask(resolver, "w.ml.test.", rdtype)
        assert late.rcode() == dns.rcode.NXDOMAIN
        assert [soa.ttl for soa in late.authority] == [1]
    book.now += 0.5
    assert rdatas(ask(resolver, "w.ml.test.")) == ["w.ml.test. 60 192.0.2.1"]


def test_flush_forgets_answers_and_denials(book, resolver_in, run):
    async def flush() -> None:
        resolver.flush()

    book.create("ml.test.", "w 60 A 192.0.2.1")
    resolver = resolver_in()
    assert ask(resolver, "w.ml.test.").answer
    assert ask(resolver, "v.ml.test.").rcode() == dns.rcode.NXDOMAIN
    book.book.clear()
    book.create("ml.test.", "v 60 A 192.0.2.2")
    run(flush())
    assert ask(resolver, "w.ml.test.").rcode() == dns.rcode.NXDOMAIN
    assert ask(resolver, "v.ml.test.").answer


def test_private_zones_are_seen_from_their_own_network_and_from_nowhere_else(book, resolver_in, authoritative):
    book.create("ml.test.", "w 60 A 10.0.0.1", visibility="private", networks=(TRAINING,))
    book.create("unbound.test.", "w 60 A 10.0.0.2", visibility="private")
    inside = resolver_in("projects/demo/global/networks/training")
    assert rdatas(ask(inside, "w.ml.test.")) == ["w.ml.test. 60 10.0.0.1"]
    assert ask(inside, "v.ml.test.").rcode() == dns.rcode.NXDOMAIN
    assert ask(inside, "w.unbound.test.").rcode() == dns.rcode.SERVFAIL
    for elsewhere in (resolver_in(SERVING), resolver_in(None)):
        response = ask(elsewhere, "w.ml.test.")
        assert (response.rcode(), response.answer) == (dns.rcode.SERVFAIL, [])
    assert ask(authoritative, "w.ml.test.").rcode() == dns.rcode.REFUSED


def test_split_horizon_each_network_has_its_own_answer(book, resolver_in):
    book.create("ml.test.", "w 60 A 192.0.2.1\n only-public 60 A 192.0.2.1")
    book.create("ml.test.", "w 60 A 10.0.0.1", visibility="private", networks=(TRAINING,))
    book.create("ml.test.", "w 60 A 10.1.0.1", visibility="private", networks=(SERVING,))
    answers = [ask(resolver_in(network), "w.ml.test.").answer[0][0].to_text() for network in (TRAINING, SERVING, None)]
    assert answers == ["10.0.0.1", "10.1.0.1", "192.0.2.1"]
    # The private zone speaks for all its names: there is no falling back to the public one.
    assert ask(resolver_in(TRAINING), "only-public.ml.test.").rcode() == dns.rcode.NXDOMAIN


def test_any_private_zone_goes_before_a_longer_public_one_and_the_longest_private_one_first(book, resolver_in):
    book.create("job.ml.test.", "w 60 A 192.0.2.1")
    book.create("ml.test.", "w.job 60 A 10.0.0.1", visibility="private", networks=(TRAINING,))
    resolver = resolver_in(TRAINING)
    assert rdatas(ask(resolver, "w.job.ml.test.")) == ["w.job.ml.test. 60 10.0.0.1"]
    book.create("job.ml.test.", "w 60 A 10.0.0.2", visibility="private", networks=(TRAINING,))
    book.now += 60
    assert rdatas(ask(resolver, "w.job.ml.test.")) == ["w.job.ml.test. 60 10.0.0.2"]


@pytest.mark.parametrize("visibility", ["public", "private"])
def test_aliases_are_followed_across_zones(book, resolver_in, visibility):
    kind = {"visibility": visibility, "networks": (TRAINING,)}
    book.create("ml.test.", "data 30 CNAME store.corp.test.\n gone 30 CNAME lost.corp.test.", **kind)
    book.create("corp.test.", "store 60 CNAME disk.corp.test.\n disk 90 A 10.0.0.9", **kind)
    resolver = resolver_in(TRAINING)
    for past, ttls in ((0, (30, 60, 90)), (20, (10, 40, 70))):
        book.now += past
        assert rdatas(ask(resolver, "data.ml.test.")) == [
            f"data.ml.test. {ttls[0]} store.corp.test.",
            f"disk.corp.test. {ttls[2]} 10.0.0.9",
            f"store.corp.test. {ttls[1]} disk.corp.test.",
        ]
    response = ask(resolver, "gone.ml.test.")
    assert (response.rcode(), rdatas(response)) == (dns.rcode.NXDOMAIN, ["gone.ml.test. 30 lost.corp.test."])
    assert response.authority[0].name.to_text() == "corp.test."


def test_aliases_of_public_zones_are_not_followed_into_private_ones(book, resolver_in):
    book.create("ml.test.", "data 30 CNAME disk.corp.test.\n lost 30 CNAME disk.hidden.test.")
    book.create("corp.test.", "disk 90 A 192.0.2.9")
    for dns_name in ("corp.test.", "hidden.test."):
        book.create(dns_name, "disk 90 A 10.0.0.9", visibility="private", networks=(TRAINING,))
    resolver = resolver_in(TRAINING)
    for _ in range(2):  # the second time from the caches, which know both addresses
        assert ask(resolver, "disk.corp.test.").answer[0][0].to_text() == "10.0.0.9"
        assert ask(resolver, "data.ml.test.").answer[-1][0].to_text() == "192.0.2.9"
        assert ask(resolver, "lost.ml.test.").rcode() == dns.rcode.SERVFAIL


@pytest.mark.parametrize("target", ["host.public.test.", "www.example.org."])
def test_aliases_of_private_zones_end_where_no_private_zone_holds_the_target(book, resolver_in, target):
    book.create("public.test.", "host 60 A 192.0.2.1")
    book.create("ml.test.", f"data 30 CNAME {target}", visibility="private", networks=(TRAINING,))
    response = ask(resolver_in(TRAINING), "data.ml.test.", use_edns=0)
    assert (response.rcode(), rdatas(response)) == (dns.rcode.NOERROR, [f"data.ml.test. 30 {target}"])
    assert f"no private zone of this network holds {target}" in response.extended_errors()[0].text


UNREACHABLE = dns.edns.EDECode.NO_REACHABLE_AUTHORITY


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("www.example.org.", UNREACHABLE, "no zone here holds www.example.org., and there is nobody else to ask"),
        ("away.ml.test.", UNREACHABLE, "no zone here holds www.example.org., and there is nobody else to ask"),
        ("x.child.ml.test.", UNREACHABLE, "child.ml.test. is delegated to servers that are not here"),
        ("loop.ml.test.", dns.edns.EDECode.OTHER, "a loop of aliases, or too many, at loop.ml.test."),
    ],
)
def test_what_cannot_be_resolved_here_is_servfail_and_says_why_and_is_not_remembered(
    book, resolver_in, name, code, text
):
    zone = book.create(
        "ml.test.",
        """away 60 CNAME www.example.org.
        child 60 NS ns.child.ml.test.
        loop 60 CNAME pool.ml.test.
        pool 60 CNAME loop.ml.test.""",
    )
    resolver = resolver_in()
    response = ask(resolver, name, use_edns=0)
    assert (response.rcode(), response.answer) == (dns.rcode.SERVFAIL, [])
    assert [(why.code, why.text) for why in response.extended_errors()] == [(code, text)]
    assert ask(resolver, name).rcode() == dns.rcode.SERVFAIL  # and without EDNS no more is said
    book.edit(zone, delete="pool 60 CNAME loop.ml.test.", add="pool 60 A 192.0.2.1")
    book.create("example.org.", "www 60 A 192.0.2.1")
    book.create("child.ml.test.", "x 60 A 192.0.2.1")
    book.now += 60
    assert ask(resolver, name).answer


def test_sixteen_aliases_are_followed_and_by_the_resolver_no_more(book, resolver_in, authoritative):
    steps = "\n".join(f"step-{i} 60 CNAME step-{i + 1}.ml.test." for i in range(17))
    book.create("ml.test.", f"{steps}\n step-17 60 A 192.0.2.1")
    resolver = resolver_in()
    for listener in (resolver, authoritative):
        response = ask(listener, "step-1.ml.test.", how=dns.query.tcp)
        assert (len(response.answer), response.answer[-1][0].to_text()) == (17, "192.0.2.1")
    assert ask(resolver, "step-0.ml.test.").rcode() == dns.rcode.SERVFAIL


def test_the_ds_of_a_zone_is_its_parents(book, resolver_in):
    digest = "12345 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a"
    book.create("test.", f"ml 60 NS ns-1.test.\n ml 60 DS {digest}")
    book.create("ml.test.")
    assert rdatas(ask(resolver_in(), "ml.test.", "DS")) == [f"ml.test. 60 {digest}"]


def test_any_is_answered_from_the_zone_and_each_of_its_parts_remembered(book, resolver_in):
    zone = book.create("ml.test.", 'w 60 A 192.0.2.1\n w 60 TXT "t"\n alias 60 CNAME w.ml.test.')
    resolver = resolver_in()
    assert ask(resolver, "alias.ml.test.").answer  # the alias is remembered, which is no answer to ANY
    assert rdatas(ask(resolver, "alias.ml.test.", "ANY")) == ["alias.ml.test. 60 w.ml.test."]
    assert len(ask(resolver, "w.ml.test.", "ANY").answer) == 2
    book.edit(zone, delete='w 60 TXT "t"\n w 60 A 192.0.2.1', add="w 60 AAAA 2001:db8::1")
    book.now += 10
    assert rdatas(ask(resolver, "w.ml.test.", "ANY")) == ["w.ml.test. 60 2001:db8::1"]
    assert rdatas(ask(resolver, "w.ml.test.", "TXT")) == ['w.ml.test. 50 "t"']
    assert rdatas(ask(resolver, "w.ml.test.", "A")) == ["w.ml.test. 50 192.0.2.1"]


def test_wildcards_are_remembered_under_the_name_that_was_asked_for(book, resolver_in):
    zone = book.create("ml.test.", "* 60 A 192.0.2.1")
    resolver = resolver_in()
    assert rdatas(ask(resolver, "a.ml.test.")) == ["a.ml.test. 60 192.0.2.1"]
    book.edit(zone, delete="* 60 A 192.0.2.1", add="* 60 A 192.0.2.2")
    assert rdatas(ask(resolver, "b.ml.test.")) == ["b.ml.test. 60 192.0.2.2"]
    assert rdatas(ask(resolver, "a.ml.test.")) == ["a.ml.test. 60 192.0.2.1"]
