"""The difference between what a zone holds and what an owner wants, as data that can be read before it is applied.

What happens to a wanted rrset, by what stands in the zone (`ours`: the owner's manifest covers it and it was written):

    in the zone      create-only   upsert-only   sync
    ---------------  ------------  ------------  ------------
    nothing          create        create        create
    ours, the same   unchanged     unchanged     unchanged
    ours, another    skipped       replace       replace
    not ours         conflict      conflict      conflict
    ours, unwanted   -             -             delete

What would be created, replaced or deleted, but is another job's by its manifest, is not ours: a conflict where it is
wanted, left alone where it is not.

Beside a wanted rrset, at its name: a CNAME beside anything, and the other address family beside a worker's address,
make room if they are ours (create-only skips the wanted one), and are a conflict if they are not. NS records below the
apex delegate their name and all below it to other servers (RFC 1034 §4.2): what is wanted there is a conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mldns.exceptions import Conflict
from mldns.messages import shorten
from mldns.plan.plan import DEFAULT_POLICY, Plan, Replace, parse_policy
from mldns.records.names import Key, between, is_job_name, natural
from mldns.records.rrset import RRset, same

_ROUTED = "a routing policy answers there, which mldns does not write: delete it or give the name plain data by hand"


def compute_plan(
    *,
    current: Iterable[RRset],
    desired: Iterable[RRset],
    subtree: str,
    owned: Callable[[Key], bool],
    owner_of: Callable[[Key], str | None],
    rival_of: Callable[[Key], str | None] = lambda _: None,
    policy: str = DEFAULT_POLICY,
    adopt: bool = False,
) -> Plan:
    """Return the plan that turns `current` into `desired` for what is owned.

    :param current: what the zone holds at the names in question and between them and the apex, as listed; the owner's
        manifest left out.
    :param subtree: `<owner>.<zone>`, where the owner's workers have their names; behind its first label comes the apex.
    :param owned: whether the owner's manifest covers a key and says that it was written.
    :param owner_of: whose a key is, asked only for conflicts; None where nothing tells.
    :param rival_of: the other job that has claimed or written a key, asked only for what would be touched; else None.
    :param adopt: a record that nobody owns and that already says what is wanted becomes ours instead of a conflict.
    """
    parse_policy(policy)
    listed = {rrset.key: rrset for rrset in current}
    wanted = {rrset.key: rrset for rrset in desired}
    hosts = {name for name, _ in wanted if is_job_name(name, subtree)}
    cut_off = _cut_off(listed, wanted, subtree.partition(".")[2])
    differ = _Differ(listed, wanted.keys(), hosts, owned, owner_of, rival_of, policy, adopt)
    for cut, names in cut_off.items():
        differ.conflicts[cut.key] = Conflict(cut.name, cut.type, None, cut.rrdatas, _delegated(cut, names))
    hidden = {name for names in cut_off.values() for name in names}
    for key in sorted(wanted, key=natural):
        if key[0] not in hidden:
            differ.decide(wanted[key])
    if policy == "sync":
        differ.deletes |= {key: rrset for key, rrset in listed.items() if key not in wanted and differ.ours(key)}
    return differ.plan()


@dataclass(slots=True)
class _Differ:
    """Decides one wanted rrset after the other and collects what that means for the zone."""

    listed: Mapping[Key, RRset]
    wanted: Collection[Key]
    hosts: Collection[str]
    owned: Callable[[Key], bool]
    owner_of: Callable[[Key], str | None]
    rival_of: Callable[[Key], str | None]
    policy: str
    adopt: bool
    types: dict[str, set[str]] = field(default_factory=dict)
    creates: list[RRset] = field(default_factory=list)
    replaces: list[Replace] = field(default_factory=list)
    deletes: dict[Key, RRset] = field(default_factory=dict)
    unchanged: list[RRset] = field(default_factory=list)
    skipped: list[RRset] = field(default_factory=list)
    conflicts: dict[Key, Conflict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in self.listed:
            self.types.setdefault(name, set()).add(kind)

    def decide(self, rrset: RRset) -> None:
        """Sort one wanted rrset under its heading (the table of this module)."""
        before = self.listed.get(rrset.key)
        if before is None and (rival := self.rival_of(rrset.key)):
            self.conflicts[rrset.key] = Conflict(rrset.name, rrset.type, rival)
        elif not self._make_room(rrset):
            return
        elif before is None:
            self.creates.append(rrset)
        elif not self.owned(rrset.key):
            if self.adopt and same(before, rrset) and self.owner_of(rrset.key) is None:
                self.unchanged.append(before)
            else:
                self._refuse(before)
        elif same(before, rrset):
            self.unchanged.append(before)
        elif self.policy == "create-only":
            self.skipped.append(before)
        elif not self.ours(rrset.key):
            self._refuse(before)
        else:
            self.replaces.append(Replace(before, rrset))

    def ours(self, key: Key) -> bool:
        """Whether a listed rrset may be replaced or deleted."""
        return self.owned(key) and not self.listed[key].routed and self.rival_of(key) is None

    def plan(self) -> Plan:
        return Plan(
            creates=tuple(self.creates),
            replaces=tuple(self.replaces),
            deletes=tuple(self.deletes[key] for key in sorted(self.deletes, key=natural)),
            unchanged=tuple(self.unchanged),
            skipped=tuple(self.skipped),
            conflicts=tuple(self.conflicts.values()),
        )

    def _make_room(self, rrset: RRset) -> bool:
        """Whether nothing stands at the name that the rrset cannot stand beside; own records there are deleted."""
        clashes = [self.listed[key] for key in self._beside(rrset) if self._clash(key, rrset)]
        foreign = [found for found in clashes if not self.ours(found.key)]
        for found in foreign:
            self._refuse(found)
        if clashes and not foreign and self.policy == "create-only":
            if rrset.key not in self.listed:
                self.skipped.append(rrset)
            return rrset.key in self.listed
        self.deletes |= {found.key: found for found in clashes if not foreign}
        return not foreign

    def _beside(self, rrset: RRset) -> list[Key]:
        return [(rrset.name, kind) for kind in sorted(self.types.get(rrset.name, set()) - {rrset.type})]

    def _clash(self, key: Key, rrset: RRset) -> bool:
        kinds = {key[1], rrset.type}
        return "CNAME" in kinds or (kinds == {"A", "AAAA"} and key not in self.wanted and rrset.name in self.hosts)

    def _refuse(self, found: RRset) -> None:
        owner = self.rival_of(found.key)
        if owner is None and not self.owned(found.key):
            owner = self.owner_of(found.key)
        why = _ROUTED if found.routed else ""
        self.conflicts[found.key] = Conflict(found.name, found.type, owner, found.rrdatas, why)


def _cut_off(listed: Mapping[Key, RRset], wanted: Iterable[Key], dns_name: str) -> dict[RRset, list[str]]:
    """The delegations in the zone, each with the wanted names that it hides."""
    cuts = {name: rrset for (name, kind), rrset in listed.items() if kind == "NS" and name != dns_name}
    hidden: dict[RRset, list[str]] = {}
    for name in dict.fromkeys(name for name, _ in wanted) if cuts else ():
        if cut := next((cuts[above] for above in (name, *between(name, dns_name)) if above in cuts), None):
            hidden.setdefault(cut, []).append(name)
    return hidden


def _delegated(cut: RRset, names: Sequence[str]) -> str:
    return f"{shorten(names, 3)} would never be served: the name is delegated to {shorten(cut.rrdatas, 3)}"
