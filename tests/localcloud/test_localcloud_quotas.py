"""Quotas that are set: what `projects.get` then says, and Google's refusals at the limit. Requests a minute."""

from __future__ import annotations

import pytest
import requests

from localcloud.errors import ApiError
from localcloud.ratelimit import RateLimit

QUOTA = "/_localcloud/quota"
DEFAULTS = {
    "managedZones": 10_000,
    "rrsetsPerManagedZone": 10_000,
    "rrsetAdditionsPerChange": 1_000,
    "rrsetDeletionsPerChange": 1_000,
    "totalRrdataSizePerChange": 100_000,
    "resourceRecordsPerRrset": 100,
    "networksPerManagedZone": 100,
    "requestsPerMinute": None,
    "requestsPerSecond": None,
}


@pytest.mark.parametrize(
    ("limit", "what"),
    [
        ({"rrsetsPerManagedZone": 4}, "resource record sets per managed zone"),  # NS and SOA count
        ({"rrsetAdditionsPerChange": 2}, "additions per change"),
        ({"totalRrdataSizePerChange": 26}, "total rrdata size per change"),
        ({"resourceRecordsPerRrset": 1}, "resource records per resource record set"),
    ],
)
def test_a_limit_that_is_set_is_shown_and_enforced(api, record, limit, what):
    api.zone()
    assert api.post(QUOTA, limit).body == {**DEFAULTS, **limit}
    assert limit.items() <= api.get("").body["quota"].items()
    three = [record(f"{n}.ml.example.com.", "192.0.2.1") for n in "abc"]
    if "resourceRecordsPerRrset" in limit:
        three = [record("a.ml.example.com.", "192.0.2.1", "192.0.2.2")]
    assert api.change(three).problem == (403, "quotaExceeded", f"The change would exceed quota for {what}.")
    assert len(api.names()) == 2
    assert api.call("DELETE", QUOTA).body == DEFAULTS
    assert api.change(three).code == 200


def test_deletions_have_a_limit_of_their_own(api, record):
    api.zone()
    two = [record(f"{n}.ml.example.com.", "192.0.2.1") for n in "ab"]
    api.change(two)
    api.post(QUOTA, {"rrsetDeletionsPerChange": 1})
    message = "The change would exceed quota for deletions per change."
    assert api.change([], two).problem == (403, "quotaExceeded", message)
    assert api.change([], two[:1]).code == 200


def test_zones_and_networks_have_limits(api, cloud):
    api.post(QUOTA, {"managedZones": 1, "networksPerManagedZone": 1})
    networks = {"networks": [{"networkUrl": cloud.network}, {"networkUrl": cloud.network + "-2"}]}
    private = {"name": "ml", "dnsName": "ml.example.com.", "visibility": "private", "privateVisibilityConfig": networks}
    assert api.post("managedZones", private).problem[:2] == (403, "quotaExceeded")
    api.zone()
    assert api.post("managedZones", {"name": "b", "dnsName": "b.example.com."}).problem[:2] == (403, "quotaExceeded")


def test_a_zone_over_a_limit_that_was_lowered_keeps_what_it_has_and_may_shrink(api, record):
    api.zone()
    three = [record(f"{n}.ml.example.com.", "192.0.2.1") for n in "abc"]
    api.change(three)
    api.post(QUOTA, {"rrsetsPerManagedZone": 3})
    assert len(api.names()) == 5
    assert api.change([record("d.ml.example.com.", "192.0.2.1")]).problem[:2] == (403, "quotaExceeded")
    assert api.change([], three[:1]).code == 200


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"rrsets": 1}, "there is no limit 'rrsets' to set, but managedZones, rrsetsPerManagedZone"),
        ({"policies": 1}, "there is no limit 'policies' to set"),
        ({"managedZones": 0}, "managedZones is a whole number from 1 to 2,147,483,647, not 0"),
        ({"managedZones": None}, "not None"),
        ({"managedZones": "5"}, "not '5'"),
        ({"requestsPerMinute": True}, "not True"),
    ],
)
def test_a_bad_limit_is_refused_and_changes_nothing(api, sent, why):
    code, reason, message = api.post(QUOTA, {"rrsetsPerManagedZone": 7, **sent}).problem
    assert (code, reason) == (400, "invalid")
    assert message.startswith("Invalid quota: ")
    assert why in message
    assert api.get(QUOTA).body == DEFAULTS


def test_the_command_line_sets_limits_and_reset_brings_them_back(start_cloud, tmp_path):
    flags = ("--quota", "rrsetsPerManagedZone=200", "--quota", "requestsPerMinute=500", "--data", str(tmp_path))
    cloud = start_cloud(*flags)
    given = {**DEFAULTS, "rrsetsPerManagedZone": 200, "requestsPerMinute": 500}
    assert requests.get(cloud.api + QUOTA, timeout=30).json() == given
    requests.post(cloud.api + QUOTA, json={"rrsetsPerManagedZone": 5, "requestsPerMinute": None}, timeout=30)
    cloud.reset()
    assert requests.get(cloud.api + QUOTA, timeout=30).json() == given


class TestRequestsAMinute:
    def test_the_request_over_the_limit_is_429_and_other_projects_and_apis_go_on(self, api, cloud):
        api.post(QUOTA, {"requestsPerMinute": 3})
        answers = [api.get("managedZones") for _ in range(4)]
        assert [answer.code for answer in answers] == [200, 200, 200, 429]
        assert answers[3].problem == (
            429,
            "rateLimitExceeded",
            "Resource has been exhausted (e.g. check quota).",
        )
        assert api.get("/dns/v1/projects/other-project/managedZones").code == 200
        assert api.get("/v3/projects/demo-project").code == 200
        assert cloud.stats()["managedZones.list"] == {"200": 4, "429": 1}
        assert api.post(QUOTA, {"requestsPerMinute": None}).code == 200
        assert api.get("managedZones").code == 200

    def test_the_bucket_fills_up_again_as_time_goes_by(self):
        now = 1000.0
        limit = RateLimit(lambda: now)

        def admitted() -> bool:
            try:
                limit.admit("project", 60)
            except ApiError:
                return False
            return True

        assert [admitted() for _ in range(61)] == [True] * 60 + [False]
        now += 0.9
        assert not admitted()
        now += 0.2  # 1.1 tokens in all
        assert [admitted(), admitted()] == [True, False]
        now += 3600  # no more than a minute's worth is saved up
        assert sum(admitted() for _ in range(100)) == 60

    def test_a_fault_takes_no_request_from_the_limit(self, api):
        api.post(QUOTA, {"requestsPerMinute": 1})
        api.post("/_localcloud/faults", {"method": "*", "kind": "status", "status": 503, "count": 3})
        assert [api.get("managedZones").code for _ in range(5)] == [503, 503, 503, 200, 429]
