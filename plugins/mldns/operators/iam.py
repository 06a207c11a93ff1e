"""Operators on IAM: give a role on a zone or project, and take it back. Additive unless asked for otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.tasks.base import CloudDNSOperator

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

    :param authoritative: take the role, under this condition, from everybody else: `removals` has to name them.
    :param removals: members that may lose the role, as a `dry_run` told them; whoever else would, fails the task.
    :param dry_run: only say who would come and who would go.
    :param wait: wait until Google enforces the grant, where that can be proven by impersonating the members.
    :param wait_seconds: for at most so long; that it is over fails nothing.
    :param prove_with: permissions of the role by which to tell; needed for all roles but dns.admin and dns.reader.

    Returns `{"scope", "resource", "role", "added", "already", "proof"}`, an authoritative one also `removed`, one that
    waited also `proven` and `unproven`; a dry run `{…, "adds", "already", "removes", "held_by", "dry_run"}`.
    """

    template_fields: Sequence[str] = (
        *_IamOperator.template_fields,
        "authoritative",
        "removals",
        "plan_only",
        "wait",
        "wait_seconds",
        "prove_with",
    )

    def __init__(
        self,
        *,
        authoritative: bool | str = False,
        removals: Sequence[str] | str | None = None,
        dry_run: bool | str = False,
        wait: bool | str = False,
        wait_seconds: float | str | None = None,
        prove_with: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.authoritative = authoritative
        self.removals = removals
        self.plan_only = dry_run  # `self.dry_run` would hide BaseOperator.dry_run()
        self.wait = wait
        self.wait_seconds = wait_seconds
        self.prove_with = prove_with

    def execute(self, context: Context) -> dict[str, Any]:
        request = self._request() | {
            "authoritative": arguments.flag(self.authoritative, "authoritative"),
            "removals": arguments.texts(self.removals, "removals"),
            "dry_run": arguments.flag(self.plan_only, "dry_run"),
            "wait": arguments.flag(self.wait, "wait"),
            "prove_with": arguments.texts(self.prove_with, "prove_with") or None,
        }
        patience = arguments.seconds(self.wait_seconds, "wait_seconds")
        result = self.hook.bind_iam(**request, **({} if patience is None else {"wait_seconds": patience}))
        self.log.info("IAM: %s", result)
        return dict(result)


class CloudDNSUnbindIamOperator(_IamOperator):
    """Take a role from members, as far as no other job holds it; others stay.

    With `job`, only what that job granted goes. Members that do not have the role are reported, not an error.

    Returns `{"removed", "absent", "kept"}`, and `held_by` with the jobs for whose sake members were kept.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        result = self.hook.unbind_iam(**self._request())
        self.log.info("IAM: %s", result)
        return dict(result)
