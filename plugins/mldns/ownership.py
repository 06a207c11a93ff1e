"""Who may touch a name: the manifest of an owner, the lease on it, and the changes that keep both true.

Every change of the owner replaces it, generation + 1, in the
same atomic change: the API refuses the change (412, 409) when another writer was there in between. So the manifest is
never wrong about what is live, whenever the writer dies.

A name marked `?` is claimed and not yet written by us. What stands there after a crash is somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mldns.batching import Change, Limits, edits, pack
from mldns.exceptions import ClaimRefused, ManifestTooLarge
from mldns.manifest import MAX_MANIFEST_BYTES, Manifest, kept, matches, timestamp
from mldns.plan import Plan
from mldns.records import Key, RRset

# A swap sends the old and the new manifest; quotes and escapes at most double what the limit counts.
_SWAP_BYTES = 2 * 2 * MAX_MANIFEST_BYTES


def take(
    current: Manifest | None,
    *,
    owner: str,
    claimant: str,
    lease: str,
    expires: int | None,
    now: float,
    adopt: bool = False,
    lease_ended: bool = False,
    public: bool = False,
) -> Manifest:
    """Return the manifest after this claimant and lease took hold of the owner's names, names unchanged.

    :param expires: when the lease ends, Unix seconds; None promises nothing, so a later lease may take over at once,
        unless this lease has promised an end before.
    :param lease_ended: the run behind the current lease is known to be over.
    :param public: store claimant and lease as digests, since anybody can read a public zone.
    :raises ClaimRefused: another claimant, or another lease that still counts.
    """
    if current is None:
        current = Manifest(owner=owner)
    elif not current.idle and not adopt:
        same_claimant = matches(current.claimant, claimant)
        if not same_claimant or not _may_take_over(current, lease, now, lease_ended):
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


@dataclass(frozen=True, slots=True)
class ManifestedChanges:
    """Changes to send one after the other, and the manifest that stands when the last one is through."""

    changes: tuple[Change, ...]
    final: Manifest | None


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
    stage = replace(claim, names=names, pending=claim.pending | creates)
    batches = list(pack(edits(plan), limits, reserved_bytes=_SWAP_BYTES))
    stages = []
    for batch in batches or [Change()]:
        written = {rrset.key for rrset in batch.additions}
        removed = {rrset.key for rrset in batch.deletions} - written
        stage = replace(stage, names=(stage.names | written) - removed, pending=stage.pending - written)
        stages.append(stage)
    stages[-1] = replace(stage, pending=frozenset())
    gone = {rrset.key for rrset in plan.deletes}
    whole = (claim.covered | stages[-1].names) - gone
    if not batches:
        return _claim_alone(before, stages[-1], dns_name, whole)
    return _swap_along(before, stages, batches, dns_name, whole)


def claim_changes(keys: Iterable[Key], *, before: RRset | None, claim: Manifest, dns_name: str) -> ManifestedChanges:
    """Return the change that claims `keys` and writes no record: the set-up of a training."""
    pending = claim.pending | (frozenset(keys) - claim.names)
    return _claim_alone(before, replace(claim, pending=pending), dns_name)


def release_changes(
    current: Iterable[RRset], *, before: RRset, manifest: Manifest, dns_name: str, limits: Limits
) -> ManifestedChanges:
    """Return the changes that remove what the owner wrote, records first and the manifest last.

    Grants outlive a run: a manifest that records some stays, released and without names.
    """
    doomed = Plan(deletes=tuple(rrset for rrset in current if manifest.owns(rrset.key)))
    batches = list(pack(edits(doomed), limits, reserved_bytes=_SWAP_BYTES)) or [Change()]
    stages = [replace(manifest, pending=frozenset())]
    for batch in batches:
        gone = {rrset.key for rrset in batch.deletions}
        stages.append(replace(stages[-1], names=stages[-1].names - gone))
    # A manifest at its limit may grow by some octets when a range loses its head: it then keeps the whole claim.
    released = Manifest(owner=manifest.owner, generation=manifest.generation, grants=manifest.grants)
    final = released if manifest.grants else None
    return _swap_along(before, [*stages[1:-1], final], batches, dns_name, manifest.names)


def grant_changes(
    grants: Sequence[str], *, before: RRset | None, manifest: Manifest, dns_name: str
) -> ManifestedChanges:
    """Return the change that records exactly these grants; an owner with neither names nor grants has no manifest."""
    after = replace(manifest, grants=tuple(dict.fromkeys(grants)))
    if before is not None and after.idle and not after.grants:
        return ManifestedChanges((Change(deletions=(before,)),), None)
    return _claim_alone(before, after, dns_name)


def overtaken_by(manifest: Manifest, lease: str) -> str | None:
    """The lease that holds the names now, when it is not `lease`; None when `lease` may release them."""
    return None if matches(manifest.lease, lease) else manifest.lease or "(none)"


def held(manifest: Manifest | None, *, claimant: str, lease: str) -> bool:
    """Whether this claimant and this lease hold the names."""
    return manifest is not None and matches(manifest.claimant, claimant) and matches(manifest.lease, lease)


def _fitted(stage: Manifest, whole: frozenset[Key] | None, dns_name: str) -> tuple[Manifest, RRset]:
    """The stage as an rrset; with the `whole` claim, if given, instead of names that are too ragged for one.

    Thousands of names deleted by hand here and there leave more ranges than fit. Then the claim stays whole, and what
    somebody else may have put into its gaps meanwhile would count as ours: better than a job that cannot start.
    """
    try:
        return stage, stage.to_rrset(dns_name)
    except ManifestTooLarge:
        if whole is None:
            raise
        coarse = replace(stage, names=whole | stage.pending, pending=frozenset())
        return coarse, coarse.to_rrset(dns_name)


def _claim_alone(
    before: RRset | None, wanted: Manifest, dns_name: str, whole: frozenset[Key] | None = None
) -> ManifestedChanges:
    """One change that swaps the manifest, or none when only its generation would differ."""
    if before is not None and _fitted(wanted, whole, dns_name)[1].rrdatas == before.rrdatas:
        return ManifestedChanges((), wanted)
    return _swap_along(before, [wanted], [Change()], dns_name, whole)


def _swap_along(
    before: RRset | None,
    stages: Sequence[Manifest | None],
    batches: Sequence[Change],
    dns_name: str,
    whole: frozenset[Key] | None = None,
) -> ManifestedChanges:
    """Add to each batch the swap of the manifest; None as a stage deletes it."""
    changes = []
    final: Manifest | None = None
    for stage, batch in zip(_numbered(stages), batches, strict=True):
        final, after = (None, None) if stage is None else _fitted(stage, whole, dns_name)
        swap = Change((after,) if after else (), (before,) if before else ())
        changes.append(swap + batch)
        before = after
    return ManifestedChanges(tuple(changes), final)


def _numbered(stages: Iterable[Manifest | None]) -> Iterator[Manifest | None]:
    for step, stage in enumerate(stages, start=1):
        yield None if stage is None else replace(stage, generation=stage.generation + step)


def _may_take_over(current: Manifest, lease: str, now: float, lease_ended: bool) -> bool:
    return matches(current.lease, lease) or lease_ended or current.expires is None or current.expires <= now


def _still_long(current: Manifest, renewed: Manifest, now: float) -> bool:
    """Whether more than half of the lease asked for is left; who asks for none leaves what its lease has promised."""
    if renewed.expires is None:
        return True
    if current.expires is None:
        return False
    return current.expires - now > (renewed.expires - now) / 2
