"""What one zone says of one name: RFC 4592's own examples, then aliases, delegations and the apex."""

from __future__ import annotations

import dns.rdatatype
import pytest

from localcloud.dns.lookup import Alias, Answer, Denial, Referral, look_up
from localcloud.dns.nametree import NameTree, labels_of
from localcloud.model import ResourceRecordSet

# RFC 4592 section 2.2.1, as it stands there.
RFC_4592 = """
    @ 3600 SOA ns.example.com. host.example.com. 1 7200 3600 604800 300
    @ 3600 NS ns.example.com.
    @ 3600 NS ns.example.net.
    * 3600 TXT "this is a wildcard"
    * 3600 MX 10 host1.example.
    sub.* 3600 TXT "this is not a wildcard"
    host1 3600 A 192.0.2.1
    _ssh._tcp.host1 3600 SRV 0 0 22 host1.example.
    _ssh._tcp.host2 3600 SRV 0 0 22 host2.example.
    subdel 3600 NS ns.example.com.
    subdel 3600 NS ns.example.net.
"""

ALIASES_AND_CUTS = """
    @ 3600 SOA ns.test. host.test. 1 7200 3600 604800 60
    @ 3600 NS ns.test.
    www 60 CNAME host.example.
    host 60 A 192.0.2.1
    host 60 TXT "text"
    *.dyn 60 CNAME host.example.
    deep.down.below 60 A 192.0.2.2
    cut 60 NS ns.cut.example.
    cut 60 NS outside.test.
    cut 60 DS 12345 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a
    ns.cut 60 A 192.0.2.53
    ns.cut 60 AAAA 2001:db8::53
    occluded.cut 60 A 192.0.2.3
"""


def tree_of(rrsets: tuple[ResourceRecordSet, ...], origin: str = "example.") -> NameTree:
    tree = NameTree(origin)
    for rrset in rrsets:
        tree.add(rrset)
    return tree


def found(tree: NameTree, name: str, type_: str) -> str:
    """The finding in one word or line, so that tables can be read."""
    finding = look_up(tree, labels_of(name), dns.rdatatype.from_text(type_))
    match finding:
        case Answer(rdatasets):
            return " | ".join(sorted(record.to_text() for rdataset in rdatasets for record in rdataset))
        case Alias(_, target):
            return f"alias {target}"
        case Referral(ns, _):
            return f"referral {ns.owner}"
        case Denial(nxdomain, _):
            return "NXDOMAIN" if nxdomain else "NODATA"


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        # section 2.2.1: synthesized from the wildcard
        ("host3.example.", "MX", "10 host1.example."),
        ("host3.example.", "A", "NODATA"),
        ("foo.bar.example.", "TXT", '"this is a wildcard"'),
        # section 2.2.1: not synthesized
        ("host1.example.", "MX", "NODATA"),
        ("sub.*.example.", "MX", "NODATA"),
        ("_telnet._tcp.host1.example.", "SRV", "NXDOMAIN"),
        ("host.subdel.example.", "A", "referral subdel.example."),
        ("ghost.*.example.", "MX", "NXDOMAIN"),
        # section 2.2.2: empty non-terminals exist
        ("_tcp.host1.example.", "SRV", "NODATA"),
        ("_tcp.host2.example.", "SRV", "NODATA"),
        ("host2.example.", "MX", "NODATA"),
        # section 3.3.1: closest enclosers and their sources of synthesis
        ("_dns._udp.host2.example.", "TXT", "NXDOMAIN"),
        ("_telnet._tcp.host3.example.", "TXT", '"this is a wildcard"'),
        ("_chat._udp.host3.example.", "TXT", '"this is a wildcard"'),
        ("foobar.*.example.", "TXT", "NXDOMAIN"),
        # the wildcard asked for by its own name, section 2.1.1
        ("*.example.", "TXT", '"this is a wildcard"'),
        ("*.example.", "A", "NODATA"),
        ("sub.*.example.", "TXT", '"this is not a wildcard"'),
    ],
)
def test_the_examples_of_rfc_4592(rrsets, name, type_, expected):
    assert found(tree_of(rrsets(RFC_4592, "example.")), name, type_) == expected


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        ("www.example.", "A", "alias host.example."),
        ("www.example.", "CNAME", "host.example."),
        ("www.example.", "ANY", "host.example."),
        ("any.dyn.example.", "A", "alias host.example."),
        ("dyn.example.", "A", "NODATA"),
        ("host.example.", "ANY", '"text" | 192.0.2.1'),
        ("down.below.example.", "ANY", "NODATA"),
        ("below.example.", "A", "NODATA"),
        ("up.below.example.", "A", "NXDOMAIN"),
        ("example.", "A", "NODATA"),
        ("example.", "NS", "ns.test."),
        ("example.", "SOA", "ns.test. host.test. 1 7200 3600 604800 60"),
        # a cut: the parent has nothing but the DS to say with authority
        ("cut.example.", "NS", "referral cut.example."),
        ("cut.example.", "A", "referral cut.example."),
        ("cut.example.", "ANY", "referral cut.example."),
        ("ns.cut.example.", "A", "referral cut.example."),
        ("occluded.cut.example.", "A", "referral cut.example."),
        ("a.b.cut.example.", "DS", "referral cut.example."),
        ("cut.example.", "DS", "12345 13 2 8acbb0cd28f41250a80a491389424d341522d946b0da0c0291f2d3d771d7805a"),
    ],
)
def test_aliases_delegations_and_the_apex(rrsets, name, type_, expected):
    assert found(tree_of(rrsets(ALIASES_AND_CUTS, "example.")), name, type_) == expected


