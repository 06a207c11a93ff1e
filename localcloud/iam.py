"""IAM policies of projects and zones: the read-modify-write cycle with its etag, and what a policy may say."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from localcloud import assumptions
from localcloud.errors import concurrent_policy_change, invalid_argument

Level = Literal["project", "zone"]

MAX_PRINCIPALS = 1_500
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_WORKLOAD_POOL = re.compile(r"[^\s@\[\]]+\.svc\.id\.goog\[[^/\]]+/[^/\]]+\]")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+", re.IGNORECASE)
_ROLE = re.compile(r"(?:roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[A-Za-z0-9_.]+")
_PERMISSION = re.compile(r"[a-z0-9]+(?:\.[A-Za-z0-9]+){2,}", re.IGNORECASE)
_ACCOUNT_KINDS = {"user": "User", "group": "Group", "serviceAccount": "Service account"}
_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


@dataclass(frozen=True, slots=True)
class Binding:
    """A role, its condition (the API's Expr) if any, and its members."""

    role: str
    members: tuple[str, ...]
    condition: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a resource stores; `etag` is base64 and changes with every write.

    :param audit_configs: the API's AuditConfigs as they were sent; nothing is logged for them.
    """

    bindings: tuple[Binding, ...] = ()
    etag: str = assumptions.EMPTY_ETAG
    audit_configs: tuple[Mapping[str, Any], ...] = ()

    @property
    def version(self) -> int:
        return 3 if any(binding.condition for binding in self.bindings) else 1

    def to_api(self, requested_version: int = 3) -> dict[str, Any]:
        """The policy as read with `requestedPolicyVersion`; an empty policy has no `bindings` key, as with Google."""
        conditions_visible = requested_version >= 3
        bindings = [_binding_to_api(binding, conditions_visible) for binding in self.bindings]
        policy: dict[str, Any] = {"version": self.version if conditions_visible else 1, "etag": self.etag}
        if bindings:
            policy["bindings"] = bindings
        if self.audit_configs:
            policy["auditConfigs"] = [dict(config) for config in self.audit_configs]
        return policy


def _binding_to_api(binding: Binding, conditions_visible: bool) -> dict[str, Any]:
    resource: dict[str, Any] = {"role": binding.role, "members": list(binding.members)}
    if binding.condition is None:
        return resource
    if conditions_visible:
        resource["condition"] = dict(binding.condition)
    else:
        # An old reader sees that there is a condition and cannot write it back by mistake.
        digest = hashlib.sha256(repr(sorted(binding.condition.items())).encode()).hexdigest()[:20]
        resource["role"] = f"{binding.role}_withcond_{digest}"
    return resource


def policy_from_api(resource: Mapping[str, Any]) -> Policy:
    """The stored form of `Policy.to_api()`, read back; not for what callers send."""
    return Policy(
        bindings=tuple(
            Binding(binding["role"], tuple(binding["members"]), binding.get("condition"))
            for binding in resource.get("bindings", ())
        ),
        etag=resource["etag"],
        audit_configs=tuple(resource.get("auditConfigs", ())),
    )


def requested_version(body: Mapping[str, Any]) -> int:
    """`options.requestedPolicyVersion` of a getIamPolicy body: 0, 1 or 3. Raises ApiError 400 otherwise."""
    options = body.get("options") or {}
    version = options.get("requestedPolicyVersion", 0) if isinstance(options, Mapping) else None
    if version not in (0, 1, 3):
        raise invalid_argument("Requested policy version must be 0, 1 or 3.")
    return int(version)


def replace(current: Policy, body: Mapping[str, Any], *, level: Level) -> Policy:
    """The policy that a setIamPolicy body makes of `current`.

    Raises ApiError 409 when the etag sent is stale (without an etag the write is blind), 400 for a policy that is not
    acceptable.
    """
    sent = body.get("policy")
    if not isinstance(sent, Mapping):
        raise invalid_argument("The 'policy' field is required.")
    # Audit configurations come and go by the mask alone; a writer that knows of none leaves them as they are.
    mask = {path.strip() for path in str(body.get("updateMask") or "bindings,etag").split(",")}
    etag = sent.get("etag")
    if etag and etag != current.etag:
        raise concurrent_policy_change()
    version = sent.get("version", 0)
    if version not in (0, 1, 3):
        raise invalid_argument(f"Invalid policy version: {version}.")
    bindings = _bindings(sent.get("bindings") or [], level=level)
    if version != 3 and any(binding.condition for binding in bindings):
        raise invalid_argument("The policy version must be 3 when a role binding has a condition.")
    members = sum(len(binding.members) for binding in bindings)
    if members > MAX_PRINCIPALS:
        raise invalid_argument(
            f"The number of members in the policy ({members:,}) is larger than the maximum allowed size"
            f" {MAX_PRINCIPALS:,}."
        )
    return Policy(
        bindings if "bindings" in mask else current.bindings,
        base64.b64encode(secrets.token_bytes(8)).decode(),
        _audit_configs(sent.get("auditConfigs") or []) if "auditConfigs" in mask else current.audit_configs,
    )


def _audit_configs(sent: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(sent, list) or not all(isinstance(config, Mapping) and config.get("service") for config in sent):
        raise invalid_argument("Invalid value at 'policy.audit_configs'.")
    return tuple(sent)


def _bindings(sent: object, *, level: Level) -> tuple[Binding, ...]:
    """Bindings of one role and condition merged, without the empty ones, sorted by role."""
    if not isinstance(sent, list):
        raise invalid_argument("Invalid value at 'policy.bindings'.")
    merged: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, None]] = {}
    for binding in sent:
        role = binding.get("role") if isinstance(binding, Mapping) else None
        if not isinstance(role, str) or _ROLE.fullmatch(role) is None or "_withcond_" in role:
            raise invalid_argument(f"Role {role} is not supported for this resource.")
        condition = _condition(binding.get("condition"))
        members = binding.get("members") or []
        if not isinstance(members, list):
            raise invalid_argument("Invalid value at 'policy.bindings.members'.")
        known = merged.setdefault((role, condition), {})
        known.update(dict.fromkeys(_member(member, level=level) for member in members))
    return tuple(
        Binding(role, tuple(members), dict(condition) or None)
        for (role, condition), members in sorted(merged.items(), key=lambda item: item[0])
        if members
    )


def _condition(sent: object) -> tuple[tuple[str, str], ...]:
    if not sent:
        return ()
    if not isinstance(sent, Mapping) or not isinstance(sent.get("expression"), str) or not sent["expression"]:
        raise invalid_argument("A condition must have an expression.")
    fields = ("title", "description", "expression", "location")
    return tuple((field, str(sent[field])) for field in fields if sent.get(field))


def _member(sent: object, *, level: Level) -> str:
    """One member in the spelling that is stored: e-mail forms in lower case. Raises ApiError 400."""
    member = sent if isinstance(sent, str) else ""
    if member in _EVERYBODY:
        if level == "project":
            raise invalid_argument(f"Members {member} are not allowed in the policy of a project.")
        return member
    kind, colon, value = member.partition(":")
    if not colon or not value:
        raise invalid_argument('Policy members must be of the form "<type>:<value>".')
    if kind == "serviceAccount" and _WORKLOAD_POOL.fullmatch(value):
        return member
    if kind in _ACCOUNT_KINDS:
        if _EMAIL.fullmatch(value) is None:
            raise invalid_argument(f"Invalid principal {member}: an e-mail address is needed.")
        if value.lower().startswith(assumptions.NO_SUCH_ACCOUNT_PREFIX):
            raise invalid_argument(f"{_ACCOUNT_KINDS[kind]} {value} does not exist.")
        return f"{kind}:{value.lower()}"
    if kind == "domain" and _DOMAIN.fullmatch(value):
        return f"{kind}:{value.lower()}"
    if kind in ("principal", "principalSet") and value.startswith("//"):
        return member
    if kind == "deleted" and "?uid=" in value:
        return member
    raise invalid_argument(f"The member {member} is of an unknown type. Please set a valid type prefix for the member.")


def permissions_asked(body: Mapping[str, Any]) -> list[str]:
    """The permissions of a testIamPermissions body. Raises ApiError 400 for a wildcard or something else."""
    permissions = body.get("permissions") or []
    if not isinstance(permissions, list):
        raise invalid_argument("Invalid value at 'permissions'.")
    for permission in permissions:
        if not isinstance(permission, str) or _PERMISSION.fullmatch(permission) is None:
            raise invalid_argument(f"Permission {permission} is not valid for this resource.")
    return permissions
