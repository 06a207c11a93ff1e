"""What a call needs: permissions by its method and what it asks for, and scopes of its token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CHANGE = "dns.changes.create"
_RRSETS = "dns.resourceRecordSets."
_BIND_NETWORK = "dns.networks.bindPrivateDNSZone"

_PERMISSIONS: Final = {
    "dns.managedZones.patch": ("dns.managedZones.update",),
    "dns.managedZones.testIamPermissions": (),
    "dns.resourceRecordSets.create": (_CHANGE, _RRSETS + "create"),
    "dns.resourceRecordSets.patch": (_CHANGE, _RRSETS + "update"),
    "dns.resourceRecordSets.delete": (_CHANGE, _RRSETS + "delete"),
    "cloudresourcemanager.projects.testIamPermissions": (),
    "compute.instances.aggregatedList": ("compute.instances.list",),
    "compute.instanceGroupManagers.listManagedInstances": ("compute.instanceGroupManagers.get",),
    "compute.regionInstanceGroupManagers.get": ("compute.instanceGroupManagers.get",),
    "compute.regionInstanceGroupManagers.listManagedInstances": ("compute.instanceGroupManagers.get",),
    "container.projects.locations.clusters.get": ("container.clusters.get",),
    "iam.projects.serviceAccounts.testIamPermissions": (),
    # Asked account by account along the chain.
    "iamcredentials.projects.serviceAccounts.generateAccessToken": (),
}
_PREFIXES: Final = {
    "cloudresourcemanager.projects.": "resourcemanager.projects.",
    "iam.projects.serviceAccounts.": "iam.serviceAccounts.",
}

_AUTH: Final = "https://www.googleapis.com/auth/"
_EVERYTHING: Final = _AUTH + "cloud-platform"
_SCOPES: Final = {
    "dns": {_EVERYTHING, _AUTH + "ndev.clouddns.readwrite"},
    "cloudresourcemanager": {_EVERYTHING, _AUTH + "cloudplatformprojects"},
    "compute": {_EVERYTHING, _AUTH + "compute"},
    "container": {_EVERYTHING},
    "iam": {_EVERYTHING, _AUTH + "iam"},
    "iamcredentials": {_EVERYTHING, _AUTH + "iam"},
}
_READING: Final = {
    "dns": {_EVERYTHING + ".read-only", _AUTH + "ndev.clouddns.readonly"},
    "compute": {_EVERYTHING + ".read-only", _AUTH + "compute.readonly"},
    "container": {_EVERYTHING + ".read-only"},
    "cloudresourcemanager": {_EVERYTHING + ".read-only", _AUTH + "cloudplatformprojects.readonly"},
}


def permissions(method: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    """The permissions that a call of `method` (the id in the discovery document) needs."""
    if method == "dns.changes.create":
        return (_CHANGE, *sorted(_RRSETS + verb for verb in _edits(body)))
    known = _PERMISSIONS.get(method)
    if known is None:
        for prefix, other in _PREFIXES.items():
            if method.startswith(prefix):
                return (other + method.removeprefix(prefix),)
        known = (method,)
    if method.startswith("dns.managedZones.") and body.get("privateVisibilityConfig"):
        return (*known, _BIND_NETWORK)
    return known


def _edits(body: Mapping[str, Any]) -> set[str]:
    """What a change does: a set that is deleted and added is updated."""
    added, deleted = (_keys(body.get(side)) for side in ("additions", "deletions"))
    edits = {"create": added - deleted, "delete": deleted - added, "update": added & deleted}
    return {verb for verb, keys in edits.items() if keys}


def _keys(rrsets: object) -> set[tuple[str, str]]:
    sent = rrsets if isinstance(rrsets, list) else []
    return {(str(r.get("name")).lower(), str(r.get("type"))) for r in sent if isinstance(r, Mapping)}


def scopes(service: str, *, reads: bool) -> frozenset[str]:
    """The scopes of which a token for a call of this API must have one."""
    return frozenset(_SCOPES[service] | (_READING.get(service, set()) if reads else set()))
