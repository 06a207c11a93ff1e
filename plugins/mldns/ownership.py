"""Who may touch a name: the manifest of an owner, the lease on it, and the changes that keep both true.

The manifest is one TXT rrset `_mldns.<owner>.<zone>`. Every change of the owner replaces it, generation + 1, in the
same atomic change: the API refuses the change (412, 409) when another writer was there in between. So the manifest is
never wrong about what is live, whenever the writer dies.

A name marked `?` is claimed and not yet written by us. What stands there after a crash is somebody else's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from mldns import name_set
from mldns.batching import Change, Limits, edits, pack
from mldns.exceptions import ClaimRefused, InvalidInput, ManifestTooLarge, MldnsError
from mldns.naming import SHARED_OWNER, manifest_name, relative
from mldns.plan import Plan
from mldns.records import Key, RRset
from mldns.text_strings import MAX_STRING, quote_strings, split_strings

VERSION = "mldns1"
MAX_MANIFEST_BYTES = 4_096
MANIFEST_TTL = 60

# A swap sends the old and the new manifest; quotes and escapes at most double what the limit counts.
_SWAP_BYTES = 2 * 2 * MAX_MANIFEST_BYTES

_PENDING = "?"
_DIGEST_PREFIX = "sha256:"


class ManifestDamaged(MldnsError):
    """A manifest that does not read as one, or whose digest is not its content's: somebody edited it by hand."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(
            f"manifest {name} is damaged ({why}): restore it, or delete that TXT record and claim again with adopt=True"
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an owner says of its names.

    `names` are written and ours; `pending` are claimed and not written yet. `expires` is in Unix seconds, None where
    the lease promises no end. `claimant` and `lease` are digests in a public zone.
    """

    owner: str
    claimant: str = ""
    lease: str = ""
    generation: int = 0
    expires: int | None = None
    names: frozenset[Key] = field(default=frozenset())
    pending: frozenset[Key] = field(default=frozenset())
    grants: tuple[str, ...] = ()

    @property
    def covered(self) -> frozenset[Key]:
        return self.names | self.pending

    def owns(self, key: Key) -> bool:
        """Whether the rrset at `key`, if there is one, was written by this owner."""
        return key in self.names

    def to_rrset(self, dns_name: str) -> RRset:
        """Return the TXT rrset, or raise ManifestTooLarge when the names do not fit."""
        strings = self._strings(dns_name)
        strings.append(f"digest={_digest(strings)}")
        octets = [string.encode() for string in strings]
        size = sum(len(string) + 1 for string in octets)
        if size > MAX_MANIFEST_BYTES:
            raise ManifestTooLarge(owner=self.owner, size=size, limit=MAX_MANIFEST_BYTES)
        if long := next((string for string in strings if len(string.encode()) > MAX_STRING), None):
            raise InvalidInput(f"manifest of {self.owner!r}: {long[:60]!r}… is longer than {MAX_STRING} octets")
        return RRset(manifest_name(self.owner, dns_name), "TXT", MANIFEST_TTL, (quote_strings(octets),))

    def _strings(self, dns_name: str) -> list[str]:
        strings = [f"v={VERSION}", f"claimant={self.claimant}", f"lease={self.lease}", f"generation={self.generation}"]
        if self.expires is not None:
            strings.append(f"expires={timestamp(self.expires)}")
        strings += name_set.to_items(self.names, owner=self.owner, dns_name=dns_name)
        pending = name_set.to_items(self.pending, owner=self.owner, dns_name=dns_name)
        strings += [f"{_PENDING}{item}" for item in pending]
        strings += [f"grant={grant}" for grant in self.grants]
        return strings


def decode(rrset: RRset | None, *, owner: str, dns_name: str) -> Manifest | None:
    """Read a manifest back; None for None.

    :raises ManifestDamaged: unreadable, of another version, or edited by hand.
    """
    if rrset is None:
        return None
    try:
        octets = [string for rrdata in rrset.rrdatas for string in split_strings(rrdata, rrset.name)]
        strings = [string.decode() for string in octets]
        return _read(strings, owner=owner, dns_name=dns_name)
    except (InvalidInput, ValueError) as error:
        raise ManifestDamaged(rrset.name, str(error)) from error


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

    :param expires: when the lease ends, Unix seconds; None promises nothing, so a later lease may take over at once.
    :param lease_ended: the run behind the current lease is known to be over.
    :param public: store claimant and lease as digests, since anybody can read a public zone.
    :raises ClaimRefused: another claimant, or another lease that still counts.
    """
    if current is None:
        current = Manifest(owner=owner)
    elif not _released(current) and not adopt:
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
        claimant=masked(claimant) if public else claimant,
        lease=masked(lease) if public else lease,
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
    doomed = tuple(rrset for rrset in current if manifest.owns(rrset.key))
    batches = list(pack(edits(Plan(deletes=doomed)), limits, reserved_bytes=_SWAP_BYTES)) or [Change()]
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
    if before is not None and _released(after) and not after.grants and not after.covered:
        return ManifestedChanges((Change(deletions=(before,)),), None)
    return _claim_alone(before, after, dns_name)


