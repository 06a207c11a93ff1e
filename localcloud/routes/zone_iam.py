"""IAM of one managed zone: get, set, test."""

from __future__ import annotations

from localcloud import iam
from localcloud.admission import resources_of
from localcloud.calls import ZONE_PATH, Call, JsonObject, Method, Service, project_of, zone_of


def get_policy(service: Service, call: Call) -> JsonObject:
    version = iam.requested_version(call.body)
    return service.store.policy(zone_of(service, call).resource).to_api(version)


def set_policy(service: Service, call: Call) -> JsonObject:
    resource = zone_of(service, call).resource
    policy = iam.replace(service.store.policy(resource), call.body, level="zone")
    service.store.set_policy(resource, policy)
    return policy.to_api()


def check_permissions(service: Service, call: Call) -> JsonObject:
    """What the caller may do; for a zone that is not there Google answers an empty set, not 404."""
    asked = iam.permissions_asked(call.body)
    granted = service.authority.granted(call.authorization, asked, resources_of(service, call))
    exists = service.store.find(project_of(call), call.path["managedZone"]) is not None
    return {"permissions": granted} if exists and granted else {}


METHODS = (
    Method("dns.managedZones.getIamPolicy", "POST", ZONE_PATH + ":getIamPolicy", get_policy),
    Method("dns.managedZones.setIamPolicy", "POST", ZONE_PATH + ":setIamPolicy", set_policy),
    Method("dns.managedZones.testIamPermissions", "POST", ZONE_PATH + ":testIamPermissions", check_permissions),
)
