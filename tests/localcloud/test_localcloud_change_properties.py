"""Whatever is sent: a change is taken whole or not at all, and the zone stays one that DNS allows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from localcloud.calls import Call, Service
from localcloud.errors import ApiError
from localcloud.routes import changes, managed_zones, rrsets
from localcloud.store import Store

APEX = "ml.example.com."
ZONE = {"project": "demo-project", "managedZone": "ml"}
DATA = {
    "A": ["192.0.2.1", "192.0.2.2"],
    "CNAME": ["x.example.com.", "y.example.com."],
    "NS": ["ns.example.com."],
    "SOA": ["ns.example.com. root.example.com. 1 2 3 4 5"],
    "TXT": ['"x"', '"y"'],
}


def record_of(type_: str) -> st.SearchStrategy[dict]:
    rrdatas = st.lists(st.sampled_from(DATA[type_]), min_size=1, max_size=2, unique=True)
    name = st.sampled_from([APEX, f"a.{APEX}", f"b.{APEX}", f"*.{APEX}"])
    return st.fixed_dictionaries(
        {"name": name, "type": st.just(type_), "ttl": st.sampled_from([60, 300]), "rrdatas": rrdatas}
    )


new_records = st.lists(st.sampled_from(sorted(DATA)).flatmap(record_of), max_size=4)


def listed(service: Service) -> list[dict]:
    return rrsets.list_(service, Call(ZONE, {}, {}))["rrsets"]


def create(service: Service, additions: list[dict], deletions: list[dict]) -> int:
    """The HTTP code of the change."""
    try:
        changes.create(service, Call(ZONE, {}, {"additions": additions, "deletions": deletions}))
    except ApiError as refusal:
        return refusal.code
    return 200


@given(st.lists(st.tuples(new_records, st.sets(st.integers(0, 7)), new_records), max_size=8))
def test_changes_are_atomic_and_keep_the_rules(steps):
    service = Service(Store())
    managed_zones.create(service, Call(ZONE, {}, {"name": "ml", "dnsName": APEX}))
    accepted = 1
    for additions, picked, invented in steps:
        before = listed(service)
        deletions = [*(before[n] for n in sorted(picked) if n < len(before)), *invented]
        code = create(service, additions, deletions)
        if code != 200:
            assert code in (400, 404, 409, 412)
            assert listed(service) == before
        else:
            accepted += 1
            expected = {(r["name"], r["type"]): (r["ttl"], r["rrdatas"]) for r in before}
            for deletion in deletions:
                assert expected.pop((deletion["name"], deletion["type"])) == (deletion["ttl"], deletion["rrdatas"])
            expected |= {(r["name"], r["type"]): (r["ttl"], r["rrdatas"]) for r in additions}
            assert {(r["name"], r["type"]): (r["ttl"], r["rrdatas"]) for r in listed(service)} == expected
        types: dict[str, set[str]] = {}
        for rrset in listed(service):
            types.setdefault(rrset["name"], set()).add(rrset["type"])
        assert {"NS", "SOA"} <= types[APEX]
        assert all(present == {"CNAME"} for present in types.values() if "CNAME" in present)
        assert all("SOA" not in present for name, present in types.items() if name != APEX)
    assert len(changes.list_(service, Call(ZONE, {}, {}))["changes"]) == accepted
