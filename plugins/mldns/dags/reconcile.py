"""
### Do the zones still hold what was claimed, and do their names answer?

Reads each zone labelled `managed-by=mldns`, compares it with the manifests in it and with what their tasks wrote, asks
the name servers or resolvers for every name, and looks whether the grants still stand and how full the zone is. What it
finds goes into one asset event a zone, `x-mldns://PROJECT/ZONE`: the page **DNS** shows it, and other DAGs can be
scheduled on it.

It renews the lease of a run at work whose own task asked for it, and writes nothing else unless asked to. **repair**
writes again what a job's records must say, where that is certain; **collect** releases what leases have left whose run
has ended, or whose time is over while nothing is known of the run. Both say what they would do and leave it at that as
long as **dry_run** is on. Records that no manifest covers are never touched.

Every quarter of an hour; `AIRFLOW_VAR_MLDNS_RECONCILE_MINUTES` in the environment of the DAG processor says otherwise.
Paused until somebody switches it on: without a connection to Google every run would fail.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from mldns.exceptions import CheckIncomplete, InvalidInput
from mldns.operators.reconcile import CloudDNSReconcileOperator
from mldns.params import form, values

# The form of an Airflow Variable that is read without asking for it: Variable.get() at the top of a DAG file is a call
# to the database for each of the processor's looks at it.
MINUTES = "AIRFLOW_VAR_MLDNS_RECONCILE_MINUTES"
ACTIONS = "AIRFLOW_VAR_MLDNS_RECONCILE_ACTIONS"


def minutes() -> float:
    """How often to check."""
    text = os.environ.get(MINUTES, "").strip() or "15"
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 1 <= found <= 1440:
        raise InvalidInput(f"{MINUTES} {text!r} is not a number of minutes from 1 to 1440")
    return found


def actions() -> set[str]:
    """What scheduled runs do beside looking, without a dry run: nothing unless said."""
    found = set(os.environ.get(ACTIONS, "").replace(",", " ").split())
    if unknown := sorted(found - {"repair", "collect"}):
        raise InvalidInput(f"{ACTIONS} names {unknown[0]!r}: it may hold repair and collect")
    return found


with DAG(
    "mldns_reconcile",
    schedule=timedelta(minutes=minutes()),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    doc_md=__doc__,
    tags=["mldns"],
    params={
        "repair": Param(
            "repair" in actions(),
            type="boolean",
            title="Repair",
            description="Write again what is missing or changed, where it is certain what it must say.",
        ),
        "collect": Param(
            "collect" in actions(),
            type="boolean",
            title="Collect",
            description="Release the names of leases that are over. Never those of a run at work.",
        ),
        **form("dry_run", dry_run=not actions()),
        **form("project_id", "gcp_conn_id"),
    },
) as dag:
    reconcile = CloudDNSReconcileOperator(
        task_id="reconcile",
        repair="{{ params.repair }}",
        collect="{{ params.collect }}",
        **values("dry_run", "project_id", "gcp_conn_id"),
        retries=2,
        retry_delay=timedelta(seconds=30),
    )

    @task(retries=0)
    def complete(found: dict[str, Any]) -> None:
        """Fail the run where a zone could not be checked, or something not be done; what was found is recorded."""
        if found["failures"]:
            raise CheckIncomplete(found["failures"])

    complete(reconcile.output)  # type: ignore[arg-type]
