"""Bringing a zone to what an owner wants: read, decide, send, and again when somebody else wrote in between.

No journal is kept. A retry, a second writer, a killed task: the zone is read, planned anew, and the difference applied.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mldns import ownership
from mldns.batching import Change, Limits
from mldns.exceptions import (
    ChangeFailed,
    LeaseLost,
    MldnsError,
    OwnershipConflict,
    PermissionMissing,
    PlanChanged,
    QuotaShort,
    shorten,
)
from mldns.gcp.changes import send_change
from mldns.gcp.dns import DNSClient
from mldns.gcp.errors import Call, ZoneMoved, moved_meanwhile
from mldns.gcp.retry import RetryPolicy
from mldns.gcp.zone_reader import JobView, Neighbours, ZoneFacts, ZoneReader
from mldns.manifest import Manifest
from mldns.naming import manifest_name
from mldns.plan import DEFAULT_POLICY, Plan, compute_plan
from mldns.records import Key, RRset
from mldns.swaps import ManifestedChanges

log = logging.getLogger(__name__)

T = TypeVar("T")

CONTENTION = RetryPolicy(initial=0.2, maximum=5.0, deadline=120.0)
"""How long to read and plan again while others keep writing to the same names."""

# Below this the documented limits hold for every project, and asking for the live ones would cost a call.
_SMALL_PLAN = 100


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks for an owner's names, and on what terms (`mldns.ownership.take`).

    :param expires: when the lease ends, Unix seconds; None promises no end.
    :param adopt: take over from another claimant.
    :param lease_ended: the run behind the lease that holds the names now is known to be over.
    """

    owner: str
    claimant: str = ""
    lease: str = ""
    expires: int | None = None
    adopt: bool = False
    lease_ended: bool = False


@dataclass(slots=True)
class Progress:
    """What this call has made live so far, over all its tries."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    changes: int = 0
    last_id: str | None = None
    status: str = "done"
    missing: int = 0

    @property
    def live(self) -> int:
        return self.created + self.changed + self.deleted


@dataclass(frozen=True, slots=True)
class Applied:
    """The end of an edit: the first plan, the manifest that stands (None: none), and what was sent."""

    plan: Plan
    manifest: Manifest | None
    progress: Progress


@dataclass(frozen=True, slots=True)
class Released:
    """The end of a release; `overtaken_by` is the lease that holds the names now, when it is not the caller's."""

    overtaken_by: str | None
    progress: Progress


