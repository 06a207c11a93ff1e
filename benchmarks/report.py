"""The measurements as Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version

from benchmarks.measure import Measurement

_HEAD = """\
# What an upsert costs

`make bench` wrote this: {cores} cores, Python {python}, google-cloud-dns {client}, Airflow {airflow}; localcloud in a
process of its own beside it, {latency} ms a call, {done} ms until a change is done. Imports are not in the times.

- *create*: N address records into an empty zone; *again*: the same once more; *change*: every address another one;
  *delete*: all of them.
- mldns claims the names, reads the zone, plans, and swaps its manifest with every change. The plain loop lists the zone
  and sends a change for each record that differs. The bare requests are told what the zone holds: the floor of the API.
"""


def markdown(results: Sequence[Measurement], *, latency: int, done: int) -> str:
    """Return the whole report: a table for each number of records."""
    head = _HEAD.format(
        cores=os.cpu_count(),
        python=platform.python_version(),
        client=version("google-cloud-dns"),
        airflow=version("apache-airflow"),
        latency=latency,
        done=done,
    )
    sizes = sorted({result.records for result in results})
    return "\n".join([head, *(_table(size, [one for one in results if one.records == size]) for size in sizes)])


def _table(size: int, results: Iterable[Measurement]) -> str:
    rows = [f"## {size:,} records", "", "| step | how | wall | API calls | client CPU |", "|---|---|--:|--:|--:|"]
    rows += [
        f"| {one.step} | {one.contender} | {one.wall:.2f} s | {one.calls:,} | {one.cpu:.2f} s |"
        for one in results
        if one.calls  # the bare requests have nothing to send the second time
    ]
    return "\n".join([*rows, ""])
