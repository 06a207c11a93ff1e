"""Operators on IAM: give a role on a zone or project, and take it back. Always additive, scope always said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.operators.base import CloudDNSOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class _IamOperator(CloudDNSOperator):
    """What giving and taking have in common.

    :param role: such as `roles/dns.admin`.
    :param members: such as `serviceAccount:name@project.iam.gserviceaccount.com`.
    :param scope: `zone` or `project`.
    :param zone: name of the managed zone; needed with scope `zone`, and for recording the grant under `job`.
    :param job: the job in whose manifest the grant is recorded; none by default.
    :param condition: an IAM condition, `{"title", "expression", "description"}`.
    """

    template_fields: Sequence[str] = (
        *CloudDNSOperator.template_fields,
        "role",
        "members",
        "scope",
        "zone",
        "job",
        "condition",
    )

    def __init__(
        self,
        *,
        role: str,
        members: Sequence[str] | str,
        scope: str,
        zone: str | None = None,
        job: str | None = None,
        condition: Mapping[str, str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.role = role
        self.members = members
        self.scope = scope
        self.zone = zone
        self.job = job
        self.condition = condition

    def _request(self) -> dict[str, Any]:
        return {
            "role": self.role,
            "members": arguments.texts(self.members, "members"),
            "scope": self.scope,
            "zone": arguments.text(self.zone) or None,
            "owner": arguments.text(self.job) or None,
            "condition": arguments.mapping(self.condition, "condition"),
            "project_id": self.project,
        }


class CloudDNSBindIamOperator(_IamOperator):
    """Add members to a role; other members, bindings and conditions stay as they are.

    Without members there is nothing to do and the task succeeds, saying so: skipping it would skip everything behind
    it too, a training included.

    Returns `{"scope", "resource", "role", "added", "already", "proof"}`.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        result = self.hook.bind_iam(**self._request())
        self.log.info("IAM: %s", result)
        return dict(result)


class CloudDNSUnbindIamOperator(_IamOperator):
    """Remove members from a role; others stay. Members that do not have it are reported, not an error.

    Returns `{"removed", "absent"}`.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        result = self.hook.unbind_iam(**self._request())
        self.log.info("IAM: %s", result)
        return dict(result)
