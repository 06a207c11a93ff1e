"""Each operator, executed against a real localcloud with its templates rendered."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import (
    ClaimRefused,
    InvalidInput,
    RemovalsRefused,
    ZoneMismatch,
    ZoneNotFound,
)
from mldns.operators.cloud_dns import (
    CloudDNSBindIamOperator,
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSDeleteZoneOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSHandOffOperator,
    CloudDNSUnbindIamOperator,
    CloudDNSUpsertRecordsOperator,
)
from tests.cloud_fixture import NETWORK, Cloud
from tests.mldns.operators.conftest import RUN_ID, Execute, records, writes

ZONE: dict[str, Any] = {"zone": "ml", "dns_name": "ml.example.com.", "networks": [NETWORK]}
JOB: dict[str, Any] = {"zone": "ml", "job": "bert", "workers": ["10.0.0.7", "10.0.0.8"]}
WORKER_1 = "worker-1.bert.ml.example.com. A"
MEMBER = "serviceAccount:trainer@demo-project.iam.gserviceaccount.com"


@pytest.fixture
def zone(connected: Cloud, execute: Execute) -> Cloud:
    execute(CloudDNSEnsureZoneOperator, **ZONE)
    return connected


class TestEnsureZone:
    def test_creates_a_private_zone_and_then_finds_it(self, connected: Cloud, execute: Execute) -> None:
        first = execute(CloudDNSEnsureZoneOperator, **ZONE, labels='{"team": "nlp"}', description="For {{ run_id }}")
        again = execute(CloudDNSEnsureZoneOperator, **ZONE)
        assert (first["created"], again["created"]) == (True, False)
        assert first["visibility"] == "private"
        assert first["labels"] == {"managed-by": "mldns", "team": "nlp"}
        assert again["id"] == first["id"]
        assert again["description"] == f"For {RUN_ID}"

    def test_lists_arrive_from_templates_as_json(self, connected: Cloud, execute: Execute) -> None:
        params = {"networks": [NETWORK], "zone": "ml", "dns_name": "ML.example.com"}
        made = execute(
            CloudDNSEnsureZoneOperator,
            params=params,
            zone="{{ params.zone }}",
            dns_name="{{ params.dns_name }}",
            networks="{{ params.networks | tojson }}",
        )
        assert made["privateVisibilityConfig"]["networks"][0]["networkUrl"] == NETWORK
        assert made["dnsName"] == "ml.example.com."

    def test_reports_drift_and_refuses_another_zone(self, zone: Cloud, execute: Execute) -> None:
        other = NETWORK.replace("/training", "/other")
        found = execute(CloudDNSEnsureZoneOperator, **{**ZONE, "networks": [other]})
        assert found["drift"] == [{"field": "networks", "wanted": [other], "found": [NETWORK]}]
        with pytest.raises(ZoneMismatch, match="dnsName"):
            execute(CloudDNSEnsureZoneOperator, **{**ZONE, "dns_name": "other.example.com."})


class TestDeleteZone:
    def test_deletes_its_own_and_is_content_with_none(self, zone: Cloud, execute: Execute) -> None:
        assert execute(CloudDNSDeleteZoneOperator, zone="ml") == {"deleted": True}
        assert execute(CloudDNSDeleteZoneOperator, zone="ml") == {"deleted": False}


class TestRecords:
    def test_workers_arrive_from_templates_as_json(self, zone: Cloud, execute: Execute) -> None:
        job = {**JOB, "workers": "{{ params.workers | tojson }}", "port": "29500"}
        assert execute(CloudDNSUpsertRecordsOperator, params={"workers": JOB["workers"]}, **job)["created"] == 5
        assert records(zone)[WORKER_1] == ["10.0.0.8"]
        assert "_rdzv._tcp.bert.ml.example.com. SRV" in records(zone)

    def test_a_dry_run_returns_the_plan(self, zone: Cloud, execute: Execute) -> None:
        before = writes(zone)
        plan = execute(CloudDNSUpsertRecordsOperator, **JOB, dry_run="True")
        assert plan["counts"]["creates"] == 4
        assert plan["names"][0] == "master.bert.ml.example.com."
        assert writes(zone) == before

    def test_shared_records_belong_to_no_run(self, zone: Cloud, execute: Execute) -> None:
        shared = [{"name": "service.ml.example.com.", "type": "A", "rrdatas": ["192.0.2.1"]}]
        execute(CloudDNSUpsertRecordsOperator, zone="ml", job="shared", records=shared, ttl=300)
        again = execute(CloudDNSUpsertRecordsOperator, zone="ml", job="shared", records=shared, ttl=300, run_id="other")
        assert (again["unchanged"], again["lease"], again["expires"]) == (1, "", None)

    def test_without_the_zone_nothing_is_written(self, connected: Cloud, execute: Execute) -> None:
        with pytest.raises(ZoneNotFound, match="'ml' does not exist"):
            execute(CloudDNSUpsertRecordsOperator, **JOB)


class TestLease:
    def test_the_claim_is_the_runs_own_and_writes_no_record(self, zone: Cloud, execute: Execute) -> None:
        claimed = execute(CloudDNSClaimOperator, **JOB)
        assert claimed["lease"] == RUN_ID
        assert claimed["names"] == 4
        assert list(records(zone)) == ["_mldns.bert.ml.example.com. TXT"]
        assert "claimant=airflow/a_dag" in records(zone)["_mldns.bert.ml.example.com. TXT"][0]

    def test_claim_upsert_release_leave_nothing(self, zone: Cloud, execute: Execute) -> None:
        execute(CloudDNSClaimOperator, **JOB)
        execute(CloudDNSUpsertRecordsOperator, **JOB)
        released = execute(CloudDNSDeleteRecordsOperator, zone="ml", job="bert")
        assert (released["deleted"], released["released"]) == (4, True)
        assert records(zone) == {}

    def test_another_dag_is_refused_unless_it_adopts(self, zone: Cloud, execute: Execute) -> None:
        execute(CloudDNSClaimOperator, **JOB)
        with pytest.raises(ClaimRefused, match="held by claimant 'airflow/a_dag'"):
            execute(CloudDNSClaimOperator, **JOB, dag_id="another_dag")
        assert execute(CloudDNSClaimOperator, **JOB, dag_id="another_dag", adopt="true")["names"] == 4


class TestIam:
    def test_members_are_added_and_removed(self, zone: Cloud, execute: Execute) -> None:
        binding = {"role": "roles/dns.admin", "members": [MEMBER], "scope": "zone", "zone": "ml"}
        assert execute(CloudDNSBindIamOperator, **binding)["added"] == [MEMBER]
        assert execute(CloudDNSUnbindIamOperator, **binding)["removed"] == [MEMBER]

    def test_authoritative_removes_whom_a_dry_run_told(self, zone: Cloud, execute: Execute) -> None:
        binding = {"role": "roles/dns.admin", "scope": "project", "zone": "ml"}
        execute(CloudDNSBindIamOperator, **binding, members=["user:old@example.com"])
        exactly = {**binding, "members": [MEMBER], "authoritative": "true"}
        shown = execute(CloudDNSBindIamOperator, **exactly, dry_run="true")
        with pytest.raises(RemovalsRefused):
            execute(CloudDNSBindIamOperator, **exactly)
        params = {"agreed": shown["removes"]}
        removals = "{{ params.agreed | tojson }}"
        done = execute(CloudDNSBindIamOperator, params=params, **exactly, removals=removals)
        assert (done["added"], done["removed"]) == ([MEMBER], ["user:old@example.com"])

    def test_what_a_proof_takes_is_handed_on(self, zone: Cloud, execute: Execute) -> None:
        asked = {"wait": "true", "wait_seconds": "0.1", "prove_with": '["dns.changes.get"]'}
        binding = {"role": "roles/viewer", "members": [MEMBER], "scope": "zone", "zone": "ml", **asked}
        why = "cannot be impersonated (Anonymous credentials cannot be refreshed.)"
        assert execute(CloudDNSBindIamOperator, **binding)["unproven"] == {MEMBER: why}
        with pytest.raises(InvalidInput, match="wait_seconds 'soon' is not a positive number of seconds"):
            execute(CloudDNSBindIamOperator, **{**binding, "wait_seconds": "soon"})


class Pushed(dict[str, Any]):
    """A task instance, as far as XComs go."""

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = value


class TestHandOff:
    def test_names_the_servers_that_the_gate_asks(self, zone: Cloud, execute: Execute) -> None:
        value = execute(CloudDNSHandOffOperator, **JOB, port=4711, ti=Pushed())
        assert value["resolvers"] == zone.resolvers
        assert value["endpoint"] == "worker-0.bert.ml.example.com.:4711"
        assert (value["count"], value["visibility"]) == (2, "private")
        assert value["run"] != execute(CloudDNSHandOffOperator, **JOB, lease="another", ti=Pushed())["run"]

    def test_gives_the_variables_that_all_hosts_share(self, zone: Cloud, execute: Execute) -> None:
        pushed = Pushed()
        execute(CloudDNSHandOffOperator, **JOB, port=4711, ti=pushed)
        variables = pushed["environment"]
        assert (variables["MASTER_ADDR"], variables["PET_NNODES"]) == ("worker-0.bert.ml.example.com", "2")
        assert all(isinstance(value, str) for value in variables.values())
