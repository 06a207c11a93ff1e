"""Pods, through the hooks of the Kubernetes provider: any cluster of a Kubernetes connection, or a GKE cluster by name.

apache-airflow-providers-cncf-kubernetes is asked for only here: who reads no pods needs no client for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns.exceptions import CloudUnavailable, InvalidInput, MldnsError, PermissionMissing
from mldns.providers.retry import RetryPolicy

if TYPE_CHECKING:
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook

Resource = dict[str, Any]

_TIMEOUT = (10.0, 60.0)
_PAGE_SIZE = 500
_TRANSIENT = frozenset({429, 500, 502, 503, 504})
_EXPIRED = 410
_BEGINNINGS = 4
"""A list's positions hold for five minutes at least: one that is too old time and again is no matter of its length."""

PACKAGE = "apache-airflow-providers-cncf-kubernetes"


class MissingPackage(InvalidInput):
    """A package is not installed that this needs. A retry will not find it either."""

    def __init__(self, package: str, error: ImportError) -> None:
        self.package = package
        super().__init__(f"pods are read through {package}, which is not installed ({error}): pip install {package}")


def kubernetes_hook(*, conn_id: str, config_file: str = "", context: str = "") -> KubernetesHook:
    """Return the hook of a Kubernetes connection; without that connection, of the cluster that this runs in.

    :param config_file: a kubeconfig, instead of what the connection says.
    :param context: the context in it.
    :raises MissingPackage: the Kubernetes provider is not installed.
    """
    try:
        from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
    except ImportError as error:
        raise MissingPackage(PACKAGE, error) from error
    return KubernetesHook(conn_id=conn_id, config_file=config_file or None, cluster_context=context or None)


def gke_hook(
    *,
    cluster: str,
    location: str,
    project_id: str | None,
    gcp_conn_id: str,
    impersonation_chain: Sequence[str] | None,
    internal_ip: bool = False,
    dns_endpoint: bool = False,
) -> KubernetesHook:
    """Return the hook of a GKE cluster, authenticated as the Google connection is.

    :param location: its zone or region.
    :param project_id: its project; the connection's default when None.
    :param internal_ip: use the control plane's private address.
    :param dns_endpoint: use its DNS name.
    """
    try:
        from mldns.hooks.gke import cluster_hook
    except ImportError as error:
        raise MissingPackage(PACKAGE, error) from error
    return cluster_hook(
        cluster=cluster,
        location=location,
        project_id=project_id,
        gcp_conn_id=gcp_conn_id,
        impersonation_chain=impersonation_chain,
        internal_ip=internal_ip,
        dns_endpoint=dns_endpoint,
    )


def list_pods(
    hook: KubernetesHook, *, namespace: str, selector: str, retrying: RetryPolicy | None = None
) -> list[Resource]:
    """List the pods of a namespace that a label selector finds, as the API gives them.

    :param hook: of the cluster.
    :param selector: as of `kubectl get pods -l`.
    :param retrying: how long to go on where the cluster does not answer; a minute unless said.
    :raises InvalidInput: the selector cannot be read.
    :raises PermissionMissing: the caller may not list pods there.
    :raises CloudUnavailable: the cluster does not answer, or gives its list no end.
    """
    policy = retrying or RetryPolicy(deadline=60.0)
    query = {"namespace": namespace, "label_selector": selector}
    for _ in range(_BEGINNINGS):
        pods = _list_once(hook, query, policy)
        if pods is not None:
            return pods
    raise CloudUnavailable(
        f"{_described(query)}: the server forgot its position in {_BEGINNINGS} readings in a row (410): "
        "narrow the selector, or try again when the API server has less to do"
    )


def _list_once(hook: KubernetesHook, query: Mapping[str, str], policy: RetryPolicy) -> list[Resource] | None:
    """All pages from the first one on; None when they took so long that the first ones are out of date."""
    pods: list[Resource] = []
    position, seen = "", {""}
    while True:
        page = _page(hook, query, position, policy)
        if page is None:
            return None
        pods += page.get("items") or ()
        position = (page.get("metadata") or {}).get("continue") or ""
        if not position:
            return pods
        if position in seen:
            raise CloudUnavailable(f"{_described(query)}: the server sends the same position again and again")
        seen.add(position)


def _described(query: Mapping[str, str]) -> str:
    return f"list of pods {query['label_selector']!r} in namespace {query['namespace']!r}"


def _page(hook: KubernetesHook, query: Mapping[str, str], position: str, policy: RetryPolicy) -> Resource | None:
    """One page from `position` on; None when the server has forgotten that position."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    namespace, what = query["namespace"], _described(query)

    def send() -> Any:
        # Undecoded: models of 10,000 pods take minutes to make, and only a few of their fields are wanted.
        return hook.core_v1_client.list_namespaced_pod(
            **query,
            limit=_PAGE_SIZE,
            _continue=position or None,
            _preload_content=False,
            _request_timeout=_TIMEOUT,
        )

    def passing(error: BaseException) -> bool:
        return isinstance(error, HTTPError) or (isinstance(error, ApiException) and error.status in _TRANSIENT)

    try:
        return dict(json.loads(policy.run(send, what=what, repeatable=passing).data))
    except ApiException as error:
        if error.status == _EXPIRED and position:
            return None
        raise _translated(error, namespace, what) from error
    except HTTPError as error:
        raise CloudUnavailable(f"{what}: {error}") from error


def _translated(error: Any, namespace: str, what: str) -> MldnsError:
    """A refusal of the API server, whose body is a `Status`."""
    try:
        message = str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        message = str(error.reason)
    if error.status == 403:
        return PermissionMissing(permission="pods list", resource=f"namespace {namespace!r}", detail=message)
    if error.status == 401:
        return MldnsError(f"{what}: the cluster does not accept the connection's credentials (401): {message}")
    if error.status in (400, 404, 422):
        return InvalidInput(f"{what}: {message}")
    return CloudUnavailable(f"{what} failed with HTTP {error.status}: {message}")
