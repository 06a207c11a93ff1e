"""Facts about the limits of one change: what is still accepted, and how more than that is refused."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.contract.scratch import Zone, rrset

QUOTED = "error bodies quoted in public issue threads"
QUOTAS_PAGE = "Google's page 'Quotas and limits'"


@pytest.mark.fact(
    id="limits.over_a_limit",
    grade="Q",
    says="1,001 additions answer 403 quotaExceeded",
    source=QUOTED,
)
def test_too_many_additions(zone: Zone) -> None:
    records = [rrset(zone.at(f"w{rank}"), "A", 60, "192.0.2.1") for rank in range(1001)]
    message = r"The change would exceed quota for additions per change\."
    zone.change(add=records).refused(403, "quotaExceeded", message)


@pytest.mark.fact(
    id="limits.over_two_limits",
    grade="Q",
    says="a change over two limits lists one entry in errors[] for each",
    source=QUOTED,
)
def test_too_many_additions_and_bytes(zone: Zone) -> None:
    records = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 200}"') for rank in range(1001)]
    reply = zone.change(add=records)
    reply.refused(403, "quotaExceeded")
    assert reply.reasons == ["quotaExceeded", "quotaExceeded"]


@pytest.mark.fact(
    id="limits.rrdata_bytes",
    grade="D",
    says="more than 100,000 bytes of rrdata in a change answer 403 quotaExceeded",
    source=QUOTAS_PAGE,
)
def test_too_many_bytes(zone: Zone) -> None:
    records = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 250}"') for rank in range(500)]
    zone.change(add=records).refused(403, "quotaExceeded")


@pytest.mark.fact(
    id="limits.rrdata_bytes_of_both_sides",
    grade="U",
    says="the bytes of a change are those of its deletions and its additions together",
    source="the stand-in's guess; packing changes by bytes rests on it",
)
def test_bytes_of_deletions_count(zone: Zone) -> None:
    before = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 200}"') for rank in range(300)]
    after = [record | {"ttl": 30} for record in before]
    zone.add(*before)
    zone.change(delete=before, add=after).refused(403, "quotaExceeded")


@pytest.mark.fact(
    id="limits.rrdatas_per_rrset",
    grade="D",
    says="a record set of 101 addresses answers 403 quotaExceeded, one of 100 is accepted",
    source=QUOTAS_PAGE,
)
def test_too_many_addresses_in_a_set(zone: Zone) -> None:
    addresses = [f"10.0.0.{rank}" for rank in range(101)]
    zone.change(add=[rrset(zone.at("a"), "A", 60, *addresses)]).refused(403, "quotaExceeded")
    zone.add(rrset(zone.at("a"), "A", 60, *addresses[:100]))


@pytest.mark.fact(
    id="limits.a_full_change",
    grade="D",
    says="one change may add 1,000 record sets",
    source=QUOTAS_PAGE,
)
def test_a_full_change(own_zone: Zone, observed: Callable[[object], None]) -> None:
    began = time.monotonic()
    own_zone.add(*(rrset(own_zone.at(f"w{rank}"), "A", 60, f"10.0.{rank >> 8}.{rank & 255}") for rank in range(1000)))
    observed(f"accepted in {time.monotonic() - began:.1f} s")
    assert len(own_zone.records(maxResults=1000)) == 1002
