"""An owner's names in a zone: plan, claim, write and release them for a `Holder`.

The operators come in here; `mldns.hooks.cloud_dns` has the same with plain keywords, for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mldns.hooks import _validation
from mldns.hooks._access import PROJECT, ZoneAccess, project_default
from mldns.hooks._validation import Record
from mldns.messages import timestamp
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import Manifest
from mldns.plan.plan import DEFAULT_POLICY, Plan, parse_policy
from mldns.providers.changes import Progress, wait_until_settled
from mldns.providers.editor import ZoneEditor
from mldns.records.rrset import RRset

DONE_TIMEOUT = 300.0
"""Seconds until a change must be `done`; Google was seen to need two, AWS says a minute."""

_NAMES_SHOWN = 5


class NamesHook(ZoneAccess):
    """What a holder may do to an owner's names; results and errors are those of `CloudDNSHook`."""

    @project_default
    def plan_names(
        self,
        *,
        holder: Holder,
        zone: str,
        records: Iterable[Record],
        policy: str = DEFAULT_POLICY,
        project_id: str = PROJECT,
    ) -> Plan:
        """Return what `write_names` would do now; nothing is written.

        :param holder: who asks, and on what terms.
        :param zone: name or id of the managed zone.
        :param records: API mappings or rrsets.
        :param policy: one of `mldns.plan.plan.POLICIES`.
        :raises ClaimRefused: somebody else holds the owner's names.
        """
        policy = parse_policy(policy)
        editor, wanted = self._wanted(project_id, zone, records)
        return editor.plan(wanted, holder, policy)

    @project_default
    def write_names(
        self,
        *,
        holder: Holder,
        zone: str,
        records: Iterable[Record],
        policy: str = DEFAULT_POLICY,
        digest: str | None = None,
        wait: bool = True,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Bring the owner's records to `records`: `CloudDNSHook.apply`; arguments as of `plan_names`.

        :param digest: refuse when the plan is not the reviewed one.
        :param wait: until the cloud says `done`.
        """
        policy, wait = parse_policy(policy), _validation.flag(wait, "wait")
        editor, wanted = self._wanted(project_id, zone, records)
        applied = editor.upsert(wanted, holder, policy, reviewed=digest)
        plan, progress = applied.plan, applied.progress
        result = held(zone, holder, applied.manifest) | {
            "created": progress.created,
            "changed": progress.changed,
            "deleted": progress.deleted,
            "unchanged": len(plan.unchanged) + len(plan.skipped),
            "names": plan.names()[:_NAMES_SHOWN],
            "digest": plan.digest,
            "changes": progress.changes,
        }
        return result | _finish(editor, progress, wait=wait)

    @project_default
    def claim_names(
        self,
        *,
        holder: Holder,
        zone: str,
        records: Iterable[Record],
        wait: bool = False,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Write the owner's manifest alone; see `CloudDNSHook.claim` for what is returned.

        :param records: as all other arguments, as of `write_names`.
        """
        wait = _validation.flag(wait, "wait")
        editor, wanted = self._wanted(project_id, zone, records)
        claimed = editor.claim(wanted, holder)
        names = {name for name, _ in claimed.manifest.covered} if claimed.manifest else set()
        result = held(zone, holder, claimed.manifest) | {"names": len(names)}
        return result | _finish(editor, claimed.progress, wait=wait)

    @project_default
    def release_names(
        self, *, holder: Holder, zone: str, wait: bool = True, project_id: str = PROJECT
    ) -> dict[str, Any]:
        """Remove what the holder's lease wrote; see `CloudDNSHook.delete_records` for what is returned.

        :param holder: as all arguments, as of `write_names`.
        """
        wait = _validation.flag(wait, "wait")
        editor = self.zone_editor(project_id, zone)
        done = editor.release(holder)
        return {
            "zone": zone,
            "dns_name": editor.zone.dns_name,
            "owner": holder.owner,
            "deleted": done.progress.deleted,
            "released": done.overtaken_by is None,
            "overtaken_by": done.overtaken_by,
        } | _finish(editor, done.progress, wait=wait)

    def _wanted(self, project_id: str, zone: str, records: Iterable[Record]) -> tuple[ZoneEditor, list[RRset]]:
        """An editor of the zone, and the records checked: as far as possible before the zone is asked for."""
        rows = _validation.rows(records)
        editor = self.zone_editor(project_id, zone)
        return editor, _validation.desired(rows, editor.zone.dns_name)


def held(zone: str, holder: Holder, manifest: Manifest | None) -> dict[str, Any]:
    """Return what is claimed now, by whom and for how long, as JSON.

    :param zone: its name, as the caller gave it.
    :param manifest: the owner's as it stands; None where there is none.
    :return: `{"zone", "owner", "lease", "generation", "expires"}`; the last two may be None.
    """
    ends = manifest.expires if manifest else None
    return {
        "zone": zone,
        "owner": holder.owner,
        "lease": holder.lease,
        "generation": manifest.generation if manifest else None,
        "expires": None if ends is None else timestamp(ends),
    }


def _finish(editor: ZoneEditor, progress: Progress, *, wait: bool) -> dict[str, Any]:
    """The id of the last change that was sent, None for none, and its status; waited for where that is asked.

    A call that found nothing to send waits, too: it may be the retry of one that died before its last `done`.
    """
    status = progress.status
    if wait:
        settled = wait_until_settled(editor.provider, editor.zone, progress.last_id, timeout=DONE_TIMEOUT)
        status = settled or status
    return {"change_id": progress.last_id, "status": status.value}
