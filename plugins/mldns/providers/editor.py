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
from mldns.exceptions import (
    ClaimMoved,
    CloudUnavailable,
    LeaseLost,
    MldnsError,
    OwnershipConflict,
    PlanChanged,
    QuotaShort,
)
from mldns.messages import shorten
from mldns.ownership.claims import (
    Holder,
    claim_changes,
    grant_changes,
    held,
    overtaken_by,
    release_changes,
    renewal,
    take,
    upsert_changes,
)
from mldns.ownership.compare_and_swap import ManifestedChanges
from mldns.ownership.manifest import Manifest
from mldns.plan.compute import compute_plan
from mldns.plan.plan import DEFAULT_POLICY, Plan
from mldns.providers.changes import Progress, send_changes
from mldns.providers.errors import Call, ZoneMoved, moved_meanwhile
from mldns.providers.gcp.client import DNSClient
from mldns.providers.quota import ZoneQuota
from mldns.providers.reader import JobView, Neighbours, ZoneFacts, ZoneReader
from mldns.providers.retry import RetryPolicy
from mldns.records.names import Key, between, manifest_name
from mldns.records.rrset import RRset

log = logging.getLogger(__name__)

T = TypeVar("T")

CONTENTION = RetryPolicy(initial=0.2, maximum=5.0, deadline=120.0)
"""How long to read and plan again while others keep writing to the same names."""


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
    quota: ZoneQuota = field(init=False)

    def __post_init__(self) -> None:
        self.quota = ZoneQuota(self.client, self.facts)

    def plan(self, desired: Sequence[RRset], holder: Holder, policy: str) -> Plan:
        """What `upsert` would do now, conflicts and their owners included; nothing is written.

        :raises ClaimRefused: somebody else holds the owner's names.
        :raises QuotaShort: the zone would outgrow the project's quota.
        """
        owner = holder.owner
        view, _, plan = self._retried(owner, lambda: self._decide(desired, holder, policy, self._progress(owner)))
        log.info("zone %s, owner %s, nothing written: %s", self.facts.name, holder.owner, plan.summary())
        if not plan.conflicts:
            self.quota.limits(plan, view)
        return replace(plan, room=self.quota.room(plan, view))

    @metrics.timed("mldns.apply.time")
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
        progress = self._progress(holder.owner)

        def decide() -> ManifestedChanges:
            nonlocal first
            view, claim, plan = self._decide(desired, holder, policy, progress)
            log.info("zone %s, owner %s: %s", self.facts.name, holder.owner, plan.summary())
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            if first is None and reviewed is not None and plan.digest != reviewed:
                raise PlanChanged(reviewed=reviewed, now=plan.digest, summary=plan.summary())
            first = first or plan
            return upsert_changes(
                plan,
                current=view.records,
                before=view.before,
                claim=claim,
                dns_name=self.facts.dns_name,
                limits=self.quota.limits(plan, view),
            )

        final = self._converge(holder.owner, decide, progress)
        return Applied(first or Plan(), final, progress)

    def claim(self, desired: Sequence[RRset], holder: Holder) -> Applied:
        """Write the manifest alone, the names marked as not written yet. Raises as `upsert` does."""

        progress = self._progress(holder.owner)

        def decide() -> ManifestedChanges:
            view, claim, plan = self._decide(desired, holder, DEFAULT_POLICY, progress)
            if plan.conflicts:
                raise OwnershipConflict(plan.conflicts)
            self.quota.limits(plan, view)
            keys = [rrset.key for rrset in desired]
            return claim_changes(keys, before=view.before, claim=claim, dns_name=self.facts.dns_name)

        return Applied(Plan(), self._converge(holder.owner, decide, progress), progress)

    def renew(self, holder: Holder) -> Manifest:
        """Have the lease that `holder` has end when `holder` says, or later: two calls, however large the job is.

        :raises LeaseLost: another lease has the names, or nobody has.
        """

        def decide() -> ManifestedChanges:
            before, found = self._reader.manifest(holder.owner)
            manifest = _check_held(found, holder, live=None)
            return renewal(manifest, before=before, expires=holder.expires, dns_name=self.facts.dns_name)

        renewed = self._converge(holder.owner, decide, self._progress(holder.owner))
        log.info("zone %s: lease %s of %s renewed", self.facts.name, holder.lease, holder.owner)
        return renewed or Manifest(holder.owner)

    @metrics.timed("mldns.apply.time")
    def release(self, owner: str, lease: str, *, claimant: str = "", at_generation: int | None = None) -> Released:
        """Remove what `lease` wrote, records first and the manifest last; nothing claimed is nothing to do.

        A lease that was overtaken touches nothing: the names are the next run's, or another claimant's.

        :param claimant: whose lease it is; without one the lease alone is compared.
        :param at_generation: touch nothing unless the manifest has this generation still.
        :raises ClaimMoved: it has not.
        """
        overtaken: str | None = None
        progress = self._progress(owner)

        def decide() -> ManifestedChanges:
            nonlocal overtaken
            view = self._reader.job(owner, ())
            overtaken = None
            if view.before is None or view.manifest is None or view.manifest.idle:
                self._tell_of_strays(owner, view)
                return ManifestedChanges((), view.manifest)
            overtaken = overtaken_by(view.manifest, lease, claimant)
            if overtaken is not None:
                log.warning("zone %s: lease %s holds the names of %s: left alone", self.facts.name, overtaken, owner)
                return ManifestedChanges((), view.manifest)
            if at_generation is not None and not progress.changes:
                _check_generation(view.manifest, owner, at_generation)
            manifest, rival_of = view.manifest, self._neighbours(view, owner).rival_of
            ours = [rrset for rrset in view.records if manifest.owns(rrset.key) and rival_of(rrset.key) is None]
            self._tell_of_routed(owner, ours)
            ours = [rrset for rrset in ours if not rrset.routed]
            return release_changes(
                ours,
                before=view.before,
                manifest=manifest,
                dns_name=self.facts.dns_name,
                limits=self.quota.limits(Plan(deletes=tuple(ours)), view),
            )

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
            return grant_changes(after, before=before, manifest=manifest, dns_name=self.facts.dns_name)

        self._converge(owner, decide, self._progress(owner))

    @property
    def _reader(self) -> ZoneReader:
        return ZoneReader(self.client, self.facts)

    @metrics.timed("mldns.plan.time")
    def _decide(
        self, desired: Sequence[RRset], holder: Holder, policy: str, progress: Progress
    ) -> tuple[JobView, Manifest, Plan]:
        """What to do now: the zone as it is, the manifest in the hands of `holder`, and the plan under it.

        :param progress: of the call so far, when it decides again.
        :raises ZoneMoved: the owner's manifest was written while the zone was read.
        """
        self.quota.foresee(len(desired))
        wanted = {rrset.name for rrset in desired}
        # NS records between a name and the apex would hide it. Within the owner's subtree the view has them anyway.
        above = {name for at in wanted for name in between(at, self.facts.dns_name)}
        view = self._reader.job(holder.owner, wanted | above)
        if holder.at_generation is not None and not progress.changes:
            _check_held(view.manifest, holder, live=None)
            _check_generation(view.manifest, holder.owner, holder.at_generation)
        elif progress.changes or progress.held or holder.claimed:
            # Released since, say by the teardown of a run that was marked failed: nobody would release it once more.
            _check_held(view.manifest, holder, live=progress.live)
        progress.held = held(view.manifest, claimant=holder.claimant, lease=holder.lease)
        claim = take(
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
            subtree=f"{claim.owner}.{self.facts.dns_name}",
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

    def _tell_of_routed(self, owner: str, ours: Sequence[RRset]) -> None:
        if routed := [rrset.name for rrset in ours if rrset.routed]:
            log.warning(
                "zone %s: %d record(s) of %s were made routing policies by hand, and are left alone: %s",
                self.facts.name,
                len(routed),
                owner,
                shorten(routed),
            )

    def _neighbours(self, view: JobView, owner: str) -> Neighbours:
        return Neighbours(self._reader, view, owner)

    def _manifest_key(self, owner: str) -> Key:
        return manifest_name(owner, self.facts.dns_name), "TXT"

    @property
    def _call(self) -> Call:
        return Call("changes.create", self.client.project, self.facts.name)

    def _progress(self, owner: str) -> Progress:
        return Progress(self._manifest_key(owner))

    def _converge(self, owner: str, decide: Callable[[], ManifestedChanges], progress: Progress) -> Manifest | None:
        """Send what `decide` makes of the zone, and again where it has moved on; returns the manifest that stands."""

        def attempt() -> Manifest | None:
            limits_known = self.quota.asked is not None
            try:
                return self._carry_out(decide(), progress)
            except QuotaShort:
                if limits_known or not progress.unsent:
                    raise
            # Packed by Google's documented limits, which are not this project's.
            self.quota.live()
            return self._carry_out(decide(), progress)

        try:
            return self._retried(owner, attempt)
        except MldnsError as error:
            if not (progress.live or progress.in_doubt) or isinstance(error, LeaseLost):
                raise
            # The way out of an API that is down is the way out of this, too: once is enough.
            reason = error.reason if isinstance(error, CloudUnavailable) else str(error)
            raise progress.failure(self.facts.name, reason) from error

    def _carry_out(self, decided: ManifestedChanges, progress: Progress) -> Manifest | None:
        send_changes(self.client, self.facts.name, decided.changes, progress, retrying=self.retrying)
        return decided.final

    def _retried(self, owner: str, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, made again while the zone moves on under it."""
        return self.contention.run(
            attempt,
            what=f"edit of zone {self.facts.name!r} for {owner!r}",
            repeatable=lambda error: isinstance(error, ZoneMoved),
        )


def _check_held(manifest: Manifest | None, holder: Holder, *, live: int | None) -> Manifest:
    """Taking the names back from the next lease would leave two runs that both believe to hold them."""
    if manifest is None or not held(manifest, claimant=holder.claimant, lease=holder.lease):
        now = None if manifest is None or manifest.idle else manifest.lease
        raise LeaseLost(owner=holder.owner, lease=holder.lease, holder=now, live=live)
    return manifest


def _check_generation(manifest: Manifest | None, owner: str, looked_at: int) -> None:
    """Who looked before may only act while nobody has claimed, written, renewed or released since."""
    if manifest is None or manifest.generation != looked_at:
        raise ClaimMoved(owner=owner, looked_at=looked_at, found=None if manifest is None else manifest.generation)
