"""`python -m tests.simulator`: all schedules of two writers, or walks of more."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator

from tests.simulator.engine import Engine
from tests.simulator.scenarios import Scenario, pairs
from tests.simulator.schedules import Tally, explore
from tests.simulator.walks import walk

_PROGRESS_SECONDS = 10.0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="make simulate",
        description="Drive the real editor, bind and unbind over a zone in memory, in every order of their calls: "
        "without options all pairs of writers, with a fault at every call. The last line counts the schedules; the "
        "exit code is 1 where a rule did not hold, and the shortest schedule that shows it is printed.",
        epilog='In make: make simulate ARGS="--seed 7 --writers 4 --minutes 10"',
    )
    parser.add_argument("--writers", type=int, default=2, help="with 3 or more: walks by chance (default: 2, all)")
    parser.add_argument("--seed", type=int, default=1, help="of the walks; the same one walks the same (default: 1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to walk (default: 1)")
    parser.add_argument("--faults", type=int, default=1, help="of two writers: at most so many at once (default: 1)")
    asked = parser.parse_args(arguments)
    if asked.writers < 2 or asked.minutes <= 0 or asked.faults < 0:
        parser.error("--writers must be 2 or more, --minutes above 0, --faults 0 or more")
    logging.disable(logging.ERROR)
    tally = _pairs(asked.faults) if asked.writers == 2 else _walks(asked.seed, asked.writers, asked.minutes)
    if tally.violations:
        print(min(tally.violations, key=lambda violation: len(violation.schedule)))
    print(tally)
    return 1 if tally.violations else 0


def _pairs(faults: int) -> Tally:
    engine, tally = Engine(), Tally()
    scenarios = list(pairs())
    told = _progress(tally)
    for number, scenario in enumerate(scenarios, start=1):
        tally.add(run(engine, scenario, faults=faults))
        told(f"{number} of {len(scenarios)} scenarios")
    print(f"{len(scenarios)} scenarios; equal states are gone on with once: {tally.states:,} states")
    return tally


def run(engine: Engine, scenario: Scenario, *, faults: int) -> Tally:
    """All schedules of one scenario."""
    tally = explore(engine, engine.world_after(*scenario.before), scenario.acts, faults=faults)
    for violation in tally.violations:
        print(f"{scenario}\n{violation}", file=sys.stderr)
    return tally


def _walks(seed: int, writers: int, minutes: float) -> Tally:
    engine, tally = Engine(crowded=True), Tally()
    told, ends = _progress(tally), time.monotonic() + 60 * minutes
    for name in _names(seed):
        found = walk(engine, name, writers=writers)
        for violation in found.violations:
            print(f"walk {name} of {writers} writers\n{violation}", file=sys.stderr)
        tally.add(found)
        engine.forget_much()
        told(f"walk {name}")
        if time.monotonic() > ends or tally.violations:
            return tally
    return tally


def _names(seed: int) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"{seed}.{number}"


def _progress(tally: Tally) -> Callable[[str], None]:
    """Tells on the standard error where it is, now and then."""
    last = time.monotonic()

    def told(where: str) -> None:
        nonlocal last
        if time.monotonic() - last > _PROGRESS_SECONDS:
            last = time.monotonic()
            print(f"{where}: {tally}", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    sys.exit(main())
