"""The IAM half of the hook: who may edit a zone or a project."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.providers.google.common.hooks.base_google import PROVIDE_PROJECT_ID, GoogleBaseHook

from mldns import naming
from mldns.gcp import grants
from mldns.gcp.bindings import PolicyStore, ZonePolicy
from mldns.gcp.grants import GrantBook
from mldns.hooks import validation
from mldns.hooks.connection import ConnectionHook

project_default = GoogleBaseHook.fallback_to_default_project_id


class IamHook(ConnectionHook):
    """Bindings are additive, and their scope is always said."""

    @project_default
    def bind_iam(
        self,
        *,
        role: str,
        members: Iterable[str],
        scope: str,
        zone: str | None = None,
        owner: str | None = None,
        condition: Mapping[str, str] | None = None,
        project_id: str = PROVIDE_PROJECT_ID,
    ) -> dict[str, Any]:
        """Add members to a role; other members, bindings and conditions stay as they are.

        :param scope: "zone" or "project".
        :param zone: needed with scope "zone", and with `owner`.
        :param owner: the job in whose manifest the grants are recorded that this call makes.
        :param condition: `{"title", "expression"}` and perhaps "description".
        :return: `{"scope", "resource", "role", "added", "already", "proof"}`. Google enforces a grant minutes after it
            shows it, and only the member itself could prove it: hence "set, not proven".
        """
        grant = validation.grant(role, members, scope, condition, zone=zone, owner=owner)
        store = self._store(project_id, grant.scope, zone)
        result = {"scope": scope, "resource": store.resource, "role": role}
        if not grant.members:
            return result | {"added": [], "already": [], "proof": "nothing asked for", "skipped": True}
        book = self._book(project_id, zone, owner)
        added, already = grants.bind(store, grant, book, contention=self.patience.contention)
        return result | {"added": added, "already": already, "proof": "set, not proven"}

    @project_default
    def unbind_iam(
        self,
        *,
        role: str,
        members: Iterable[str],
        scope: str,
        zone: str | None = None,
        owner: str | None = None,
        condition: Mapping[str, str] | None = None,
        project_id: str = PROVIDE_PROJECT_ID,
    ) -> dict[str, Any]:
        """Take a role from members; arguments as of `bind_iam`.

        :return: `{"removed", "absent", "kept"}`; with `owner`, members that this job did not add are kept.
        """
        grant = validation.grant(role, members, scope, condition, zone=zone, owner=owner, removing=True)
        store = self._store(project_id, grant.scope, zone)
        book = self._book(project_id, zone, owner)
        removed, absent, kept = grants.unbind(store, grant, book, contention=self.patience.contention)
        return {"removed": removed, "absent": absent, "kept": kept}

    @project_default
    def test_iam_permissions(
        self,
        *,
        permissions: Iterable[str],
        scope: str,
        zone: str | None = None,
        project_id: str = PROVIDE_PROJECT_ID,
    ) -> list[str]:
        """Those of `permissions` that the *caller* has; it says nothing about anybody else."""
        validation.scope(scope, zone)
        asked = validation.permissions(permissions)
        return self._store(project_id, scope, zone).test(asked)

    def _store(self, project_id: str, scope: str, zone: str | None) -> PolicyStore:
        if scope == "zone" and zone is not None:
            return ZonePolicy(self.dns_client(project_id), zone)
        return self.project_policy(project_id)

    def _book(self, project_id: str, zone: str | None, owner: str | None) -> GrantBook | None:
        if owner is None or zone is None:
            return None
        return GrantBook(self.zone_editor(project_id, zone), naming.slug(owner))
