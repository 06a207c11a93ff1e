"""What stands before every method: is the caller known, within its rate, permitted?"""

from __future__ import annotations

from localcloud.access import requirements
from localcloud.access.keys import account_project
from localcloud.calls import Call, Method, Service
from localcloud.errors import ApiError, Problem
from localcloud.route53.zones import ACCOUNT

# Whoever asks for a token has none, and a cluster has users and roles of its own.
_ADMITTED = frozenset({"oauth2", "sts", "kubernetes"})


def admit(service: Service, method: Method, call: Call) -> None:
    """Raise the ApiError with which the call is turned away before its method sees it: 401, 429, 403, in that order."""
    if method.service == "route53":
        _admit_to_aws(service)
        return
    authority = service.authority
    checked = authority.enforced and method.service not in _ADMITTED
    principal = authority.identify(call.authorization) if checked else None
    if "project" in call.path:
        service.rates.admit((method.service, call.path["project"]), service.limits.requests_per_minute)
    if principal is None:
        return
    authority.require_scope(principal, method.service, reads=method.verb == "GET")
    resources = resources_of(service, call)
    for permission in requirements.permissions(method.id, call.body):
        authority.require(principal, permission, method.service, resources)


def _admit_to_aws(service: Service) -> None:
    if service.authority.enforced:
        raise ApiError(403, [Problem("AccessDenied", "localcloud enforces Google's policies and knows none of AWS")])
    service.rates.admit_to_aws(ACCOUNT, service.limits.requests_per_second)


def resources_of(service: Service, call: Call) -> list[str]:
    """The resources whose policies speak of a call: the project, and the zone or the account in it, if it exists."""
    if "account" in call.path:
        project = account_project(call.path["account"])
        account = f"projects/-/serviceAccounts/{call.path['account'].lower()}"
        return [account] if project is None else [account, f"projects/{project}"]
    resources = [f"projects/{call.path['project']}"]
    if "managedZone" in call.path:
        hosted = service.store.find(call.path["project"], call.path["managedZone"])
        if hosted is not None:
            resources.append(hosted.resource)
    return resources
