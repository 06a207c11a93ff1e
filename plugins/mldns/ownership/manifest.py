"""The manifest: what an owner says of its names, as one small TXT rrset `_mldns.<owner>.<zone>`.

Strings of `key=value`: version, claimant, lease, generation, expiry, the names as rank ranges and explicit names
(marked `?` while they are claimed and not written yet), the grants it made, and a digest over all of it, so that an
edit by hand is noticed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mldns.exceptions import InvalidInput, ManifestTooLarge, MldnsError
from mldns.messages import quoted, timestamp
from mldns.ownership import name_ranges
from mldns.records.names import MANIFEST_LABEL, Key, manifest_name
from mldns.records.rrset import RRset
from mldns.records.txt import MAX_STRING, quote_strings, split_strings

VERSION = "mldns1"
MAX_MANIFEST_BYTES = 4_096
MANIFEST_TTL = 60

_PENDING = "?"
_MAX_KEPT = 200  # octets: with its key it must fit into one TXT string; Airflow's run ids have up to 250
_DIGEST_PREFIX = "sha256:"
_NO_ITEMS = name_ranges.RESERVED - {name_ranges.EXPLICIT}


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
    the lease promises no end. `claimant` and `lease` are as `kept` keeps them: digests in a public zone.
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
        """All names that nobody else may take."""
        return self.names | self.pending

    @property
    def idle(self) -> bool:
        """Held by nobody: what a release leaves where grants are recorded."""
        return not (self.claimant or self.lease or self.covered)

    def owns(self, key: Key) -> bool:
        """Whether the rrset at `key`, if there is one, was written by this owner."""
        return key in self.names

    def to_rrset(self, dns_name: str, max_sent: int | None = None) -> RRset:
        """Return the TXT rrset, or raise ManifestTooLarge when the names do not fit.

        :param max_sent: octets of the rrdata with its quotes, where the cloud has a limit of its own.
        """
        names = name_ranges.to_items(self.names, owner=self.owner, dns_name=dns_name)
        pending = name_ranges.to_items(self.pending, owner=self.owner, dns_name=dns_name)
        return self.worded(names, pending, dns_name, max_sent)

    def worded(self, names: Iterable[str], pending: Iterable[str], dns_name: str, max_sent: int | None = None) -> RRset:
        """`to_rrset` with other names than the manifest's own.

        :param names: their items (`mldns.ownership.name_ranges`).
        :param pending: those of the names that are claimed and not written yet.
        """
        strings = [f"v={VERSION}", f"claimant={self.claimant}", f"lease={self.lease}", f"generation={self.generation}"]
        if self.expires is not None:
            strings.append(f"expires={timestamp(self.expires)}")
        strings += names
        strings += [f"{_PENDING}{item}" for item in pending]
        strings += [f"grant={grant}" for grant in self.grants]
        strings.append(f"digest={_digest(strings)}")
        octets = [string.encode() for string in strings]
        size = sum(len(string) + 1 for string in octets)
        if size > MAX_MANIFEST_BYTES:
            raise ManifestTooLarge(owner=self.owner, size=size, limit=MAX_MANIFEST_BYTES)
        if long := next((string for string in octets if len(string) > MAX_STRING), None):
            raise InvalidInput(
                f"manifest of {self.owner!r}: {quoted(long.decode())} is longer than {MAX_STRING} octets"
            )
        rrdata = quote_strings(octets)
        if max_sent is not None and len(rrdata) > max_sent:
            raise ManifestTooLarge(owner=self.owner, size=len(rrdata), limit=max_sent)
        return RRset(manifest_name(self.owner, dns_name), "TXT", MANIFEST_TTL, (rrdata,))


def decode(rrset: RRset | None, *, owner: str, dns_name: str, most: int = name_ranges.MAX_NAMES) -> Manifest | None:
    """Read a manifest back; None for None. Nothing that it says has control characters.

    :param rrset: as the zone holds it.
    :param owner: whose it is.
    :param dns_name: what the zone serves.
    :param most: names that it may cover.
    :raises ManifestDamaged: unreadable, of another version, edited by hand, or covering more.
    """
    if rrset is None:
        return None
    try:
        strings = _strings(rrset)
        # Whatever it says is shown in logs, XComs and on the page, and anybody may have written it.
        if unprintable := next((string for string in strings if not string.isprintable()), None):
            raise InvalidInput(f"{quoted(unprintable)} has control characters")
        return _read(strings, owner=owner, dns_name=dns_name, most=most)
    except (InvalidInput, ValueError) as error:
        raise ManifestDamaged(rrset.name, str(error)) from error


@dataclass(frozen=True, slots=True)
class ZoneManifests:
    """The manifests of a whole zone, together within `mldns.ownership.name_ranges.MAX_NAMES`.

    :param readable: in order of owner.
    :param damaged: a line for each that does not read, or covers more than there is room for.
    :param keys: of all the manifests' own rrsets.
    """

    readable: tuple[Manifest, ...]
    damaged: tuple[str, ...]
    keys: frozenset[Key]

    @classmethod
    def of(cls, rrsets: Iterable[RRset], *, dns_name: str, most: int = name_ranges.MAX_NAMES) -> ZoneManifests:
        """Read all manifests among a zone's rrsets, those that cover least first.

        Anybody can write a manifest that stands for any number of names. Where all of them are more than `most`, the
        largest ones count as damaged, so that a forged one does not push an honest one out.

        :param rrsets: of the whole zone, or its TXT rrsets.
        :param dns_name: what the zone serves.
        :param most: names that all manifests together may cover.
        """
        owners = {rrset: owner for rrset in rrsets if (owner := owner_of_manifest(rrset, dns_name))}
        readable: list[Manifest] = []
        damaged: list[str] = []
        for rrset in sorted(owners, key=_size):
            try:
                manifest = decode(rrset, owner=owners[rrset], dns_name=dns_name, most=most)
            except ManifestDamaged as error:
                damaged.append(str(error))
                continue
            if manifest is not None:
                most -= len(manifest.covered)
                readable.append(manifest)
        readable.sort(key=lambda manifest: manifest.owner)
        keys = frozenset((rrset.name.lower(), rrset.type) for rrset in owners)
        return cls(tuple(readable), tuple(sorted(damaged)), keys)


def owner_of_manifest(rrset: RRset, dns_name: str) -> str | None:
    """Return the owner label of `_mldns.<owner>.<zone>` TXT; None for any other rrset."""
    prefix, suffix = f"{MANIFEST_LABEL}.", f".{dns_name}"
    name = rrset.name.lower()
    if rrset.type != "TXT" or not name.startswith(prefix) or not name.endswith(suffix):
        return None
    owner = name[len(prefix) : -len(suffix)]
    return owner if owner and "." not in owner else None


def masked(value: str) -> str:
    """A digest instead of a run id or an account; nothing stays nothing."""
    if not value or value.startswith(_DIGEST_PREFIX):
        return value
    return _DIGEST_PREFIX + hashlib.sha256(value.encode()).hexdigest()[:16]


def kept(value: str, *, public: bool) -> str:
    """A claimant or a lease as a manifest keeps it: its digest where it is to be hidden, too long, or unprintable."""
    return masked(value) if public or len(value.encode()) > _MAX_KEPT or not value.isprintable() else value


def matches(stored: str, value: str) -> bool:
    """Whether a manifest's claimant or lease is `value`, kept as it is or as its digest."""
    return stored == value or (bool(value) and stored == masked(value))


