"""Google's JSON as mldns's values."""

from __future__ import annotations

from mldns.plan.batches import Limits
from mldns.providers.gcp.provider import limits_of


def test_limits_come_from_the_live_quota_and_keep_google_s_defaults() -> None:
    quota = {"rrsetAdditionsPerChange": 10, "totalRrdataSizePerChange": "500", "kind": "dns#quota"}
    assert limits_of(quota) == Limits(additions=10, rrdata_bytes=500)
    assert Limits() == Limits(1_000, 1_000, 100_000, 10_000)
