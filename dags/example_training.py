"""
### A training that finds its workers by name

The whole chain in one DAG: make sure of the zone, claim the names (setup), write them, prove them over DNS, train, and
release the names (teardown), also when the training fails.

The training is real and small: three processes of JAX on three loopback addresses of the Airflow worker's machine. Each
gets the hand-off and its rank, and looks its coordinator up through DNS.
"""

from __future__ import annotations

import json
import os
import socket
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from mldns.inventory.workers import parse_workers
from mldns.operators.cloud_dns import (
    CloudDNSBindIamOperator,
    CloudDNSEnsureZoneOperator,
    CloudDNSPreflightOperator,
)
from mldns.ownership.claims import DEFAULT_LEASE_HOURS
from mldns.params import form, values
from mldns.task_groups import training_dns

TRAINING_TIMEOUT = timedelta(minutes=10)

zone = values("zone", "project_id", "gcp_conn_id")
described = values("dns_name", "visibility", "networks")
job = values(
    "job", "workers", "ttl", "allow_addresses", "reverse_zone", "lease_hours", "policy", "adopt", "claim_timeout"
)
iam = values(role="iam_role", members="iam_members", scope="iam_scope")

with DAG(
    "example_training",
    schedule=None,
    doc_md=__doc__,
    tags=["mldns", "example"],
    params={
        **form(
            "zone",
            "dns_name",
            "visibility",
            "networks",
            "job",
            "workers",
            "ttl",
            "port",
            "reverse_zone",
            "lease_hours",
            "policy",
            "adopt",
            "claim_timeout",
            "iam_role",
            "iam_members",
            "iam_scope",
            "project_id",
            "gcp_conn_id",
            "allow_addresses",
            # Not the zone of the other forms: a private zone hides a public one of the same name from its networks.
            zone="training",
            dns_name="training.example.com.",
            networks=["projects/demo-project/global/networks/training"],
            job="example",
            lease_hours=DEFAULT_LEASE_HOURS,
            workers=["127.0.0.2", "127.0.0.3", "127.0.0.4"],
            allow_addresses=["127.0.0.0/8"],
            ttl=5,
        ),
        "steps": Param(
            200,
            type="integer",
            minimum=2,
            title="Steps",
            description="Of gradient descent; too few are a training that failed.",
            section="Training",
        ),
        "learning_rate": Param(
            0.1,
            type="number",
            exclusiveMinimum=0,
            title="Learning rate",
            description="Above 1 the training diverges and fails, which shows the release at work.",
            section="Training",
        ),
    },
):
    validate = CloudDNSPreflightOperator(task_id="validate", **zone, **described, **job, **iam)
    ensure_zone = CloudDNSEnsureZoneOperator(task_id="ensure_zone", **zone, **described)
    bind_iam = CloudDNSBindIamOperator(task_id="bind_iam", **zone, **iam)

    @task
    def rendezvous_port(params: dict[str, Any]) -> int:
        """The port that was asked for, or one that is free on rank 0's address, which is this machine's."""
        if params["port"]:
            return int(params["port"])
        workers = parse_workers(params["workers"], allow_addresses=params["allow_addresses"])
        with socket.socket() as probe:
            probe.bind((workers[0].address, 0))
            return int(probe.getsockname()[1])

    @task(execution_timeout=TRAINING_TIMEOUT)
    def train(env: dict[str, str], steps: str, learning_rate: str) -> str:
        """Run a process a rank and return their last line."""
        from training.launcher import run_workers

        # The hand-off, and nothing of Airflow's own environment: what a worker on another host would have.
        system = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return run_workers(
            count=json.loads(env["MLDNS_HANDOFF"])["count"],
            environment={**system, **env},
            options=["--steps", steps, "--learning-rate", learning_rate],
        )

    port = rendezvous_port()
    with training_dns(**zone, **job, port=port) as dns:
        train(dns.env, "{{ params.steps }}", "{{ params.learning_rate }}")

    validate >> ensure_zone >> [bind_iam, port]
