"""Rrsets of the model as dnspython rdatasets: parsed at the first question, then shared by all listeners."""

from __future__ import annotations

from copy import copy
from functools import lru_cache

import dns.name
import dns.rdataclass
import dns.rdataset
from dns.rdtypes.ANY.SOA import SOA

from localcloud.dns.nametree import rdatatype_of
from localcloud.model import ResourceRecordSet


@lru_cache(maxsize=32_768)
def rdataset_of(rrset: ResourceRecordSet) -> dns.rdataset.Rdataset:
    """The parsed rrset; shared, so nobody may change it. `dns.exception.DNSException` when the text is no rdata."""
    return dns.rdataset.from_text_list(
        dns.rdataclass.IN, rdatatype_of(rrset.type), rrset.ttl, rrset.rrdatas, origin=dns.name.root, relativize=False
    )


@lru_cache(maxsize=4_096)
def negative_soa(rrset: ResourceRecordSet) -> dns.rdataset.Rdataset:
    """The SOA as negative answers carry it: its TTL says how long the denial may be cached (RFC 2308 section 3)."""
    soa = rdataset_of(rrset)
    return with_ttl(soa, negative_ttl(soa))


def negative_ttl(soa: dns.rdataset.Rdataset) -> int:
    """Seconds for which a denial that came with this SOA holds: the smaller of its TTL and its minimum field."""
    record = soa[0]
    if not isinstance(record, SOA):
        raise TypeError(f"a SOA rdataset holds {record!r}")
    return min(soa.ttl, record.minimum)


def with_ttl(rdataset: dns.rdataset.Rdataset, ttl: int) -> dns.rdataset.Rdataset:
    """The same records with another TTL; the given rdataset is left alone."""
    if rdataset.ttl == ttl:
        return rdataset
    aged = copy(rdataset)
    aged.ttl = ttl
    return aged
