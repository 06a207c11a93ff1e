"""The store and the handlers on it, with clocks in the test's hands."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localcloud.access.keys import ServiceAccountKey
from localcloud.archive import Archive, ArchiveError
from localcloud.calls import Call, Service
from localcloud.iam import Policy
from localcloud.routes import changes, managed_zones, rrsets
from localcloud.store import Store

ZONE = {"project": "demo-project", "managedZone": "ml"}
RECORD = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_service(clock: Clock, archive: Archive | None = None, **settings: float) -> Service:
    return Service(Store(archive, clock=clock, monotonic=clock), **settings)


def make_zone(service: Service, name: str = "ml") -> None:
    managed_zones.create(service, Call(ZONE, {}, {"name": name, "dnsName": f"{name}.example.com."}))


def add(service: Service, *records: dict) -> dict:
    return changes.create(service, Call(ZONE, {}, {"additions": list(records)}))


def status(service: Service) -> str:
    return changes.get(service, Call({**ZONE, "changeId": "1"}, {}, {}))["status"]


def test_a_change_is_pending_until_its_time(clock):
    service = a_service(clock, done_after=0.5)
    make_zone(service)
    assert add(service, RECORD)["status"] == "pending"
    assert status(service) == "pending"
    clock.now += 0.499
    assert status(service) == "pending"
    clock.now += 0.001
    assert status(service) == "done"
    listed = changes.list_(service, Call(ZONE, {}, {}))["changes"]
    assert [change["status"] for change in listed] == ["done", "done"]


def test_a_deleted_zone_stays_known_to_the_name_servers_for_an_hour_in_its_place(clock):
    service = a_service(clock)
    for name in ("one", "two", "three"):
        make_zone(service, name)
    clock.now += 1
    managed_zones.delete(service, Call({**ZONE, "managedZone": "two"}, {}, {}))
    assert [(zone.name, zone.deleted_at) for zone in service.store.zones()] == [
        ("one", None),
        ("two", clock.now),
        ("three", None),
    ]
    clock.now += 3601
    assert [zone.name for zone in service.store.zones()] == ["one", "three"]


class TestArchive:
    def test_everything_comes_back(self, clock, tmp_path):
        service = a_service(clock, Archive(tmp_path))
        make_zone(service)
        add(service, RECORD, {**RECORD, "type": "TXT", "rrdatas": ['"a" "b"', "c"]})
        add(service, {**RECORD, "name": "gone.ml.example.com."})
        gone = {"project": "demo-project", "managedZone": "ml", "name": "gone.ml.example.com.", "type": "A"}
        rrsets.delete(service, Call(gone, {}, {}))
        managed_zones.patch(service, Call(ZONE, {}, {"labels": {"a": "b"}}))
        make_zone(service, "deleted")
        managed_zones.delete(service, Call({**ZONE, "managedZone": "deleted"}, {}, {}))
        key = ServiceAccountKey("k", "a@demo-project.iam.gserviceaccount.com", "PEM")
        service.store.add_service_account_key(key)
        before = everything(service)
        service.store.close()

        restarted = a_service(clock, Archive(tmp_path))
        assert everything(restarted) == before
        assert restarted.store.service_account_key("k") == key
        assert [change["id"] for change in before["changes"]["changes"]] == ["0", "1", "2", "3"]
        assert len(before["operations"]["operations"]) == 1
        (zone,) = restarted.store.zones()
        assert {rrset.key for entry in zone.journal for rrset in entry.additions} == zone.rrsets.keys()
        assert all(entry.at < 0 for entry in zone.journal)  # served from the first moment, whatever the lag
        assert add(restarted, {**RECORD, "name": "b.ml.example.com."})["id"] == "4"
        restarted.store.close()

    def test_a_refused_change_leaves_no_trace(self, clock, tmp_path):
        service = a_service(clock, Archive(tmp_path))
        make_zone(service)
        service.store._archive.save_change = fail  # the disk is full
        with pytest.raises(OSError, match="full"):
            add(service, RECORD)
        before = everything(service)
        assert len(before["changes"]["changes"]) == 1
        service.store.close()
        restarted = a_service(clock, Archive(tmp_path))
        assert everything(restarted) == before
        restarted.store.close()

    def test_reset_empties_the_disk_too(self, clock, tmp_path):
        service = a_service(clock, Archive(tmp_path))
        make_zone(service)
        service.store.reset()
        service.store.close()
        restarted = a_service(clock, Archive(tmp_path))
        assert restarted.store.zones() == []
        restarted.store.close()

    def test_two_servers_on_one_directory_are_one_too_many(self, tmp_path):
        first = Archive(tmp_path)
        with pytest.raises(ArchiveError, match="another process does"):
            Archive(tmp_path)
        first.close()
        Archive(tmp_path).close()

    @pytest.mark.parametrize("what", ["a file that is no database", "a file in the place of the directory"])
    def test_what_is_something_else(self, tmp_path, what):
        path = tmp_path / "localcloud.sqlite3"
        path.write_text("hello " * 200)
        with pytest.raises(ArchiveError) as caught:
            Archive(tmp_path if what == "a file that is no database" else path)
        assert one_line_about(path, caught.value)

    @pytest.mark.parametrize(
        "edit",
        [
            "DROP TABLE rrsets",
            "UPDATE zones SET networks = '{'",
            "UPDATE zones SET networks = '5'",
            "UPDATE zones SET attributes = '[1]'",
            "UPDATE zones SET id = 'x'",
            "UPDATE zones SET created_at = 'then'",
            "UPDATE rrsets SET ttl = 'soon' WHERE type = 'A'",
            "UPDATE rrsets SET rrdatas = '[\"999.1.1.1\"]' WHERE type = 'A'",
            "UPDATE rrsets SET name = 'elsewhere.test.' WHERE type = 'A'",
            "DELETE FROM rrsets WHERE type = 'SOA'",
            "DELETE FROM changes WHERE id = 0",
            "UPDATE changes SET additions = '[[1]]'",
            "UPDATE operations SET body = '\"x\"'",
            "UPDATE policies SET body = '{\"bindings\": 5}'",
            "UPDATE policies SET body = x'ff'",
        ],
    )
    def test_bent_content(self, clock, tmp_path, edit):
        service = a_service(clock, Archive(tmp_path))
        make_zone(service)
        add(service, RECORD)
        managed_zones.patch(service, Call(ZONE, {}, {"labels": {"a": "b"}}))
        service.store.set_policy("projects/demo-project", Policy())
        service.store.close()
        path = tmp_path / "localcloud.sqlite3"
        with sqlite3.connect(path) as database:
            assert database.execute(edit).rowcount
        with pytest.raises(ArchiveError) as caught:
            Store(Archive(tmp_path))
        assert one_line_about(path, caught.value)


def one_line_about(path: Path, error: ArchiveError) -> bool:
    """Whether the error is one line that names the file and the way out."""
    return str(path) in str(error) and "--data" in str(error) and "\n" not in str(error)


def fail(*_: object) -> None:
    raise OSError("disk full")


def everything(service: Service) -> dict:
    """Every answer that the API gives about the zone."""
    project = Call({"project": "demo-project"}, {}, {})
    return {
        "zones": managed_zones.list_(service, project),
        "rrsets": rrsets.list_(service, Call(ZONE, {}, {})),
        "changes": changes.list_(service, Call(ZONE, {}, {})),
        "operations": managed_zones.list_operations(service, Call(ZONE, {}, {})),
    }
