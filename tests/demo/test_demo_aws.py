"""The demo's view of localcloud as AWS: through Route 53, with the connection that it gives to Airflow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo.aws import PARAMS, VPC, LocalAws
from demo.cloud import local_cloud
from mldns.hooks.route53 import Route53Hook


def test_what_a_task_writes_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cloud(tmp_path, ("--done-ms", "0", "--serve-ms", "0"), seen_as=LocalAws, network=VPC) as cloud:
        assert cloud.records(PARAMS["zone"]) == []
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(cloud.connection()))
        hook = Route53Hook(PARAMS["gcp_conn_id"])
        hook.ensure_zone(**{key: PARAMS[key] for key in ("zone", "dns_name", "networks")})
        name = f"worker-0.{PARAMS['job']}.{PARAMS['dns_name']}"
        hook.apply(
            zone=PARAMS["zone"], owner=PARAMS["job"], records=[{"name": name, "type": "A", "rrdatas": ["10.0.0.7"]}]
        )
        below = cloud.records(PARAMS["zone"], f"{PARAMS['job']}.{PARAMS['dns_name']}")
        assert [(record["name"], record["type"]) for record in below if record["type"] == "A"] == [(name, "A")]
        assert [(zone["name"], zone["nameServers"]) for zone in cloud.zones()] == [(PARAMS["zone"], [])], (
            "it is private"
        )
        assert hook.resolver_addresses == (cloud.resolver,)
