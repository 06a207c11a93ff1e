"""A GKE cluster by its name: where its API server is, and a hook that may ask it.

Needs apache-airflow-providers-cncf-kubernetes, which the Google provider's module for GKE imports.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.google.cloud.hooks.kubernetes_engine import GKEHook, GKEKubernetesHook
from airflow.providers.google.cloud.operators.kubernetes_engine import GKEClusterAuthDetails
from airflow.providers.google.common.consts import CLIENT_INFO
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud.container_v1 import ClusterManagerClient

from mldns.exceptions import InvalidInput
from mldns.hooks._connection import ConnectionHook
from mldns.providers.errors import ApiRefused, Call
from mldns.providers.gcp.errors import translate

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions


class GkeHook(GKEHook, ConnectionHook):
    """The provider's hook over REST, at the extra `container_api_endpoint` if the connection has it."""

    def get_client_options(
        self,
        api_endpoint_override: str | None = None,  # noqa: ARG002 - the base class's; here the extra says it
    ) -> ClientOptions:
        """Where the Kubernetes Engine API is."""
        return self._options("container_api_endpoint", "container")

    def get_cluster_manager_client(self) -> ClusterManagerClient:
        """Over REST: gRPC speaks to no http:// endpoint, and brings threads that do not survive a fork."""
        if self._client is None:
            self._client = ClusterManagerClient(
                transport="rest",
                credentials=self.get_credentials(),
                client_info=CLIENT_INFO,
                client_options=self.get_client_options(),
            )
        return self._client


def cluster_hook(
    *,
    cluster: str,
    location: str,
    project_id: str | None,
    gcp_conn_id: str,
    impersonation_chain: Sequence[str] | None,
    internal_ip: bool,
    dns_endpoint: bool,
) -> GKEKubernetesHook:
    """Look the cluster up, and return a hook for its API server.

    :param cluster: its name; all arguments are those of `mldns.hooks.pods.gke_hook`.
    :raises InvalidInput: there is no such cluster, or no cluster can have that name.
    """
    google: dict[str, Any] = {"gcp_conn_id": gcp_conn_id, "impersonation_chain": impersonation_chain}
    hook = GkeHook(location=location, **google)
    project = project_id or hook.project_id
    details = GKEClusterAuthDetails(
        cluster_name=cluster,
        project_id=project,
        use_internal_ip=internal_ip,
        use_dns_endpoint=dns_endpoint,
        cluster_hook=hook,
    )
    call = Call("container.clusters.get", project)
    try:
        url, certificate = details.fetch_cluster_info()
    except (GoogleAPICallError, GoogleAuthError, OSError) as error:
        refused = translate(error, call)
        if isinstance(refused, ApiRefused) and refused.status in (400, 404):
            raise InvalidInput(f"cluster {cluster!r} in {location!r}: {refused}") from error
        raise refused from error
    return GKEKubernetesHook(
        cluster_url=url, ssl_ca_cert=certificate, enable_tcp_keepalive=True, use_dns_endpoint=dns_endpoint, **google
    )
