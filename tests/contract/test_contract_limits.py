"""Facts about the limits of one change: what is still accepted, and how more than that is refused."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.contract.facts import fact
from tests.contract.scratch import Zone, rrset

QUOTED = "error bodies quoted in public issue threads"
QUOTAS_PAGE = "Google's page 'Quotas and limits'"


@fact("limits.over_a_limit", "Q", QUOTED)
def test_too_many_additions(zone: Zone) -> None:
    """1,001 additions answer 403 quotaExceeded."""
    records = [rrset(zone.at(f"w{rank}"), "A", 60, "192.0.2.1") for rank in range(1001)]
    message = r"The change would exceed quota for additions per change\."
    zone.change(add=records).refused(403, "quotaExceeded", message)


@fact("limits.over_two_limits", "Q", QUOTED)
def test_too_many_additions_and_bytes(zone: Zone) -> None:
    """A change over two limits lists one entry in errors[] for each."""
    records = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 200}"') for rank in range(1001)]
    reply = zone.change(add=records)
    reply.refused(403, "quotaExceeded")
    assert reply.reasons == ["quotaExceeded", "quotaExceeded"]


@fact("limits.rrdata_bytes", "D", QUOTAS_PAGE)
def test_too_many_bytes(zone: Zone) -> None:
    """More than 100,000 bytes of rrdata in a change answer 403 quotaExceeded."""
    records = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 250}"') for rank in range(500)]
    zone.change(add=records).refused(403, "quotaExceeded")


@fact("limits.rrdata_bytes_of_both_sides", "U", "the stand-in's guess; packing changes by bytes rests on it")
def test_bytes_of_deletions_count(zone: Zone) -> None:
    """The bytes of a change are those of its deletions and its additions together."""
    before = [rrset(zone.at(f"t{rank}"), "TXT", 60, f'"{"x" * 200}"') for rank in range(300)]
    after = [record | {"ttl": 30} for record in before]
    zone.add(*before)
    zone.change(delete=before, add=after).refused(403, "quotaExceeded")


@fact("limits.rrdatas_per_rrset", "D", QUOTAS_PAGE)
def test_too_many_addresses_in_a_set(zone: Zone) -> None:
    """A record set of 101 addresses answers 403 quotaExceeded, one of 100 is accepted."""
    addresses = [f"10.0.0.{rank}" for rank in range(101)]
    zone.change(add=[rrset(zone.at("a"), "A", 60, *addresses)]).refused(403, "quotaExceeded")
    zone.add(rrset(zone.at("a"), "A", 60, *addresses[:100]))


@fact("limits.a_full_change", "D", QUOTAS_PAGE)
def test_a_full_change(own_zone: Zone, observed: Callable[[object], None]) -> None:
    """One change may add 1,000 record sets."""
    began = time.monotonic()
    own_zone.add(*(rrset(own_zone.at(f"w{rank}"), "A", 60, f"10.0.{rank >> 8}.{rank & 255}") for rank in range(1000)))
    observed(f"accepted in {time.monotonic() - began:.1f} s")
    assert len(own_zone.records(maxResults=1000)) == 1002
