"""
### DNS before training

Makes sure of a Cloud DNS zone, claims a job's names, upserts the workers' records and the zone's shared records, binds
IAM, proves over real DNS that every name resolves, and hands over what a trainer needs to rendezvous.

Everything is checked before anything is written; a **dry run** stops there and shows the plan. A second run, a retry,
or two runs at once, end in the same state.

**From another DAG**, with `TriggerDagRunOperator(trigger_dag_id="mldns_pretraining", wait_for_completion=True)`: pass
your own `claimant` (`deployment/dag_id`) and `lease` (`{{ run_id }}`), and trigger `mldns_release` with the same
lease when the training is over. The hand-off is the XCom of `handoff`. Inside one DAG, `mldns.task_groups.training_dns`
does all of this with a setup and a teardown.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, task

from mldns.operators.cloud_dns import (
    CloudDNSBindIamOperator,
    CloudDNSClaimOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSHandOffOperator,
    CloudDNSPreflightOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.params import form
from mldns.sensors.resolution import DNSResolutionSensor
from mldns.task_groups import GATE_TIMEOUT

google: dict[str, Any] = {"project_id": "{{ params.project_id }}", "gcp_conn_id": "{{ params.gcp_conn_id }}"}
zone: dict[str, Any] = {
    "zone": "{{ params.zone }}",
    "dns_name": "{{ params.dns_name }}",
    "visibility": "{{ params.visibility }}",
    "networks": "{{ params.networks | tojson }}",
    "allow_unbound": "{{ params.allow_unbound }}",
}
job: dict[str, Any] = {
    "job": "{{ params.job }}",
    "workers": "{{ params.workers | tojson }}",
    "ttl": "{{ params.ttl }}",
    "port": "{{ params.port }}",
}
lease: dict[str, Any] = {
    "reverse_zone": "{{ params.reverse_zone }}",
    "claimant": "{{ params.claimant }}",
    "lease": "{{ params.lease }}",
    # A lease of the caller's is held for a day unless it says otherwise. Without one the lease is this run, which ends
    # before the training begins: to hold it would only keep the next run off.
    "lease_hours": "{{ params.lease_hours or (24 if params.lease else '') }}",
    "adopt": "{{ params.adopt }}",
}
records = "{{ params.records | tojson }}"
iam: dict[str, Any] = {
    "role": "{{ params.iam_role }}",
    "members": "{{ params.iam_members | tojson }}",
    "scope": "{{ params.iam_scope }}",
}

with DAG(
    "mldns_pretraining",
    schedule=None,
    # A DAG that another one triggers must run: paused, it would let its caller wait for ever.
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["mldns"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    params=form(
        "zone",
        "dns_name",
        "visibility",
        "networks",
        "allow_unbound",
        "job",
        "workers",
        "records",
        "ttl",
        "port",
        "reverse_zone",
        "dry_run",
        "lease_hours",
        "claimant",
        "lease",
        "policy",
        "adopt",
        "iam_role",
        "iam_members",
        "iam_scope",
        "project_id",
        "gcp_conn_id",
    ),
):
    validate = CloudDNSPreflightOperator(
        task_id="validate",
        **google,
        **zone,
        **job,
        **lease,
        **iam,
        records=records,
        policy="{{ params.policy }}",
        dry_run="{{ params.dry_run }}",
    )

    @task.short_circuit
    def unless_dry_run(plan: dict[str, Any]) -> bool:
        """Stop behind the plan when that is all that was asked for."""
        return not plan["dry_run"]

    ensure_zone = CloudDNSEnsureZoneOperator(task_id="ensure_zone", **google, **zone)

    @task.branch
    def choose(plan: dict[str, Any]) -> list[str]:
        """Which kinds of records there are to write."""
        lines = {"claim": plan["job"], "upsert_shared": plan["shared"], "bind_iam": plan["iam"]}
        return [task_id for task_id, wanted in lines.items() if wanted]

    claim = CloudDNSClaimOperator(task_id="claim", **google, zone="{{ params.zone }}", **job, **lease)
    upsert_workers = CloudDNSUpsertRecordsOperator(
        task_id="upsert_workers",
        **google,
        zone="{{ params.zone }}",
        **job,
        **lease,
        policy="{{ params.policy }}",
    )
    upsert_shared = CloudDNSUpsertRecordsOperator(
        task_id="upsert_shared",
        **google,
        zone="{{ params.zone }}",
        job="shared",
        records=records,
        ttl="{{ params.ttl }}",
        # What is shared belongs to several runs: this one's wishes are no reason to remove the others' records.
        policy="{{ 'upsert-only' if params.policy == 'sync' else params.policy }}",
    )
    bind_iam = CloudDNSBindIamOperator(task_id="bind_iam", **google, zone="{{ params.zone }}", **iam)

    whose = {**job, "job": "{{ params.job or 'shared' }}"}
    gate = DNSResolutionSensor(
        task_id="gate",
        **google,
        zone="{{ params.zone }}",
        **whose,
        records=records,
        timeout=GATE_TIMEOUT,
        retries=0,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    handoff = CloudDNSHandOffOperator(task_id="handoff", **google, zone="{{ params.zone }}", **whose)

    validate >> unless_dry_run(validate.output) >> ensure_zone >> (chosen := choose(validate.output))
    chosen >> [claim, upsert_shared, bind_iam]
    claim >> upsert_workers
    [upsert_workers, upsert_shared, bind_iam] >> gate >> handoff
