"""What one child process is told to do: bring one zone from what it holds to what is wanted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Record = dict[str, Any]
"""A record set as the API spells it: name, type, ttl, rrdatas."""

STEPS = ("create", "no-op", "change", "delete")
LARGEST = 9_990
"""Addresses that a zone of Google's default quota (10,000 record sets) holds beside its apex and a manifest."""

_TTL = 30
_A_RANK = 125  # addresses in one /24, so that all names have one of their own and none ends in .0 or .255
_CHANGED = 128  # added to the third octet


@dataclass(frozen=True, slots=True)
class Job:
    """One step of one contender, in a zone that nobody else uses.

    :param api: URL of localcloud.
    :param connection: Airflow connection that leads there.
    :param held: the records that the zone holds, in the API's canonical order.
    :param wanted: the records that it shall hold.
    :param scratch: an empty folder for this job alone.
    """

    contender: str
    step: str
    api: str
    project: str
    zone: str
    dns_name: str
    connection: str
    held: list[Record]
    wanted: list[Record]
    scratch: str

    def write(self) -> Path:
        """Write the job into its folder and return the file, for `read`."""
        path = Path(self.scratch, "job.json")
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def read(cls, path: Path) -> Job:
        return cls(**json.loads(path.read_text()))


def addresses(dns_name: str, size: int, *, changed: bool = False) -> list[Record]:
    """Return `size` A records in canonical order; with `changed` the same names, each with another address."""
    rows = [
        {
            "name": f"worker-{rank}.bench.{dns_name}",
            "type": "A",
            "ttl": _TTL,
            "rrdatas": [f"10.1.{rank // _A_RANK + _CHANGED * changed}.{1 + rank % _A_RANK}"],
        }
        for rank in range(size)
    ]
    return sorted(rows, key=lambda row: str(row["name"]))


def states(dns_name: str, size: int) -> dict[str, tuple[list[Record], list[Record]]]:
    """What the zone holds before each step, and what it shall hold after it."""
    first, second = addresses(dns_name, size), addresses(dns_name, size, changed=True)
    return {"create": ([], first), "no-op": (first, first), "change": (first, second), "delete": (second, [])}
