"""localcloud's own controls, under `/_localcloud/`; Google has no such thing."""

from __future__ import annotations

from localcloud.calls import Call, JsonObject, Method, Service
from localcloud.errors import not_implemented


def stats(service: Service, _call: Call) -> JsonObject:
    return dict(service.stats.to_json())


def reset(service: Service, _call: Call) -> JsonObject:
    """Back to an empty cloud: zones, policies, call counts, and what the name servers know and have cached."""
    service.store.reset()
    service.stats.clear()
    for forget in service.on_reset:
        forget()
    return {}


def faults(_service: Service, _call: Call) -> JsonObject:
    raise not_implemented("faults on demand (POST /_localcloud/faults)")


METHODS = (
    Method("localcloud.stats", "GET", "/_localcloud/stats", stats),
    Method("localcloud.reset", "POST", "/_localcloud/reset", reset),
    Method("localcloud.faults", "POST", "/_localcloud/faults", faults),
)
