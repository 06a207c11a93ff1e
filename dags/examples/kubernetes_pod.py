"""
### Pods by KubernetesPodOperator, one task a rank

Pods on the nodes' network have the nodes' addresses, so their names can be there before the pods are. Kubernetes
resolves with `ndots:5`: each look-up of a name with fewer dots tries every search domain first, and the denials stay in
a cache; `dns_config` is taken by `pod_template_dict` alone. Needs apache-airflow-providers-cncf-kubernetes.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from airflow.sdk import DAG

from mldns.task_groups import training_dns

NODES = {"gpu-a": "10.0.0.7", "gpu-b": "10.0.0.8"}  # in order of rank
POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "spec": {
        "hostNetwork": True,
        "dnsPolicy": "Default",  # the node's resolver, which sees the VPC's private zones
        "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
        "restartPolicy": "Never",
        "containers": [{"name": "base", "image": "trainer:latest"}],
    },
}

if find_spec("airflow.providers.cncf.kubernetes"):
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

    with (
        DAG("example_kubernetes_pod", schedule=None, doc_md=__doc__, tags=["mldns", "example"]),
        training_dns(zone="ml", job="bert", workers=list(NODES.values())) as dns,
    ):
        KubernetesPodOperator.partial(
            task_id="train",
            name="bert-{{ ti.map_index }}",
            namespace="training",
            pod_template_dict=POD,
            hostnetwork=True,
            env_vars={**dns.env, "MLDNS_RANK": "{{ ti.map_index }}"},
            # The gate asked from where Airflow is; this asks once more, from where the training is.
            cmds=["python", "-m", "mldns", "launch"],
            arguments=["torchrun", "--", "train.py", "--epochs", "3"],
            deferrable=True,
        ).expand(node_selector=[{"kubernetes.io/hostname": node} for node in NODES])
