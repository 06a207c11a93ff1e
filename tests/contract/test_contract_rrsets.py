"""Facts about single record sets and about listing them: order, filters, pages, spelling."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.facts import fact
from tests.contract.scratch import Zone, rrset
from tests.contract.shapes import Closed, expect

DISCOVERY_LIST = "discovery document, resourceRecordSets.list"


def names(records: list[dict[str, object]]) -> list[object]:
    return [record["name"] for record in records]


def suffix_filter(suffix: str, extra: str = "") -> str:
    return f'name=has_suffix("{suffix}"){extra}'


@fact("rrsets.order", "R", "recorded traffic, 2024")
def test_listing_order(own_zone: Zone) -> None:
    """rrsets.list is in canonical DNS order, labels reversed, then by type, the apex NS and SOA first."""
    z = own_zone.at
    own_zone.add(
        *(rrset(z(label), "A", 60, "192.0.2.1") for label in ("z", "a.b", "b", "aa", "c.a.b", "z.a")),
        rrset(z("b"), "TXT", 60, '"x"'),
        rrset(z("b"), "AAAA", 60, "2001:db8::1"),
        rrset(own_zone.dns_name, "A", 60, "192.0.2.1"),
    )
    listed = [(record["name"], record["type"]) for record in own_zone.records()]
    assert listed[:2] == [(own_zone.dns_name, "NS"), (own_zone.dns_name, "SOA")]
    below = [*((z(label), "A") for label in ("z.a", "aa")), (z("b"), "A"), (z("b"), "AAAA"), (z("b"), "TXT")]
    below += [(z(label), "A") for label in ("a.b", "c.a.b", "z")]
    assert listed[2:] == [(own_zone.dns_name, "A"), *below]


@fact("rrsets.order_of_specials", "U", "the stand-in's guess, after RFC 4034")
def test_listing_order_of_specials(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """A wildcard sorts as the character *, an underscore between digits and letters."""
    labels = ("*", "-x-", "0", "_mldns", "a")
    own_zone.add(*(rrset(own_zone.at(label), "TXT", 60, '"x"') for label in reversed(labels) if label != "-x-"))
    listed = [record["name"].partition(".")[0] for record in own_zone.records()[2:]]
    observed(listed)
    assert listed == ["*", "0", "_mldns", "a"]


@fact("rrsets.by_name_and_type", "D", DISCOVERY_LIST)
def test_by_name_and_type(zone: Zone) -> None:
    """rrsets.list takes name, and name with type."""
    zone.add(
        rrset(zone.at("a"), "A", 60, "192.0.2.1"),
        rrset(zone.at("a"), "TXT", 60, '"x"'),
        rrset(zone.at("b.a"), "A", 60, "192.0.2.1"),
    )
    assert [record["type"] for record in zone.records(name=zone.at("a"))] == ["A", "TXT"]
    expect(zone.page(name=zone.at("a"), type="TXT").ok()["rrsets"], [{"name": zone.at("a"), "type": "TXT"}])


@fact("rrsets.type_needs_name", "D", DISCOVERY_LIST)
def test_type_needs_name(zone: Zone) -> None:
    """type without name is refused with 400."""
    assert zone.page(type="A").status == 400


@fact("rrsets.filter_excludes_name", "D", DISCOVERY_LIST)
def test_filter_excludes_name(zone: Zone) -> None:
    """filter together with name is refused with 400."""
    assert zone.page(filter=f'name="{zone.at("a")}"', name=zone.at("a")).status == 400


@pytest.fixture
def job_zone(zone: Zone) -> Zone:
    """A zone with the records of the job `j`, of a job `jj` whose name ends alike, and of nobody."""
    zone.add(
        *(rrset(zone.at(f"worker-{rank}.j"), "A", 60, f"192.0.2.{rank}") for rank in range(3)),
        rrset(zone.at("_mldns.j"), "TXT", 60, '"v=1"'),
        rrset(zone.at("j"), "A", 60, "192.0.2.9"),
        rrset(zone.at("worker-0.jj"), "A", 60, "192.0.2.10"),
        rrset(zone.at("other"), "A", 60, "192.0.2.11"),
    )
    return zone


DOCUMENTED_ONLY = f"{DISCOVERY_LIST}; nobody here has seen it answered"


@fact("rrsets.filter_has_suffix", "U", DOCUMENTED_ONLY)
def test_filter_by_suffix(job_zone: Zone, observed: Callable[[object], None]) -> None:
    """filter=name=has_suffix(…) gives a name and all names below it: one job of a large zone."""
    reply = job_zone.page(filter=suffix_filter(job_zone.at("j")))
    observed(reply if reply.error else names(reply.body["rrsets"]))
    found = names(job_zone.records(filter=suffix_filter(job_zone.at("j"))))
    assert {job_zone.at(label) for label in ("j", "_mldns.j", *(f"worker-{rank}.j" for rank in range(3)))} <= set(found)
    assert job_zone.at("other") not in found


@fact("rrsets.filter_suffix_is_of_labels", "U", "the stand-in's guess, from 'domain suffix'")
def test_filter_by_suffix_of_labels(job_zone: Zone, observed: Callable[[object], None]) -> None:
    """has_suffix compares whole labels: j.z. does not take worker-0.jj.z."""
    found = names(job_zone.records(filter=suffix_filter(job_zone.at("j"))))
    observed(found)
    assert job_zone.at("worker-0.jj") not in found


@fact("rrsets.filter_suffix_leading_dot", "U", "the stand-in's guess")
def test_filter_by_suffix_with_a_dot(job_zone: Zone) -> None:
    """has_suffix with a leading dot is refused with 400 invalid."""
    job_zone.page(filter=suffix_filter(f".{job_zone.at('j')}")).refused(400, "invalid")


@fact("rrsets.filter_with_type", "U", DOCUMENTED_ONLY)
def test_filter_by_suffix_and_type(job_zone: Zone) -> None:
    """A filter may add AND type="TXT"."""
    expression = suffix_filter(job_zone.at("j"), ' AND type="TXT"')
    assert names(job_zone.records(filter=expression)) == [job_zone.at("_mldns.j")]


@fact("rrsets.filter_exact", "U", DOCUMENTED_ONLY)
def test_filter_by_name(job_zone: Zone) -> None:
    """filter=name="…" gives that name alone."""
    assert names(job_zone.records(filter=f'name="{job_zone.at("j")}"')) == [job_zone.at("j")]


@fact("rrsets.filter_nonsense", "U", "the stand-in's guess")
def test_an_unreadable_filter(job_zone: Zone) -> None:
    """A filter that cannot be read is refused with 400, not ignored."""
    assert job_zone.page(filter="name has_suffix").status == 400


@fact("rrsets.pages", "D", DISCOVERY_LIST)
def test_pages(own_zone: Zone) -> None:
    """maxResults and nextPageToken page through all record sets, none twice and none lost."""
    own_zone.add(*(rrset(own_zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}") for rank in range(5)))
    assert len(own_zone.page(maxResults=2).ok()["rrsets"]) <= 2
    assert own_zone.records(maxResults=2) == own_zone.records()
    assert len(own_zone.records()) == 7


@fact("rrsets.page_size", "U", "the stand-in's guess; documented is 'the server decides'")
def test_the_largest_page(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """A page holds at most 1,000 record sets, whether maxResults says nothing, 1,000 or more."""
    for start, stop in ((0, 1000), (1000, 1100)):
        ranks = range(start, stop)
        own_zone.add(*(rrset(own_zone.at(f"w{rank}"), "A", 60, f"10.0.{rank >> 8}.{rank & 255}") for rank in ranks))
    unasked = own_zone.page().ok()["rrsets"]
    asked = own_zone.page(maxResults=1000).ok()["rrsets"]
    beyond = own_zone.page(maxResults=5000)
    sizes = {"no maxResults": len(unasked), "1000": len(asked), "5000": len(beyond.body.get("rrsets", []))}
    observed(sizes)
    assert set(sizes.values()) == {1000}
    assert len(own_zone.records(maxResults=1000)) == 1102


@fact("rrsets.create_get_patch_delete", "D", "discovery document, resourceRecordSets")
def test_one_record_set(zone: Zone) -> None:
    """A single record set can be created, read, patched and deleted, each answering with it ({} for delete)."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    whole = Closed(record | {"kind": "dns#resourceRecordSet", "signatureRrdatas": []})
    path = zone.rrset_path(zone.at("a"), "A")
    zone.wire.post(f"{zone.path}/rrsets", record).ok(whole)
    zone.wire.get(path).ok(whole)
    zone.wire.patch(path, {"ttl": 30}).ok(Closed(whole | {"ttl": 30}))
    assert zone.wire.delete(path).ok() == {}
    assert zone.find(zone.at("a"), "A") is None


