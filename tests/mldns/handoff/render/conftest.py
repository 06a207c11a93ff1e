"""Hand-offs to render."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.handoff.reader import HandOff, read
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords


def handed_over(workers: Any, *, dns_name: str = "ml.example.com.", port: int | None = None, **zone: Any) -> HandOff:
    """The hand-off of a job `bert`, as its reader has it."""
    desired = DesiredRecords.parse(
        owner="bert", dns_name=dns_name, workers=workers, port=port, allow_addresses=["127.0.0.0/8"]
    )
    return read(hand_off(desired, zone="ml", **zone))


@pytest.fixture
def two() -> HandOff:
    """Two hosts of eight slots each."""
    return handed_over("10.0.0.1 slots=8\n10.0.0.2 slots=8", port=29400)


@pytest.fixture
def uneven() -> HandOff:
    """A chief with two slots, a worker with eight and one with four."""
    rows = [
        {"role": "chief", "rank": 0, "address": "10.0.0.1", "slots": 2},
        {"role": "worker", "rank": 0, "address": "10.0.0.2", "slots": 8},
        {"role": "worker", "rank": 1, "address": "10.0.0.3", "slots": 4},
    ]
    return handed_over(rows)


@pytest.fixture
def untold() -> HandOff:
    """A thousand hosts whose slots change from each to the next: the hand-off does not tell them."""
    return handed_over([{"address": f"10.0.{n // 250}.{n % 250 + 1}", "slots": n % 2 + 1} for n in range(1_000)])
