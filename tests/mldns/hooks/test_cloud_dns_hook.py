"""The hook through a real Airflow connection, against a real localcloud."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from airflow.exceptions import AirflowException

from mldns.exceptions import (
    ClaimRefused,
    InvalidInput,
    OwnershipConflict,
    PlanChanged,
    ZoneMismatch,
    ZoneNotFound,
    ZoneNotOurs,
)
from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.records import RRset, desired_records
from tests.cloud_fixture import Cloud

ROLE = "roles/dns.admin"
TRAINER = "serviceAccount:your-ml-system@your-project.iam.gserviceaccount.com"
SERVICE = {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}
RUN = {"owner": "bert", "claimant": "airflow/train", "lease": "run-1"}

MakeHook = Callable[..., CloudDNSHook]


@pytest.fixture
def make_hook(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> MakeHook:
    """Hooks on a connection to the stand-in; keywords add extras or, with None, take them away."""

    def make(**extras: Any) -> CloudDNSHook:
        extra = {
            "is_anonymous": True,
            "project": cloud.project,
            "dns_api_endpoint": cloud.api,
            "resource_manager_api_endpoint": cloud.api,
            **extras,
        }
        kept = {key: value for key, value in extra.items() if value is not None}
        connection = {"conn_type": "google_cloud_platform", "extra": kept}
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
        return CloudDNSHook()

    return make


@pytest.fixture
def hook(make_hook: MakeHook) -> CloudDNSHook:
    return make_hook()


@pytest.fixture
def zone(hook: CloudDNSHook) -> str:
    hook.ensure_zone(zone="my-managed-zone", dns_name="ml.example.com.", networks=["training"])
    return "my-managed-zone"


def workers(*addresses: str) -> list[dict[str, Any]]:
    desired = desired_records(workers=list(addresses), owner="bert", dns_name="ml.example.com.", ttl=30)
    return [rrset.to_api() for rrset in desired]


def calls(cloud: Cloud) -> int:
    return sum(sum(answers.values()) for answers in cloud.stats().values())


def writes(cloud: Cloud) -> dict[str, dict[str, int]]:
    writing = ("create", "delete", "patch", "update", "setIamPolicy")
    return {method: answers for method, answers in cloud.stats().items() if method.endswith(writing)}


def test_the_seed_case(hook: CloudDNSHook) -> None:
    """A public zone, one shared record, a role on the project, the name servers handed back."""
    zone = hook.ensure_zone(zone="my-managed-zone", dns_name="ml.example.com.", visibility="public")
    assert zone["created"] is True
    assert len(zone["nameServers"]) == 4
    done = hook.upsert_records(zone="my-managed-zone", records=[SERVICE], owner="shared")
    assert (done["created"], done["status"], done["names"]) == (1, "done", ["service.ml.example.com."])
    listed = hook.list_records(zone="my-managed-zone", name="service.ml.example.com", type="A")
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
    assert hook.wait_for_change(zone=zone, change_id=done["change_id"])["status"] == "done"
    below = {(r["name"], r["type"]) for r in hook.list_records(zone=zone, suffix="bert.ml.example.com")}
    assert below == {(r["name"], r["type"]) for r in records} | {("_mldns.bert.ml.example.com.", "TXT")}
    released = hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert (released["deleted"], released["released"], released["overtaken_by"]) == (4, True, None)
    assert hook.list_records(zone=zone, suffix="bert.ml.example.com.") == []
    nothing = hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert (nothing["deleted"], nothing["released"], nothing["change_id"]) == (0, True, None)


def test_a_small_job_needs_few_calls(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    """What an operator does: the zone, then the records; in all at most six calls, polls of the change included."""
    cloud_calls = calls(cloud)
    hook.get_zone(zone=zone)
    hook.upsert_records(zone=zone, records=workers("10.0.0.1", "10.0.0.2"), **RUN)
    assert calls(cloud) - cloud_calls <= 6


def test_a_late_release_leaves_the_next_runs_names(hook: CloudDNSHook, zone: str) -> None:
    hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN)
    hook.upsert_records(zone=zone, records=workers("10.0.0.9"), **{**RUN, "lease": "run-2"})
    late = hook.delete_records(zone=zone, owner="bert", lease="run-1")
    assert (late["deleted"], late["released"], late["overtaken_by"]) == (0, False, "run-2")
    listed = hook.list_records(zone=zone, name="master.bert.ml.example.com.")
    assert [r["rrdatas"] for r in listed] == [["10.0.0.9"]]


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


def test_without_waiting_the_change_may_still_be_pending(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    done = hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN, wait=False)
    assert done["status"] == "pending"
    assert "changes.get" not in cloud.stats()


@pytest.mark.parametrize("repeat", ["upsert_records", "delete_records"])
def test_a_retry_with_nothing_left_to_send_waits_for_what_was_sent_before(
    make_hook: MakeHook, start_cloud: Callable[..., Cloud], repeat: str
) -> None:
    """The task died between its last change and that one's `done`; a gate that asks earlier caches a denial."""
    slow = start_cloud("--done-ms", "1200")
    hook = make_hook(dns_api_endpoint=slow.api)
    hook.ensure_zone(zone="z", dns_name="ml.example.com.", networks=["training"])
    sent = hook.upsert_records(zone="z", records=[SERVICE], owner="shared", wait=False)
    arguments: dict[str, Any] = {"zone": "z", "records": [SERVICE], "owner": "shared"}
    if repeat == "delete_records":
        sent = hook.delete_records(zone="z", owner="shared", wait=False)
        del arguments["records"]
    assert sent["status"] == "pending"
    again = getattr(hook, repeat)(**arguments)
    assert (again["change_id"], again["status"]) == (None, "done")
    assert hook.dns_client("demo-project").get_change("z", sent["change_id"])["status"] == "done"


