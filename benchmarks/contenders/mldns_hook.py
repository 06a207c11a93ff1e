"""mldns: its hook, new for each step as in an Airflow task. It claims, reads, plans, writes, and awaits `done`."""

from __future__ import annotations

from benchmarks.contenders import Operation
from benchmarks.job import Job


def stage(job: Job) -> None:
    """The Airflow connection is in the environment."""


def prepare(job: Job) -> Operation:
    from mldns.hooks.cloud_dns import CloudDNSHook

    def upsert() -> object:
        return CloudDNSHook(gcp_conn_id=job.connection).upsert_records(
            zone=job.zone, records=job.wanted, owner="bench", claimant="bench/bench", lease="bench", policy="sync"
        )

    def release() -> object:
        return CloudDNSHook(gcp_conn_id=job.connection).delete_records(zone=job.zone, owner="bench", lease="bench")

    return upsert if job.wanted else release
