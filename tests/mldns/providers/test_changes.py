"""Waiting until a change is done, on a cloud in memory and a clock that waits for nobody."""

from __future__ import annotations

import pytest

from mldns.exceptions import PermissionMissing, StillPending
from mldns.plan.batches import Change
from mldns.providers import changes
from mldns.providers.base import ChangeRef, ChangeStatus
from mldns.providers.changes import wait_until_done, wait_until_settled
from tests.mldns.providers.job_zone import ZONE, a
from tests.simulator.memory_provider import MemoryProvider

CHANGE = Change(additions=(a("x"),))


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(changes, "time", clock)
    return clock


@pytest.mark.parametrize(("polls", "until"), [(1, 0.6), (3, 1.7), (9, 22.0)])
def test_polling_slows_down_and_ends_soon_after_the_change_is_done(clock: Clock, polls: int, until: float) -> None:
    provider = MemoryProvider(ZONE, polls=polls)
    sent = provider.submit(ZONE, CHANGE)
    assert sent.id is not None
    assert wait_until_done(provider, ZONE, sent.id, timeout=300, just_sent=True) is ChangeStatus.DONE
    assert len(clock.slept) == polls + 1
    assert clock.now < until
    before = clock.now
    wait_until_done(provider, ZONE, sent.id, timeout=300)
    assert clock.now == before, "what is done already is asked for once"


def test_a_change_that_stays_pending_is_named(clock: Clock) -> None:
    provider = MemoryProvider(ZONE, polls=1_000)
    provider.submit(ZONE, CHANGE)
    with pytest.raises(StillPending, match="change 1 of zone 'ml-zone'"):
        wait_until_done(provider, ZONE, "1", timeout=30)
    assert 30 <= clock.now < 31


def test_without_an_id_the_newest_change_is_waited_for(clock: Clock) -> None:
    provider = MemoryProvider(ZONE, polls=2)
    assert wait_until_settled(provider, ZONE, None, timeout=30) is None, "no change, nothing to wait for"
    provider.submit(ZONE, CHANGE)
    assert wait_until_settled(provider, ZONE, None, timeout=30) is ChangeStatus.DONE
    assert len(clock.slept) == 3
    quick = MemoryProvider(ZONE)
    quick.submit(ZONE, CHANGE)
    assert wait_until_settled(quick, ZONE, None, timeout=30) is ChangeStatus.DONE
    assert len(clock.slept) == 3


def test_a_history_that_cannot_be_listed_is_no_reason_to_fail(clock: Clock) -> None:
    class Unlisted(MemoryProvider):
        def find_change(self, zone: object, change: object = None) -> ChangeRef:
            raise PermissionMissing(permission="dns.changes.list", resource="zone 'ml-zone'")

    assert wait_until_settled(Unlisted(ZONE), ZONE, None, timeout=30) is None
