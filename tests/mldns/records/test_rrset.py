"""Records: what users may write, how spelling is ignored, and what a job needs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.inventory.job_records import DesiredRecords
from mldns.records.rrset import RRset, from_api, parse_record, same
from mldns.records.txt import quote_strings, split_strings

ZONE = "ml.example.com."
SEED = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}


def record(**over: Any) -> dict[str, Any]:
    return SEED | over


def test_the_seed_record_passes_as_it_is() -> None:
    assert parse_record(SEED, dns_name=ZONE).to_api() == SEED


@pytest.mark.parametrize(
    ("written", "rrset"),
    [
        (record(name="Service.ML.example.com"), RRset("service.ml.example.com.", "A", 300, ("192.0.2.1",))),
        (record(ttl="300", type="a"), RRset("service.ml.example.com.", "A", 300, ("192.0.2.1",))),
        (
            record(type="AAAA", rrdatas=["2001:DB8:0:0::1"]),
            RRset("service.ml.example.com.", "AAAA", 300, ("2001:db8::1",)),
        ),
        (
            record(type="TXT", rrdatas=["plain", '"two words" "x"', '"a\\"b"', "v=spf1  a:mx.example.net ~all"]),
            RRset(
                "service.ml.example.com.",
                "TXT",
                300,
                ('"plain"', '"two words" "x"', '"a\\"b"', '"v=spf1  a:mx.example.net ~all"'),
            ),
        ),
        (
            record(type="SRV", rrdatas=["0  5 29500 Worker-0.ml.example.com"]),
            RRset("service.ml.example.com.", "SRV", 300, ("0 5 29500 worker-0.ml.example.com.",)),
        ),
        (
            record(type="CNAME", rrdatas=["Other.example.org"]),
            RRset("service.ml.example.com.", "CNAME", 300, ("other.example.org.",)),
        ),
        (
            record(type="CNAME", rrdatas=["190.176/28.2.0.192.in-addr.arpa"]),
            RRset("service.ml.example.com.", "CNAME", 300, ("190.176/28.2.0.192.in-addr.arpa.",)),
        ),
        (
            record(kind="dns#resourceRecordSet", signatureRrdatas=[]),
            RRset("service.ml.example.com.", "A", 300, ("192.0.2.1",)),
        ),
    ],
)
def test_what_a_user_wrote_is_normalised(written: dict[str, Any], rrset: RRset) -> None:
    assert parse_record(written, dns_name=ZONE) == rrset


@pytest.mark.parametrize(
    ("written", "culprit"),
    [
        (record(name="a.other.com."), "'a.other.com.' is outside the zone"),
        (record(name=f"{'a' * 64}.{ZONE}"), "64 characters"),
        (record(name=None), "'' is not a domain name"),
        (record(rrdatas=["999.1.1.1"]), "'999.1.1.1'"),
        (record(rrdatas=["2001:db8::1"]), "IPv6"),
        (record(type="AAAA"), "IPv4"),
        (record(rrdatas=["127.0.0.1"]), "loopback"),
        (record(rrdatas=[]), "no rrdatas"),
        (record(rrdatas="192.0.2.1"), "a list such as"),
        (record(rrdatas=["192.0.2.1", "192.0.2.1"]), "twice"),
        (record(rrdatas=[f"10.0.0.{n}" for n in range(101)]), "101 rrdatas"),
        (record(rrdatas=[7]), "rrdata 7"),
        (record(ttl=0), "ttl 0"),
        (record(ttl="soon"), "'soon'"),
        (record(ttl=-1), "-1"),
        (record(ttl=2**31), "2147483648"),
        (record(ttl=True), "True"),
        (record(ttl=1.5), "1.5"),
        (record(ttl=None), "ttl None"),
        (record(type="NS"), "'NS'"),
        (record(type="SOA"), "'SOA'"),
        (record(type=None), "type None"),
        (record(type="CNAME", name=ZONE, rrdatas=["a."]), "apex"),
        (record(type="CNAME", rrdatas=["a.b.", "b.b."]), "a CNAME has one"),
        (record(type="CNAME", rrdatas=["worker-0"]), "such as 'worker-0.ml.example.com.'"),
        (record(type="CNAME", rrdatas=["worker-0."]), "target 'worker-0.' has one label"),
        (record(type="PTR", rrdatas=["worker-0"]), "target 'worker-0' has one label"),
        (record(type="SRV", rrdatas=["0 0 29500 worker-0"]), "target 'worker-0' has one label"),
        (record(type="CNAME", rrdatas=["0/25.example.com."]), "label '0/25'"),
        (record(name=f"0/25.{ZONE}"), "label '0/25'"),
        (record(type="SRV", rrdatas=["0 0 70000 a."]), "PRIORITY WEIGHT PORT TARGET"),
        (record(type="TXT", rrdatas=['"open']), "unbalanced quote"),
        (record(type="TXT", rrdatas=["x" * 256]), "256 octets"),
        (record(type="TXT", rrdatas=["ab " * 99]), "296 octets"),
        (record(type="TXT", rrdatas=['v=spf1 "a:mx.example.net" ~all']), "put quotes around each"),
        (record(type="TXT", rrdatas=["v=spf1\n~all"]), "put quotes around each"),
        (record(type="TXT", rrdatas=["half \ud800"]), "'\\ud800' has half a character"),
        (record(ttl="9" * 5_000), "ttl '9999"),
        (record(ttl="x" * 5_000), "ttl 'xxx"),
        (record(type="x" * 5_000), "type 'xxx"),
        (record(type="TXT", rrdatas=["\\300"]), f"record service.{ZONE} TXT: rrdata escape \\300"),
        (record(type="CNAME", rrdatas=[f"Service.{ZONE}"]), "points at itself"),
        (record(colour="red"), "['colour']"),
        ("service", "'service' must be a mapping"),
    ],
)
def test_refusals_name_the_culprit_in_one_line(written: Any, culprit: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_record(written, dns_name=ZONE)
    assert culprit in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value).encode()) < 500


@pytest.mark.parametrize(
    ("kind", "one", "other", "equal"),
    [
        ("A", ("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1"), True),
        ("A", ("10.0.0.1",), ("10.0.0.2",), False),
        ("AAAA", ("2001:DB8::0:1",), ("2001:db8::1",), True),
        ("TXT", ('"a" "b"',), ("a b",), True),
        ("TXT", ('"a b"',), ("a b",), False),
        ("TXT", ('"A"',), ('"a"',), False),
        ("CNAME", ("A.example.",), ("a.example",), True),
        ("SRV", ("0 0 1 A.",), ("0 0 1 a.",), True),
        ("MX", ("10 A.",), ("10 a.",), False),
        ("A", ("not an address",), ("not an address",), True),
    ],
)
def test_same_ignores_spelling_only(kind: str, one: tuple[str, ...], other: tuple[str, ...], equal: bool) -> None:
    assert same(RRset("n.", kind, 60, one), RRset("N.", kind, 60, other)) is equal
    assert not same(RRset("n.", kind, 60, one), RRset("n.", kind, 61, one))


def test_from_api_keeps_every_byte_and_survives_a_routing_policy() -> None:
    listed = {"name": "X.example.", "type": "TXT", "ttl": "60", "rrdatas": ["a b"], "signatureRrdatas": []}
    assert from_api(listed) == RRset("X.example.", "TXT", 60, ("a b",))
    assert from_api({"name": "x.", "type": "A", "routingPolicy": {}}) == RRset("x.", "A", 0, ())


def wanted(**over: Any) -> dict[tuple[str, str], RRset]:
    arguments: dict[str, Any] = {
        "workers": ["10.0.0.1", "10.0.0.2"],
        "owner": "bert",
        "dns_name": ZONE,
        "ttl": 30,
    } | over
    return {rrset.key: rrset for rrset in DesiredRecords.parse(**arguments).rrsets}


def test_a_job_gets_a_name_a_worker_the_master_all_workers_and_the_rendezvous() -> None:
    assert {key: rrset.rrdatas for key, rrset in wanted(port=29500).items()} == {
        ("worker-0.bert.ml.example.com.", "A"): ("10.0.0.1",),
        ("worker-1.bert.ml.example.com.", "A"): ("10.0.0.2",),
        ("master.bert.ml.example.com.", "A"): ("10.0.0.1",),
        ("workers.bert.ml.example.com.", "A"): ("10.0.0.1", "10.0.0.2"),
        ("_rdzv._tcp.bert.ml.example.com.", "SRV"): ("0 0 29500 worker-0.bert.ml.example.com.",),
    }


@pytest.mark.parametrize("port", [None, "", "None", "null"])
def test_without_a_port_there_is_no_rendezvous(port: str | None) -> None:
    assert not any(kind == "SRV" for _, kind in wanted(port=port))


def test_the_master_is_rank_0_of_the_chief_where_there_is_one() -> None:
    names = wanted(workers=[{"address": "10.0.0.1"}, {"address": "10.0.0.9", "role": "chief"}])
    assert names["master.bert.ml.example.com.", "A"].rrdatas == ("10.0.0.9",)


def test_both_families_at_once() -> None:
    names = wanted(workers=["10.0.0.1", "2001:db8::2"])
    assert names["workers.bert.ml.example.com.", "AAAA"].rrdatas == ("2001:db8::2",)
    assert names["worker-1.bert.ml.example.com.", "AAAA"].rrdatas == ("2001:db8::2",)


@pytest.mark.parametrize(("count", "there"), [(100, True), (101, False)])
def test_the_name_of_all_workers_is_absent_above_what_an_rrset_holds(count: int, there: bool) -> None:
    names = wanted(workers=[f"10.0.0.{n + 1}" for n in range(count)])
    assert (("workers.bert.ml.example.com.", "A") in names) is there


@pytest.mark.parametrize(
    ("over", "culprit"),
    [
        ({"workers": []}, "empty"),
        ({"workers": "[]"}, "empty"),
        ({"workers": [], "records": [SEED]}, "empty"),
        ({"workers": None}, "nothing to name"),
        ({"workers": None, "records": []}, "nothing to name"),
        ({"ttl": 0}, "ttl 0"),
        ({"ttl": "soon"}, "'soon'"),
        ({"port": 99999}, "99999"),
        ({"port": 0}, "port '0'"),
        ({"port": "0"}, "port '0'"),
        ({"owner": "a.b"}, "'a.b' has a dot"),
        ({"records": [SEED, record(type="A")]}, "given twice"),
        ({"records": [SEED, record(type="CNAME", rrdatas=["x.y."])]}, "CNAME beside A"),
        ({"records": [record(name="_mldns.bert.ml.example.com.", type="TXT", rrdatas=["x"])]}, "manifest"),
        ({"records": "[{]"}, "not JSON"),
        ({"records": 7}, "list of mappings"),
    ],
)
def test_desired_records_refuses(over: dict[str, Any], culprit: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        wanted(**over)
    assert culprit in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_explicit_records_alone_take_the_ttl_given() -> None:
    names = wanted(workers=None, records=[{"name": "a.ml.example.com.", "type": "A", "rrdatas": ["192.0.2.1"]}])
    assert [rrset.ttl for rrset in names.values()] == [30]


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=5))
def test_txt_strings_survive_quoting(strings: list[bytes]) -> None:
    assert split_strings(quote_strings(strings), "here") == tuple(strings)
