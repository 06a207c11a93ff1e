"""`/_localcloud/faults`: make the next calls go wrong."""

from __future__ import annotations

from starlette.requests import Request

from localcloud.bodies import read_value
from localcloud.calls import Call, JsonObject, Method, Service

_PATH = "/_localcloud/faults"


async def _read_rules(request: Request) -> JsonObject:
    """One rule or a list of them, as `{"rules": [...]}`."""
    sent = await read_value(request, absent=None)
    return {"rules": sent if isinstance(sent, list) else [sent]}


def add(service: Service, call: Call) -> JsonObject:
    service.faults.add(call.body["rules"])
    return {"rules": service.faults.to_json()}


def list_(service: Service, _call: Call) -> JsonObject:
    return {"rules": service.faults.to_json()}


def clear(service: Service, _call: Call) -> JsonObject:
    """The rules go; a call that hangs already goes on hanging."""
    service.faults.clear()
    return {"rules": []}


METHODS = (
    Method("localcloud.faults.add", "POST", _PATH, add, _read_rules),
    Method("localcloud.faults.list", "GET", _PATH, list_),
    Method("localcloud.faults.clear", "DELETE", _PATH, clear),
)
