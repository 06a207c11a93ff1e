"""The names of one zone, indexed so that a look-up costs its labels and not the zone.

Every owner name has a node, and so has every name between it and the apex: those without records of their own are the
empty non-terminals of RFC 4592 section 2.2.2, which exist and therefore answer NODATA and stop wildcards.
"""

from __future__ import annotations

from functools import lru_cache

import dns.name
import dns.rdatatype

from localcloud.model import ResourceRecordSet

Labels = tuple[bytes, ...]
"""A name as its lower-case labels, the empty root label last: `(b"a", b"example", b"")`. Ancestors are slices of it."""


def labels_of(name: str) -> Labels:
    """The labels of an absolute name in presentation format; `dns.exception.DNSException` when it is not a name."""
    if "\\" in name or name == ".":
        return canonical_labels(dns.name.from_text(name))
    return tuple(name.lower().encode("ascii").split(b"."))


def canonical_labels(name: dns.name.Name) -> Labels:
    """The labels of a parsed name, in lower case."""
    return tuple([label.lower() for label in name.labels])


@lru_cache(maxsize=256)
def rdatatype_of(type_: str) -> dns.rdatatype.RdataType:
    """The number of a type; `dns.rdatatype.UnknownRdatatype` for what is no DNS type (Cloud DNS has `ALIAS`)."""
    return dns.rdatatype.from_text(type_)


class Node:
    """One existing name: its rrsets by type, and how many names exist directly below it."""

    __slots__ = ("children", "rrsets")

    def __init__(self) -> None:
        self.rrsets: dict[dns.rdatatype.RdataType, ResourceRecordSet] = {}
        self.children = 0


class NameTree:
    """The rrsets of one zone by name. The apex exists even while it is empty."""

    def __init__(self, dns_name: str) -> None:
        self.origin: Labels = labels_of(dns_name)
        self.origin_name = dns.name.Name(self.origin)
        self.apex = Node()
        self.nodes: dict[Labels, Node] = {self.origin: self.apex}

    def add(self, rrset: ResourceRecordSet) -> None:
        """Put an rrset in, in place of one of the same name and type. ValueError when the name is outside the zone."""
        labels = labels_of(rrset.name)
        if labels[-len(self.origin) :] != self.origin:
            raise ValueError(f"{rrset.name} is not in the zone {self.origin_name}")
        rdtype = rdatatype_of(rrset.type)
        self._ensure(labels).rrsets[rdtype] = rrset

    def remove(self, rrset: ResourceRecordSet) -> None:
        """Take out what has its name and type, and the names that then exist no longer; nothing if it is not there."""
        labels = labels_of(rrset.name)
        node = self.nodes.get(labels)
        if node is None:
            return
        node.rrsets.pop(rdatatype_of(rrset.type), None)
        while not node.rrsets and not node.children and labels != self.origin:
            del self.nodes[labels]
            labels = labels[1:]
            node = self.nodes[labels]
            node.children -= 1

    def _ensure(self, labels: Labels) -> Node:
        found = self.nodes.get(labels)
        if found is not None:
            return found
        node = self.nodes[labels] = Node()
        while True:  # ends at the apex at the latest, which always exists
            labels = labels[1:]
            parent = self.nodes.get(labels)
            if parent is not None:
                parent.children += 1
                return node
            parent = self.nodes[labels] = Node()
            parent.children = 1