def test_a_referral_brings_the_addresses_that_the_zone_holds(rrsets):
    finding = look_up(tree_of(rrsets(ALIASES_AND_CUTS, "example.")), labels_of("a.cut.example."), dns.rdatatype.A)
    assert isinstance(finding, Referral)
    assert sorted(record.target.to_text() for record in finding.ns.rdataset) == ["ns.cut.example.", "outside.test."]
    glue = [(records.owner.to_text(), records.rdataset[0].to_text()) for records in finding.glue]
    assert glue == [("ns.cut.example.", "192.0.2.53"), ("ns.cut.example.", "2001:db8::53")]


@pytest.mark.parametrize(("soa_ttl", "minimum", "expected"), [(21600, 300, 300), (60, 300, 60), (300, 300, 300)])
def test_a_denial_holds_for_the_smaller_of_the_soas_ttl_and_minimum(rrsets, soa_ttl, minimum, expected):
    tree = tree_of(rrsets(f"@ {soa_ttl} SOA ns.test. host.test. 1 7200 3600 604800 {minimum}", "example."))
    for name in ("missing.example.", "example."):
        finding = look_up(tree, labels_of(name), dns.rdatatype.A)
        assert isinstance(finding, Denial)
        assert finding.soa.rdataset.ttl == expected
    asked_for_itself = look_up(tree, labels_of("example."), dns.rdatatype.SOA)
    assert isinstance(asked_for_itself, Answer)
    assert asked_for_itself.rdatasets[0].ttl == soa_ttl


def test_a_name_outside_the_zone_is_not_taken_in(rrsets):
    with pytest.raises(ValueError, match=r"host\.example\.org\. is not in the zone example\."):
        NameTree("example.").add(ResourceRecordSet("host.example.org.", "A", 60, ("192.0.2.1",)))


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        (".", (b"",)),
        ("Worker-0.ML.example.", (b"worker-0", b"ml", b"example", b"")),
        (r"a\.b.example.", (b"a.b", b"example", b"")),
        (r"\042.example.", (b"*", b"example", b"")),
    ],
)
def test_names_become_lower_case_labels(name, labels):
    assert labels_of(name) == labels
