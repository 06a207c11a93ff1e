"""Facts about changes that succeed: their shape, their ids, their way from pending to done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.contract.facts import fact
from tests.contract.scratch import Zone, rrset
from tests.contract.shapes import INSTANT, Closed


def change_ids(zone: Zone, **query: object) -> list[int]:
    """Ids as `changes.list` orders them."""
    return [int(change["id"]) for change in zone.wire.get(f"{zone.path}/changes", **query).ok()["changes"]]


@fact("changes.shape", "R", "recorded traffic, 2024")
def test_a_change_has_both_lists(zone: Zone) -> None:
    """A change always has additions and deletions, each rrset with its kind and signatureRrdatas []."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1", "192.0.2.2")
    written = Closed(record | {"kind": "dns#resourceRecordSet", "signatureRrdatas": []})
    frame = {"kind": "dns#change", "id": str, "startTime": INSTANT, "status": str}
    added = zone.wire.post(f"{zone.path}/changes", {"additions": [record]}).ok()
    removed = zone.wire.post(f"{zone.path}/changes", {"deletions": [record]})
    removed.ok(frame | {"additions": [], "deletions": [written]})
    zone.wire.get(f"{zone.path}/changes/{added['id']}").ok(frame | {"additions": [written], "deletions": []})


@fact("changes.ids", "R", "recorded traffic, 2024")
def test_change_ids_count_from_one(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """Change ids are decimal, the first of a zone is 1, and each next one is 1 more."""
    ids = [own_zone.add(rrset(own_zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}"))["id"] for rank in range(4)]
    observed(ids)
    assert ids == ["1", "2", "3", "4"]


@fact("changes.pending_yet_listed", "R", "recorded traffic, 2024")
def test_a_pending_record_is_listed(zone: Zone) -> None:
    """POST answers pending, and rrsets.list shows the record at once."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    assert zone.add(record)["status"] == "pending"
    listed = zone.find(zone.at("a"), "A")
    assert listed is not None
    assert listed["rrdatas"] == ["192.0.2.1"]


@fact("changes.done", "R", "recorded traffic, 2024: under 2 s in 3 samples")
def test_a_change_becomes_done(zone: Zone, observed: Callable[[object], None]) -> None:
    """A change becomes done within seconds."""
    change = zone.add(rrset(zone.at("a"), "A", 60, "192.0.2.1"))
    took = zone.wait_done(change["id"], patience=30)
    observed(f"done after {took:.1f} s")


@fact("changes.list_sorted", "D", "discovery document, changes.list")
def test_changes_sorted_as_asked(own_zone: Zone) -> None:
    """changes.list sorts by changeSequence, ascending or descending as asked, as numbers."""
    for rank in range(11):
        own_zone.add(rrset(own_zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}"))
    ascending = change_ids(own_zone, sortBy="changeSequence", sortOrder="ascending")
    assert [change for change in ascending if change] == list(range(1, 12))
    assert change_ids(own_zone, sortBy="changeSequence", sortOrder="descending") == ascending[::-1]


@fact("changes.list_pages", "D", "discovery document, changes.list")
def test_changes_in_pages(own_zone: Zone) -> None:
    """changes.list pages with maxResults and nextPageToken without repeating or losing one."""
    for rank in range(5):
        own_zone.add(rrset(own_zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}"))
    paged: list[int] = []
    token: dict[str, object] = {}
    while True:
        page = own_zone.wire.get(f"{own_zone.path}/changes", maxResults=2, sortOrder="ascending", **token).ok()
        assert len(page["changes"]) <= 2
        paged += [int(change["id"]) for change in page["changes"]]
        if not page.get("nextPageToken"):
            break
        token = {"pageToken": page["nextPageToken"]}
    assert [change for change in paged if change] == [1, 2, 3, 4, 5]


@fact("changes.list_default_order", "U", "the stand-in's guess; the discovery document names no default")
def test_the_default_order_of_changes(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """changes.list without sortOrder is ascending."""
    for rank in range(3):
        own_zone.add(rrset(own_zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}"))
    ids = change_ids(own_zone)
    observed(ids)
    assert ids == sorted(ids)


@fact("changes.creation_is_change_0", "U", "the stand-in's guess")
def test_the_change_that_made_the_zone(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """changes.list of a new zone has one change, 0, done, which added the apex NS and SOA."""
    changes = own_zone.wire.get(f"{own_zone.path}/changes").ok()["changes"]
    observed([{"id": change["id"], "status": change["status"]} for change in changes])
    assert [(change["id"], change["status"]) for change in changes] == [("0", "done")]
    assert [record["type"] for record in changes[0]["additions"]] == ["NS", "SOA"]


@fact("changes.absent", "U", "the stand-in's guess at the text, after that of an absent zone")
def test_an_absent_change_is_not_found(zone: Zone) -> None:
    """An absent change answers 404 notFound, naming parameters.changeId."""
    message = r"The 'parameters\.changeId' resource named '999999' does not exist\."
    zone.wire.get(f"{zone.path}/changes/999999").refused(404, "notFound", message)


@fact("changes.one_after_another_without_waiting", "U", "the stand-in's guess, and the default of mldns")
def test_the_next_change_need_not_wait(zone: Zone, observed: Callable[[object], None]) -> None:
    """The next change to a zone is accepted while the one before is still pending."""
    replies = [zone.change(add=[rrset(zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}")]) for rank in range(5)]
    before = zone.wire.get(f"{zone.path}/changes/{replies[-2].ok()['id']}").ok()["status"]
    observed(f"{[reply.status for reply in replies]}; the last but one was {before} after the last was accepted")
    assert {reply.status for reply in replies} == {200}


@fact("changes.side_by_side", "U", "the stand-in's guess")
def test_changes_side_by_side(zone: Zone, observed: Callable[[object], None]) -> None:
    """Changes to different names of one zone are accepted side by side, each with an id of its own."""
    records = [rrset(zone.at(f"w{rank}"), "A", 60, f"192.0.2.{rank}") for rank in range(8)]
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda record: zone.change(add=[record]), records))
    observed([str(reply.status) + (f" {reply.reason}" if reply.reason else "") for reply in replies])
    assert len({reply.ok()["id"] for reply in replies}) == len(records)


@fact("changes.soa_serial", "R", "recorded traffic: constant over 40 changes")
def test_the_serial_stays(zone: Zone) -> None:
    """A change does not bump the serial of the SOA."""
    before = zone.find(zone.dns_name, "SOA")
    zone.add(rrset(zone.at("a"), "A", 60, "192.0.2.1"))
    zone.add(rrset(zone.at("b"), "A", 60, "192.0.2.1"))
    assert before is not None
    assert zone.find(zone.dns_name, "SOA") == before


@fact("changes.replace", "D", "REST reference, Change: deletions are applied first")
def test_replacing_in_one_change(zone: Zone) -> None:
    """One change may delete a record set and add another of the same name and type, or of a type in its way."""
    before = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    after = rrset(zone.at("a"), "A", 30, "192.0.2.2")
    alias = rrset(zone.at("a"), "CNAME", 60, zone.at("b"))
    zone.add(before)
    zone.change(delete=[before], add=[after]).ok()
    listed = zone.find(zone.at("a"), "A")
    assert listed is not None
    assert (listed["ttl"], listed["rrdatas"]) == (30, ["192.0.2.2"])
    zone.change(delete=[after], add=[alias]).ok()
    assert [record["type"] for record in zone.records(name=zone.at("a"))] == ["CNAME"]


@fact("changes.same_again", "U", "the stand-in's guess")
def test_replacing_a_record_with_itself(zone: Zone) -> None:
    """A change may delete and add one and the same record set."""
    record = rrset(zone.at("a"), "A", 60, "192.0.2.1")
    zone.add(record)
    zone.change(delete=[record], add=[record]).ok()