@dataclass(slots=True)
class ZoneEditor:
    """Edits one zone for one owner at a time.

    :param now: Unix seconds, for leases.
    """

    client: DNSClient
    facts: ZoneFacts
    retrying: RetryPolicy = field(default_factory=RetryPolicy)
    contention: RetryPolicy = CONTENTION
    now: Callable[[], float] = time.time

    def plan(self, desired: Sequence[RRset], holder: Holder, policy: str) -> Plan:
        """What `upsert` would do now, conflicts and their owners included; nothing is written.

        :raises ClaimRefused: somebody else holds the owner's names.
        :raises QuotaShort: the zone would outgrow the project's quota.
        """
        view, _, plan = self._retried(holder.owner, lambda: self._decide(desired, holder, policy))
        log.info("zone %s, owner %s, nothing written: %s", self.facts.name, holder.owner, plan.summary())
        if not plan.conflicts:
            self._limits(plan, view)
        return plan

    def upsert(self, desired: Sequence[RRset], holder: Holder, policy: str, *, reviewed: str | None = None) -> Applied:
        """Write what is missing or differs, in batches that each swap the manifest.

        :param reviewed: digest of the plan that was agreed to.
        :raises ClaimRefused: somebody else holds the owner's names.
        :raises OwnershipConflict: foreign records are in the way.
        :raises PlanChanged: the plan is not the reviewed one.
        :raises QuotaShort: the zone would outgrow the project's quota.
        :raises LeaseLost: another lease took the names over, or they were released, while this call was writing.
        :raises ChangeFailed: it stopped in the middle.
        """
        first: Plan | None = None
        progress = Progress()

        def decide() -> ManifestedChanges:
            nonlocal first
            view, claim, plan = self._decide(desired, holder, policy, progress)
            log.info("zone %s, owner %s: %s", self.facts.name, holder.owner, plan.summary())
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            if first is None and reviewed is not None and plan.digest != reviewed:
                raise PlanChanged(reviewed=reviewed, now=plan.digest, summary=plan.summary())
            first = first or plan
            return ownership.upsert_changes(
                plan,
                current=view.records,
                before=view.before,
                claim=claim,
                dns_name=self.facts.dns_name,
                limits=self._limits(plan, view),
            )

        final = self._converge(holder.owner, decide, progress)
        return Applied(first or Plan(), final, progress)

    def claim(self, desired: Sequence[RRset], holder: Holder) -> Applied:
        """Write the manifest alone, the names marked as not written yet. Raises as `upsert` does."""

        def decide() -> ManifestedChanges:
            view, claim, plan = self._decide(desired, holder, DEFAULT_POLICY)
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            self._limits(plan, view)
            keys = [rrset.key for rrset in desired]
            return ownership.claim_changes(keys, before=view.before, claim=claim, dns_name=self.facts.dns_name)

        progress = Progress()
        return Applied(Plan(), self._converge(holder.owner, decide, progress), progress)

    def release(self, owner: str, lease: str) -> Released:
        """Remove what `lease` wrote, records first and the manifest last; nothing claimed is nothing to do.

        A lease that was overtaken touches nothing: the names are the next run's.
        """
        overtaken: str | None = None

        def decide() -> ManifestedChanges:
            nonlocal overtaken
            view = self._reader.job(owner, ())
            overtaken = None
            if view.before is None or view.manifest is None or view.manifest.idle:
                self._tell_of_strays(owner, view)
                return ManifestedChanges((), view.manifest)
            overtaken = ownership.overtaken_by(view.manifest, lease)
            if overtaken is not None:
                log.warning("zone %s: lease %s holds the names of %s: left alone", self.facts.name, overtaken, owner)
                return ManifestedChanges((), view.manifest)
            manifest, rival_of = view.manifest, self._neighbours(view, owner).rival_of
            ours = [rrset for rrset in view.records if manifest.owns(rrset.key) and rival_of(rrset.key) is None]
            return ownership.release_changes(
                ours,
                before=view.before,
                manifest=manifest,
                dns_name=self.facts.dns_name,
                limits=self._limits(Plan(deletes=tuple(ours)), view),
            )

        progress = Progress()
        self._converge(owner, decide, progress)
        return Released(overtaken, progress)

    def grants(self, owner: str) -> tuple[str, ...]:
        """The grants that an owner's manifest records."""
        _, manifest = self._reader.manifest(owner)
        return manifest.grants if manifest else ()

    def edit_grants(self, owner: str, edit: Callable[[tuple[str, ...]], Sequence[str]]) -> None:
        """Record what `edit` makes of an owner's grants; an owner without a manifest gets one for them."""

        def decide() -> ManifestedChanges:
            before, found = self._reader.manifest(owner)
            manifest = found or Manifest(owner=owner)
            after = edit(manifest.grants)
            if tuple(after) == manifest.grants:
                return ManifestedChanges((), found)
            return ownership.grant_changes(after, before=before, manifest=manifest, dns_name=self.facts.dns_name)

        self._converge(owner, decide, Progress())

    @property
    def _reader(self) -> ZoneReader:
        return ZoneReader(self.client, self.facts)

    def _decide(
        self, desired: Sequence[RRset], holder: Holder, policy: str, progress: Progress | None = None
    ) -> tuple[JobView, Manifest, Plan]:
        """What to do now: the zone as it is, the manifest in the hands of `holder`, and the plan under it.

        :param progress: of the call so far, when it decides again.
        :raises ZoneMoved: the owner's manifest was written while the zone was read.
        """
        view = self._reader.job(holder.owner, {rrset.name for rrset in desired})
        if progress and progress.changes:
            _check_still_held(view.manifest, holder, progress)
        claim = ownership.take(
            view.manifest,
            owner=holder.owner,
            claimant=holder.claimant,
            lease=holder.lease,
            expires=holder.expires,
            now=self.now(),
            adopt=holder.adopt,
            lease_ended=holder.lease_ended,
            public=self.facts.public,
        )
        neighbours = self._neighbours(view, claim.owner)
        plan = compute_plan(
            current=view.records,
            desired=desired,
            owned=claim.owns,
            owner_of=neighbours.owner_of,
            rival_of=neighbours.rival_of,
            policy=policy,
            adopt=holder.adopt,
        )
        if plan.conflicts and self._reader.manifest(holder.owner)[0] != view.before:
            # The records in the way may be the owner's own, newer than the manifest that was listed before them.
            raise moved_meanwhile(self._call, self._manifest_key(holder.owner))
        return view, claim, plan

    def _tell_of_strays(self, owner: str, view: JobView) -> None:
        """Nothing is claimed, so nothing is released: records may be left of a manifest that somebody deleted."""
        if view.records:
            names = shorten([rrset.name for rrset in view.records])
            log.warning(
                "zone %s: no manifest of %s covers %d record(s) below its name, which are left alone: %s",
                self.facts.name,
                owner,
                len(view.records),
                names,
            )

    def _neighbours(self, view: JobView, owner: str) -> Neighbours:
        return Neighbours(self._reader, view, owner)

    def _manifest_key(self, owner: str) -> Key:
        return manifest_name(owner, self.facts.dns_name), "TXT"

    @property
    def _call(self) -> Call:
        return Call("changes.create", self.client.project, self.facts.name)

    def _limits(self, plan: Plan, view: JobView) -> Limits:
        """The limits to carry out `plan` under: the live ones where a limit is near, else Google's documented ones.

        :raises QuotaShort: the zone would hold more than it may.
        """
        documented = Limits()
        writes = len(plan.creates) + len(plan.replaces) + len(plan.deletes)
        size = view.least_size(self.facts.dns_name) + len(plan.creates) - len(plan.deletes) + (view.before is None)
        if writes <= _SMALL_PLAN and size <= documented.rrsets_per_zone:
            return documented
        try:
            live = Limits.from_quota(self.client.quota())
        except PermissionMissing as missing:
            log.warning("zone %s: taking Google's documented limits, as %s", self.facts.name, missing)
            return documented
        if plan.creates and size > live.rrsets_per_zone:
            raise QuotaShort(
                f"zone {self.facts.name!r} would hold {'' if view.whole else 'at least '}{size:,} record sets, "
                f"{size - live.rrsets_per_zone:,} more than the {live.rrsets_per_zone:,} of the project's quota: "
                "name fewer, use several zones, or ask Google for more rrsetsPerManagedZone"
            )
        return live

    def _converge(self, owner: str, decide: Callable[[], ManifestedChanges], progress: Progress) -> Manifest | None:
        """Send what `decide` makes of the zone, and again where it has moved on; returns the manifest that stands."""

        def attempt() -> Manifest | None:
            decided = decide()
            self._send(owner, decided.changes, progress)
            return decided.final

        try:
            return self._retried(owner, attempt)
        except MldnsError as error:
            if not progress.live or isinstance(error, LeaseLost):
                raise
            raise ChangeFailed(
                zone=self.facts.name, live=progress.live, missing=progress.missing, reason=str(error)
            ) from error

    def _retried(self, owner: str, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, made again while the zone moves on under it."""
        return self.contention.run(
            attempt,
            what=f"edit of zone {self.facts.name!r} for {owner!r}",
            repeatable=lambda error: isinstance(error, ZoneMoved),
        )

    def _send(self, owner: str, changes: Sequence[Change], progress: Progress) -> None:
        """Send changes one after the other: each needs the manifest of the one before, none waits for `done`."""
        witness = self._manifest_key(owner)
        tallies = [_tally(change, witness) for change in changes]
        progress.missing = sum(sum(tally) for tally in tallies)
        for number, (change, tally) in enumerate(zip(changes, tallies, strict=True), start=1):
            answer = send_change(self.client, self.facts.name, change, witness=witness, retrying=self.retrying)
            created, changed, deleted = tally
            progress.created += created
            progress.changed += changed
            progress.deleted += deleted
            progress.missing -= sum(tally)
            progress.changes += 1
            progress.last_id, progress.status = answer.get("id"), answer.get("status", "pending")
            log.info(
                "zone %s: change %d of %d accepted as %s: %d created, %d changed, %d deleted",
                self.facts.name,
                number,
                len(changes),
                progress.last_id,
                *tally,
            )


def _tally(change: Change, witness: Key) -> tuple[int, int, int]:
    """How many rrsets a change creates, changes and deletes, the manifest left out."""
    added = {rrset.key for rrset in change.additions} - {witness}
    removed = {rrset.key for rrset in change.deletions} - {witness}
    return len(added - removed), len(added & removed), len(removed - added)


def _check_still_held(manifest: Manifest | None, holder: Holder, progress: Progress) -> None:
    """Taking the names back from the next lease would leave two runs that both believe to hold them."""
    if not ownership.held(manifest, claimant=holder.claimant, lease=holder.lease):
        now = None if manifest is None or manifest.idle else manifest.lease
        raise LeaseLost(owner=holder.owner, lease=holder.lease, holder=now, live=progress.live)
