"""localcloud's own controls, under `/_localcloud/`; Google has no such thing."""

from __future__ import annotations

from localcloud.calls import Call, JsonObject, Method, Service


def stats(service: Service, _call: Call) -> JsonObject:
    return dict(service.stats.to_json())


def reset(service: Service, _call: Call) -> JsonObject:
    """Back to an empty cloud: zones, policies, call counts, faults, quotas, and what name servers know and cache."""
    service.store.reset()
    service.stats.clear()
    service.faults.clear()
    service.restore_limits()
    for forget in service.on_reset:
        forget()
    return {}


METHODS = (
    Method("localcloud.stats", "GET", "/_localcloud/stats", stats),
    Method("localcloud.reset", "POST", "/_localcloud/reset", reset),
)
