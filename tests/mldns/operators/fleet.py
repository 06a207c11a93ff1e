"""A fleet in localcloud for the operators that find workers, and connections that lead to it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cloud_fixture import NETWORK, Cloud

STORAGE = NETWORK.replace("/training", "/storage")


def connect_fleet(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, **extra: Any) -> None:
    """The default Google and Kubernetes connections, over plain HTTP."""
    google = cloud.connection(num_retries=0, **extra)
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", google)
    kubernetes = {"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(kubeconfig(cloud.api))}}
    monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps(kubernetes))


def kubeconfig(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }


def put(cloud: Cloud, what: str, *items: dict[str, Any]) -> None:
    """Add to localcloud's instances, instance-groups, clusters or pods."""
    cloud.call("POST", f"/_localcloud/{what}", {"project": cloud.project, "items": list(items)})


def instance(name: str, last: int, zone: str = "us-central1-a", **fields: Any) -> dict[str, Any]:
    """An instance on two networks: 10.0.0.LAST on `training`, 10.8.0.LAST on `storage`."""
    interfaces = [
        {"network": NETWORK, "networkIP": f"10.0.{last // 256}.{last % 256}"},
        {"network": STORAGE, "networkIP": f"10.8.{last // 256}.{last % 256}"},
    ]
    return {"name": name, "zone": zone, "networkInterfaces": interfaces, "labels": {"job": "bert"}, **fields}


def pod(index: int, ip: str = "", job: str = "bert", **fields: Any) -> dict[str, Any]:
    """A pod of an Indexed Job in namespace ml."""
    key = "batch.kubernetes.io/job-completion-index"
    labels = {"job": job, key: str(index), "batch.kubernetes.io/job-name": job}
    status = {"phase": "Running" if ip else "Pending", **({"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {})}
    return {
        "metadata": {"name": f"{job}-{index}-{fields.pop('suffix', 'x7k2p')}", "namespace": "ml", "labels": labels},
        "status": {**status, **fields},
    }
