"""Compute Engine v1, as far as finding workers needs it: lists of instances, and managed instance groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from localcloud import assumptions, instance_filter
from localcloud.calls import Call, JsonObject, Method, Service, project_of
from localcloud.errors import ApiError, Problem, not_implemented, resource_not_found
from localcloud.fleet import each, in_order
from localcloud.paging import decode_token, encode_token, take, whole_number

_PROJECT = "/compute/v1/projects/{project}"
_ZONE = _PROJECT + "/zones/{zone}"
_REGION = _PROJECT + "/regions/{region}"
_GROUP = "/instanceGroupManagers/{instanceGroupManager}"

Entry = tuple[tuple[str, ...], JsonObject]


def list_(service: Service, call: Call) -> JsonObject:
    """The instances of one zone."""
    project, zone = project_of(call), call.path["zone"]
    page, following = _page(service, call, [e for e in _found(service, call, project) if e[0][1] == zone])
    answer: JsonObject = {
        "kind": "compute#instanceList",
        "id": f"projects/{project}/zones/{zone}/instances",
        "items": [resource for _, resource in page],
        "selfLink": f"{call.base_url}/compute/v1/projects/{project}/zones/{zone}/instances",
    }
    if not page:
        del answer["items"]  # Google leaves an empty list out
    return answer | following


def aggregated(service: Service, call: Call) -> JsonObject:
    """The instances of all zones, a scope for each zone that localcloud has heard of."""
    project = project_of(call)
    dark = service.fleet.unreachable
    page, following = _page(service, call, [e for e in _found(service, call, project) if e[0][1] not in dark])
    zones = sorted({key[1] for key in service.fleet.instances if key[0] == project})
    scopes: dict[str, JsonObject] = {f"zones/{zone}": assumptions.empty_scope(zone, zone in dark) for zone in zones}
    for (_, zone, _), resource in page:
        scope = scopes[f"zones/{zone}"]
        scope.pop("warning", None)
        scope.setdefault("instances", []).append(resource)
    return {
        "kind": "compute#instanceAggregatedList",
        "id": f"projects/{project}/aggregated/instances",
        "items": scopes,
        "selfLink": f"{call.base_url}/compute/v1/projects/{project}/aggregated/instances",
    } | following


def get_group(service: Service, call: Call) -> JsonObject:
    return service.fleet.groups[_group_key(service, call)]


def managed_instances(service: Service, call: Call) -> JsonObject:
    """The members of a group; Google takes a filter here, localcloud does not."""
    key = _group_key(service, call)
    if call.query.get("filter"):
        raise not_implemented("a filter of managed instances")
    members = service.fleet.members_of(*key)
    page, following = _page(service, call, [((member["instance"],), member) for member in members])
    return {"managedInstances": [member for _, member in page]} | following


def _found(service: Service, call: Call, project: str) -> list[Entry]:
    """The project's instances that the filter lets through, by zone and name."""
    if call.query.get("orderBy", "name") != "name":
        raise not_implemented(f"orderBy={call.query['orderBy']}")
    text = call.query.get("filter", "")
    fits = instance_filter.parse(text) if text else None
    entries = in_order(service.fleet.instances.items())
    return [entry for entry in entries if entry[0][0] == project and (fits is None or fits(entry[1]))]


def _page(service: Service, call: Call, entries: Sequence[Entry]) -> tuple[list[Entry], JsonObject]:
    """One page, and the token of the next in an object; a token names the last entry of the page before."""
    text = call.query.get("maxResults", "0")
    limit = whole_number(text)
    if limit is None or limit > assumptions.MAX_COMPUTE_PAGE:
        raise ApiError(400, [assumptions.bad_compute_page_size(text)])
    most = min(limit or assumptions.MAX_COMPUTE_PAGE, service.page_size)
    if not entries:
        return [], {}
    after = decode_token(call.query, len(entries[0][0]))
    page, more = take((entry for entry in entries if after is None or entry[0] > after), most)
    return page, {"nextPageToken": encode_token(*page[-1][0])} if more else {}


def _group_key(service: Service, call: Call) -> tuple[str, str, str]:
    project, name = project_of(call), call.path["instanceGroupManager"]
    kind = "zone" if "zone" in call.path else "region"
    key = (project, call.path[kind], name)
    group = service.fleet.groups.get(key)
    if group is None or kind not in group:
        raise resource_not_found(f"projects/{project}/{kind}s/{key[1]}/instanceGroupManagers/{name}")
    return key


def add_instances(service: Service, call: Call) -> JsonObject:
    """Add instances; `unreachable` names zones that a list of all zones cannot see into from now on."""
    project = _control_project(call.body)
    service.fleet.unreachable.update(map(str, call.body.get("unreachable", ())))
    return {"instances": each(call.body, lambda item: service.fleet.add_instance(project, item))}


def add_groups(service: Service, call: Call) -> JsonObject:
    project = _control_project(call.body)
    return {"instance-groups": each(call.body, lambda item: service.fleet.add_group(project, item))}


def clear_instances(service: Service, _call: Call) -> JsonObject:
    """Instances and groups go; clusters and pods stay."""
    for kept in (service.fleet.instances, service.fleet.groups, service.fleet.members, service.fleet.unreachable):
        kept.clear()
    return {}


def _control_project(body: Mapping[str, object]) -> str:
    project = body.get("project")
    if not isinstance(project, str) or not project:
        raise ApiError(400, [Problem("required", 'say whose: "project"')])
    return project


METHODS = (
    Method("compute.instances.list", "GET", f"{_ZONE}/instances", list_),
    Method("compute.instances.aggregatedList", "GET", f"{_PROJECT}/aggregated/instances", aggregated),
    *(
        Method(f"compute.{resource}.{name}", verb, f"{place}{_GROUP}{suffix}", handler)
        for resource, place in (("instanceGroupManagers", _ZONE), ("regionInstanceGroupManagers", _REGION))
        for name, verb, suffix, handler in (
            ("get", "GET", "", get_group),
            ("listManagedInstances", "POST", "/listManagedInstances", managed_instances),
        )
    ),
    Method("localcloud.instances.add", "POST", "/_localcloud/instances", add_instances),
    Method("localcloud.instances.clear", "DELETE", "/_localcloud/instances", clear_instances),
    Method("localcloud.instanceGroups.add", "POST", "/_localcloud/instance-groups", add_groups),
)
