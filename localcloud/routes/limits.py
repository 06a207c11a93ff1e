"""`/_localcloud/quota`: what a project may hold and how often it may ask."""

from __future__ import annotations

from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.errors import ApiError, Problem

_PATH = "/_localcloud/quota"


def get(service: Service, _call: Call) -> JsonObject:
    return dict(service.limits.to_json())


def change(service: Service, call: Call) -> JsonObject:
    """Set the limits that the body names; what is over a limit already stays and may shrink."""
    try:
        service.limits = service.limits.changed(call.body)
    except ValueError as error:
        raise ApiError(400, [Problem("invalid", f"Invalid quota: {error}.")]) from error
    service.rates.clear()
    return get(service, call)


def restore(service: Service, call: Call) -> JsonObject:
    """Back to the command line's."""
    service.restore_limits()
    return get(service, call)


METHODS = (
    Method("localcloud.quota.get", "GET", _PATH, get),
    Method("localcloud.quota.set", "POST", _PATH, change),
    Method("localcloud.quota.restore", "DELETE", _PATH, restore),
)