def _read(strings: Sequence[str], *, owner: str, dns_name: str, most: int) -> Manifest:
    if not strings or strings[0] != f"v={VERSION}":
        raise InvalidInput(f"it does not begin with v={VERSION}")
    if strings[-1] != f"digest={_digest(strings[:-1])}":
        raise InvalidInput("its digest does not fit its content")
    if (size := sum(map(name_ranges.size_of, _items(strings)))) > most:
        total = name_ranges.MAX_NAMES
        raise InvalidInput(f"it covers {size:,} names: all manifests of a zone together cover at most {total:,}")
    values: dict[str, str] = {}
    names: set[Key] = set()
    pending: set[Key] = set()
    grants: list[str] = []
    for string in strings[1:-1]:
        key, _, value = string.partition("=")
        if key == "grant":
            grants.append(value)
        elif key in _NO_ITEMS:
            values[key] = value
        else:
            item = string.removeprefix(_PENDING)
            keys = set(name_ranges.from_item(item, owner=owner, dns_name=dns_name))
            if any(_untouchable(key, dns_name) for key in keys):
                raise InvalidInput(f"no claim covers {item!r}")
            (pending if item != string else names).update(keys)
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


def _strings(rrset: RRset) -> list[str]:
    return [octets.decode() for rrdata in rrset.rrdatas for octets in split_strings(rrdata, rrset.name)]


def _items(strings: Sequence[str]) -> list[str]:
    """Those of a manifest's strings that stand for names, without their marks."""
    return [string.removeprefix(_PENDING) for string in strings if string.partition("=")[0] not in _NO_ITEMS]


def _size(rrset: RRset) -> int:
    """How many names a manifest stands for; 0 for one that does not read."""
    try:
        return sum(map(name_ranges.size_of, _items(_strings(rrset))))
    except (InvalidInput, ValueError):
        return 0


def _untouchable(key: Key, dns_name: str) -> bool:
    """Other manifests and the apex NS and SOA: a release that believed a forged claim to them would do much harm."""
    name, kind = key
    return name.startswith(f"{MANIFEST_LABEL}.") or (name == dns_name and kind in ("NS", "SOA"))


def _digest(strings: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(strings).encode()).hexdigest()[:16]


def _seconds(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
