"""The CPU of mldns's pure core, without a network: from what was listed and asked for to the bodies of the changes.

`python -m benchmarks.planning` prints it as JSON: in a process without anything else, whose garbage would be collected.
"""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import log

from benchmarks.job import addresses
from mldns.ownership.claims import Holder, take, upsert_changes
from mldns.ownership.compare_and_swap import Swap
from mldns.ownership.manifest import decode
from mldns.plan.batches import Limits
from mldns.plan.compute import compute_plan
from mldns.records.names import manifest_name
from mldns.records.rrset import RRset, from_api, parse_record

SIZES = (1_000, 2_000, 4_000, 9_980)
CASES = ("create", "no-op", "change")

_OWNER, _ZONE = "bench", "plan.test."
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Planning:
    """Seconds of CPU for one plan of so many records: the fastest of some tries."""

    case: str
    records: int
    cpu: float


def exponent(timings: Sequence[Planning]) -> float:
    """How the time grows: 1 is in proportion to the number of records, 2 with its square (slope between logarithms)."""
    sizes = [log(one.records) for one in timings]
    return statistics.linear_regression(sizes, [log(one.cpu) for one in timings]).slope


def time_plans(sizes: Sequence[int] = SIZES) -> list[Planning]:
    """Time each case at each size."""
    timings = []
    for size in sizes:
        first, second = (addresses(_ZONE, size, changed=changed) for changed in (False, True))
        manifest = _plan([], first, None)[-1]
        listed = {"create": ([], first, None), "no-op": (first, first, manifest), "change": (first, second, manifest)}
        for case in CASES:
            held, wanted, before = listed[case]
            timings.append(Planning(case, size, _fastest(lambda: _plan(held, wanted, before))))  # noqa: B023
    return timings


def _plan(held: Sequence[dict[str, object]], wanted: Sequence[dict[str, object]], before: RRset | None) -> list[RRset]:
    """What the hook does between the last page and the first change; returns the manifests of the changes."""
    current = [from_api(resource) for resource in held]
    desired = [parse_record(resource, dns_name=_ZONE) for resource in wanted]
    manifest = decode(before, owner=_OWNER, dns_name=_ZONE)
    claim = take(manifest, Holder(_OWNER, "bench", "bench"), now=0.0)
    subtree = f"{_OWNER}.{_ZONE}"
    plan = compute_plan(
        current=current, desired=desired, subtree=subtree, owned=claim.owns, owner_of=lambda _: None, policy="sync"
    )
    decided = upsert_changes(plan, current, claim, Swap(before, _ZONE, Limits()))
    name = manifest_name(_OWNER, _ZONE)
    for change in decided.changes:
        body = {
            "additions": [a.to_api() for a in change.additions],
            "deletions": [d.to_api() for d in change.deletions],
        }
        json.dumps(body, separators=(",", ":"))
    return [rrset for change in decided.changes for rrset in change.additions if rrset.name == name]


def _fastest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_TRIES):
        gc.collect()
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


if __name__ == "__main__":
    print(json.dumps([asdict(timing) for timing in time_plans()], indent=1))
