"""The hook through a real Airflow connection, against a real localcloud."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from mldns.exceptions import (
    InvalidInput,
    PlanChanged,
    ZoneMismatch,
    ZoneNotFound,
    ZoneNotOurs,
)
from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.inventory.job_records import DesiredRecords
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.conftest import MakeHook, calls, writes

ROLE = "roles/dns.admin"
TRAINER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
SERVICE = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
RUN = {"owner": "bert", "claimant": "airflow/train", "lease": "run-1"}


def workers(*addresses: str) -> list[dict[str, Any]]:
    desired = DesiredRecords.parse(workers=list(addresses), owner="bert", dns_name="ml.example.com.", ttl=30).rrsets
    return [rrset.to_api() for rrset in desired]


def test_the_seed_case(hook: CloudDNSHook) -> None:
    """A public zone, one shared record, a role on the project, the name servers handed back."""
    zone = hook.ensure_zone(zone="my-managed-zone", dns_name="ml.example.com.", visibility="public")
    assert zone["created"] is True
    assert len(zone["nameServers"]) == 4
    done = hook.upsert_records(zone="my-managed-zone", records=[SERVICE], owner="shared")
    assert (done["created"], done["status"], done["names"]) == (1, "done", ["service.ml.example.com."])
    listed = hook.list_records(zone="my-managed-zone", name="service.ml.example.com", type="a")
    assert [(r["ttl"], r["rrdatas"]) for r in listed] == [(300, ["192.0.2.1"])]
    bound = hook.bind_iam(role=ROLE, members=[TRAINER], scope="project")
    assert bound == {
        "scope": "project",
        "resource": "projects/demo-project",
        "role": ROLE,
        "added": [TRAINER],
        "already": [],
        "proof": "set, not proven",
    }
    again = hook.upsert_records(zone="my-managed-zone", records=[SERVICE], owner="shared")
    assert (again["created"], again["unchanged"], again["changes"], again["change_id"]) == (0, 1, 0, None)
    assert hook.bind_iam(role=ROLE, members=[TRAINER], scope="project")["already"] == [TRAINER]


def test_a_run_from_claim_to_release(hook: CloudDNSHook, zone: str) -> None:
    records = workers("10.0.0.1", "10.0.0.2")
    claimed = hook.claim(zone=zone, records=records, **RUN, lease_hours=2)
    assert (claimed["names"], claimed["generation"]) == (4, 1)
    assert claimed["expires"].endswith("Z")
    done = hook.upsert_records(zone=zone, records=records, **RUN, lease_hours=2)
    assert {key: done[key] for key in ("created", "changed", "deleted", "unchanged", "generation")} == {
        "created": 4,
        "changed": 0,
        "deleted": 0,
        "unchanged": 0,
        "generation": 2,
    }
    assert len(done["digest"]) == 16
    assert hook.wait_for_change(zone=zone, change_id=int(done["change_id"]))["status"] == "done"
    below = {(r["name"], r["type"]) for r in hook.list_records(zone=zone, suffix="bert.ml.example.com")}
    assert below == {(r["name"], r["type"]) for r in records} | {("_mldns.bert.ml.example.com.", "TXT")}
    released = hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert (released["deleted"], released["released"], released["overtaken_by"]) == (4, True, None)
    assert hook.list_records(zone=zone, suffix="bert.ml.example.com.") == []
    nothing = hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert (nothing["deleted"], nothing["released"], nothing["change_id"]) == (0, True, None)


def test_a_plan_is_shown_reviewed_and_applied(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    before = writes(cloud)
    shown = hook.plan(zone=zone, records=workers("10.0.0.1"), **RUN)
    assert [create["name"] for create in shown["creates"]][:1] == ["master.bert.ml.example.com."]
    dry = hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN, dry_run=True)
    assert dry["digest"] == shown["digest"]
    assert "creates" not in dry
    assert writes(cloud) == before
    with pytest.raises(PlanChanged):
        hook.apply(zone=zone, records=workers("10.0.0.2"), **RUN, digest=shown["digest"])
    assert writes(cloud) == before
    assert hook.apply(zone=zone, records=workers("10.0.0.1"), **RUN, digest=shown["digest"])["created"] == 3


def test_a_public_zone_shows_neither_runs_nor_accounts(hook: CloudDNSHook) -> None:
    zone = hook.ensure_zone(zone="open", dns_name="open.test.", visibility="public")["name"]
    records = [{**SERVICE, "name": "worker-0.bert.open.test."}]
    hook.claim(zone=zone, records=records, **RUN, lease_hours=1)
    hook.upsert_records(zone=zone, records=records, **RUN)
    hook.bind_iam(role=ROLE, members=[TRAINER], scope="zone", zone=zone, owner="bert")
    texts = str([record["rrdatas"] for record in hook.list_records(zone=zone) if record["type"] == "TXT"])
    assert "worker=0" in texts and "grant=zone roles/dns.admin sha256:" in texts
    for secret in ("run-1", "airflow", "train", "your-ml-system", "gserviceaccount"):
        assert secret not in texts
    assert hook.delete_records(zone=zone, owner="bert", lease="run-1")["deleted"] == 1


def test_without_waiting_the_change_may_still_be_pending(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    done = hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN, wait=False)
    assert done["status"] == "pending"
    assert "changes.get" not in cloud.stats()


def test_a_retry_with_nothing_left_to_send_waits_for_what_was_sent_before(
    make_hook: MakeHook, start_cloud: Callable[..., Cloud]
) -> None:
    """The task died between its last change and that one's `done`; a gate that asks earlier caches a denial."""
    hook = make_hook(dns_api_endpoint=start_cloud("--done-ms", "1200").api)
    hook.ensure_zone(zone="z", dns_name="ml.example.com.", networks=["training"])
    shared: dict[str, Any] = {"zone": "z", "records": [SERVICE], "owner": "shared"}
    sent = hook.upsert_records(**shared, wait=False)
    again = hook.upsert_records(**shared)
    assert (sent["status"], again["change_id"], again["status"]) == ("pending", None, "done")
    assert hook.dns_client("demo-project").get_change("z", sent["change_id"])["status"] == "done"


