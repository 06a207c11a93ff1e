"""Who may touch a name: the manifest of an owner, the lease on it, and the changes that keep both true.

Every change of the owner replaces it, generation + 1, in the same atomic change: the API refuses the change (412, 409)
when another writer was there in between. So the manifest is never wrong about what is live, whenever the writer dies.

A name marked `?` is claimed and not yet written by us. What stands there after a crash is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mldns.exceptions import ClaimMoved, ClaimRefused, InvalidInput, LeaseLost
from mldns.messages import timestamp
from mldns.ownership.compare_and_swap import ManifestedChanges, Swap
from mldns.ownership.manifest import Manifest, kept, matches
from mldns.plan.batches import Change
from mldns.plan.plan import Plan
from mldns.records.names import Key, slug
from mldns.records.rrset import RRset

DEFAULT_LEASE_HOURS = 24.0
"""A second run must not take the names from a training at work, and a run that crashed must not keep them for ever."""

MAX_LEASE_HOURS = 366 * 24


@dataclass(frozen=True, slots=True)
class LeaseEnd:
    """What was found out about one lease. Of any other that holds the names by then, nobody has asked yet.

    :param lease: as `ClaimRefused` gave it, in clear or as a digest.
    :param ended: whether the run behind it is over; None where nobody can tell.
    """

    lease: str
    ended: bool | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks for an owner's names, and on what terms.

    :param claimant: the deployment and DAG that asks; empty in a release that compares the lease alone.
    :param lease: the run that asks.
    :param expires: when the lease ends, Unix seconds. None promises nothing, so a later lease may take over at once,
        unless this lease has promised an end before.
    :param adopt: take over from another claimant.
    :param lease_ended: whether the run behind the lease that holds the names now is over; None where nobody can tell.
        Then the end of that lease decides; with False an end that has passed does not count. A `LeaseEnd` says so of
        its lease alone: any other that holds the names by then counts as False.
    :param claimed: touch nothing unless this lease holds the names already: they may have been released since.
    :param at_generation: touch nothing unless this lease holds the names and nobody has written under it since its
        manifest had this generation.
    """

    owner: str
    claimant: str = ""
    lease: str = ""
    expires: int | None = None
    adopt: bool = False
    lease_ended: LeaseEnd | bool | None = None
    claimed: bool = False
    at_generation: int | None = None

    @classmethod
    def parse(
        cls,
        *,
        owner: str,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | None = None,
        now: float,
        adopt: bool = False,
        claimed: bool = False,
    ) -> Holder:
        """Return a holder of checked texts, whose lease ends `lease_hours` after `now`.

        :param lease_hours: above 0, at most a year's; None promises no end.
        :param now: Unix seconds.
        :raises InvalidInput: owner, claimant, lease or lease_hours is not what it has to be.
        """
        for field, text in (("claimant", claimant), ("lease", lease)):
            if not isinstance(text, str) or not text.isprintable():
                raise InvalidInput(f"{field} {text!r} is not text on one line")
        expires = None if lease_hours is None else int(now + check_lease_hours(lease_hours) * 3600)
        return cls(slug(owner), claimant, lease, expires, adopt=adopt, claimed=claimed)


def check_lease_hours(lease_hours: float) -> float:
    """Return the hours that a lease is to last, or raise InvalidInput."""
    usable = isinstance(lease_hours, int | float) and not isinstance(lease_hours, bool)
    if not usable or not 0 < lease_hours <= MAX_LEASE_HOURS:
        raise InvalidInput(f"lease_hours {lease_hours!r} is not a number of hours above 0, at most a year's")
    return lease_hours


def take(current: Manifest | None, holder: Holder, *, now: float, public: bool = False) -> Manifest:
    """Return the manifest after `holder` took hold of the owner's names, names unchanged.

    :param now: Unix seconds.
    :param public: store claimant and lease as digests, since anybody can read a public zone.
    :raises ClaimRefused: another claimant, or another lease that still counts.
    """
    if current is None:
        current = Manifest(owner=holder.owner)
    elif not current.idle and not holder.adopt:
        same_claimant = matches(current.claimant, holder.claimant)
        if not same_claimant or not _may_take_over(current, holder, now):
            raise ClaimRefused(
                owner=holder.owner,
                claimant=current.claimant,
                lease=current.lease,
                expires=None if current.expires is None else timestamp(current.expires),
                same_claimant=same_claimant,
            )
    renewed = replace(
        current,
        claimant=kept(holder.claimant, public=public),
        lease=kept(holder.lease, public=public),
        expires=holder.expires,
    )
    mine = matches(current.lease, holder.lease) and matches(current.claimant, holder.claimant)
    if mine and _still_long(current, renewed, now):
        # A retry minutes later finds the lease it took itself: no write only to move its end a little.
        return replace(renewed, expires=current.expires)
    return renewed


