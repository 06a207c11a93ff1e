"""The manifest's compare-and-swap along the batches of an edit: each says what is written once it is applied.

A manifest is written anew with every batch, so what that costs must grow with the batch, not with the job: the names
are kept as ranges (`mldns.ownership.name_ranges`) to which a batch adds, and from which it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mldns.exceptions import ManifestTooLarge
from mldns.ownership.manifest import Manifest
from mldns.ownership.name_ranges import NameSet, to_items
from mldns.plan.batches import Change, Limits, edits, pack
from mldns.plan.plan import Plan
from mldns.records.names import Key
from mldns.records.rrset import RRset


@dataclass(frozen=True, slots=True)
class ManifestedChanges:
    """Changes to send one after the other, and the manifest that stands when the last one is through."""

    changes: tuple[Change, ...]
    final: Manifest | None


@dataclass(frozen=True, slots=True)
class Swap:
    """What it takes to swap a manifest.

    :param before: the manifest as listed, which the first change must find unchanged; None where there is none.
    :param dns_name: of the zone.
    :param limits: of a change and of a manifest.
    :param fallback_claim: claimed instead of names that are too ragged for a manifest: all of before and after the
        edit. Thousands of names deleted by hand here and there leave more ranges than fit; the claim then covers the
        gaps, too, and what somebody else may have put there meanwhile would count as ours: better than a job that
        cannot start.
    """

    before: RRset | None
    dns_name: str
    limits: Limits
    fallback_claim: frozenset[Key] | None = None

    def alone(self, after: Manifest) -> ManifestedChanges:
        """One change that swaps the manifest for `after`, or none when only its generation would differ."""
        if self.before is not None and self._fitted(after)[1].rrdatas == self.before.rrdatas:
            return ManifestedChanges((), after)
        return self._along([Change()], after, after)

    def along(self, plan: Plan, *, start: Manifest, end: Manifest | None) -> ManifestedChanges:
        """The plan in batches, each with the swap of the manifest; one at least.

        What the manifests take of a batch is known when they are written, so they are, and the batches are packed anew
        where one has become too large.

        :param start: what is true before the first batch, at the generation that is listed.
        :param end: what is true behind the last one, whatever its generation; None for no manifest.
        """
        swap_bytes = 2 * Change((self.before,)).rrdata_bytes if self.before else 0
        while True:
            batches = list(pack(edits(plan), self.limits, swap_bytes=swap_bytes)) or [Change()]
            done = self._along(batches, start, end)
            excess = max(change.rrdata_bytes for change in done.changes) - self.limits.rrdata_bytes
            if excess <= 0 or plan.empty:
                return done
            swap_bytes += excess

    def _along(self, batches: Sequence[Change], start: Manifest, end: Manifest | None) -> ManifestedChanges:
        writer = ManifestWriter(start, self)
        *earlier, last = batches
        changes, before = [], self.before
        for batch in earlier:
            after = writer.advance(batch)
            changes.append(_swapped(before, after) + batch)
            before = after
        if end is None:
            return ManifestedChanges((*changes, _swapped(before, None) + last), None)
        claim = self.fallback_claim
        if claim is not None:
            claim -= {rrset.key for batch in batches for rrset in batch.deletions} - end.names
        last_swap = replace(self, fallback_claim=claim)
        final, after = last_swap._fitted(replace(end, generation=start.generation + len(batches)))
        return ManifestedChanges((*changes, _swapped(before, after) + last), final)

    def _fitted(self, manifest: Manifest) -> tuple[Manifest, RRset]:
        """The manifest as an rrset, with the fallback claim where its own names do not fit."""
        try:
            return manifest, manifest.to_rrset(self.dns_name, self.limits.manifest_bytes)
        except ManifestTooLarge:
            if self.fallback_claim is None:
                raise
        coarse = replace(manifest, names=self.fallback_claim | manifest.pending, pending=frozenset())
        return coarse, coarse.to_rrset(self.dns_name, self.limits.manifest_bytes)


class ManifestWriter:
    """An owner's manifest from batch to batch."""

    def __init__(self, start: Manifest, swap: Swap) -> None:
        self._start, self._manifest, self._swap = start, start, swap
        self._names = NameSet(start.names, owner=start.owner, dns_name=swap.dns_name)
        self._pending = NameSet(start.pending, owner=start.owner, dns_name=swap.dns_name)
        self._fallback_items: tuple[str, ...] | None = None

    def advance(self, batch: Change) -> RRset:
        """The manifest once `batch` is applied. What the batch replaces is said already."""
        written = {rrset.key for rrset in batch.additions}
        self._names.add(written - self._start.names)
        self._names.discard({rrset.key for rrset in batch.deletions} - written)
        self._pending.discard(written & self._start.pending)
        self._manifest = replace(self._manifest, generation=self._manifest.generation + 1)
        try:
            return self._worded(self._names.items(), self._pending.items())
        except ManifestTooLarge:
            claim = self._swap.fallback_claim
            if claim is None:
                raise
        if self._fallback_items is None:
            self._fallback_items = to_items(claim, owner=self._manifest.owner, dns_name=self._swap.dns_name)
        return self._worded(self._fallback_items, ())

    def _worded(self, names: Sequence[str], pending: Sequence[str]) -> RRset:
        return self._manifest.worded(names, pending, self._swap.dns_name, self._swap.limits.manifest_bytes)


def _swapped(before: RRset | None, after: RRset | None) -> Change:
    return Change((after,) if after else (), (before,) if before else ())