def test_who_else_holds_the_names_is_said(hook: CloudDNSHook, zone: str) -> None:
    hook.upsert_records(zone=zone, records=workers("10.0.0.1"), **RUN)
    with pytest.raises(ClaimRefused, match="airflow/train"):
        hook.upsert_records(zone=zone, records=workers("10.0.0.1"), owner="bert", claimant="b/c", lease="x")
    record = {**SERVICE, "name": "master.bert.ml.example.com."}
    with pytest.raises(OwnershipConflict, match="mldns job 'bert'"):
        hook.upsert_records(zone=zone, records=[record], owner="shared")


REFUSED_UNHEARD: list[tuple[str, dict[str, Any], str]] = [
    ("upsert_records", {"zone": "Bad_Zone", "records": [SERVICE], "owner": "x"}, "zone 'Bad_Zone'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "a.b"}, "has a dot"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x" * 64}, "at most 63"),
    ("upsert_records", {"zone": "z", "records": [], "owner": "x"}, "records is empty"),
    ("upsert_records", {"zone": "z", "records": SERVICE, "owner": "x"}, "must be a list"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "policy": "force"}, "unknown policy 'force'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_hours": 0}, "lease_hours 0"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_hours": "1"}, "lease_hours '1'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_hours": float("nan")}, "nan"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease": "a\nb"}, "on one line"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_hours": 1e308}, "lease_hours 1e+308"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "adopt": "false"}, "adopt 'false'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "dry_run": "false"}, "dry_run 'false'"),
    ("upsert_records", {"zone": "z", "records": [SERVICE], "owner": "x", "wait": None}, "wait None"),
    ("upsert_records", {"zone": "z", "records": None, "owner": "x"}, "must be a list"),
    ("plan", {"zone": "z", "records": 5, "owner": "x"}, "must be a list"),
    ("claim", {"zone": "z", "records": [], "owner": "x"}, "records is empty"),
    ("claim", {"zone": "z", "records": [SERVICE], "owner": "x", "lease_ended": 1}, "lease_ended 1"),
    ("delete_records", {"zone": "z", "owner": ""}, "is not a job name"),
    ("list_records", {"zone": "z", "type": "A"}, "takes a name"),
    ("list_records", {"zone": "z", "name": "a.z.", "suffix": "z."}, "takes a name"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test."}, "private zone 'z' has no networks"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test.", "networks": None}, "networks must be a list"),
    ("ensure_zone", {"zone": "z", "dns_name": "z.test.", "allow_unbound": "true"}, "allow_unbound 'true'"),
    ("ensure_zone", {"zone": "z", "dns_name": "*.z.test.", "visibility": "public"}, "'*.z.test.' is a wildcard"),
    ("ensure_zone", {"zone": "z", "dns_name": None, "visibility": "public"}, "None is not a domain name"),
    ("list_zones", {"managed_only": "no"}, "managed_only 'no'"),
    ("wait_for_change", {"zone": "z", "change_id": None}, "no change was sent"),
    ("wait_for_change", {"zone": "z", "change_id": "a/b"}, "change_id 'a/b'"),
    ("bind_iam", {"role": ROLE, "members": None, "scope": "project"}, "must be a list"),
    ("bind_iam", {"role": None, "members": [TRAINER], "scope": "project"}, "is not a role"),
    ("test_iam_permissions", {"permissions": "dns.changes.create", "scope": "project"}, "must be a list"),
    ("test_iam_permissions", {"permissions": [5], "scope": "project"}, "permission 5"),
    ("bind_iam", {"role": ROLE, "members": ["allUsers"], "scope": "project"}, "to everybody"),
    ("bind_iam", {"role": ROLE, "members": ["a@b.co"], "scope": "project"}, "has no prefix"),
    ("bind_iam", {"role": "dns.admin", "members": [TRAINER], "scope": "project"}, "is not a role"),
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
        ({"name": "x" * 64 + ".ml.example.com."}, "at most 63"),
        ({"rrdatas": ["999.1.1.1"]}, "999.1.1.1"),
        ({"rrdatas": []}, "has no rrdatas"),
        ({"ttl": 0}, "ttl 0"),
        ({"ttl": "soon"}, "ttl 'soon'"),
        ({"ttl": "9" * 5_000}, "is not between 1 and"),
        ({"type": "NS", "rrdatas": ["ns.example.com."]}, "mldns writes A, AAAA"),
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


