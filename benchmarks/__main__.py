"""`make bench`: measures, prints and writes benchmarks/results.md (`ARGS="--sizes 100"` for a quick look)."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.measure import Measurement, Target, measure
from benchmarks.report import markdown
from demo.cloud import NETWORK, PROJECT, LocalCloud, local_cloud

RESULTS = Path(__file__).with_name("results.md")
LATENCY_MS, DONE_MS = 50, 1000
CONNECTION = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], help="numbers of records")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home  # before Airflow is imported: it makes the folder that it finds here
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
        flags = ("--latency-ms", str(LATENCY_MS), "--done-ms", str(DONE_MS))
        with local_cloud(Path(home), flags) as cloud:
            results = list(run(cloud, options.sizes))
    report = markdown(results, latency=LATENCY_MS, done=DONE_MS)
    options.output.write_text(report)
    print(f"wrote {options.output.name}")


def run(cloud: LocalCloud, sizes: list[int]) -> Iterator[Measurement]:
    """Measure each contender at each size, one after the other, each in a zone of its own; print as it goes."""
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps(cloud.connection())
    from benchmarks.contenders import CONTENDERS

    for size in sizes:
        for kind in CONTENDERS:
            zone = f"{kind.__name__.lower()}-{size}"
            target = Target(cloud.api, PROJECT, zone, f"{zone}.test.", CONNECTION)
            make_zone(target)
            first, second = (records(target, size, third_octet=octet) for octet in (0, 128))
            contender = kind(target)
            for step, wanted in (("create", first), ("again", first), ("change", second), ("delete", [])):
                result = measure(cloud, contender.name, size, step, lambda: contender.apply(wanted))  # noqa: B023
                check(cloud, target, wanted)
                print(
                    f"{size:>6} {step:<7} {contender.name:<38} {result.wall:7.2f} s {result.calls:>6} calls", flush=True
                )
                yield result


def records(target: Target, size: int, *, third_octet: int) -> list[dict[str, Any]]:
    """Return `size` A records in the API's canonical order; another `third_octet` gives each another address."""
    rows = [
        {
            "name": f"worker-{rank}.bench.{target.dns_name}",
            "type": "A",
            "ttl": 30,
            "rrdatas": [f"10.{rank // 16_000}.{third_octet + rank % 16_000 // 125}.{1 + rank % 125}"],
        }
        for rank in range(size)
    ]
    return sorted(rows, key=lambda row: str(row["name"]))


def make_zone(target: Target) -> None:
    body = {
        "name": target.zone,
        "dnsName": target.dns_name,
        "description": "benchmark",
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": NETWORK}]},
    }
    url = f"{target.api}/dns/v1/projects/{target.project}/managedZones"
    httpx.post(url, json=body, trust_env=False).raise_for_status()


def check(cloud: LocalCloud, target: Target, wanted: list[dict[str, Any]]) -> None:
    """Raise unless the zone holds exactly the wanted addresses: a fast wrong answer is not a result."""
    held = {row["name"]: row["rrdatas"] for row in cloud.records(target.zone) if row["type"] == "A"}
    if held != {row["name"]: row["rrdatas"] for row in wanted}:
        raise RuntimeError(f"{target.zone} holds {len(held)} addresses, not the {len(wanted)} that were wanted")


if __name__ == "__main__":
    main()
