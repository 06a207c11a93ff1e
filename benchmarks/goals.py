"""What was to be reached with 9,980 records, and what was: judged from the same numbers that the report shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.planning import CASES, exponent
from benchmarks.run import Results

SIZE = 9_980
_WALL = {"create": 3.0, "change": 3.0, "delete": 3.0, "no-op": 1.5}
_CALLS = {"create": 25, "change": 25, "delete": 25, "no-op": 15}
_OF_CEILING = 1.25
_FASTER = 15.0
_RSS_BYTES = 60e6
_EXPONENT = 1.15  # between 1,000 and 10,000 records N log N, a sort, looks like N^1.12


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: in words, the limit and the measured value with their units, and whether it was met."""

    what: str
    limit: str
    measured: str
    met: bool


def judged(results: Results) -> list[Goal]:
    """Every goal whose numbers are in the results."""
    return [*_times(results), *_against_others(results), *_memory(results), *_planning(results)]


def _times(results: Results) -> Iterator[Goal]:
    for step, seconds in _WALL.items():
        if ours := results.of("mldns", SIZE, step):
            yield Goal(f"{step}: time", f"≤ {seconds} s", f"{ours.wall:.2f} s", ours.wall <= seconds)
            count, most = ours.call_count, _CALLS[step]
            yield Goal(f"{step}: API calls", f"≤ {most}", f"{count}", count <= most)


def _against_others(results: Results) -> Iterator[Goal]:
    for step in ("create", "change", "delete"):
        ours, ceiling = (results.of(key, SIZE, step) for key in ("mldns", "ceiling"))
        if ours and ceiling:
            ratio = ours.wall / ceiling.wall
            yield Goal(f"{step}: of the ceiling", f"≤ {_OF_CEILING} x", f"{ratio:.2f} x", ratio <= _OF_CEILING)
    for step in ("create", "change"):
        ours, theirs = (results.of(key, SIZE, step) for key in ("mldns", "octodns"))
        if ours and theirs:
            for what, ratio in (
                ("operation", theirs.wall / ours.wall),
                ("whole process", theirs.process_wall / ours.process_wall),
            ):
                said = f"{step}: faster than octoDNS, {what}"
                yield Goal(said, f"≥ {_FASTER:.0f} x", f"{ratio:.1f} x", ratio >= _FASTER)


def _memory(results: Results) -> Iterator[Goal]:
    steps = [one for step in _WALL if (one := results.of("mldns", SIZE, step))]
    if steps:
        above = max(one.peak_rss for one in steps) - results.base.peak_rss
        limit = f"≤ {_RSS_BYTES / 1e6:.0f} MB"
        yield Goal("peak RSS above the import of the base hook", limit, f"{above / 1e6:.0f} MB", above <= _RSS_BYTES)


def _planning(results: Results) -> Iterator[Goal]:
    for case in CASES:
        growth = exponent([one for one in results.planning if one.case == case])
        limit = f"N to the power of ≤ {_EXPONENT}"
        yield Goal(f"CPU of planning, {case}: grows with", limit, f"N^{growth:.2f}", growth <= _EXPONENT)
