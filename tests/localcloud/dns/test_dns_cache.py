"""The resolver's memory, on a clock that only the test moves."""

from __future__ import annotations

import dns.name
import dns.rdataset
import dns.rdatatype
import pytest

from localcloud.dns.cache import MAX_NEGATIVE_TTL, AnswerCache
from localcloud.dns.lookup import Denial, Records
from localcloud.dns.nametree import labels_of

W = labels_of("w.ml.test.")
A, AAAA, CNAME, ANY = (dns.rdatatype.from_text(text) for text in ("A", "AAAA", "CNAME", "ANY"))


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> AnswerCache:
    return AnswerCache(clock)


def addresses(ttl: int, *texts: str) -> dns.rdataset.Rdataset:
    return dns.rdataset.from_text("IN", "A", ttl, *texts)


def denial(*, nxdomain: bool, soa_ttl: int = 300, minimum: int = 300) -> Denial:
    soa = dns.rdataset.from_text("IN", "SOA", soa_ttl, f"ns.test. host.test. 1 1 1 1 {minimum}")
    return Denial(nxdomain, Records(dns.name.from_text("ml.test."), soa))


@pytest.mark.parametrize(
    ("after", "left"), [(0, 60), (0.9, 60), (1, 59), (30.5, 30), (59, 1), (59.9, 1), (60, None), (1e6, None)]
)
def test_a_ttl_counts_down_in_whole_seconds_and_then_the_answer_is_gone(cache, clock, after, left):
    cache.put(W, addresses(60, "192.0.2.1", "192.0.2.2"))
    clock.now += after
    found = cache.get(W, A)
    assert (found and found.ttl) == left
    if left:
        assert {record.to_text() for record in found} == {"192.0.2.1", "192.0.2.2"}
    assert len(cache) == (left is not None)


def test_counting_down_leaves_the_shared_rdataset_alone(cache, clock):
    shared = addresses(60, "192.0.2.1")
    cache.put(W, shared)
    clock.now += 10
    assert cache.get(W, A).ttl == 50
    assert shared.ttl == 60


def test_ttl_zero_is_not_remembered(cache):
    cache.put(W, addresses(60, "192.0.2.1"))
    cache.put(W, addresses(0, "192.0.2.2"))
    assert cache.get(W, A) is None


@pytest.mark.parametrize(
    ("soa_ttl", "minimum", "ttl"),
    [(300, 300, 300), (21600, 300, 300), (60, 300, 60), (604_800, 604_800, MAX_NEGATIVE_TTL), (300, 0, 0)],
)
def test_a_denial_holds_for_the_smaller_of_soa_ttl_and_minimum_up_to_a_bound(cache, clock, soa_ttl, minimum, ttl):
    cache.put_denial(W, A, denial(nxdomain=True, soa_ttl=soa_ttl, minimum=minimum))
    found = cache.get(W, A)
    assert (found.soa.rdataset.ttl if found else 0) == ttl
    clock.now += max(0, ttl - 1)
    found = cache.get(W, A)
    assert (found.soa.rdataset.ttl if found else 0) == min(ttl, 1)
    clock.now += 1
    assert cache.get(W, A) is None


def test_nxdomain_speaks_for_all_types_and_nodata_for_one(cache):
    other = labels_of("v.ml.test.")
    cache.put_denial(W, A, denial(nxdomain=True))
    cache.put_denial(other, A, denial(nxdomain=False))
    assert cache.get(W, AAAA).nxdomain
    assert cache.get(W, ANY).nxdomain
    assert not cache.get(other, A).nxdomain
    assert cache.get(other, AAAA) is None
    assert cache.get(labels_of("x.w.ml.test."), A) is None  # RFC 2308: the name itself, not what would be below


def test_an_answer_does_not_speak_for_other_types_or_names(cache):
    cache.put(W, addresses(60, "192.0.2.1"))
    assert cache.get(W, AAAA) is None
    assert cache.get(W, ANY) is None
    assert cache.get(labels_of("v.ml.test."), A) is None


def test_an_alias_is_found_for_every_type_but_any(cache):
    cache.put(W, dns.rdataset.from_text("IN", "CNAME", 60, "v.ml.test."))
    assert cache.get(W, A).rdtype == CNAME
    assert cache.get(W, CNAME).rdtype == CNAME
    assert cache.get(W, ANY) is None


def test_that_there_is_no_alias_says_nothing_of_addresses(cache):
    cache.put_denial(W, CNAME, denial(nxdomain=False))
    assert not cache.get(W, CNAME).nxdomain
    assert cache.get(W, A) is None


def test_what_is_learnt_again_counts_anew(cache, clock):
    cache.put(W, addresses(60, "192.0.2.1"))
    clock.now += 50
    cache.put(W, addresses(60, "192.0.2.2"))
    clock.now += 20
    found = cache.get(W, A)
    assert (found.ttl, found[0].to_text()) == (40, "192.0.2.2")


def test_above_its_capacity_the_entry_stored_first_goes(clock):
    cache = AnswerCache(clock, capacity=2)
    names = [labels_of(f"w{i}.ml.test.") for i in range(3)]
    for labels in (names[0], names[1], names[0], names[2]):
        cache.put(labels, addresses(60, "192.0.2.1"))
    assert [cache.get(labels, A) is not None for labels in names] == [True, False, True]
    assert len(cache) == 2
