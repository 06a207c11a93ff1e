"""mldns_reconcile against a localcloud: what it sees, what it repairs, and what it never touches."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from mldns.events.written_records import pack
from mldns.iam.grants import Grant
from mldns.inventory.job_records import DesiredRecords
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import NETWORK, Cloud
from tests.dags.conftest import Airflow, Run

JOB = {
    "zone": "ml",
    "networks": [NETWORK.partition("/compute/v1/")[2]],
    "job": "bert",
    "workers": ["10.0.0.7", "10.0.0.8"],
    "claimant": "elsewhere/train_bert",
    "lease": "run-1",
}
"""Of a claimant that this Airflow cannot ask about, so that only the lease's end counts."""

LOST = {"name": "worker-1.bert.ml.example.com.", "type": "A", "ttl": 30, "rrdatas": ["10.0.0.8"]}
WRITTEN = {"name": "worker-0.bert.ml.example.com.", "type": "A", "ttl": 30, "rrdatas": ["10.0.0.7"]}
CHANGED = {**WRITTEN, "rrdatas": ["10.9.9.9"]}
STRANGER = {"name": "debug.bert.ml.example.com.", "type": "TXT", "ttl": 30, "rrdatas": ['"left by hand"']}
FOREIGN = {"name": "www.ml.example.com.", "type": "A", "ttl": 30, "rrdatas": ["192.0.2.9"]}


def prepared(airflow: Airflow, cloud: Cloud, **more: Any) -> None:
    succeeded(airflow.run("mldns_pretraining", cloud, **{**JOB, **more}))


def succeeded(run: Run) -> Run:
    assert run.state == "success", run.errors
    return run


def snapshot(run: Run, zone: str = "ml") -> dict[str, Any]:
    """The extra of the event that a run emitted about a zone."""
    (extra,) = [event["extra"] for event in run.events if event["uri"] == f"x-mldns://demo-project/{zone}"]
    assert len(json.dumps(extra)) <= 48 * 1024
    return dict(extra)


def job_of(run: Run) -> dict[str, Any]:
    (job,) = snapshot(run)["jobs"]
    return dict(job)


def whats(job: Mapping[str, Any]) -> dict[str, tuple[str, str, str]]:
    """By name: what is wrong, what was expected and what is there."""
    return {row["name"]: (row["what"], row["expected"], row["got"]) for row in job["exceptions"]}


def test_a_zone_as_it_should_be(airflow: Airflow, cloud: Cloud) -> None:
    prepared(airflow, cloud, lease_hours=1)
    before = cloud.records()
    run = succeeded(airflow.run("mldns_reconcile", cloud))
    assert cloud.records() == before
    extra = snapshot(run)
    assert (extra["visibility"], extra["networks"]) == ("private", ["projects/demo-project/global/networks/training"])
    assert extra["quota"]["rrsets"] == len(before) + 2, "and NS and SOA"
    assert extra["quota"]["limit"] > 0
    assert extra["resolution"]["names"] == extra["resolution"]["ok"] == 4
    assert [server["role"] for server in extra["resolution"]["servers"]] == ["resolver"]
    assert extra["iam"] == {"recorded": 0, "standing": 0, "lost": []}
    assert (extra["error"], extra["actions"], extra["damaged"]) == (None, None, [])
    job = job_of(run)
    assert (job["job"], job["state"], job["claimant"], job["run_state"]) == (
        "bert",
        "ready",
        "elsewhere/train_bert",
        "unknown",
    )
    assert (job["records"], job["pending"], job["exceptions"]) == (4, 0, [])
    assert run.xcom["reconcile"]["attention"] == 0