def test_a_type_is_found_in_any_case(hook: CloudDNSHook, zone: str) -> None:
    hook.upsert_records(zone=zone, records=[{**SERVICE, "type": "a"}], owner="shared")
    assert len(hook.list_records(zone=zone, name="service.ml.example.com.", type="a")) == 1


def test_a_change_may_be_named_by_its_number(hook: CloudDNSHook, zone: str) -> None:
    sent = hook.upsert_records(zone=zone, records=[SERVICE], owner="shared", wait=False)
    assert hook.wait_for_change(zone=zone, change_id=int(sent["change_id"]))["status"] == "done"


def test_one_record_given_twice_is_refused_in_any_form(hook: CloudDNSHook, zone: str) -> None:
    rrsets = desired_records(records=[SERVICE], owner="shared", dns_name="ml.example.com.", ttl=60)
    with pytest.raises(InvalidInput, match="given twice"):
        hook.upsert_records(zone=zone, records=[*rrsets, SERVICE], owner="shared")
    outside = desired_records(records=[SERVICE], owner="shared", dns_name="example.com.", ttl=60)
    other = hook.ensure_zone(zone="other", dns_name="other.test.", networks=["training"])["name"]
    with pytest.raises(InvalidInput, match="outside the zone"):
        hook.upsert_records(zone=other, records=outside, owner="shared")


def test_explicit_names_that_no_manifest_can_hold_are_refused(hook: CloudDNSHook, zone: str, cloud: Cloud) -> None:
    many = [{**SERVICE, "name": f"some-rather-long-service-name-{n}.ml.example.com."} for n in range(200)]
    before = writes(cloud)
    with pytest.raises(InvalidInput, match="the manifest of 'shared' would take"):
        hook.upsert_records(zone=zone, records=many, owner="shared")
    assert writes(cloud) == before


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


def test_no_members_is_nothing_to_do(hook: CloudDNSHook, cloud: Cloud) -> None:
    bound = hook.bind_iam(role=ROLE, members=[], scope="project")
    assert (bound["added"], bound["skipped"]) == ([], True)
    assert calls(cloud) == 0


