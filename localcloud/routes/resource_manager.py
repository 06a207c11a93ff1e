"""Resource Manager v3 and v1, as far as a project's IAM policy needs it."""

from __future__ import annotations

from localcloud import iam
from localcloud.calls import Call, JsonObject, Method, Service, project_of
from localcloud.errors import ApiError, invalid_argument
from localcloud.projects import project_number

# Every project has always been there.
_CREATED = "2024-01-01T00:00:00.000Z"


def _project(call: Call) -> str:
    try:
        return project_of(call)
    except ApiError as error:
        raise invalid_argument(f"Invalid project: {call.path['project']}") from error


def _resource(call: Call) -> str:
    return f"projects/{_project(call)}"


def get_v3(service: Service, call: Call) -> JsonObject:
    project = _project(call)
    return {
        "name": f"projects/{project_number(project)}",
        "projectId": project,
        "displayName": project,
        "state": "ACTIVE",
        "createTime": _CREATED,
        "updateTime": _CREATED,
        "etag": service.store.policy(_resource(call)).etag,
    }


def get_v1(_service: Service, call: Call) -> JsonObject:
    project = _project(call)
    return {
        "projectNumber": str(project_number(project)),
        "projectId": project,
        "name": project,
        "lifecycleState": "ACTIVE",
        "createTime": _CREATED,
    }


def get_policy(service: Service, call: Call) -> JsonObject:
    version = iam.requested_version(call.body)
    return service.store.policy(_resource(call)).to_api(version)


def set_policy(service: Service, call: Call) -> JsonObject:
    resource = _resource(call)
    policy = iam.replace(service.store.policy(resource), call.body, level="project")
    service.store.set_policy(resource, policy)
    return policy.to_api()


def check_permissions(service: Service, call: Call) -> JsonObject:
    """What the caller may do."""
    asked = iam.permissions_asked(call.body)
    granted = service.authority.granted(call.authorization, asked, [_resource(call)])
    return {"permissions": granted} if granted else {}


METHODS = tuple(
    Method(f"cloudresourcemanager.projects.{name}", verb, f"/{version}/projects/{{project}}{suffix}", handler)
    for version, get in (("v3", get_v3), ("v1", get_v1))
    for name, verb, suffix, handler in (
        ("getIamPolicy", "POST", ":getIamPolicy", get_policy),
        ("setIamPolicy", "POST", ":setIamPolicy", set_policy),
        ("testIamPermissions", "POST", ":testIamPermissions", check_permissions),
        ("get", "GET", "", get),
    )
)
