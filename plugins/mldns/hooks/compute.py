"""Compute Engine through an Airflow connection: lists of instances and the members of managed instance groups.

The provider's `ComputeEngineHook` has no client for regional groups, and before its release 20 no way to another
server; extras of the connection are read as by every hook of mldns, `compute_api_endpoint` among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.google.cloud.hooks.compute import ComputeEngineHook
from airflow.providers.google.common.consts import CLIENT_INFO
from airflow.providers.google.common.hooks.base_google import PROVIDE_PROJECT_ID, GoogleBaseHook
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.cloud import compute_v1
from google.protobuf import json_format

from mldns.exceptions import CloudUnavailable, InvalidInput
from mldns.hooks._connection import ConnectionHook
from mldns.inventory.discovery import gce
from mldns.providers.errors import ApiRefused, Call
from mldns.providers.gcp import failures
from mldns.providers.gcp.errors import translate

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions

Resource = dict[str, Any]
Client = TypeVar("Client")

project_default = GoogleBaseHook.fallback_to_default_project_id

# The most that Google gives in one page of instances.
_PAGE_SIZE = 500


class ComputeHook(ComputeEngineHook, ConnectionHook):
    """Reads instances and managed instance groups, and writes nothing.

    Methods take keywords only and raise as `CloudDNSHook` does; what Google calls wrong in a request is `InvalidInput`.
    """

    def get_client_options(
        self,
        api_endpoint_override: str | None = None,  # noqa: ARG002 - the base class's; here the extra says it
    ) -> ClientOptions:
        """Where Compute Engine is: the extra `compute_api_endpoint`, else Google's."""
        return self._options("compute_api_endpoint", "compute")

    def get_compute_instance_client(self) -> compute_v1.InstancesClient:
        return self._client(compute_v1.InstancesClient)

    def get_compute_instance_group_managers_client(self) -> compute_v1.InstanceGroupManagersClient:
        return self._client(compute_v1.InstanceGroupManagersClient)

    def get_compute_region_instance_group_managers_client(self) -> compute_v1.RegionInstanceGroupManagersClient:
        """The client that the provider's hook lacks."""
        return self._client(compute_v1.RegionInstanceGroupManagersClient)

    def _client(self, kind: Callable[..., Client]) -> Client:
        return kind(
            credentials=self.get_credentials(), client_info=CLIENT_INFO, client_options=self.get_client_options()
        )

    @project_default
    def list_instances(
        self, *, zone: str | None = None, filter: str = "", project_id: str = PROVIDE_PROJECT_ID
    ) -> list[Resource]:
        """The instances of a zone, or of all zones, as the API gives them.

        :param filter: in Google's language; empty for all.
        :raises CloudUnavailable: a zone could not be asked: its instances would be missing silently.
        """
        if zone:
            return list(self._of_zone(project_id, zone, filter))
        return list(self._of_all_zones(project_id, filter))

    @project_default
    def get_instance_group(
        self,
        *,
        name: str,
        zone: str | None = None,
        region: str | None = None,
        project_id: str = PROVIDE_PROJECT_ID,
    ) -> Resource:
        """Return a managed instance group as the API gives it.

        :param zone: of a zonal group.
        :param region: of a regional one.
        """
        client, place = self._group(name, zone, region)
        method = f"compute.{'instanceGroupManagers' if zone else 'regionInstanceGroupManagers'}.get"
        request = {"project": project_id, "instance_group_manager": name, **place}
        return self._ask(method, project_id, lambda: client.get(request, **self._once))

    @project_default
    def list_managed_instances(
        self,
        *,
        name: str,
        zone: str | None = None,
        region: str | None = None,
        project_id: str = PROVIDE_PROJECT_ID,
    ) -> list[Resource]:
        """List the members of a managed instance group: `managedInstances` of the API, all pages.

        :param zone: of a zonal group.
        :param region: of a regional one.
        """
        client, place = self._group(name, zone, region)
        kind: Any = compute_v1.ListManagedInstancesRegionInstanceGroupManagersRequest
        if zone:
            kind = compute_v1.ListManagedInstancesInstanceGroupManagersRequest
        request = kind(project=project_id, instance_group_manager=name, max_results=_PAGE_SIZE, **place)
        method = f"compute.{'instanceGroupManagers' if zone else 'regionInstanceGroupManagers'}.listManagedInstances"
        pages = self._pages(method, project_id, client.list_managed_instances, request)
        return [member for page in pages for member in page.get("managedInstances", ())]

    def _group(self, name: str, zone: str | None, region: str | None) -> tuple[Any, dict[str, str]]:
        """The client for a group, and the argument that tells it where the group is."""
        if zone and not region:
            return self.get_compute_instance_group_managers_client(), {"zone": zone}
        if region and not zone:
            return self.get_compute_region_instance_group_managers_client(), {"region": region}
        raise InvalidInput(f"instance group {name!r}: say zone= or region=, whichever it has")

    def _of_zone(self, project: str, zone: str, filter: str) -> Iterator[Resource]:
        client: Any = self.get_compute_instance_client()
        request = compute_v1.ListInstancesRequest(project=project, zone=zone, max_results=_PAGE_SIZE)
        if filter:
            request.filter = filter
        for page in self._pages("compute.instances.list", project, client.list, request):
            yield from page.get("items", ())

    def _of_all_zones(self, project: str, filter: str) -> Iterator[Resource]:
        client: Any = self.get_compute_instance_client()
        request = compute_v1.AggregatedListInstancesRequest(project=project, max_results=_PAGE_SIZE)
        if filter:
            request.filter = filter
        for page in self._pages("compute.instances.aggregatedList", project, client.aggregated_list, request):
            scopes = page.get("items", {})
            if silent := gce.unreachable(scopes, page.get("unreachables", ())):
                raise CloudUnavailable(
                    f"compute.instances.aggregatedList of project {project!r}: Google could not ask "
                    f"{', '.join(silent)}: instances there would be missing; try again, or say zone="
                )
            for scope in scopes.values():
                yield from scope.get("instances", ())

    def _pages(self, method: str, project: str, send: Callable[..., Any], request: Any) -> Iterator[Resource]:
        """Page by page, each retried by itself: a pager's own retry would lose what came before."""
        seen: set[str] = set()
        while True:
            page = self._ask(method, project, lambda: next(iter(send(request, **self._once).pages)))
            yield page
            token = page.get("nextPageToken")
            if not token:
                return
            if token in seen:
                raise CloudUnavailable(f"{method} of project {project!r}: the server sends the same page token again")
            seen.add(token)
            request.page_token = token

    @property
    def _once(self) -> dict[str, Any]:
        """No retries below ours, and the connection's own patience with a silent server."""
        return {"retry": None, "timeout": self.patience.silence}

    def _ask(self, method: str, project: str, send: Callable[[], Any]) -> Resource:
        call = Call(method, project)
        try:
            answer = self.patience.failures.run(
                send, what=str(call), repeatable=failures.transient, described=failures.describe
            )
        except (GoogleAPICallError, GoogleAuthError, OSError) as error:
            refused = translate(error, call)
            if isinstance(refused, ApiRefused) and refused.status in (400, 404):
                # A retry would be refused again: a filter that cannot be read, a zone or group that is not there.
                raise InvalidInput(str(refused)) from error
            raise refused from error
        return dict(json_format.MessageToDict(type(answer).pb(answer)))
