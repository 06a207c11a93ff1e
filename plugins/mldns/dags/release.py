"""
### Release a job's names

The other half of `mldns_pretraining` for DAGs that trigger it: removes the records that one lease claimed, and the
claim. Names that another run has taken over since, or that another claimant holds, are left alone. Shared records, the
zone and IAM stay.

Trigger it with the `claimant` and the `lease` that were passed to `mldns_pretraining`, by a
`TriggerDagRunOperator(…).as_teardown()`, which also runs when the training fails. A claimant that was not passed there
is not passed here either.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from mldns.operators.cloud_dns import CloudDNSDeleteRecordsOperator
from mldns.ownership.leases import PREPARING_DAG
from mldns.params import form, values
from mldns.tasks.lease import deployment

with DAG(
    "mldns_release",
    schedule=None,
    # Paused, it would leave every job's names behind while its callers look fine.
    is_paused_upon_creation=False,
    doc_md=__doc__,
    tags=["mldns"],
    # As mldns_pretraining claims for a caller that names no claimant; asked for where the task runs.
    user_defined_macros={"preparing": lambda: f"{deployment()}/{PREPARING_DAG}"},
    params={
        **form("zone"),
        "job": Param(type="string", minLength=1, title="Job", description="The job whose names are released."),
        "claimant": Param(
            "",
            type=["null", "string"],
            title="Claimant",
            description="Who claimed them, as passed to mldns_pretraining. Empty: nothing was passed there.",
        ),
        "lease": Param(
            type="string",
            minLength=1,
            title="Lease",
            description="The lease that claimed them: the caller's run_id, or the run of mldns_pretraining itself.",
        ),
        **form("reverse_zone", "project_id", "gcp_conn_id"),
    },
) as dag:
    CloudDNSDeleteRecordsOperator(
        task_id="release",
        **values("zone", "reverse_zone", "project_id", "gcp_conn_id"),
        job="{{ params.job }}",
        claimant="{{ params.claimant or preparing() }}",
        lease="{{ params.lease }}",
        retries=3,
        retry_delay=timedelta(seconds=20),
    )
