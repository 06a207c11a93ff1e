"""`projects.get`, `managedZones` and `managedZoneOperations` of Cloud DNS."""

from __future__ import annotations

import uuid
from operator import itemgetter
from typing import Any

from localcloud import assumptions, zones
from localcloud.calls import PROJECT_PATH, ZONE_PATH, Call, JsonObject, Method, Service, project_of, zone_of
from localcloud.errors import ApiError, already_exists, container_not_empty, invalid, not_found
from localcloud.model import ManagedZone
from localcloud.paging import decode_token, encode_token, page_limit, take
from localcloud.projects import project_number
from localcloud.store import Store
from localcloud.timestamps import rfc3339


def get_project(service: Service, call: Call) -> JsonObject:
    project = project_of(call)
    return {
        "kind": "dns#project",
        "id": project,
        "number": str(project_number(project)),
        "quota": service.quota.to_api(),
    }


def create(service: Service, call: Call) -> JsonObject:
    """A new zone with its apex records; of the checks, the name comes first, as a retry meets it first."""
    project, store = project_of(call), service.store
    zone = zones.parse(call.body, project=project, zone_id=store.new_zone_id(), created_at=store.clock())
    if store.find(project, zone.name) is not None:
        raise ApiError(409, [already_exists("entity.managedZone", zone.name)])
    if sum(1 for hosted in store.hosted() if hosted.zone.project == project) >= service.quota.managedZones:
        raise ApiError(403, [assumptions.quota_exceeded("managed zones per project")])
    _check_networks(service, zone)
    if zone.visibility == "private":
        zone.name_servers = zones.PRIVATE_NAME_SERVERS
    else:
        zone.name_servers = zones.public_name_servers(_free_shard(store, zone))
    return zones.to_api(store.add_zone(zone, zones.apex_rrsets(zone)).zone)


def _free_shard(store: Store, zone: ManagedZone) -> str:
    namesakes = (h.zone for h in store.hosted() if h.zone.visibility == "public" and h.zone.dns_name == zone.dns_name)
    return zones.free_shard(zone.dns_name, {namesake.name_servers for namesake in namesakes})


def _check_networks(service: Service, zone: ManagedZone) -> None:
    if len(zone.networks) > service.quota.networksPerManagedZone:
        raise ApiError(403, [assumptions.quota_exceeded("networks per managed zone")])
    for hosted in service.store.hosted():
        other = hosted.zone
        if other.id == zone.id or other.visibility != "private" or other.dns_name != zone.dns_name:
            continue
        shared = sorted(set(zone.networks) & set(other.networks))
        if shared:
            raise ApiError(400, [assumptions.network_taken(network, zone.dns_name) for network in shared])


def get(service: Service, call: Call) -> JsonObject:
    return zones.to_api(zone_of(service, call).zone)


def list_(service: Service, call: Call) -> JsonObject:
    project = project_of(call)
    dns_name = call.query.get("dnsName")
    if dns_name is not None and not dns_name.endswith("."):
        raise ApiError(400, [invalid("parameters.dnsName", dns_name)])
    after = decode_token(call.query, 1)
    found = sorted(
        (
            hosted.zone
            for hosted in service.store.hosted()
            if hosted.zone.project == project
            and (dns_name is None or hosted.zone.dns_name == dns_name.lower())
            and (after is None or hosted.zone.name > after[0])
        ),
        key=lambda zone: zone.name,
    )
    page, more = take(found, page_limit(call.query, service.page_size))
    answer: JsonObject = {
        "kind": "dns#managedZonesListResponse",
        "managedZones": [zones.to_api(zone) for zone in page],
    }
    if more:
        answer["nextPageToken"] = encode_token(page[-1].name)
    return answer


def delete(service: Service, call: Call) -> JsonObject:
    hosted = zone_of(service, call)
    apex = hosted.zone.dns_name
    if any(key.name != apex or key.type not in ("NS", "SOA") for key in hosted.zone.rrsets):
        raise ApiError(400, [container_not_empty(call.path["managedZone"])])
    service.store.delete_zone(hosted)
    return {}


def patch(service: Service, call: Call) -> JsonObject:
    return _modify(service, call, replace=False)


def update(service: Service, call: Call) -> JsonObject:
    return _modify(service, call, replace=True)


def _modify(service: Service, call: Call, *, replace: bool) -> JsonObject:
    hosted, store = zone_of(service, call), service.store
    patched = zones.patched(hosted.zone, call.body, replace=replace)
    _check_networks(service, patched)
    operation: dict[str, Any] = {
        "kind": "dns#operation",
        "id": call.query.get("clientOperationId") or str(uuid.uuid4()),
        "startTime": rfc3339(store.clock()),
        "status": "done",
        "type": "UPDATE",
        "user": "anonymous@localcloud",
        "zoneContext": {"oldValue": zones.to_api(hosted.zone), "newValue": zones.to_api(patched)},
    }
    store.update_zone(hosted, patched, operation)
    return operation


def get_operation(service: Service, call: Call) -> JsonObject:
    name = call.path["operation"]
    for operation in zone_of(service, call).operations:
        if operation["id"] == name:
            return operation
    raise ApiError(404, [not_found("parameters.operation", name)])


def list_operations(service: Service, call: Call) -> JsonObject:
    hosted = zone_of(service, call)
    order = call.query.get("sortBy", "startTime")
    if order not in ("startTime", "id"):
        raise ApiError(400, [invalid("parameters.sortBy", order)])
    found = sorted(hosted.operations, key=itemgetter("id")) if order == "id" else hosted.operations
    after = decode_token(call.query, 1)
    if after is not None:
        start = next((n for n, operation in enumerate(found, 1) if operation["id"] == after[0]), len(found))
        found = found[start:]
    page, more = take(found, page_limit(call.query, service.page_size))
    answer: JsonObject = {"kind": "dns#managedZoneOperationsListResponse", "operations": page}
    if more:
        answer["nextPageToken"] = encode_token(page[-1]["id"])
    return answer


METHODS = (
    Method("dns.projects.get", "GET", PROJECT_PATH, get_project),
    Method("dns.managedZones.create", "POST", PROJECT_PATH + "/managedZones", create),
    Method("dns.managedZones.list", "GET", PROJECT_PATH + "/managedZones", list_),
    Method("dns.managedZones.get", "GET", ZONE_PATH, get),
    Method("dns.managedZones.delete", "DELETE", ZONE_PATH, delete),
    Method("dns.managedZones.patch", "PATCH", ZONE_PATH, patch),
    Method("dns.managedZones.update", "PUT", ZONE_PATH, update),
    Method("dns.managedZoneOperations.list", "GET", ZONE_PATH + "/operations", list_operations),
    Method("dns.managedZoneOperations.get", "GET", ZONE_PATH + "/operations/{operation}", get_operation),
)
