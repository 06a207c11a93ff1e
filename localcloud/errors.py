"""Google's error answers, word for word.

Cloud DNS and Resource Manager answer with the same envelope; only Resource Manager adds `status`. Clients match on
`reason` and, for want of anything better, on the path inside the message, so the texts here are part of the interface.
A text that nobody has seen Google send lives in `assumptions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of `error.errors[]`."""

    reason: str
    message: str


class ApiError(Exception):
    """An answer other than 200: its HTTP code, one problem or more, and Resource Manager's `status`."""

    def __init__(self, code: int, problems: Sequence[Problem], *, status: str | None = None) -> None:
        super().__init__(problems[0].message)
        self.code = code
        self.problems = tuple(problems)
        self.status = status
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The JSON body; its `message` is that of the first problem, as Google does."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.problems[0].message,
            "errors": [{"message": p.message, "domain": "global", "reason": p.reason} for p in self.problems],
        }
        if self.status is not None:
            error["status"] = self.status
        return {"error": error}


def invalid(path: str, value: object) -> Problem:
    """Say that a value is wrong whatever the server holds; `path` is e.g. `entity.change.additions[0].name`."""
    return Problem("invalid", f"Invalid value for '{path}': '{value}'")


def required(path: str) -> Problem:
    return Problem("required", f"The '{path}' parameter is required but was missing.")


def already_exists(path: str, name: str) -> Problem:
    return Problem("alreadyExists", f"The resource '{path}' named '{name}' already exists")


def not_found(path: str, name: str) -> Problem:
    return Problem("notFound", f"The '{path}' resource named '{name}' does not exist.")


def condition_not_met(path: str) -> Problem:
    return Problem("conditionNotMet", f"Precondition not met for '{path}'")


def immutable_field(path: str) -> Problem:
    return Problem("immutableField", f"The field '{path}' cannot be modified.")


def container_not_empty(name: str) -> Problem:
    return Problem(
        "containerNotEmpty",
        f"The resource named '{name}' cannot be deleted because it contains one or more 'resource records'.",
    )


def zone_apex(path: str, type_: str) -> Problem:
    return Problem(
        "invalidZoneApex",
        f"The resource record set '{path}' is invalid because a zone must contain exactly one resource record set"
        f" of type '{type_}' at the apex.",
    )


def cname_conflict(path: str, name: str, other_type: str) -> Problem:
    return Problem(
        "cnameResourceRecordSetConflict",
        f"The resource record set '{path}' is invalid because the DNS name '{name}' has a resource record set of the"
        f" type '{other_type}'. A DNS name may have either one CNAME resource record set or resource record sets of"
        " other types, but not both.",
    )


def record_count(path: str, type_: str) -> Problem:
    return Problem(
        "invalidRecordCount",
        f"The resource record set '{path}' is only permitted to have one record because it is of type '{type_}'.",
    )


def dns_name_not_available(dns_name: str) -> Problem:
    return Problem(
        "managedZoneDnsNameNotAvailable",
        f"The domain '{dns_name}' (or its child domains) may be reserved or registered already, prohibited by policy,"
        " or there may be no DNS name server shards remaining for the name. For more information see"
        " https://cloud.google.com/dns/quotas#nameserver_limits.",
    )


def zone_not_found(zone: str) -> ApiError:
    return ApiError(404, [not_found("parameters.managedZone", zone)])


def not_implemented(what: str) -> ApiError:
    """Refuse what localcloud does not do, which Google would."""
    return ApiError(501, [Problem("notImplemented", f"localcloud does not implement {what}.")], status="UNIMPLEMENTED")


def bad_instance_filter(text: str) -> ApiError:
    """Compute Engine's 400 to a filter that it cannot read (googleapis/google-api-go-client 815)."""
    return ApiError(
        400, [Problem("invalid", f"Invalid value for field 'filter': '{text}'. Invalid list filter expression.")]
    )


def resource_not_found(path: str) -> ApiError:
    """Compute Engine's 404; `path` is `projects/p/zones/z/instanceGroupManagers/g`."""
    return ApiError(404, [Problem("notFound", f"The resource '{path}' was not found")])


def invalid_argument(message: str) -> ApiError:
    """Resource Manager's and IAM's 400."""
    return ApiError(400, [Problem("badRequest", message)], status="INVALID_ARGUMENT")


def concurrent_policy_change() -> ApiError:
    """The etag sent is not the current one."""
    message = "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
    return ApiError(409, [Problem("aborted", message)], status="ABORTED")