def overtaken_by(manifest: Manifest, lease: str) -> str | None:
    """The lease that holds the names now, when it is not `lease`; None when `lease` may release them."""
    return None if matches(manifest.lease, lease) else manifest.lease or "(none)"


def candidate_owners(name: str, dns_name: str) -> list[str]:
    """The owners whose manifest may cover `name`: the label above the zone for job names, and `shared`."""
    labels = relative(name, dns_name).split(".")
    likely = [labels[-1]] if len(labels) > 1 else []
    return [*likely, SHARED_OWNER]


def masked(value: str) -> str:
    """A digest instead of a run id or an account; nothing stays nothing."""
    if not value or value.startswith(_DIGEST_PREFIX):
        return value
    return _DIGEST_PREFIX + hashlib.sha256(value.encode()).hexdigest()[:16]


def matches(stored: str, value: str) -> bool:
    """Whether a manifest's claimant or lease is `value`, kept as it is or as its digest."""
    return stored == value or (bool(value) and stored == masked(value))


def timestamp(seconds: float) -> str:
    """`2026-01-02T03:04:05Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(strings: Sequence[str], *, owner: str, dns_name: str) -> Manifest:
    if not strings or strings[0] != f"v={VERSION}":
        raise InvalidInput(f"it does not begin with v={VERSION}")
    if strings[-1] != f"digest={_digest(strings[:-1])}":
        raise InvalidInput("its digest does not fit its content")
    values: dict[str, str] = {}
    names: set[Key] = set()
    pending: set[Key] = set()
    grants: list[str] = []
    for string in strings[1:-1]:
        key, _, value = string.partition("=")
        if key == "grant":
            grants.append(value)
        elif key in name_set.RESERVED - {name_set.EXPLICIT}:
            values[key] = value
        else:
            item = string.removeprefix(_PENDING)
            keys = name_set.from_item(item, owner=owner, dns_name=dns_name)
            (pending if item != string else names).update(keys)
            if len(names) + len(pending) > name_set.MAX_NAMES:
                raise InvalidInput(f"it covers more than {name_set.MAX_NAMES:,} names")
    return Manifest(
        owner=owner,
        claimant=values.get("claimant", ""),
        lease=values.get("lease", ""),
        generation=int(values.get("generation", "0")),
        expires=_seconds(values["expires"]) if "expires" in values else None,
        names=frozenset(names),
        pending=frozenset(pending),
        grants=tuple(grants),
    )


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


def _released(manifest: Manifest) -> bool:
    """Nobody holds it: what a release leaves when grants are recorded."""
    return not (manifest.claimant or manifest.lease or manifest.covered)


def _may_take_over(current: Manifest, lease: str, now: float, lease_ended: bool) -> bool:
    return matches(current.lease, lease) or lease_ended or current.expires is None or current.expires <= now


def _still_long(current: Manifest, renewed: Manifest, now: float) -> bool:
    """Whether more than half of the lease asked for is left, or neither promises an end."""
    if current.expires is None or renewed.expires is None:
        return current.expires is renewed.expires
    return current.expires - now > (renewed.expires - now) / 2


def _digest(strings: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(strings).encode()).hexdigest()[:16]


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
