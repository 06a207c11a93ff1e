"""Who may touch a name: the manifest of an owner, the lease on it, and the changes that keep both true.

Every change of the owner replaces it, generation + 1, in the same atomic change: the API refuses the change (412, 409)
when another writer was there in between. So the manifest is never wrong about what is live, whenever the writer dies.

A name marked `?` is claimed and not yet written by us. What stands there after a crash is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mldns.exceptions import (
    ClaimRefused,
)
from mldns.ownership.compare_and_swap import SWAP_BYTES, ManifestedChanges, swap_alone, swap_along
from mldns.ownership.manifest import Manifest, kept, matches, timestamp
from mldns.plan.batches import Change, Limits, edits, pack
from mldns.plan.plan import Plan
from mldns.records.names import Key
from mldns.records.rrset import RRset


@dataclass(frozen=True, slots=True)
class LeaseEnd:
    """What was found out about one lease. Of any other that holds the names by then, nobody has asked yet.

    :param lease: as `ClaimRefused` gave it, in clear or as a digest.
    :param ended: whether the run behind it is over; None where nobody can tell.
    """

    lease: str
    ended: bool | None


def take(
    current: Manifest | None,
    *,
    owner: str,
    claimant: str,
    lease: str,
    expires: int | None,
    now: float,
    adopt: bool = False,
    lease_ended: LeaseEnd | bool | None = None,
    public: bool = False,
) -> Manifest:
    """Return the manifest after this claimant and lease took hold of the owner's names, names unchanged.

    :param expires: when the lease ends, Unix seconds; None promises nothing, so a later lease may take over at once,
        unless this lease has promised an end before.
    :param lease_ended: whether the run behind the current lease is over. None where nobody can tell: then the lease's
        end decides; False, and an end that has passed does not count. A `LeaseEnd` says so of its lease alone: any
        other counts as False.
    :param public: store claimant and lease as digests, since anybody can read a public zone.
    :raises ClaimRefused: another claimant, or another lease that still counts.
    """
    if current is None:
        current = Manifest(owner=owner)
    elif not current.idle and not adopt:
        same_claimant = matches(current.claimant, claimant)
        if not same_claimant or not _may_take_over(current, lease, now, _ended(current, lease_ended)):
            raise ClaimRefused(
                owner=owner,
                claimant=current.claimant,
                lease=current.lease,
                expires=None if current.expires is None else timestamp(current.expires),
                same_claimant=same_claimant,
            )
    renewed = replace(
        current,
        claimant=kept(claimant, public=public),
        lease=kept(lease, public=public),
        expires=expires,
    )
    if matches(current.lease, lease) and matches(current.claimant, claimant) and _still_long(current, renewed, now):
        # A retry minutes later finds the lease it took itself: no write only to move its end a little.
        return replace(renewed, expires=current.expires)
    return renewed


def upsert_changes(
    plan: Plan, *, current: Iterable[RRset], before: RRset | None, claim: Manifest, dns_name: str, limits: Limits
) -> ManifestedChanges:
    """Return the changes that carry out `plan` under `claim`; none when neither records nor claim would change.

    The first change claims the old and the new names, each one marks what it wrote, the last one shrinks the claim to
    what is live.

    :param current: what the zone holds at every key that is wanted or that `claim` covers.
    :param before: the owner's manifest as listed; the first change must find it unchanged.
    :param claim: the result of `take`.
    """
    creates = {rrset.key for rrset in plan.creates}
    live = {rrset.key for rrset in current}
    names = ((claim.names & live) | {rrset.key for rrset in plan.unchanged}) - creates
    start = replace(claim, names=names, pending=claim.pending | creates)
    end = replace(claim, names=(names | creates) - {rrset.key for rrset in plan.deletes}, pending=frozenset())
    whole = claim.covered | end.names
    batches = list(pack(edits(plan), limits, reserved_bytes=SWAP_BYTES))
    if not batches:
        return swap_alone(before, end, dns_name, whole)
    return swap_along(batches, before=before, start=start, end=end, dns_name=dns_name, whole=whole)


def claim_changes(keys: Iterable[Key], *, before: RRset | None, claim: Manifest, dns_name: str) -> ManifestedChanges:
    """Return the change that claims `keys` and writes no record: the set-up of a training."""
    pending = claim.pending | (frozenset(keys) - claim.names)
    return swap_alone(before, replace(claim, pending=pending), dns_name)


def renewal(manifest: Manifest, *, before: RRset | None, expires: int | None, dns_name: str) -> ManifestedChanges:
    """Return the change that lets a lease end at `expires`; none where it ends later anyway, or need not be told."""
    if expires is None or (manifest.expires is not None and expires <= manifest.expires):
        return ManifestedChanges((), manifest)
    return swap_alone(before, replace(manifest, expires=expires), dns_name)


def release_changes(
    current: Iterable[RRset], *, before: RRset, manifest: Manifest, dns_name: str, limits: Limits
) -> ManifestedChanges:
    """Return the changes that remove what the owner wrote, records first and the manifest last.

    Grants outlive a run: a manifest that records some stays, released and without names.
    """
    doomed = Plan(deletes=tuple(rrset for rrset in current if manifest.owns(rrset.key)))
    batches = list(pack(edits(doomed), limits, reserved_bytes=SWAP_BYTES)) or [Change()]
    released = Manifest(owner=manifest.owner, generation=manifest.generation, grants=manifest.grants)
    return swap_along(
        batches,
        before=before,
        start=replace(manifest, pending=frozenset()),
        end=released if manifest.grants else None,
        dns_name=dns_name,
        # A manifest at its limit may grow by some octets when a range loses its head: it then keeps the whole claim.
        whole=manifest.names,
    )


def grant_changes(
    grants: Sequence[str], *, before: RRset | None, manifest: Manifest, dns_name: str
) -> ManifestedChanges:
    """Return the change that records exactly these grants; an owner with neither names nor grants has no manifest."""
    after = replace(manifest, grants=tuple(dict.fromkeys(grants)))
    if before is not None and after.idle and not after.grants:
        return ManifestedChanges((Change(deletions=(before,)),), None)
    return swap_alone(before, after, dns_name)


def overtaken_by(manifest: Manifest, lease: str, claimant: str = "") -> str | None:
    """Who holds the names now, when it is somebody else than `lease` of `claimant`; None when these may release them.

    Run ids repeat from DAG to DAG, so a lease says whose names they are only together with its claimant: of another
    claimant's the answer is `LEASE of CLAIMANT`. Without a claimant the lease alone decides.
    """
    others = bool(claimant) and not matches(manifest.claimant, claimant)
    if matches(manifest.lease, lease) and not others:
        return None
    holder = manifest.lease or "(none)"
    return f"{holder} of {manifest.claimant or '(none)'}" if others else holder


def held(manifest: Manifest | None, *, claimant: str, lease: str) -> bool:
    """Whether this claimant and this lease hold the names."""
    if manifest is None or manifest.idle:
        return False
    return matches(manifest.claimant, claimant) and matches(manifest.lease, lease)


def _ended(current: Manifest, told: LeaseEnd | bool | None) -> bool | None:
    if isinstance(told, LeaseEnd):
        return told.ended if matches(current.lease, told.lease) else False
    return told


def _may_take_over(current: Manifest, lease: str, now: float, lease_ended: bool | None) -> bool:
    if matches(current.lease, lease) or lease_ended or current.expires is None:
        return True
    return current.expires <= now and lease_ended is None


def _still_long(current: Manifest, renewed: Manifest, now: float) -> bool:
    """Whether more than half of the lease asked for is left; who asks for none leaves what its lease has promised."""
    if renewed.expires is None:
        return True
    if current.expires is None:
        return False
    return current.expires - now > (renewed.expires - now) / 2


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks for an owner's names, and on what terms (`mldns.ownership.claims.take`).

    :param expires: when the lease ends, Unix seconds; None promises no end.
    :param adopt: take over from another claimant.
    :param lease_ended: whether the run behind the lease that holds the names now is over; None where nobody can tell.
        A `LeaseEnd` says so of its lease alone, whoever holds the names by then.
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