def test_drift_is_reported_shown_dry_and_repaired(airflow: Airflow, cloud: Cloud) -> None:
    prepared(airflow, cloud, lease_hours=1)
    good = cloud.records()
    cloud.write(CHANGED, STRANGER, FOREIGN, delete=[LOST, WRITTEN])
    broken = cloud.records()

    seen = succeeded(airflow.run("mldns_reconcile", cloud))
    assert job_of(seen)["state"] == "drifted"
    assert job_of(seen)["drift"] == {"changed": 1, "missing": 1, "extra": 1, "unresolved": 0}
    assert whats(job_of(seen)) == {
        LOST["name"]: ("missing", "10.0.0.8 ttl 30", "not in the zone"),
        WRITTEN["name"]: ("changed", "10.0.0.7 ttl 30", "10.9.9.9 ttl 30"),
        STRANGER["name"]: ("extra", "nothing of anybody else", '"left by hand" ttl 30'),
    }
    assert seen.xcom["reconcile"]["attention"] == 1

    dry = succeeded(airflow.run("mldns_reconcile", cloud, repair=True, collect=True, dry_run=True))
    assert snapshot(dry)["actions"] == {"dry_run": True, "repaired": 2, "collected": [], "refused": []}
    assert cloud.records() == broken

    repaired = succeeded(airflow.run("mldns_reconcile", cloud, repair=True, dry_run=False))
    assert snapshot(repaired)["actions"] == {"dry_run": False, "repaired": 2, "collected": [], "refused": []}
    assert job_of(repaired)["drift"] == {"changed": 0, "missing": 0, "extra": 1, "unresolved": 0}
    after = cloud.records()
    assert {key: after[key] for key in good if "_mldns" not in key} == {
        key: record for key, record in good.items() if "_mldns" not in key
    }
    for foreign in (STRANGER, FOREIGN):
        key = f"{foreign['name']} {foreign['type']}"
        assert after[key] == broken[key], "foreign records stay, byte for byte"

    cloud.write(delete=[LOST])
    again = succeeded(airflow.run("mldns_reconcile", cloud, repair=True, dry_run=False))
    assert snapshot(again)["actions"]["repaired"] == 1, "a repair has emitted what it wrote, too"


def test_what_was_written_since_is_not_undone(airflow: Airflow, cloud: Cloud) -> None:
    """Somebody else of ours wrote under the manifest: another address may be meant now."""
    prepared(airflow, cloud, lease_hours=1)
    cloud.write(delete=[LOST])
    note_a_grant(cloud)
    run = airflow.run("mldns_reconcile", cloud, repair=True, dry_run=False)
    assert run.tasks == {"reconcile": "success", "complete": "failed"}
    (refused,) = snapshot(run)["actions"]["refused"]
    assert "not certain" in refused
    assert whats(job_of(run))[LOST["name"]] == ("missing", "as the job wrote it", "not in the zone")
    assert f"{LOST['name']} A" not in cloud.records()
    assert snapshot(run)["iam"] == {"recorded": 1, "standing": 1, "lost": []}

    policy = {"policy": {"bindings": []}}
    cloud.call("POST", "ml:setIamPolicy", policy)
    lost = succeeded(airflow.run("mldns_reconcile", cloud))
    assert [text.partition(" sha256")[0] for text in snapshot(lost)["iam"]["lost"]] == ["zone roles/dns.reader"]
    assert lost.xcom["reconcile"]["attention"] == 1


def note_a_grant(cloud: Cloud) -> None:
    """Give somebody a role on the zone for the job, as a task of another DAG would."""
    grant = Grant("zone", "roles/dns.reader", ("user:a@example.com",))
    policy = {"policy": {"bindings": [{"role": grant.role, "members": list(grant.members)}]}}
    cloud.call("POST", "ml:setIamPolicy", policy)
    client = DNSClient(cloud.project, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=cloud.api))
    editor = ZoneEditor(CloudDNSProvider(client), Zone("ml", "ml.example.com."))
    editor.edit_grants("bert", lambda found: (*found, grant.recorded(grant.members[0])))


def test_the_lease_of_a_run_at_work_is_renewed_also_where_the_manifest_hides_it(airflow: Airflow, cloud: Cloud) -> None:
    prepared(airflow, cloud, visibility="public", networks=[], claimant="", lease="", lease_hours=0.0001)
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database, database:
        database.execute("UPDATE dag_run SET state = 'running' WHERE dag_id = 'mldns_pretraining'")
    before = cloud.records()
    fault = {"method": "changes.create", "kind": "status", "status": 403, "reason": "forbidden", "count": 1}
    cloud.fault(fault)
    read_only = succeeded(airflow.run("mldns_reconcile", cloud))
    assert (read_only.xcom["reconcile"]["attention"], cloud.records()) == (0, before)

    renewed = succeeded(airflow.run("mldns_reconcile", cloud))
    assert job_of(renewed)["expires"] > job_of(read_only)["expires"]
    assert renewed.events[0]["uri"] == "x-mldns://records", "what stays certain"
    cloud.write(delete=[LOST])
    repaired = succeeded(airflow.run("mldns_reconcile", cloud, repair=True, dry_run=False))
    assert snapshot(repaired)["actions"]["repaired"] == 1