def upsert_changes(plan: Plan, current: Iterable[RRset], claim: Manifest, swap: Swap) -> ManifestedChanges:
    """Return the changes that carry out `plan` under `claim`; none when neither records nor claim would change.

    The first change claims the old and the new names, each one marks what it wrote, the last one shrinks the claim to
    what is live.

    :param current: what the zone holds at every key that is wanted or that `claim` covers.
    :param claim: the result of `take`.
    """
    creates = {rrset.key for rrset in plan.creates}
    live = {rrset.key for rrset in current}
    names = ((claim.names & live) | {rrset.key for rrset in plan.unchanged}) - creates
    start = replace(claim, names=names, pending=claim.pending | creates)
    end = replace(claim, names=(names | creates) - {rrset.key for rrset in plan.deletes}, pending=frozenset())
    swap = replace(swap, fallback_claim=claim.covered | end.names)
    return swap.alone(end) if plan.empty else swap.along(plan, start=start, end=end)


def claim_changes(keys: Iterable[Key], claim: Manifest, swap: Swap) -> ManifestedChanges:
    """Return the change that claims `keys` and writes no record: the set-up of a training.

    :param claim: the result of `take`.
    """
    pending = claim.pending | (frozenset(keys) - claim.names)
    return swap.alone(replace(claim, pending=pending))


def renewal(manifest: Manifest, expires: int | None, swap: Swap) -> ManifestedChanges:
    """Return the change that lets a lease end at `expires`; none where it ends later anyway, or need not be told.

    :param expires: Unix seconds; None promises no end.
    """
    if expires is None or (manifest.expires is not None and expires <= manifest.expires):
        return ManifestedChanges((), manifest)
    return swap.alone(replace(manifest, expires=expires))


def release_changes(current: Iterable[RRset], manifest: Manifest, swap: Swap) -> ManifestedChanges:
    """Return the changes that remove what the owner wrote, records first and the manifest last.

    Grants outlive a run: a manifest that records some stays, released and without names.

    :param current: what the zone holds of the owner's names.
    """
    doomed = Plan(deletes=tuple(rrset for rrset in current if manifest.owns(rrset.key)))
    released = Manifest(owner=manifest.owner, generation=manifest.generation, grants=manifest.grants)
    # A manifest at its limit may grow by some octets when a range loses its head: it then keeps the whole claim.
    swap = replace(swap, fallback_claim=manifest.names)
    start, end = replace(manifest, pending=frozenset()), released if manifest.grants else None
    return swap.along(doomed, start=start, end=end)


def grant_changes(grants: Sequence[str], manifest: Manifest, swap: Swap) -> ManifestedChanges:
    """Return the change that records exactly these grants; an owner with neither names nor grants has no manifest.

    :param grants: as `mldns.iam.grants` writes them.
    """
    after = replace(manifest, grants=tuple(dict.fromkeys(grants)))
    if swap.before is not None and after.idle and not after.grants:
        return ManifestedChanges((Change(deletions=(swap.before,)),), None)
    return swap.alone(after)


def overtaken_by(manifest: Manifest, holder: Holder) -> str | None:
    """Who has the names now, when it is somebody else than `holder`; None when `holder` may release them.

    Run ids repeat from DAG to DAG, so a lease says whose names they are only together with its claimant: of another
    claimant's the answer is `LEASE of CLAIMANT`. Without a claimant the lease alone decides.
    """
    others = bool(holder.claimant) and not matches(manifest.claimant, holder.claimant)
    if matches(manifest.lease, holder.lease) and not others:
        return None
    lease = manifest.lease or "(none)"
    return f"{lease} of {manifest.claimant or '(none)'}" if others else lease


def holds(manifest: Manifest | None, holder: Holder) -> bool:
    """Whether the names are in the hands of this claimant and this lease."""
    if manifest is None or manifest.idle:
        return False
    return matches(manifest.claimant, holder.claimant) and matches(manifest.lease, holder.lease)


def check_held(manifest: Manifest | None, holder: Holder, *, live: int | None) -> Manifest:
    """The manifest, if the names are still `holder`'s: taken back from the next lease, two runs would believe in them.

    :param live: how many record changes the call has made; None for one that makes none.
    :raises LeaseLost: another lease has the names, or nobody has.
    """
    if manifest is None or not holds(manifest, holder):
        now = None if manifest is None or manifest.idle else manifest.lease
        others = manifest is not None and not manifest.idle and matches(manifest.lease, holder.lease)
        claimant = manifest.claimant if manifest is not None and others else None
        raise LeaseLost(owner=holder.owner, lease=holder.lease, holder=now, live=live, claimant=claimant)
    return manifest


def check_generation(manifest: Manifest | None, holder: Holder) -> None:
    """Who looked before may only act while nobody has claimed, written, renewed or released since.

    :raises ClaimMoved: somebody has.
    """
    looked_at, found = holder.at_generation, None if manifest is None else manifest.generation
    if looked_at is not None and found != looked_at:
        raise ClaimMoved(owner=holder.owner, looked_at=looked_at, found=found)


def _may_take_over(current: Manifest, holder: Holder, now: float) -> bool:
    ended = holder.lease_ended
    if isinstance(ended, LeaseEnd):
        ended = ended.ended if matches(current.lease, ended.lease) else False
    if matches(current.lease, holder.lease) or ended or current.expires is None:
        return True
    return current.expires <= now and ended is None


def _still_long(current: Manifest, renewed: Manifest, now: float) -> bool:
    """Whether more than half of the lease asked for is left; who asks for none leaves what its lease has promised."""
    if renewed.expires is None:
        return True
    if current.expires is None:
        return False
    return current.expires - now > (renewed.expires - now) / 2
