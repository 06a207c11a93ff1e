"""What Google's refusals mean: HTTP errors become mldns exceptions with one line that names the way out.

The bodies and where they were seen are listed in the stand-in's documentation. Two spellings of an entity path exist,
`entity.change.additions[0]` and, from newer servers, `entity.change.additions[n.][A]`; both are read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import google.auth.exceptions
from google.api_core import exceptions as api_exceptions

from mldns.exceptions import CloudUnavailable, MldnsError, PermissionMissing, QuotaShort, ZoneNotFound
from mldns.messages import shorten
from mldns.plan.batches import Change
from mldns.providers.errors import AlreadyExists, ApiRefused, Call, PolicyMoved, UnknownMember, ZoneMoved
from mldns.providers.gcp.failures import describe, message_of, reason_of, transient
from mldns.records.names import Key

_PATH = re.compile(r"entity\.change\.(additions|deletions)\[([^\]]*)\](?:\[([A-Za-z0-9]+)\])?")
_NAMED = re.compile(r"named '(\S+) \(([A-Za-z0-9]+)\)'")
_PERMISSION = re.compile(
    r"\b((?:dns|resourcemanager|iam|compute|container|serviceusage)\.(?!googleapis\b)[a-z]\w*\.[a-z]\w*)\b"
)
_OTHER_THAN_ZONE = re.compile(r"entity\.change\.|parameters\.changeId")
_NO_SUCH_MEMBER = re.compile(r"(?:Service account|User|Group|Domain) (\S+) does not exist")

# Cloud DNS says no more than "Forbidden" (terraform-provider-google 8915, 9468), so the method has to tell.
_PERMISSIONS: Mapping[str, str] = {
    "projects.get": "dns.projects.get",
    "resourceRecordSets.list": "dns.resourceRecordSets.list",
    "changes.create": "dns.changes.create (with dns.resourceRecordSets.create, update and delete)",
    "projects.getIamPolicy": "resourcemanager.projects.getIamPolicy",
    "projects.setIamPolicy": "resourcemanager.projects.setIamPolicy",
    "compute.instances.aggregatedList": "compute.instances.list",
    "compute.instanceGroupManagers.listManagedInstances": "compute.instanceGroupManagers.get",
    "compute.regionInstanceGroupManagers.get": "compute.instanceGroupManagers.get",
    "compute.regionInstanceGroupManagers.listManagedInstances": "compute.instanceGroupManagers.get",
    "projects.testIamPermissions": "resourcemanager.projects.get",
}


def translate(
    error: api_exceptions.GoogleAPICallError | google.auth.exceptions.GoogleAuthError | OSError,
    call: Call,
    change: Change | None = None,
) -> MldnsError:
    """The mldns exception for what a client library raised (the exceptions of requests are OSErrors).

    :param change: what was sent, to turn the positions in an error into names.
    """
    if isinstance(error, api_exceptions.GoogleAPICallError):
        return _of_status(error, call, change)
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return MldnsError(f"{call}: the connection's credentials do not work: {describe(error)}")
    return CloudUnavailable(f"{call} failed with {describe(error)}")


def _of_status(error: api_exceptions.GoogleAPICallError, call: Call, change: Change | None) -> MldnsError:
    if error.code in (401, 403):
        return _denied(error, call)
    if error.code in (404, 409, 412):
        return _not_as_expected(error, call, change)
    if transient(error):
        return CloudUnavailable(f"{call} failed with {describe(error)}")
    return _invalid(error, call, change)


def _not_as_expected(error: api_exceptions.GoogleAPICallError, call: Call, change: Change | None) -> MldnsError:
    """Something is missing, taken, or not what it was when it was read."""
    status, reason, message = int(error.code or 0), reason_of(error), message_of(error)
    if status == 404 and call.zone and not _OTHER_THAN_ZONE.search(message):
        return ZoneNotFound(call.zone, call.project)
    if call.method == "changes.create":
        refusal = ApiRefused(call, status=status, reason=reason, message=message)
        return ZoneMoved(str(refusal), keys=named_keys(error, change))
    if status != 404 and call.method.endswith("etIamPolicy"):
        return PolicyMoved(call, status=status, reason=reason, message=message)
    kind = AlreadyExists if status == 409 else ApiRefused
    return kind(call, status=status, reason=reason, message=message)


def _invalid(error: api_exceptions.GoogleAPICallError, call: Call, change: Change | None) -> MldnsError:
    """The call itself is wrong, or the server does not know it."""
    status, reason, message = int(error.code or 0), reason_of(error), message_of(error)
    if missing := _NO_SUCH_MEMBER.search(message):
        return UnknownMember(call, member=missing.group(1), status=status, reason=reason, message=message)
    if keys := named_keys(error, change):
        message = f"{message} ({shorten([' '.join(key) for key in keys])})"
    return ApiRefused(call, status=status, reason=reason, message=message)


def named_keys(error: api_exceptions.GoogleAPICallError, change: Change | None) -> tuple[Key, ...]:
    """The rrsets that an error body names, by position in the sent change or by name and type; each once."""
    entries = [entry for entry in error.errors or () if isinstance(entry, Mapping)]
    texts = [str(entry.get("message", "")) for entry in entries] or [message_of(error)]
    keys: dict[Key, None] = {}
    for text in texts:
        for side, place, kind in _PATH.findall(text):
            if kind:
                keys[place, kind] = None
            elif named := _NAMED.search(text):
                keys[named.group(1), named.group(2)] = None
            elif change is not None and place.isdecimal():
                sent = change.additions if side == "additions" else change.deletions
                if int(place) < len(sent):
                    keys[sent[int(place)].key] = None
    return tuple(keys)


def _denied(error: api_exceptions.GoogleAPICallError, call: Call) -> MldnsError:
    """No credentials, no permission, no quota, or the API is switched off: Google says 403 to most of it."""
    reason, message = reason_of(error), message_of(error)
    if error.code == 401:
        return MldnsError(f"{call}: Google does not accept the connection's credentials (401): {message}")
    if reason == "quotaExceeded" or "exceed quota" in message:
        entries = [entry for entry in error.errors or () if isinstance(entry, Mapping)]
        limits = [str(entry.get("message", "")).removesuffix(".") for entry in entries]
        return QuotaShort(f"{call}: {shorten(limits or [message])}; ask Google for more quota, or ask for less at once")
    if reason in ("accessNotConfigured", "SERVICE_DISABLED"):
        return ApiRefused(call, status=403, reason=reason, message=message)
    named = _PERMISSION.search(message)
    return PermissionMissing(
        permission=named.group(1) if named else _permission(call),
        resource=call.resource,
        detail="" if message.lower() in ("forbidden", "") else message,
    )


def _permission(call: Call) -> str:
    """The permission that Google asks for."""
    if call.method.startswith(("compute.", "container.")):
        return _PERMISSIONS.get(call.method, call.method)
    return _PERMISSIONS.get(call.method, f"dns.{call.method}")
