"""The manifest's compare-and-swap along the batches of an edit: each says what is written once it is applied.

A manifest is written anew with every batch, so what that costs must grow with the batch, not with the job: the names
are kept as ranges (`mldns.ownership.name_ranges`) to which a batch adds, and from which it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mldns.exceptions import ManifestTooLarge
from mldns.ownership.manifest import MAX_MANIFEST_BYTES, Manifest
from mldns.ownership.name_ranges import NameSet, to_items
from mldns.plan.batches import Change
from mldns.records.names import Key
from mldns.records.rrset import RRset

# A swap sends the old and the new manifest; quotes and escapes at most double what the limit counts.
SWAP_BYTES = 2 * 2 * MAX_MANIFEST_BYTES


@dataclass(frozen=True, slots=True)
class ManifestedChanges:
    """Changes to send one after the other, and the manifest that stands when the last one is through."""

    changes: tuple[Change, ...]
    final: Manifest | None


def swap_alone(
    before: RRset | None, after: Manifest, dns_name: str, whole: frozenset[Key] | None = None
) -> ManifestedChanges:
    """One change that swaps the manifest for `after`, or none when only its generation would differ."""
    if before is not None and _fitted(after, whole, dns_name)[1].rrdatas == before.rrdatas:
        return ManifestedChanges((), after)
    return swap_along([Change()], before=before, start=after, end=after, dns_name=dns_name, whole=whole)


def swap_along(
    batches: Sequence[Change],
    *,
    before: RRset | None,
    start: Manifest,
    end: Manifest | None,
    dns_name: str,
    whole: frozenset[Key] | None,
) -> ManifestedChanges:
    """Add to each batch, of which there is one at least, the swap of the manifest.

    :param before: the manifest as listed; the first change must find it unchanged.
    :param start: what is true before the first batch, at the generation that is listed.
    :param end: what is true behind the last one, whatever its generation; None for no manifest.
    :param whole: claimed instead of names that are too ragged for a manifest: all of before and after the edit.
    """
    trail = _Trail(start, dns_name, whole)
    *earlier, last = batches
    changes = []
    for batch in earlier:
        trail.follow(batch)
        after = trail.manifest()
        changes.append(_swap(before, after) + batch)
        before = after
    if end is None:
        return ManifestedChanges((*changes, _swap(before, None) + last), None)
    removed = {rrset.key for batch in batches for rrset in batch.deletions}
    left = None if whole is None else whole - (removed - end.names)
    final, after = _fitted(replace(end, generation=start.generation + len(batches)), left, dns_name)
    return ManifestedChanges((*changes, _swap(before, after) + last), final)


class _Trail:
    """An owner's manifest from batch to batch."""

    def __init__(self, start: Manifest, dns_name: str, whole: frozenset[Key] | None) -> None:
        self._start, self._manifest, self._dns_name, self._whole = start, start, dns_name, whole
        self._names = NameSet(start.names, owner=start.owner, dns_name=dns_name)
        self._pending = NameSet(start.pending, owner=start.owner, dns_name=dns_name)
        self._coarse: tuple[str, ...] | None = None

    def follow(self, batch: Change) -> None:
        """Come to where `batch` is applied. What it replaces stays as it is said."""
        written = {rrset.key for rrset in batch.additions}
        self._names.add(written - self._start.names)
        self._names.discard({rrset.key for rrset in batch.deletions} - written)
        self._pending.discard(written & self._start.pending)
        self._manifest = replace(self._manifest, generation=self._manifest.generation + 1)

    def manifest(self) -> RRset:
        """What is true here."""
        try:
            return self._manifest.worded(self._names.items(), self._pending.items(), self._dns_name)
        except ManifestTooLarge:
            if self._whole is None:
                raise
        if self._coarse is None:
            self._coarse = to_items(self._whole, owner=self._manifest.owner, dns_name=self._dns_name)
        return self._manifest.worded(self._coarse, (), self._dns_name)


def _fitted(manifest: Manifest, whole: frozenset[Key] | None, dns_name: str) -> tuple[Manifest, RRset]:
    """The manifest as an rrset; with the `whole` claim, if given, instead of names that are too ragged for one.

    Thousands of names deleted by hand here and there leave more ranges than fit. Then the claim stays whole, and what
    somebody else may have put into its gaps meanwhile would count as ours: better than a job that cannot start.
    """
    try:
        return manifest, manifest.to_rrset(dns_name)
    except ManifestTooLarge:
        if whole is None:
            raise
    coarse = replace(manifest, names=whole | manifest.pending, pending=frozenset())
    return coarse, coarse.to_rrset(dns_name)


def _swap(before: RRset | None, after: RRset | None) -> Change:
    return Change((after,) if after else (), (before,) if before else ())
