"""The index against the definitions: for random zones, look-ups agree with a reference that knows no index."""

from __future__ import annotations

import dns.name
import dns.rdatatype
from hypothesis import given
from hypothesis import strategies as st

from localcloud.dns.lookup import Alias, Answer, Denial, Referral, look_up
from localcloud.dns.nametree import NameTree, canonical_labels
from localcloud.model import ResourceRecordSet

ORIGIN = dns.name.from_text("z.test.")
RDATA = {"A": "192.0.2.1", "TXT": '"t"', "CNAME": "elsewhere.test.", "NS": "ns.elsewhere.test."}
SOA = ResourceRecordSet("z.test.", "SOA", 300, ("ns.test. host.test. 1 1 1 1 300",))

# Few labels, so that names are often ancestors, siblings and wildcards of one another.
owners = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4).map(".".join)
records = st.tuples(owners, st.sampled_from(sorted(RDATA)))
Record = tuple[str, str]


def rrset_of(record: Record) -> ResourceRecordSet:
    owner, type_ = record
    return ResourceRecordSet(f"{owner}.z.test.", type_, 60, (RDATA[type_],))


def legal(zone: set[Record]) -> set[Record]:
    """What the API lets in: no CNAME beside other types, no NS at a wildcard."""
    kept = {(owner, type_) for owner, type_ in zone if not (type_ == "NS" and owner.startswith("*"))}
    return {(o, t) for o, t in kept if t != "CNAME" or not any(o == other and u != "CNAME" for other, u in kept)}


def reference(zone: set[Record], qname: dns.name.Name, type_: str) -> str:
    """RFC 1034 section 4.3.2 and RFC 4592 section 3.3 by their definitions, over the plain set of records."""
    names = {dns.name.from_text(owner, ORIGIN): {t for o, t in zone if o == owner} for owner, _ in zone}

    def exists(name: dns.name.Name) -> bool:
        return name == ORIGIN or any(owner.is_subdomain(name) for owner in names)

    ancestors = [qname.split(depth)[1] for depth in range(len(ORIGIN) + 1, len(qname) + 1)]
    for ancestor in ancestors:
        if "NS" in names.get(ancestor, ()):
            return f"referral {ancestor}"
    source = qname
    if not exists(qname):
        encloser = max((name for name in [ORIGIN, *ancestors] if exists(name)), key=len)
        source = dns.name.Name((b"*", *encloser.labels))
        if not exists(source):
            return "NXDOMAIN"
    types = names.get(source, set())
    if type_ in types:
        return "answer"
    return "alias" if "CNAME" in types else "NODATA"


def said(tree: NameTree, qname: dns.name.Name, type_: str) -> str:
    match look_up(tree, canonical_labels(qname), dns.rdatatype.from_text(type_)):
        case Answer():
            return "answer"
        case Alias():
            return "alias"
        case Referral(ns, _):
            return f"referral {ns.owner}"
        case Denial(nxdomain, _):
            return "NXDOMAIN" if nxdomain else "NODATA"


@given(st.sets(records, max_size=8).map(legal), owners, st.sampled_from(["A", "TXT", "CNAME"]))
def test_every_finding_is_what_the_definitions_say(zone, owner, type_):
    tree = NameTree("z.test.")
    for rrset in (SOA, *map(rrset_of, sorted(zone))):
        tree.add(rrset)
    qname = dns.name.from_text(owner, ORIGIN)
    assert said(tree, qname, type_) == reference(zone, qname, type_)


@given(st.lists(st.tuples(st.booleans(), records), max_size=30))
def test_after_any_edits_the_index_is_that_of_what_is_left(edits):
    edited, left = NameTree("z.test."), set()
    for adding, record in edits:
        if adding:
            edited.add(rrset_of(record))
            left.add(record)
        else:
            edited.remove(rrset_of(record))
            left.discard(record)
    fresh = NameTree("z.test.")
    for record in left:
        fresh.add(rrset_of(record))
    assert {labels: (node.rrsets, node.children) for labels, node in edited.nodes.items()} == {
        labels: (node.rrsets, node.children) for labels, node in fresh.nodes.items()
    }