def test_records_of_another_dags_task_are_not_trusted(airflow: Airflow, cloud: Cloud) -> None:
    """Whoever may trigger a DAG whose task emits what its conf says would choose a running job's addresses."""
    prepared(airflow, cloud, lease_hours=1)
    note_a_grant(cloud)  # so that what the job's own task emitted is of an older generation
    forged = [{**WRITTEN, "rrdatas": ["10.66.66.66"]}]
    forge(airflow, dag="emit_events", rrsets=tuple(map(from_api, forged)))
    before = cloud.records()
    run = succeeded(airflow.run("mldns_reconcile", cloud, repair=True, dry_run=False))
    assert snapshot(run)["actions"]["repaired"] == 0
    assert cloud.records() == before
    assert job_of(run)["state"] == "ready", "nor is it reported as drift"

    forge(airflow, dag="mldns_pretraining", rrsets=tuple(map(from_api, forged)))
    dry = succeeded(airflow.run("mldns_reconcile", cloud, repair=True))
    assert snapshot(dry)["actions"]["repaired"] == 1, "the same of the DAG that writes under this claim: so it is read"


def forge(airflow: Airflow, *, dag: str, rrsets: tuple[RRset, ...]) -> None:
    """Add an event of a DAG's task: as the newest of the zone's records, of the generation after the last grant."""
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database, database:
        newest = (
            "SELECT e.asset_id, e.extra, e.timestamp FROM asset_event e JOIN asset a ON a.id = e.asset_id "
            "WHERE a.name = 'mldns records' ORDER BY e.id DESC LIMIT 1"
        )
        asset, said, when = database.execute(newest).fetchone()
        extra = json.loads(said)
        if dag == "emit_events":
            extra["generation"] += 1
        extra["packed"] = pack(DesiredRecords("bert", "ml.example.com.", 30, records=rrsets))
        database.execute(
            "INSERT INTO asset_event (asset_id, extra, source_task_id, source_dag_id, source_run_id, "
            "source_map_index, timestamp) VALUES (?, ?, 'emit', ?, 'manual__1', -1, ?)",
            (asset, json.dumps(extra), dag, when),
        )


def test_a_lease_that_is_over_is_collected(airflow: Airflow, cloud: Cloud) -> None:
    prepared(airflow, cloud, lease_hours=0.0001)
    cloud.write(STRANGER, FOREIGN)
    before = cloud.records()
    dry = succeeded(airflow.run("mldns_reconcile", cloud, collect=True))
    assert (job_of(dry)["state"], job_of(dry)["expired"]) == ("expired", True)
    assert snapshot(dry)["actions"] == {"dry_run": True, "repaired": 0, "collected": ["bert"], "refused": []}
    assert cloud.records() == before

    run = succeeded(airflow.run("mldns_reconcile", cloud, collect=True, dry_run=False))
    assert snapshot(run)["actions"] == {"dry_run": False, "repaired": 0, "collected": ["bert"], "refused": []}
    left = {f"{STRANGER['name']} TXT", f"{FOREIGN['name']} A"}
    assert cloud.records() == {key: before[key] for key in left}
    released = [event["extra"] for event in run.events if event["uri"].endswith("/jobs")]
    assert [(extra["phase"], extra["job"], extra["lease"]) for extra in released] == [("released", "bert", "run-1")]


def test_pointer_records_are_collected_where_a_task_wrote_them(airflow: Airflow, cloud: Cloud) -> None:
    cloud.make_zone("reverse", "10.in-addr.arpa.", labels={"managed-by": "mldns"})
    prepared(airflow, cloud, reverse_zone="reverse", lease="run-ptr", lease_hours=0.0001)
    assert "7.0.0.10.in-addr.arpa. PTR" in cloud.records("reverse")
    run = succeeded(airflow.run("mldns_reconcile", cloud, collect=True, dry_run=False))
    assert [snapshot(run, zone)["actions"]["collected"] for zone in ("ml", "reverse")] == [["bert"], ["bert"]]
    assert cloud.records("reverse").keys() == set()


def test_a_zone_that_cannot_be_read_is_reported_and_keeps_no_other_from_being_checked(
    airflow: Airflow, cloud: Cloud
) -> None:
    prepared(airflow, cloud, lease_hours=1)
    prepared(airflow, cloud, zone="locked", dns_name="locked.example.com.", lease_hours=1)
    fault = {"method": "resourceRecordSets.list", "kind": "status", "status": 403, "reason": "forbidden", "count": 1}
    cloud.fault(fault)
    run = airflow.run("mldns_reconcile", cloud)
    assert run.tasks == {"reconcile": "success", "complete": "failed"}
    assert "locked" in run.errors["complete"]
    assert "permission" in snapshot(run, "locked")["error"]
    assert snapshot(run, "locked")["jobs"] == []
    assert snapshot(run)["error"] is None
    assert job_of(run)["state"] == "ready"
