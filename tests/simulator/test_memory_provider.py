"""The provider in memory refuses what the clouds refuse, and changes nothing then."""

from __future__ import annotations

import pytest

from mldns.exceptions import QuotaShort, ZoneNotEmpty, ZoneNotFound
from mldns.plan.batches import Change, Limits
from mldns.providers.base import ChangeStatus, Zone, ZoneSpec
from mldns.providers.errors import AlreadyExists, PolicyMoved, ZoneMoved
from mldns.records.rrset import RRset
from tests.simulator.memory_provider import MemoryProvider

ZONE = Zone("ml-zone", "ml.test.")
A = RRset("a.ml.test.", "A", 30, ("10.0.0.1",))
B = RRset("b.ml.test.", "A", 30, ("10.0.0.2",))
ALIAS = RRset("a.ml.test.", "CNAME", 30, ("b.ml.test.",))


@pytest.fixture
def provider() -> MemoryProvider:
    made = MemoryProvider(ZONE, limits=Limits(additions=2, deletions=1, elements=3, rrsets_per_zone=3))
    made.submit(ZONE, Change((A,)))
    return made


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (Change(), ZoneMoved),
        (Change((A,)), ZoneMoved),
        (Change((B,), (RRset(A.name, "A", 31, A.rrdatas),)), ZoneMoved),
        (Change((B, ALIAS)), ZoneMoved),
        (Change((B, B, B)), ZoneMoved),
        (Change((B, RRset(B.name, "TXT", 30, ('"x"', '"y"', '"z"')))), QuotaShort),
        (Change((B, RRset("c.ml.test.", "A", 30, ("10.0.0.3",)))), QuotaShort),
    ],
)
def test_a_change_that_does_not_fit_leaves_everything_as_it_is(
    provider: MemoryProvider, change: Change, refusal: type[Exception]
) -> None:
    before = provider.world
    with pytest.raises(refusal):
        provider.submit(ZONE, change)
    assert provider.world is before


def test_a_change_is_applied_listed_and_found_again(provider: MemoryProvider) -> None:
    change = Change((ALIAS, B), (A,))
    sent = provider.submit(ZONE, change)
    assert provider.find_change(ZONE, change) == provider.find_change(ZONE) == sent
    assert list(provider.rrsets(ZONE, below="ml.test.", type="CNAME")) == [ALIAS]
    assert list(provider.rrsets(ZONE, name=B.name)) == [B]


def test_a_change_is_pending_for_as_long_as_said() -> None:
    provider = MemoryProvider(ZONE, polls=1)
    sent = provider.submit(ZONE, Change((A,)))
    assert sent.status is ChangeStatus.PENDING
    asked = [provider.status(ZONE, sent.id or "") for _ in range(2)]
    assert asked == [ChangeStatus.PENDING, ChangeStatus.DONE]


def test_zones_come_and_go(provider: MemoryProvider) -> None:
    made = provider.create_zone(ZoneSpec("other", "other.test.", "private"))
    assert (provider.find_zone("other"), made.managed) == (made, True)
    with pytest.raises(AlreadyExists):
        provider.create_zone(ZoneSpec("other", "elsewhere.test.", "private"))
    with pytest.raises(ZoneNotEmpty):
        provider.delete_zone(ZONE)
    assert (provider.delete_zone(made), provider.delete_zone(made)) == (True, False)
    with pytest.raises(ZoneNotFound):
        list(provider.rrsets(made))


def test_a_policy_is_written_under_the_etag_that_stands(provider: MemoryProvider) -> None:
    policy = provider.policy("ml-zone")
    read = policy.read()
    policy.write({**read, "bindings": [{"role": "roles/dns.admin", "members": ["user:a@example.com"]}]})
    with pytest.raises(PolicyMoved):
        policy.write(read)
    assert policy.read()["bindings"]
