"""Bringing a zone to what an owner wants: read, decide, send, and again when somebody else wrote in between.

No journal is kept. A retry, a second writer, a killed task: the zone is read, planned anew, and the difference applied.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from mldns import metrics
from mldns.exceptions import CloudUnavailable, LeaseLost, MldnsError, OwnershipConflict, PlanChanged, QuotaShort
from mldns.messages import shorten
from mldns.ownership.claims import (
    Holder,
    check_generation,
    check_held,
    claim_changes,
    grant_changes,
    holds,
    overtaken_by,
    release_changes,
    renewal,
    take,
    upsert_changes,
)
from mldns.ownership.compare_and_swap import ManifestedChanges, Swap
from mldns.ownership.manifest import Manifest
from mldns.plan.batches import Limits
from mldns.plan.compute import compute_plan
from mldns.plan.plan import DEFAULT_POLICY, Plan
from mldns.providers.base import DnsProvider, Zone
from mldns.providers.changes import Progress, send_changes
from mldns.providers.errors import ZoneMoved, moved_meanwhile
from mldns.providers.quota import ZoneQuota
from mldns.providers.reader import JobView, Neighbours, ZoneReader
from mldns.providers.retry import Patience, RetryPolicy
from mldns.records.names import between, manifest_name
from mldns.records.rrset import RRset

log = logging.getLogger(__name__)

T = TypeVar("T")


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

    :param contention: how long to read, decide and write again while others write to the same names.
    :param now: Unix seconds, for leases.
    """

    provider: DnsProvider
    zone: Zone
    contention: RetryPolicy = Patience().contention
    now: Callable[[], float] = time.time
    quota: ZoneQuota = field(init=False)
    reader: ZoneReader = field(init=False)

    def __post_init__(self) -> None:
        if not self.provider.documented.atomic:
            raise MldnsError(f"zone {self.zone.name!r}: its cloud applies no change of several record sets as a whole")
        self.quota = ZoneQuota(self.provider, self.zone)
        self.reader = ZoneReader(self.provider, self.zone)

    def plan(self, desired: Sequence[RRset], holder: Holder, policy: str) -> Plan:
        """What `upsert` would do now, conflicts and their owners included; nothing is written.

        :param policy: one of `mldns.plan.plan.POLICIES`.
        :raises ClaimRefused, QuotaShort: as of `upsert`.
        """
        progress = self._progress(holder)
        view, _, plan = self._retried(holder.owner, lambda: self._decide(desired, holder, policy, progress))
        log.info("zone %s, owner %s, nothing written: %s", self.zone.name, holder.owner, plan.summary())
        if not plan.conflicts:
            self.quota.limits(plan, view)
        return replace(plan, room=self.quota.room(plan, view))

    @metrics.timed("mldns.apply.time")
    def upsert(self, desired: Sequence[RRset], holder: Holder, policy: str, *, reviewed: str | None = None) -> Applied:
        """Write what is missing or differs, in batches that each swap the manifest.

        :param policy: one of `mldns.plan.plan.POLICIES`.
        :param reviewed: digest of the plan that was agreed to.
        :raises ClaimRefused: somebody else holds the owner's names.
        :raises OwnershipConflict: foreign records are in the way.
        :raises PlanChanged: the plan is not the reviewed one.
        :raises QuotaShort: the zone would outgrow the project's quota.
        :raises LeaseLost: another lease took the names over, or they were released, while this call was writing.
        :raises ChangeFailed: it stopped in the middle.
        """
        first: Plan | None = None
        progress = self._progress(holder)

        def decide() -> ManifestedChanges:
            nonlocal first
            view, claim, plan = self._decide(desired, holder, policy, progress)
            log.info("zone %s, owner %s: %s", self.zone.name, holder.owner, plan.summary())
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            if first is None and reviewed is not None and plan.digest != reviewed:
                raise PlanChanged(reviewed=reviewed, now=plan.digest, summary=plan.summary())
            first = first or plan
            return upsert_changes(plan, view.records, claim, self._swap(view.before, self.quota.limits(plan, view)))

        final = self._converge(decide, holder.owner, progress)
        return Applied(first or Plan(), final, progress)

    def claim(self, desired: Sequence[RRset], holder: Holder) -> Applied:
        """Write the manifest alone, the names marked as not written yet.

        :param desired: of whose names; as `holder`, as of `upsert`, which tells what is raised, too.
        """
        progress = self._progress(holder)

        def decide() -> ManifestedChanges:
            view, claim, plan = self._decide(desired, holder, DEFAULT_POLICY, progress)
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            self.quota.limits(plan, view)
            return claim_changes([rrset.key for rrset in desired], claim, self._swap(view.before))

        return Applied(Plan(), self._converge(decide, holder.owner, progress), progress)

    def renew(self, holder: Holder) -> Manifest:
        """Have the lease that `holder` has end when `holder` says, or later: two calls, however large the job is.

        :raises LeaseLost: another lease has the names, or nobody has.
        :raises ClaimMoved: the manifest is not of the generation that `holder` says any more.
        """
        progress = self._progress(holder)

        def decide() -> ManifestedChanges:
            before, found = self.reader.manifest(holder.owner)
            if not progress.changes:
                check_generation(found, holder)
            return renewal(check_held(found, holder, live=None), holder.expires, self._swap(before))

        renewed = self._converge(decide, holder.owner, progress)
        log.info("zone %s: lease %s of %s renewed", self.zone.name, holder.lease, holder.owner)
        return renewed or Manifest(holder.owner)

    @metrics.timed("mldns.apply.time")
    def release(self, holder: Holder) -> Released:
        """Remove what the lease wrote, records first and the manifest last; nothing claimed is nothing to do.

        A lease that was overtaken touches nothing: the names are the next run's, or another claimant's.

        :param holder: without a claimant the lease alone is compared.
        :raises ClaimMoved: the manifest is not of the generation that `holder` says any more.
        """
        overtaken: str | None = None
        progress = self._progress(holder)

        def decide() -> ManifestedChanges:
            nonlocal overtaken
            view = self.reader.job(holder.owner, ())
            overtaken = None
            if view.before is None or view.manifest is None or view.manifest.idle:
                self._left_alone(view.records, f"below the name of {holder.owner}, which no manifest covers")
                return ManifestedChanges((), view.manifest)
            if (overtaken := overtaken_by(view.manifest, holder)) is not None:
                log.warning("zone %s: left alone: lease %s has %s", self.zone.name, overtaken, holder.owner)
                return ManifestedChanges((), view.manifest)
            if not progress.changes:
                check_generation(view.manifest, holder)
            return self._removal(view, view.before, view.manifest)

        self._converge(decide, holder.owner, progress)
        return Released(overtaken, progress)

    def grants(self, owner: str) -> tuple[str, ...]:
        """The grants that an owner's manifest records."""
        _, manifest = self.reader.manifest(owner)
        return manifest.grants if manifest else ()

    def edit_grants(self, owner: str, edit: Callable[[tuple[str, ...]], Sequence[str]]) -> None:
        """Record what `edit` makes of an owner's grants; an owner without a manifest gets one for them.

        :param edit: may be called several times; what it returns takes the place of what it was given.
        """

        def decide() -> ManifestedChanges:
            before, found = self.reader.manifest(owner)
            manifest = found or Manifest(owner=owner)
            after = edit(manifest.grants)
            if tuple(after) == manifest.grants:
                return ManifestedChanges((), found)
            return grant_changes(after, manifest, self._swap(before))

        self._converge(decide, owner, self._progress(Holder(owner)))

    @metrics.timed("mldns.plan.time")
    def _decide(
        self, desired: Sequence[RRset], holder: Holder, policy: str, progress: Progress
    ) -> tuple[JobView, Manifest, Plan]:
        """What to do now: the zone as it is, the manifest in the hands of `holder`, and the plan under it.

        :param progress: of the call so far, when it decides again.
        :raises ZoneMoved: the owner's manifest was written while the zone was read.
        """
        wanted = {rrset.name for rrset in desired}
        # NS records between a name and the apex would hide it. Within the owner's subtree the view has them anyway.
        above = {name for at in wanted for name in between(at, self.zone.dns_name)}
        view = self.reader.job(holder.owner, wanted | above)
        if holder.at_generation is not None and not progress.changes:
            check_held(view.manifest, holder, live=None)
            check_generation(view.manifest, holder)
        elif progress.changes or progress.held or holder.claimed:
            # Released since, say by the teardown of a run that was marked failed: nobody would release it once more.
            check_held(view.manifest, holder, live=progress.live)
        progress.held = holds(view.manifest, holder)
        claim = take(view.manifest, holder, now=self.now(), public=self.zone.public)
        neighbours = Neighbours(self.reader, view, holder.owner)
        plan = compute_plan(
            current=view.records,
            desired=desired,
            subtree=f"{claim.owner}.{self.zone.dns_name}",
            owned=claim.owns,
            owner_of=neighbours.owner_of,
            rival_of=neighbours.rival_of,
            policy=policy,
            adopt=holder.adopt,
        )
        if plan.conflicts and self.reader.manifest(holder.owner)[0] != view.before:
            # The records in the way may be the owner's own, newer than the manifest that was listed before them.
            raise moved_meanwhile(self.zone.name, progress.witness)
        return view, claim, plan

    def _removal(self, view: JobView, before: RRset, manifest: Manifest) -> ManifestedChanges:
        """The changes that remove what the manifest says was written, and the manifest."""
        rival_of = Neighbours(self.reader, view, manifest.owner).rival_of
        ours = [rrset for rrset in view.records if manifest.owns(rrset.key) and rival_of(rrset.key) is None]
        self._left_alone([r for r in ours if r.routed], f"of {manifest.owner}, made routing policies by hand")
        ours = [rrset for rrset in ours if not rrset.routed]
        return release_changes(ours, manifest, self._swap(before, self.quota.limits(Plan(deletes=tuple(ours)), view)))

    def _left_alone(self, rrsets: Sequence[RRset], which: str) -> None:
        if rrsets:
            names = shorten([rrset.name for rrset in rrsets])
            log.warning("zone %s: left alone: %d record(s) %s: %s", self.zone.name, len(rrsets), which, names)

    def _swap(self, before: RRset | None, limits: Limits | None = None) -> Swap:
        return Swap(before, self.zone.dns_name, limits or self.provider.documented)

    def _progress(self, holder: Holder) -> Progress:
        return Progress((manifest_name(holder.owner, self.zone.dns_name), "TXT"))

    def _converge(self, decide: Callable[[], ManifestedChanges], owner: str, progress: Progress) -> Manifest | None:
        """Send what `decide` makes of the zone, and again where it has moved on; returns the manifest that stands."""

        def carry_out() -> Manifest | None:
            decided = decide()
            send_changes(self.provider, self.zone, decided.changes, progress)
            return decided.final

        def attempt() -> Manifest | None:
            limits_known = self.quota.asked is not None
            try:
                return carry_out()
            except QuotaShort:
                if limits_known or not progress.unsent:
                    raise
            # Packed by the documented limits, which are not this project's.
            self.quota.live()
            return carry_out()

        try:
            return self._retried(owner, attempt)
        except MldnsError as error:
            if not (progress.live or progress.in_doubt) or isinstance(error, LeaseLost):
                raise
            # The way out of an API that is down is the way out of this, too: once is enough.
            reason = error.reason if isinstance(error, CloudUnavailable) else str(error)
            raise progress.failure(self.zone.name, reason) from error

    def _retried(self, owner: str, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, made again while the zone moves on under it."""
        return self.contention.run(
            attempt,
            what=f"edit of zone {self.zone.name!r} for {owner!r}",
            repeatable=lambda error: isinstance(error, ZoneMoved),
        )
