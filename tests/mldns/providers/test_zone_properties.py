"""For any zone, any wish, any owner and any split: ours ends as asked, what is foreign stays byte for byte.

Over HTTP, against a real localcloud that enforces the very limits by which the changes are packed. What the zone holds
is read as the API sends it, so that no reading of ours can hide a difference.
"""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mldns.exceptions import OwnershipConflict
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change, Limits
from mldns.plan.plan import POLICIES
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.records.rrset import RRset, from_api, same
from tests.cloud_fixture import PROJECT, Cloud

Content = dict[tuple[str, str], Resource]
"""A zone as the API sends it, by name and type."""

Sketch = tuple[str, str, int, tuple[str, ...]]
"""An rrset of any zone: name without the zone, type, TTL, rrdatas."""

_numbers = itertools.count()

# -- what may be asked -------------------------------------------------------------------------------------------------

labels = st.sampled_from(
    ["worker-0.job", "worker-1.job", "worker-7.job", "x.job", "worker-0.a", "service", "*.a", "job"]
)
addresses = st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True)
DATA: dict[str, st.SearchStrategy[tuple[str, ...]]] = {
    "A": addresses.map(lambda found: tuple(f"10.0.0.{n}" for n in found)),
    "AAAA": addresses.map(lambda found: tuple(f"2001:db8::{n}" for n in found)),
    "TXT": st.sampled_from([('"x"',), ('"a \\"b\\"" "c"',), ('"' + "y" * 250 + '"', '"z"')]),
    "SRV": addresses.map(lambda found: tuple(f"0 0 {n} worker-{n}.job.test." for n in found)),
    "CNAME": st.sampled_from([("host.test.",), ("other.test.",)]),
}


sketches = st.sampled_from(sorted(DATA)).flatmap(
    lambda kind: st.tuples(labels, st.just(kind), st.sampled_from([5, 30, 300]), DATA[kind])
)


def _legal(found: Iterable[Sketch]) -> list[Sketch]:
    """One rrset a name and type, and a CNAME alone: what a zone can hold at once."""
    kept: dict[str, dict[str, Sketch]] = {}
    for sketch in found:
        types = kept.setdefault(sketch[0], {})
        if sketch[1] not in types and not (types and "CNAME" in {sketch[1], *types}):
            types[sketch[1]] = sketch
    return [sketch for types in kept.values() for sketch in types.values()]


contents = st.lists(sketches, max_size=10).map(_legal)
splits = st.builds(
    Limits,
    additions=st.integers(6, 9),
    deletions=st.integers(6, 9),
    rrdata_bytes=st.integers(5_000, 6_000),
)


@dataclass(frozen=True, slots=True)
class Case:
    """What stands in the zone of others and of the owner, what the owner wants now, and how its changes are packed."""

    owner: str
    foreign: list[Sketch]
    earlier: list[Sketch]
    wanted: list[Sketch]
    policy: str
    limits: Limits


cases = st.builds(
    Case,
    owner=st.sampled_from(["job", "shared", "a"]),
    foreign=contents,
    earlier=contents,
    wanted=contents,
    policy=st.sampled_from(POLICIES),
    limits=splits,
)


# -- the zone ----------------------------------------------------------------------------------------------------------


class World:
    """A fresh zone on a server that enforces `limits`, and a client of it."""

    def __init__(self, cloud: Cloud, client: DNSClient, limits: Limits) -> None:
        self.client, self.limits, self.zone = client, limits, f"z-{next(_numbers)}"
        self.dns_name = f"{self.zone}.test."
        client.create_zone({"name": self.zone, "dnsName": self.dns_name, "description": "d"})
        quota = {
            "rrsetAdditionsPerChange": limits.additions,
            "rrsetDeletionsPerChange": limits.deletions,
            "totalRrdataSizePerChange": limits.rrdata_bytes,
        }
        request = urllib.request.Request(f"{cloud.api}/_localcloud/quota", json.dumps(quota).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def rrsets(self, content: Iterable[Sketch]) -> list[RRset]:
        return [RRset(f"{label}.{self.dns_name}", kind, ttl, data) for label, kind, ttl, data in content]

    def seed(self, foreign: Iterable[RRset]) -> None:
        for rrset in foreign:
            self.client.create_change(self.zone, Change(additions=(rrset,)))

    def listed(self) -> Content:
        """As the API sends it, without the apex and without manifests."""
        found = self.client.list_rrsets(self.zone)
        return {
            (item["name"], item["type"]): item
            for item in found
            if item["name"] != self.dns_name and not item["name"].startswith("_mldns.")
        }

    def editor(self) -> ZoneEditor:
        editor = ZoneEditor(CloudDNSProvider(self.client), Zone(self.zone, self.dns_name))
        editor.quota.asked = self.limits
        return editor


def judge(world: World, case: Case) -> None:
    """Apply the case to a fresh zone, and hold the end to what the zone was before."""
    holder = Holder(case.owner, "airflow/train", "run-1")
    foreign, wanted = world.rrsets(case.foreign), world.rrsets(case.wanted)
    world.seed(foreign)
    untouched = world.listed()
    names = {rrset.name for rrset in foreign}
    if earlier := [rrset for rrset in world.rrsets(case.earlier) if rrset.name not in names]:
        world.editor().upsert(earlier, holder, "upsert-only")

    was = world.listed()
    plan = world.editor().plan(wanted, holder, case.policy)
    if plan.conflicts:
        with pytest.raises(OwnershipConflict) as refused:
            world.editor().upsert(wanted, holder, case.policy)
        assert refused.value.conflicts == plan.conflicts
        assert {(conflict.name, conflict.type) for conflict in plan.conflicts} <= untouched.keys()
        assert world.listed() == was, "a conflict writes nothing"
    else:
        world.editor().upsert(wanted, holder, case.policy, reviewed=plan.digest)
        ours = {key: from_api(item) for key, item in world.listed().items() if key not in untouched}
        if case.policy == "sync":
            assert ours.keys() == {rrset.key for rrset in wanted}
        if case.policy != "create-only":
            assert all(same(ours[rrset.key], rrset) for rrset in wanted)
        again = world.editor().plan(wanted, holder, case.policy)
        assert again.empty and not again.conflicts
        assert world.editor().upsert(wanted, holder, case.policy).progress.changes == 0
    now = world.listed()
    assert {key: now.get(key) for key in untouched} == untouched, "foreign records stay byte for byte"
    world.editor().release(Holder(case.owner, lease="run-1"))
    assert world.listed() == untouched


@pytest.fixture
def client(cloud: Cloud) -> DNSClient:
    return DNSClient(PROJECT, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=cloud.api))


# The server is one for all examples; each has a zone of its own.
shared_server = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(shared_server, max_examples=40)
@given(case=cases)
def test_any_edit_of_any_zone(cloud: Cloud, client: DNSClient, case: Case) -> None:
    judge(World(cloud, client, case.limits), case)


@pytest.mark.exhaustive
@settings(shared_server, max_examples=300)
@given(case=cases)
def test_any_edit_of_any_zone_at_length(cloud: Cloud, client: DNSClient, case: Case) -> None:
    judge(World(cloud, client, case.limits), case)
