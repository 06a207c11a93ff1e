"""Service accounts: their policies (who may act as them), as in IAM's API, and keys for them."""

from __future__ import annotations

from localcloud import iam
from localcloud.access.keys import account_project, mint
from localcloud.admission import resources_of
from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.errors import ApiError, Problem, invalid_argument

_ACCOUNT = "/v1/projects/{accounts}/serviceAccounts/{account}"


def _resource(service: Service, call: Call) -> str:
    """The account's resource. Raises ApiError 404 when it does not exist."""
    account = call.path["account"]
    if account_project(account) is None:
        message = f"Unknown service account: {account}"
        raise ApiError(404, [Problem("notFound", message)], status="NOT_FOUND")
    return resources_of(service, call)[0]


def get_policy(service: Service, call: Call) -> JsonObject:
    sent = call.query.get("options.requestedPolicyVersion", "0")  # this API has it in the query
    version = iam.requested_version({"options": {"requestedPolicyVersion": int(sent) if sent.isdigit() else sent}})
    return service.store.policy(_resource(service, call)).to_api(version)


def set_policy(service: Service, call: Call) -> JsonObject:
    resource = _resource(service, call)
    policy = iam.replace(service.store.policy(resource), call.body, level="project")
    service.store.set_policy(resource, policy)
    return policy.to_api()


def check_permissions(service: Service, call: Call) -> JsonObject:
    asked = iam.permissions_asked(call.body)
    granted = service.authority.granted(call.authorization, asked, resources_of(service, call))
    return {"permissions": granted} if granted else {}


def create_key(service: Service, call: Call) -> JsonObject:
    """A new key file for `{"email": …}`; a control, so that a first caller can come by one."""
    email = call.body.get("email")
    if not isinstance(email, str) or account_project(email.lower()) is None:
        raise invalid_argument(
            f"{email!r} is not the address of a service account: NAME@PROJECT.iam.gserviceaccount.com"
        )
    key, file = mint(email.lower(), base_url=call.base_url)
    service.store.add_service_account_key(key)
    return dict(file)


METHODS = (
    Method("iam.projects.serviceAccounts.getIamPolicy", "POST", _ACCOUNT + ":getIamPolicy", get_policy),
    Method("iam.projects.serviceAccounts.setIamPolicy", "POST", _ACCOUNT + ":setIamPolicy", set_policy),
    Method(
        "iam.projects.serviceAccounts.testIamPermissions", "POST", _ACCOUNT + ":testIamPermissions", check_permissions
    ),
    Method("localcloud.keys", "POST", "/_localcloud/keys", create_key),
)