@fact("rrsets.absent", "Q", "an error body quoted in a public repository")
def test_an_absent_record_set(zone: Zone) -> None:
    """An absent record set answers 404 notFound."""
    zone.wire.get(zone.rrset_path(zone.at("absent"), "A")).refused(404, "notFound")
    zone.wire.delete(zone.rrset_path(zone.at("absent"), "A")).refused(404, "notFound")


@fact("rrsets.create_is_a_change", "U", "the stand-in's guess")
def test_creating_one_is_a_change(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """Creating a single record set is a change of the zone: it takes the next id and shows in changes.list."""
    own_zone.wire.post(f"{own_zone.path}/rrsets", rrset(own_zone.at("a"), "A", 60, "192.0.2.1")).ok()
    changes = own_zone.wire.get(f"{own_zone.path}/changes").ok()["changes"]
    observed([change["id"] for change in changes])
    assert "1" in [change["id"] for change in changes]
    assert own_zone.add(rrset(own_zone.at("b"), "A", 60, "192.0.2.1"))["id"] == "2"


@fact("rrsets.ttl_as_text", "D", "what google-cloud-dns sends")
def test_a_ttl_in_quotes(zone: Zone) -> None:
    """A ttl may be sent as a numeric string and comes back as a number."""
    change = zone.add(rrset(zone.at("a"), "A", "60", "192.0.2.1"))
    expect(change["additions"], [{"ttl": 60}])
    expect(zone.find(zone.at("a"), "A"), {"ttl": 60})


@fact("rrsets.txt_quoted", "U", "reported by operators; the text that mldns compares is normalised either way")
def test_text_comes_back_quoted(zone: Zone, observed: Callable[[object], None]) -> None:
    """TXT data comes back quoted even when sent unquoted."""
    zone.add(rrset(zone.at("a"), "TXT", 60, "v=1"))
    listed = zone.find(zone.at("a"), "TXT")
    observed(listed)
    expect(listed, {"rrdatas": ['"v=1"']})


@fact(
    "rrsets.txt_split",
    "U",
    "the stand-in's guess, from the page 'alreadyExists' of the error messages and from master files",
)
def test_unquoted_text_is_split(zone: Zone, observed: Callable[[object], None]) -> None:
    """Unquoted TXT data is split at white space into several strings."""
    zone.add(rrset(zone.at("a"), "TXT", 60, "v=1 w=2"))
    listed = zone.find(zone.at("a"), "TXT")
    observed(listed)
    expect(listed, {"rrdatas": ['"v=1" "w=2"']})


@fact("rrsets.txt_strings_kept", "U", "the stand-in's guess; the manifest of mldns rests on it")
def test_quoted_strings_are_kept(zone: Zone) -> None:
    """Several quoted strings in one TXT rdata, up to 255 bytes each, come back as they were sent."""
    data = " ".join(f'"{letter * 255}"' for letter in "abcdefghijklmnop")
    zone.add(rrset(zone.at("a"), "TXT", 60, data))
    expect(zone.find(zone.at("a"), "TXT"), {"rrdatas": [data]})


@fact("rrsets.rrdata_order_kept", "R", "recorded traffic, 2024")
def test_the_order_of_data_is_kept(zone: Zone) -> None:
    """Rrdatas come back in the order in which they were sent."""
    addresses = ["198.51.100.9", "192.0.2.1", "203.0.113.5"]
    zone.add(rrset(zone.at("a"), "A", 60, *addresses))
    expect(zone.find(zone.at("a"), "A"), {"rrdatas": addresses})


@fact("rrsets.aaaa_spelling", "U", "the stand-in's guess, after RFC 5952")
def test_the_spelling_of_ipv6(zone: Zone, observed: Callable[[object], None]) -> None:
    """An IPv6 address comes back in its canonical spelling."""
    zone.add(rrset(zone.at("a"), "AAAA", 60, "2001:DB8:0:0:0:0:0:1"))
    listed = zone.find(zone.at("a"), "AAAA")
    observed(listed)
    expect(listed, {"rrdatas": ["2001:db8::1"]})


@fact("rrsets.name_in_lower_case", "U", "the stand-in's guess")
def test_names_in_lower_case(zone: Zone, observed: Callable[[object], None]) -> None:
    """A name sent in upper case comes back in lower case."""
    change = zone.add(rrset(zone.at("A"), "A", 60, "192.0.2.1"))
    observed(names(change["additions"]))
    assert names(change["additions"]) == [zone.at("a")]
