"""
### Do the zones still hold what was claimed?

Every quarter of an hour: reads each zone labelled `managed-by=mldns`, compares it with the manifests in it, and reports
what is missing, what nobody claims, and which leases are over. It writes nothing.

Paused until somebody switches it on: without a connection to Google every run would fail.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, task

from mldns.drift import compare, fitting
from mldns.params import form
from mldns.records import from_api

JOBS_SHOWN = 3  # of a zone, those that need attention first
ROOM = 7_000  # characters of JSON in the result, whatever the number of zones

log = logging.getLogger(__name__)

with DAG(
    "mldns_reconcile",
    schedule=timedelta(minutes=15),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    doc_md=__doc__,
    tags=["mldns"],
    default_args={"retries": 2, "retry_delay": timedelta(seconds=30)},
    params=form("project_id", "gcp_conn_id"),
):

    @task
    def reconcile(project_id: str, gcp_conn_id: str) -> dict[str, Any]:
        """Compare every zone of ours with its manifests; counts and first names only."""
        from mldns.hooks.cloud_dns import CloudDNSHook

        hook = CloudDNSHook(gcp_conn_id=gcp_conn_id)
        reports = []
        for zone in hook.list_zones(project_id=project_id or None):
            listed = hook.list_records(zone=zone["name"], project_id=project_id or None)
            report = compare(map(from_api, listed), dns_name=zone["dnsName"], now=time.time())
            log.log(logging.WARNING if report.attention else logging.INFO, "%s: %s", zone["name"], report.summary())
            reports.append({"zone": zone["name"], **report.to_json(JOBS_SHOWN)})
        reports.sort(key=lambda report: not report["attention"])
        attention = sum(report["attention"] for report in reports)
        log.info("%s zone(s), %s need attention", len(reports), attention)
        return {"zones": len(reports), "attention": attention, "reports": fitting(reports, ROOM)}

    reconcile(project_id="{{ params.project_id }}", gcp_conn_id="{{ params.gcp_conn_id }}")
