"""One question to one zone: the algorithm of RFC 1034 section 4.3.2, steps 3a to 3c, with the wildcards of RFC 4592.

Pure: it takes a name tree and says what the zone has to say. Following an alias into another zone, or denying a name in
a message, is the business of whoever asked.
"""

from __future__ import annotations

from typing import NamedTuple

import dns.name
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.nsbase
from dns.rdtypes.ANY.CNAME import CNAME

from localcloud.dns.nametree import Labels, NameTree, Node, canonical_labels
from localcloud.dns.rdatasets import negative_soa, rdataset_of


class Records(NamedTuple):
    """An rdataset and its owner, as they stand in a section of a message."""

    owner: dns.name.Name
    rdataset: dns.rdataset.Rdataset


class Answer(NamedTuple):
    """The records asked for; more than one rdataset only when the type was ANY."""

    rdatasets: tuple[dns.rdataset.Rdataset, ...]


class Alias(NamedTuple):
    """The name is an alias: ask again for `target`."""

    cname: dns.rdataset.Rdataset
    target: dns.name.Name


class Referral(NamedTuple):
    """The name is at or below a delegation; `glue` are the addresses of its servers that this zone holds."""

    ns: Records
    glue: tuple[Records, ...]


class Denial(NamedTuple):
    """No such name (NXDOMAIN), or no such type at this name (NODATA); the SOA's TTL is that of the denial."""

    nxdomain: bool
    soa: Records


Finding = Answer | Alias | Referral | Denial


def look_up(tree: NameTree, labels: Labels, rdtype: dns.rdatatype.RdataType) -> Finding:
    """What the zone says of a name at or below its apex. LookupError when it has no SOA: it is not served yet."""
    node = tree.apex
    for depth in range(len(tree.origin) + 1, len(labels) + 1):
        name = labels[-depth:]
        child = tree.nodes.get(name)
        if child is None:
            # `node` is the closest encloser: only its own wildcard may answer, and only if it exists.
            wildcard = tree.nodes.get((b"*", *name[1:]))
            return _denial(tree, nxdomain=True) if wildcard is None else _at(tree, wildcard, rdtype)
        node = child
        # The parent side of a cut owns nothing but the DS (RFC 4035 section 3.1.4.1).
        if dns.rdatatype.NS in node.rrsets and not (rdtype == dns.rdatatype.DS and depth == len(labels)):
            return _referral(tree, name, node)
    return _at(tree, node, rdtype)


def _at(tree: NameTree, node: Node, rdtype: dns.rdatatype.RdataType) -> Finding:
    """The name exists, or a wildcard stands for it."""
    rrset = node.rrsets.get(rdtype)
    if rrset is not None:
        return Answer((rdataset_of(rrset),))
    if rdtype == dns.rdatatype.ANY and node.rrsets:
        return Answer(tuple(map(rdataset_of, node.rrsets.values())))
    alias = node.rrsets.get(dns.rdatatype.CNAME)
    if alias is None:
        return _denial(tree, nxdomain=False)
    cname = rdataset_of(alias)
    return Alias(cname, alias_target(cname))


def alias_target(cname: dns.rdataset.Rdataset) -> dns.name.Name:
    """Where a CNAME rdataset points to."""
    record = cname[0]
    if not isinstance(record, CNAME):
        raise TypeError(f"a CNAME rdataset holds {record!r}")
    return record.target


def _denial(tree: NameTree, *, nxdomain: bool) -> Denial:
    soa = tree.apex.rrsets.get(dns.rdatatype.SOA)
    if soa is None:
        raise LookupError(f"the zone {tree.origin_name} has no SOA")
    return Denial(nxdomain, Records(tree.origin_name, negative_soa(soa)))


def _referral(tree: NameTree, cut: Labels, node: Node) -> Referral:
    ns = rdataset_of(node.rrsets[dns.rdatatype.NS])
    glue: list[Records] = []
    for record in ns:
        if not isinstance(record, dns.rdtypes.nsbase.NSBase):
            raise TypeError(f"an NS rdataset holds {record!r}")
        server = tree.nodes.get(canonical_labels(record.target))
        if server is not None:
            addresses = (server.rrsets.get(rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA))
            glue.extend(Records(record.target, rdataset_of(rrset)) for rrset in addresses if rrset is not None)
    return Referral(Records(dns.name.Name(cut), ns), tuple(glue))
