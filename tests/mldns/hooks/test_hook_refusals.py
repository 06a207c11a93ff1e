"""What the hook refuses, in one line that names the culprit, with nothing written."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.inventory.job_records import DesiredRecords
from mldns.records.rrset import RRset
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.conftest import calls, writes

ROLE = "roles/dns.admin"
TRAINER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
SERVICE = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}

REFUSED_UNHEARD: list[tuple[str, dict[str, Any], str]] = [
    ("upsert_records", {"zone": "Bad_Zone", "records": [SERVICE], "owner": "x"}, "zone 'Bad_Zone'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "a.b"}, "has a dot"),
    ("upsert_records", {"zone": "z", "records": [], "owner": "x"}, "records is empty"),
    ("upsert_records", {"zone": "z", "records": SERVICE, "owner": "x"}, "must be a list"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "policy": "force"}, "unknown policy 'force'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_hours": 0}, "lease_hours 0"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease": "a\nb"}, "on one line"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "adopt": "false"}, "adopt 'false'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "dry_run": "false"}, "dry_run 'false'"),
    ("upsert_records", {"zone": "z", "records": None, "owner": "x"}, "must be a list"),
    ("claim", {"zone": "z", "records": [], "owner": "x"}, "records is empty"),
    ("claim", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_ended": 1}, "lease_ended 1"),
    ("delete_records", {"zone": "z", "owner": ""}, "is not a job name"),
    ("list_records", {"zone": "z", "type": "A"}, "takes a name"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test."}, "private zone 'z' has no networks"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test.", "networks": None}, "networks must be a list"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test.", "allow_unbound": "true"}, "allow_unbound 'true'"),
    ("list_zones", {"managed_only": "no"}, "managed_only 'no'"),
    ("wait_for_change", {"zone": "z", "change_id": None}, "no change was sent"),
    ("wait_for_change", {"zone": "z", "change_id": "a/b"}, "change_id 'a/b'"),
    ("bind_iam", {"role": ROLE, "members": None, "scope": "project"}, "must be a list"),
    ("test_iam_permissions", {"permissions": "dns.changes.create", "scope": "project"}, "must be a list"),
    ("test_iam_permissions", {"permissions": [5], "scope": "project"}, "permission 5"),
    ("bind_iam", {"role": ROLE, "members": [TRAINER], "scope": "folder"}, "the scope of a grant is always said"),
    ("bind_iam", {"role": ROLE, "members": [TRAINER], "scope": "zone"}, "needs the zone"),
    ("bind_iam", {"role": ROLE, "members": [TRAINER], "scope": "project", "owner": "bert"}, "name the zone"),
    ("unbind_iam", {"role": ROLE, "members": "x", "scope": "project"}, "must be a list"),
    ("test_iam_permissions", {"permissions": ["dns.x.y"], "scope": ""}, "scope ''"),
]


@pytest.mark.parametrize(("method", "request_", "message"), REFUSED_UNHEARD)
def test_bad_input_is_refused_before_the_first_call(
    hook: CloudDNSHook, cloud: Cloud, method: str, request_: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        getattr(hook, method)(**request_)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert calls(cloud) == 0


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"name": "service.elsewhere.com."}, "is outside the zone 'ml.example.com.'"),
        ({"name": "_mldns.bert.ml.example.com.", "type": "TXT", "rrdatas": ["x"]}, "is a manifest of mldns"),
    ],
)
def test_a_bad_record_is_refused_before_the_first_write(
    hook: CloudDNSHook, zone: str, cloud: Cloud, record: dict[str, Any], message: str
) -> None:
    before = writes(cloud)
    with pytest.raises(InvalidInput) as refused:
        hook.upsert_records(zone=zone, records=[{**SERVICE, **record}], owner="shared")
    assert message in str(refused.value)
    assert writes(cloud) == before


@pytest.mark.parametrize(
    ("rrset", "message"),
    [
        (RRset("ml.example.com.", "NS", 21_600, ("ns-gcp-private.googledomains.com.",)), "mldns writes A, AAAA"),
        (RRset("_mldns.bert.ml.example.com.", "TXT", 60, ('"x"',)), "is a manifest of mldns"),
        (RRset("service.ml.example.com.", "CNAME", 60, ("a.test.",)), "is a CNAME beside A"),
    ],
)
def test_what_a_mapping_must_not_say_an_rrset_must_not_either(
    hook: CloudDNSHook, zone: str, cloud: Cloud, rrset: RRset, message: str
) -> None:
    """Adopting the apex NS as it is would otherwise make it ours, and a release would try to delete it."""
    before = writes(cloud)
    with pytest.raises(InvalidInput, match=message):
        hook.upsert_records(zone=zone, records=[rrset, SERVICE], owner="shared", adopt=True)
    assert writes(cloud) == before


def test_one_record_given_twice_is_refused_in_any_form(hook: CloudDNSHook, zone: str) -> None:
    rrsets = DesiredRecords.parse(records=[SERVICE], owner="shared", dns_name="ml.example.com.", ttl=60).rrsets
    with pytest.raises(InvalidInput, match="given twice"):
        hook.upsert_records(zone=zone, records=[*rrsets, SERVICE], owner="shared")
    outside = DesiredRecords.parse(records=[SERVICE], owner="shared", dns_name="example.com.", ttl=60).rrsets
    other = hook.ensure_zone(zone="other", dns_name="other.test.", networks=["training"])["name"]
    with pytest.raises(InvalidInput, match="outside the zone"):
        hook.upsert_records(zone=other, records=outside, owner="shared")
