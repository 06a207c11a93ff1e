"""
### DNS before training

Makes sure of a Cloud DNS zone, claims a job's names, upserts the workers' records and the zone's shared records, binds
IAM, proves over real DNS that every name resolves, and hands over what a trainer needs to rendezvous.

Everything is checked before anything is written; a **dry run** stops there and shows the plan. A second run, a retry,
or two runs at once, end in the same state.

**From another DAG**, with `TriggerDagRunOperator(trigger_dag_id="mldns_pretraining", wait_for_completion=True)`: pass
your own `claimant` (`deployment/dag_id`) and `lease` (`{{ run_id }}`), and trigger `mldns_release` with the same two
when the training is over. The hand-off is the XCom of `handoff`. Inside one DAG, `mldns.task_groups.training_dns`
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
from mldns.params import form, values
from mldns.sensors.resolution import DNSResolutionSensor
from mldns.task_groups import GATE_TIMEOUT

zone = values("zone", "project_id", "gcp_conn_id")
described = values("dns_name", "visibility", "networks", "allow_unbound")
job = values("job", "workers", "ttl", "port")
# A lease of the caller's is held for a day unless it says otherwise. Without one the lease is this run, which ends
# before the training begins: to hold it would only keep the next run off.
hours = "{{ params.lease_hours or (24 if params.lease else '') }}"
lease = {**values("claimant", "lease", "adopt"), "lease_hours": hours}
reverse, records, policy = values("reverse_zone"), values("records"), values("policy")
turn = values("claim_timeout")
iam = values(role="iam_role", members="iam_members", scope="iam_scope")

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
        "claim_timeout",
        "iam_role",
        "iam_members",
        "iam_scope",
        "project_id",
        "gcp_conn_id",
    ),
) as dag:
    validate = CloudDNSPreflightOperator(
        task_id="validate",
        **zone,
        **described,
        **job,
        **reverse,
        **lease,
        **records,
        **policy,
        **turn,
        **iam,
        dry_run="{{ params.dry_run }}",
    )

    @task.short_circuit
    def unless_dry_run(plan: dict[str, Any]) -> bool:
        """Stop behind the plan when that is all that was asked for."""
        return not plan["dry_run"]

    ensure_zone = CloudDNSEnsureZoneOperator(task_id="ensure_zone", **zone, **described)

    @task.branch
    def choose(plan: dict[str, Any]) -> list[str]:
        """Which kinds of records there are to write."""
        lines = {"claim": plan["job"], "upsert_shared": plan["shared"], "bind_iam": plan["iam"]}
        return [task_id for task_id, wanted in lines.items() if wanted]

    claim = CloudDNSClaimOperator(task_id="claim", **zone, **job, **reverse, **lease, **turn)
    upsert_workers = CloudDNSUpsertRecordsOperator(
        task_id="upsert_workers",
        **zone,
        **job,
        **reverse,
        **lease,
        **policy,
        # A caller with a lease of its own may release it at any time; what was written after that, nobody would remove.
        claimed="{{ (params.lease or '') != '' }}",
    )
    upsert_shared = CloudDNSUpsertRecordsOperator(
        task_id="upsert_shared",
        **zone,
        job="shared",
        **records,
        ttl="{{ params.ttl }}",
        # What is shared belongs to several runs: this one's wishes are no reason to remove the others' records.
        policy="{{ 'upsert-only' if params.policy == 'sync' else params.policy }}",
    )
    bind_iam = CloudDNSBindIamOperator(task_id="bind_iam", **zone, **iam)

    whose = {**job, "job": "{{ params.job or 'shared' }}"}
    gate = DNSResolutionSensor(
        task_id="gate",
        **zone,
        **whose,
        **reverse,
        **records,
        deferrable=True,
        timeout=GATE_TIMEOUT,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )
    handoff = CloudDNSHandOffOperator(task_id="handoff", **zone, **whose, lease=lease["lease"])

    validate >> unless_dry_run(validate.output) >> ensure_zone >> (chosen := choose(validate.output))  # type: ignore[arg-type]
    chosen >> [claim, upsert_shared, bind_iam]
    claim >> upsert_workers
    [upsert_workers, upsert_shared, bind_iam] >> gate >> handoff
