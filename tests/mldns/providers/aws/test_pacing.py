"""Five requests a second, shared by all who have one account."""

from __future__ import annotations

import threading

from mldns.providers.aws.pacing import Pace, pace_of


class Clock:
    """A clock that only sleeping moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_second_s_requests_may_go_at_once_and_the_next_as_time_brings_them() -> None:
    clock = Clock()
    pace = Pace(5.0, clock, clock.sleep)
    went = []
    for _ in range(15):
        pace.wait()
        went.append(round(clock.now, 3))
    assert went == [0.0] * 5 + [round(0.2 * n, 3) for n in range(1, 11)]
    clock.now += 100.0
    for _ in range(5):
        pace.wait()
    assert round(clock.now, 3) == 102.0, "a long rest saves up no more than a second's requests"


def test_threads_get_turns_one_after_the_other() -> None:
    """Each is told how long to wait by all who asked before it, none of whom has to come back first."""
    clock, waits = Clock(), list[float]()
    pace = Pace(5.0, clock, waits.append)
    threads = [threading.Thread(target=pace.wait) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, 3) for wait in waits) == [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4]


def test_an_account_has_one_pace_in_a_process() -> None:
    assert pace_of("1") is pace_of("1")
    assert pace_of("1") is not pace_of("2")