def test_permissions_of_the_caller(hook: CloudDNSHook, zone: str) -> None:
    asked = ["dns.changes.create", "dns.managedZones.get"]
    assert hook.test_iam_permissions(permissions=asked, scope="project") == asked
    assert hook.test_iam_permissions(permissions=asked, scope="zone", zone=zone) == asked


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        (None, ()),
        ("", ()),
        (["127.0.0.1:5354", "[::1]:53"], ("127.0.0.1:5354", "[::1]:53")),
        ('["127.0.0.1:5354"]', ("127.0.0.1:5354",)),
        ("127.0.0.1:5354, ns.example.com:53", ("127.0.0.1:5354", "ns.example.com:53")),
        ("127.0.0.1:5354\r\nns.example.com:53\r\n", ("127.0.0.1:5354", "ns.example.com:53")),
        (' ["127.0.0.1:5354"]\n', ("127.0.0.1:5354",)),
    ],
)
def test_addresses_of_a_connection_in_every_form_that_it_stores(
    make_hook: MakeHook, value: Any, addresses: tuple[str, ...]
) -> None:
    hook = make_hook(name_server_addresses=value, resolver_addresses=value)
    assert hook.name_server_addresses == addresses
    assert hook.resolver_addresses == addresses


@pytest.mark.parametrize("value", ['["a', {"a": 1}, [5]])
def test_addresses_that_are_none_name_the_extra(make_hook: MakeHook, value: Any) -> None:
    with pytest.raises(InvalidInput, match="extra name_server_addresses"):
        _ = make_hook(name_server_addresses=value).name_server_addresses


@pytest.mark.parametrize("prefix", ["", "extra__google_cloud_platform__"])
def test_a_connection_given_as_a_uri_has_text_for_extras(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    extras = {
        "is_anonymous": "true",
        "project": cloud.project,
        "dns_api_endpoint": f"{cloud.api}/ ",
        "name_server_addresses": json.dumps(cloud.dns),
        "num_retries": "2",
    }
    query = urlencode({f"{prefix}{key}": value for key, value in extras.items()})
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", f"google-cloud-platform://?{query}")
    hook = CloudDNSHook()
    assert hook.get_zone(zone="nowhere") is None
    assert hook.name_server_addresses == tuple(cloud.dns)
    assert hook.num_retries == 2


def test_the_text_false_is_not_true(make_hook: MakeHook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else a connection that says `is_anonymous=false` would go without the credentials that it has."""
    key = tmp_path / "absent.json"
    with pytest.raises(Exception, match=r"absent\.json"):
        make_hook(is_anonymous="false", key_path=str(key)).get_zone(zone="z")
    with pytest.raises(InvalidInput, match="extra is_anonymous 'perhaps' is not a boolean"):
        make_hook(is_anonymous="perhaps").get_zone(zone="z")
    assert make_hook(is_anonymous="True").get_zone(zone="z") is None


def test_an_endpoint_that_is_no_url_is_refused(make_hook: MakeHook) -> None:
    with pytest.raises(InvalidInput, match="extra dns_api_endpoint 'localhost:8053' is not a URL"):
        make_hook(dns_api_endpoint="localhost:8053").get_zone(zone="z")


def test_an_endpoint_is_kept_outside_googles_default_universe(
    make_hook: MakeHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.cloud")
    assert make_hook().get_zone(zone="nowhere") is None


def test_retries_follow_the_connection_where_it_says_so(make_hook: MakeHook) -> None:
    assert make_hook()._retrying.attempts is None
    assert make_hook(num_retries=2)._retrying.attempts == 3


def test_the_project_is_the_connections_unless_given(make_hook: MakeHook, cloud: Cloud) -> None:
    hook = make_hook(project=None)
    with pytest.raises(AirflowException, match="project id"):
        hook.get_zone(zone="z")
    assert hook.get_zone(zone="z", project_id=cloud.project) is None


def test_the_public_surface_takes_keywords_only() -> None:
    surface = (
        "get_zone ensure_zone delete_zone list_zones list_records plan apply upsert_records claim delete_records "
        "wait_for_change zone_quota bind_iam unbind_iam test_iam_permissions"
    )
    for name in surface.split():
        parameters = list(inspect.signature(getattr(CloudDNSHook, name)).parameters.values())[1:]
        assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}, name
        assert "project_id" in {parameter.name for parameter in parameters}, name
