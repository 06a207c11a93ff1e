"""Operators that find workers among the pods of a Kubernetes cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.inventory.discovery import pods
from mldns.inventory.discovery.census import Census
from mldns.operators._inventory import InventoryOperator
from mldns.tasks.base import GoogleOperator

if TYPE_CHECKING:
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook


class _PodsInventoryOperator(InventoryOperator):
    """What pods of any cluster share.

    A pod counts from the moment it has an address, whether it is ready or not: it may well be waiting for its name.
    Pods that have ended, are being deleted or were replaced are passed over. Ranks follow the numbers that the pods'
    controller gave (docs/discovery.md lists them), a leader first, unless `rank_by` or `rank_label` says otherwise.
    Needs apache-airflow-providers-cncf-kubernetes, and the right to list pods in the namespace.

    :param namespace: of the pods.
    :param label_selector: as of `kubectl get pods -l`.
    :param expected: how many workers there must be; pods come one by one, so nothing else says when all are there.
    :param family: `ipv4` or `ipv6`.
    """

    template_fields: Sequence[str] = (*InventoryOperator.template_fields, "namespace", "label_selector", "family")

    def __init__(
        self,
        *,
        label_selector: str,
        expected: int | str,
        namespace: str = "default",
        family: str = "ipv4",
        rank_by: str = "index",
        **kwargs: Any,
    ) -> None:
        super().__init__(expected=expected, rank_by=rank_by, **kwargs)
        self.namespace = namespace
        self.label_selector = label_selector
        self.family = family
        self._cluster: KubernetesHook | None = None

    def connect(self) -> KubernetesHook:
        """The hook of the cluster; for subclasses."""
        raise NotImplementedError

    @property
    def cluster(self) -> str:
        """The cluster, for messages."""
        raise NotImplementedError

    def look(self) -> Census:
        from mldns.hooks.pods import list_pods

        expected, selector = self.wanted, arguments.text(self.label_selector)
        if expected is None:
            raise InvalidInput("expected must say how many workers there are: pods come one by one")
        if not selector:
            raise InvalidInput("label_selector must say which pods: without, every pod would be a worker")
        self._cluster = self._cluster or self.connect()
        found = list_pods(self._cluster, namespace=self.namespace, selector=selector)
        source = f"pods {selector!r} in namespace {self.namespace!r} of {self.cluster}"
        return pods.census(found, source=source, expected=expected, family=self.family)


class KubernetesPodsInventoryOperator(_PodsInventoryOperator):
    """Find the workers among the pods of the cluster of a Kubernetes connection.

    :param kubernetes_conn_id: Airflow connection of type `kubernetes`; without the default one, the cluster that the
        Airflow worker runs in, or the default kubeconfig.
    :param config_file: a kubeconfig, instead of what the connection says.
    :param cluster_context: the context in it.

    The other arguments: `mldns.operators._inventory.InventoryOperator`.
    """

    template_fields: Sequence[str] = (
        *_PodsInventoryOperator.template_fields,
        "kubernetes_conn_id",
        "config_file",
        "cluster_context",
    )

    def __init__(
        self,
        *,
        kubernetes_conn_id: str = "kubernetes_default",
        config_file: str | None = None,
        cluster_context: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kubernetes_conn_id = kubernetes_conn_id
        self.config_file = config_file
        self.cluster_context = cluster_context

    @property
    def cluster(self) -> str:
        return f"connection {self.kubernetes_conn_id!r}"

    def connect(self) -> KubernetesHook:
        from mldns.hooks.pods import kubernetes_hook

        return kubernetes_hook(
            conn_id=self.kubernetes_conn_id,
            config_file=arguments.text(self.config_file),
            context=arguments.text(self.cluster_context),
        )


class GkePodsInventoryOperator(GoogleOperator, _PodsInventoryOperator):
    """Find the workers among the pods of a GKE cluster, as the account of the Google connection.

    Needs `container.clusters.get` on the project besides.

    :param cluster_name: name of the cluster.
    :param location: its zone or region.
    :param use_internal_ip: reach its API server on the private address.
    :param use_dns_endpoint: reach it by its DNS name.

    The other arguments: `mldns.operators._inventory.InventoryOperator`.
    """

    template_fields: Sequence[str] = (
        *_PodsInventoryOperator.template_fields,
        "cluster_name",
        "location",
        "use_internal_ip",
        "use_dns_endpoint",
        *GoogleOperator.template_fields,
    )

    def __init__(
        self,
        *,
        cluster_name: str,
        location: str,
        use_internal_ip: bool | str = False,
        use_dns_endpoint: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cluster_name = cluster_name
        self.location = location
        self.use_internal_ip = use_internal_ip
        self.use_dns_endpoint = use_dns_endpoint

    @property
    def cluster(self) -> str:
        return f"cluster {self.cluster_name!r} in {self.location}"

    def connect(self) -> KubernetesHook:
        from mldns.hooks.pods import gke_hook

        return gke_hook(
            cluster=self.cluster_name,
            location=self.location,
            project_id=arguments.text(self.project_id) or None,
            **self.identity,
            internal_ip=arguments.flag(self.use_internal_ip, "use_internal_ip"),
            dns_endpoint=arguments.flag(self.use_dns_endpoint, "use_dns_endpoint"),
        )