def test_zones_are_compared_and_deleted_as_asked(hook: CloudDNSHook, zone: str) -> None:
    with pytest.raises(ZoneMismatch):
        hook.ensure_zone(zone=zone, dns_name="elsewhere.com.", networks=["training"])
    assert hook.get_zone(zone="nowhere") is None
    with pytest.raises(ZoneNotFound):
        hook.upsert_records(zone="nowhere", records=[SERVICE], owner="shared")
    assert hook.delete_zone(zone=zone) == {"deleted": True}
    assert hook.delete_zone(zone=zone) == {"deleted": False}
    hook.dns_client("demo-project").create_zone({"name": "theirs", "dnsName": "t.test.", "description": "d"})
    with pytest.raises(ZoneNotOurs):
        hook.delete_zone(zone="theirs")


def test_the_zones_that_mldns_made_are_listed(hook: CloudDNSHook, zone: str) -> None:
    hook.dns_client("demo-project").create_zone({"name": "theirs", "dnsName": "t.test.", "description": "d"})
    assert [found["name"] for found in hook.list_zones()] == [zone]
    assert {found["name"] for found in hook.list_zones(managed_only=False)} == {zone, "theirs"}


def test_a_zone_made_anew_under_another_name_is_not_remembered_as_the_old_one(hook: CloudDNSHook, zone: str) -> None:
    hook.upsert_records(zone=zone, records=[SERVICE], owner="shared")
    hook.delete_records(zone=zone, owner="shared")
    hook.delete_zone(zone=zone)
    hook.ensure_zone(zone=zone, dns_name="new.test.", networks=["training"])
    with pytest.raises(InvalidInput, match=r"outside the zone 'new\.test\.'"):
        hook.upsert_records(zone=zone, records=[SERVICE], owner="shared")


def test_quota_and_headroom(hook: CloudDNSHook, zone: str) -> None:
    quota = hook.zone_quota(zone=zone)
    assert quota["rrsets"] == 2
    assert quota["limits"]["rrsetsPerManagedZone"] == 10_000


def test_grants_on_a_zone_are_recorded_with_their_job(hook: CloudDNSHook, zone: str) -> None:
    grant = {"role": ROLE, "members": [TRAINER], "scope": "zone", "zone": zone, "owner": "bert"}
    bound = hook.bind_iam(**grant)
    assert (bound["resource"], bound["added"]) == (f"projects/demo-project/managedZones/{zone}", [TRAINER])
    hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN)
    hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert hook.unbind_iam(**grant) == {"removed": [TRAINER], "absent": [], "kept": []}
    assert hook.unbind_iam(**grant) == {"removed": [], "absent": [], "kept": [TRAINER]}
    assert hook.list_records(zone=zone, suffix="bert.ml.example.com.") == []


@pytest.mark.parametrize("role", [ROLE, ""])
def test_no_members_is_nothing_to_do(hook: CloudDNSHook, cloud: Cloud, role: str) -> None:
    bound = hook.bind_iam(role=role, members=[], scope="project")
    assert (bound["added"], bound["skipped"]) == ([], True)
    assert calls(cloud) == 0


def test_permissions_of_the_caller(hook: CloudDNSHook, zone: str) -> None:
    asked = ["dns.changes.create", "dns.managedZones.get"]
    assert hook.test_iam_permissions(permissions=asked, scope="project") == asked
    assert hook.test_iam_permissions(permissions=asked, scope="zone", zone=zone) == asked


@pytest.mark.parametrize(
    ("method", "required", "defaults"),
    [
        (
            "ensure_zone",
            {"zone", "dns_name"},
            {"visibility": "private", "networks": (), "labels": None, "description": "", "allow_unbound": False},
        ),
        (
            "upsert_records",
            {"zone", "records", "owner"},
            {"claimant": "", "lease": "", "lease_hours": None, "policy": "upsert-only", "adopt": False}
            | {"claimed": False, "dry_run": False, "wait": True},
        ),
        ("delete_records", {"zone", "owner"}, {"claimant": "", "lease": ""}),
        (
            "bind_iam",
            {"role", "members", "scope"},
            {"zone": None, "owner": None, "condition": None, "authoritative": False, "removals": ()}
            | {"dry_run": False, "wait": False, "prove_with": None},
        ),
        ("unbind_iam", {"role", "members", "scope"}, {"zone": None, "owner": None, "condition": None}),
    ],
)
def test_the_main_signatures_are_a_contract(method: str, required: set[str], defaults: dict[str, Any]) -> None:
    parameters = inspect.signature(getattr(CloudDNSHook, method)).parameters
    assert {name for name, p in parameters.items() if p.default is p.empty} == required | {"self"}
    assert {name: parameters[name].default for name in defaults} == defaults


def test_the_public_surface_takes_keywords_only() -> None:
    surface = (
        "get_zone ensure_zone delete_zone list_zones list_records plan apply upsert_records claim delete_records "
        "wait_for_change zone_quota bind_iam unbind_iam test_iam_permissions"
    )
    for name in surface.split():
        parameters = list(inspect.signature(getattr(CloudDNSHook, name)).parameters.values())[1:]
        assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}, name
        assert "project_id" in {parameter.name for parameter in parameters}, name
