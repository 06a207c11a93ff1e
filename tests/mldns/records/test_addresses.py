"""Names of addresses, and the PTR records of a job."""

from __future__ import annotations

import pytest

from mldns.exceptions import InvalidInput
from mldns.inventory.job_records import DesiredRecords, reverse_records
from mldns.inventory.workers import parse_workers
from mldns.records.addresses import address_of, is_reverse, reverse_name

ZONE, REVERSE = "ml.example.com.", "10.in-addr.arpa."
V6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."


@pytest.mark.parametrize(("address", "name"), [("10.0.0.7", "7.0.0.10.in-addr.arpa."), ("2001:db8::1", V6)])
def test_the_name_of_an_address_and_back(address: str, name: str) -> None:
    assert reverse_name(address) == name
    assert str(address_of(name)) == address


@pytest.mark.parametrize(
    "name",
    [
        "0.10.in-addr.arpa.",
        "007.0.0.10.in-addr.arpa.",
        "256.0.0.10.in-addr.arpa.",
        "1.7.0.0.10.in-addr.arpa.",
        "_mldns.bert.10.in-addr.arpa.",
        V6.removeprefix("1."),
        V6.replace("8.b.d", "8.-.d"),
        V6.replace("8.b.d", "8.bb.d"),
        "worker-0.bert.ml.example.com.",
        ".",
    ],
)
def test_what_is_no_address(name: str) -> None:
    assert address_of(name) is None


@pytest.mark.parametrize(
    ("dns_name", "expected"),
    [(REVERSE, True), ("in-addr.arpa.", True), ("8.b.d.0.1.0.0.2.ip6.arpa.", True), (ZONE, False), ("arpa.", False)],
)
def test_what_is_a_reverse_zone(dns_name: str, expected: bool) -> None:
    assert is_reverse(dns_name) is expected


def pointers(*addresses: str, zone: str = REVERSE) -> dict[str, tuple[str, ...]]:
    found = reverse_records(parse_workers(addresses), owner="bert", dns_name=ZONE, reverse_dns_name=zone, ttl=30)
    assert {(rrset.type, rrset.ttl) for rrset in found} == {("PTR", 30)}
    return {rrset.name: rrset.rrdatas for rrset in found}


def test_each_address_says_its_worker_and_no_alias() -> None:
    assert pointers("10.0.0.7", "10.0.3.8") == {
        "7.0.0.10.in-addr.arpa.": ("worker-0.bert.ml.example.com.",),
        "8.3.0.10.in-addr.arpa.": ("worker-1.bert.ml.example.com.",),
    }
    assert pointers("2001:db8::1", zone="8.b.d.0.1.0.0.2.ip6.arpa.") == {V6: ("worker-0.bert.ml.example.com.",)}


def test_an_address_that_ranks_share_has_the_names_of_all() -> None:
    workers = parse_workers(["10.0.0.7", "10.0.0.7"], allow_addresses=["10.0.0.7"])
    (found,) = reverse_records(workers, owner="bert", dns_name=ZONE, reverse_dns_name=REVERSE, ttl=30)
    assert found.rrdatas == ("worker-0.bert.ml.example.com.", "worker-1.bert.ml.example.com.")


@pytest.mark.parametrize(
    ("workers", "zone", "culprit"),
    [
        (["10.0.0.7", "10.1.0.8"], "0.10.in-addr.arpa.", r"address 10\.1\.0\.8 of worker rank 1 lies outside"),
        (["10.0.0.7"], ZONE, r"zone ml\.example\.com\. is no reverse zone"),
        (["10.0.0.7"], "8.b.d.0.1.0.0.2.ip6.arpa.", r"address 10\.0\.0\.7 of worker rank 0 lies outside"),
        (None, REVERSE, "only workers get PTR records"),
        ([], REVERSE, "the worker list is empty"),
    ],
)
def test_what_cannot_be_is_one_line_that_names_it(workers: list[str] | None, zone: str, culprit: str) -> None:
    with pytest.raises(InvalidInput, match=culprit) as refused:
        DesiredRecords.parse(workers=workers, owner="bert", dns_name=ZONE, reverse_dns_name=zone, ttl=30)
    assert "\n" not in str(refused.value)


def test_more_ranks_than_an_rrset_holds_may_not_share_an_address() -> None:
    workers = parse_workers(["10.0.0.7"] * 101, allow_addresses=["10.0.0.7"])
    with pytest.raises(InvalidInput, match=r"7\.0\.0\.10\.in-addr\.arpa\. PTR would have 101 rrdatas"):
        reverse_records(workers, owner="bert", dns_name=ZONE, reverse_dns_name=REVERSE, ttl=30)
