"""The preflight: every input that cannot be right fails with one line that names it, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput, MldnsError, OwnershipConflict, ZoneMismatch
from mldns.operators.cloud_dns import (
    CloudDNSEnsureZoneOperator,
    CloudDNSPreflightOperator,
    CloudDNSUpsertRecordsOperator,
)
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import Execute, a_record, writes

ASKED: dict[str, Any] = {
    "zone": "ml",
    "dns_name": "ml.example.com.",
    "networks": [NETWORK],
    "job": "bert",
    "workers": ["10.0.0.7", "10.0.0.8"],
    "records": [{"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}],
    "role": "roles/dns.admin",
    "members": ["serviceAccount:trainer@demo-project.iam.gserviceaccount.com"],
}


def record(**changed: Any) -> list[dict[str, Any]]:
    return [{**ASKED["records"][0], **changed}]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a name outside the zone": ({"records": record(name="service.other.com.")}, "'service.other.com.' is outside"),
    "no address": ({"workers": ["10.0.0.7", "999.1.1.1"]}, "address '999.1.1.1' of worker rank 1 is not"),
    "an empty worker list": ({"workers": []}, "the worker list is empty"),
    "ttl 0": ({"ttl": 0}, "ttl 0 is not a whole number"),
    "an unknown policy": ({"policy": "replace"}, "unknown policy 'replace'"),
    "a member without a prefix": ({"members": ["trainer@demo-project.iam.gserviceaccount.com"]}, "'trainer@demo"),
    "no role": ({"role": "dns.admin"}, "role 'dns.admin' is not a role"),
    "an unknown scope": ({"scope": "folder"}, "scope 'folder' is neither"),
    "a private zone without networks": ({"networks": []}, "private zone 'ml' has no networks"),
    "no zone name": ({"zone": "My Zone"}, "zone name 'My Zone' is not"),
    "nothing to name": ({"workers": None, "records": []}, "neither workers nor records"),
    "workers without a job": ({"job": ""}, "'' is not a job name"),
    "workers of the shared owner": ({"job": "shared"}, "job 'shared' owns what outlives every job"),
    "a lease without end": ({"lease_hours": "0"}, "lease_hours '0' is not a positive number of hours"),
    "a record that is the job's own": (
        {"records": record(name="worker-0.bert.ml.example.com.")},
        "worker-0.bert.ml.example.com. A is the job's own name",
    ),
    "names that no manifest holds": (
        {"records": [r for i in range(400) for r in record(name=f"a-rather-long-name-{i}.ml.example.com.")]},
        "the manifest of 'shared' would take",
    ),
}


@pytest.mark.parametrize(("changed", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_named_in_one_line_and_nothing_is_written(
    connected: Cloud, execute: Execute, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        execute(CloudDNSPreflightOperator, **{**ASKED, **changed})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert writes(connected) == 0


def refused(execute: Execute, error: type[MldnsError], **changed: Any) -> str:
    with pytest.raises(error) as caught:
        execute(CloudDNSPreflightOperator, **{**ASKED, **changed})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_zone_of_another_name_is_refused(connected: Cloud, execute: Execute) -> None:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="other.example.com.", networks=[NETWORK])
    before = writes(connected)
    assert "exists with dnsName 'other.example.com.'" in refused(execute, ZoneMismatch)
    assert writes(connected) == before


@pytest.mark.parametrize("name", ["worker-1.bert.ml.example.com.", "service.ml.example.com."])
def test_a_record_of_somebody_else_is_refused(connected: Cloud, execute: Execute, name: str) -> None:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", networks=[NETWORK])
    connected.write(a_record(name, "192.0.2.66"))
    before = writes(connected)
    assert f"{name} A (owner unknown" in refused(execute, OwnershipConflict)
    assert writes(connected) == before


def test_what_is_right_is_planned_and_not_written(connected: Cloud, execute: Execute) -> None:
    plan = execute(CloudDNSPreflightOperator, **ASKED)
    assert plan["exists"] is False
    assert plan["job"]["counts"]["creates"] == 4
    assert plan["shared"]["names"] == ["service.ml.example.com."]
    assert plan["iam"] == {"role": "roles/dns.admin", "scope": "zone", "members": ASKED["members"]}
    assert writes(connected) == 0


def test_a_form_whose_optional_fields_were_cleared_is_right(connected: Cloud, execute: Execute) -> None:
    """The trigger form sends null for a field that was emptied, and a template makes `None` of it."""
    cleared = dict.fromkeys(("project_id", "claimant", "lease", "lease_hours", "port", "records", "members"), "None")
    plan = execute(CloudDNSPreflightOperator, **{**ASKED, **cleared})
    assert (plan["job"]["counts"]["creates"], plan["shared"], plan["iam"]) == (4, None, None)


def test_syncing_a_job_never_plans_to_remove_shared_records(connected: Cloud, execute: Execute) -> None:
    execute(CloudDNSEnsureZoneOperator, zone="ml", dns_name="ml.example.com.", networks=[NETWORK])
    execute(CloudDNSUpsertRecordsOperator, zone="ml", job="shared", records=record(name="other.ml.example.com."))
    plan = execute(CloudDNSPreflightOperator, **ASKED, policy="sync")
    assert plan["shared"]["counts"]["deletes"] == 0
