"""What must hold whatever the order of the calls: after every write, when an act ends, and when all have ended."""

from __future__ import annotations

import functools
import json
from dataclasses import replace

from mldns.exceptions import (
    ClaimMoved,
    ClaimRefused,
    CloudUnavailable,
    MldnsError,
    OwnershipConflict,
    PermissionMissing,
)
from mldns.iam.grants import noted
from mldns.ownership.manifest import Manifest, decode
from mldns.records.names import MANIFEST_LABEL, Key, relative
from mldns.records.rrset import RRset
from tests.simulator.acts import FOREIGN_NETWORK, GRANT, MEMBER, ROLE, STRANGER, ZONE, Act, foreign
from tests.simulator.memory_provider import World
from tests.simulator.writers import DONE, Node

UNHURT = (ClaimRefused, OwnershipConflict, ClaimMoved)
"""Refusals that promise that nothing was written."""


class Broken(Exception):
    """A rule that does not hold."""


def key(world: World) -> object:
    """Equal for equal worlds. Which changes led there is left out: what they did is there, with their generation."""
    return frozenset(world.rrsets[ZONE.name].values()), world.policies.get(ZONE.name)


def with_strangers(world: World) -> World:
    """A zone in which others have records, one of them below a job's name, and others have the role."""
    theirs = [RRset(f"{name}.ml.test.", "A", 300, (f"{FOREIGN_NETWORK}1",)) for name in ("www", "worker-50.a")]
    records = {**world.rrsets[ZONE.name], **{rrset.key: rrset for rrset in theirs}}
    policy = {"version": 1, "etag": "0", "bindings": [{"role": ROLE, "members": [STRANGER]}]}
    return replace(world, rrsets={ZONE.name: records}, policies={ZONE.name: json.dumps(policy)})


def manifests(world: World) -> dict[str, Manifest]:
    """By owner."""
    found = {}
    for rrset in world.rrsets[ZONE.name].values():
        if rrset.name.startswith(f"{MANIFEST_LABEL}."):
            manifest = _read(rrset)
            found[manifest.owner] = manifest
    return found


@functools.cache
def _read(rrset: RRset) -> Manifest:
    owner = relative(rrset.name, ZONE.dns_name).removeprefix(f"{MANIFEST_LABEL}.")
    manifest = decode(rrset, owner=owner, dns_name=ZONE.dns_name)
    assert manifest
    return manifest


def records(world: World) -> dict[Key, RRset]:
    """What is neither a manifest nor the apex."""
    return {
        key: rrset
        for key, rrset in world.rrsets[ZONE.name].items()
        if rrset.type != "NS" and not rrset.name.startswith(f"{MANIFEST_LABEL}.")
    }


def members(world: World) -> list[str]:
    """Who has the role."""
    policy = json.loads(world.policies.get(ZONE.name, "{}"))
    return [member for binding in policy.get("bindings", ()) for member in binding["members"]]


def check_covered(world: World) -> None:
    """Every record is a stranger's, or in a manifest that says it was written."""
    jobs = manifests(world)
    for key, rrset in records(world).items():
        if not foreign(rrset) and not any(manifest.owns(key) for manifest in jobs.values()):
            raise Broken(f"no manifest covers {rrset.name}")


def check_noted(world: World) -> None:
    """A grant that no job notes would never be taken back."""
    notes = [note for manifest in manifests(world).values() for note in noted(manifest.grants)]
    if MEMBER in members(world) and GRANT.recorded(MEMBER) not in notes:
        raise Broken(f"{MEMBER} has {ROLE}, and no job notes it: it would stay for ever")


def check_write(before: World, after: World, act: Act) -> None:
    """Strangers' things stay, generations go up by one, and nobody's live lease is touched by another."""
    standing = {key: rrset for key, rrset in records(before).items() if foreign(rrset)}
    if act.kind != "hand" and any(records(after).get(key) != rrset for key, rrset in standing.items()):
        raise Broken("a stranger's record was touched")
    if STRANGER in members(before) and STRANGER not in members(after):
        raise Broken("a stranger's grant was touched")
    if act.kind == "hand" or before.rrsets == after.rrsets:
        return
    old, new = manifests(before), manifests(after)
    changed = {owner for owner in old.keys() | new.keys() if old.get(owner) != new.get(owner)}
    if changed != {act.owner}:
        raise Broken(f"a change swaps the manifest(s) of {sorted(changed)}, not that of {act.owner} alone")
    _check_swap(old.get(act.owner, Manifest(act.owner)), new.get(act.owner), act)


def _check_swap(old: Manifest, new: Manifest | None, act: Act) -> None:
    """One manifest before and after a change of its owner's."""
    if new is not None and new.generation != old.generation + 1:
        raise Broken(f"the generation of {act.owner} goes from {old.generation} to {new.generation}")
    left = new or Manifest(act.owner)
    same = (left.claimant, left.lease) == (old.claimant, old.lease)
    if act.grants and not (same and left.covered == old.covered):
        raise Broken(f"{act.kind} touches the names of {act.owner}")
    if not old.idle and not same and not _may_take(old, act):
        raise Broken(f"{act} takes the names of {act.owner} from lease {old.lease} of {old.claimant}, which is live")
    if act.looked_at not in (None, old.generation):  # it is given one change's worth of names
        raise Broken(f"{act} acts on generation {old.generation}, not {act.looked_at}")
    if not act.grants and not left.idle and not act.holds(left.claimant, left.lease):
        raise Broken(f"{act} writes under lease {left.lease} of {left.claimant}")


def _may_take(old: Manifest, act: Act) -> bool:
    """Whether the names may leave the hands that they are in by this act."""
    if act.kind == "adopt" or act.holds(old.claimant, old.lease):
        return True
    if act.kind not in ("claim", "upsert", "sync") or old.claimant != act.claimant:
        return False
    return old.expires is None or act.ended == old.lease or (old.expires <= act.now and not act.ended)


def check_end(world: World, act: Act, end: Node, *, faults: bool, unbinding: bool, crowded: bool) -> None:
    """Success means done; a refusal means that nothing was; and nothing else ends an act.

    :param faults: whether a fault struck anybody.
    :param unbinding: whether the same job unbinds at the same time, and so may take back what it binds.
    :param crowded: whether what was so at the act's last but one look need not be so at its end.
    """
    failure = end.failure
    if failure is None and crowded and end.answers[-1:] != (DONE,):
        return
    if failure is None:
        if act.kind != "bind":
            _check_done(world, act, end.result)
        elif MEMBER not in members(world) and not unbinding:
            raise Broken(f"{act} succeeds, and {MEMBER} does not have {ROLE}")
    elif not isinstance(failure, MldnsError):
        raise Broken(f"{act} ends with {type(failure).__name__}: {failure}")
    elif not faults and isinstance(failure, CloudUnavailable | PermissionMissing):
        raise Broken(f"{act} gives up though nothing failed: {failure}")
    elif isinstance(failure, UNHURT) and wrote(end):
        raise Broken(f"{act} is refused and has written: {failure}")


def wrote(end: Node) -> bool:
    """Whether an act is known to have written."""
    return any(answer == DONE for answer in end.answers)


def _check_done(world: World, act: Act, result: object) -> None:
    jobs, live = manifests(world), records(world)
    manifest = jobs.get(act.owner)
    wanted = {rrset.key: rrset for rrset in act.desired}
    held = manifest is not None and act.holds(manifest.claimant, manifest.lease)
    if act.kind in ("claim", "upsert", "sync", "adopt", "renew") and not held:
        raise Broken(f"{act} succeeds, and the names are not in its hands")
    if act.kind == "claim" and manifest and not wanted.keys() <= manifest.covered:
        raise Broken(f"{act} succeeds, and its names are not covered")
    if act.writes_records and any(live.get(key) != rrset for key, rrset in wanted.items()):
        raise Broken(f"{act} succeeds, and its records are not there")
    if act.kind in ("sync", "adopt") and manifest and manifest.covered - wanted.keys():
        raise Broken(f"{act} succeeds, and more than its names are there")
    if act.kind == "renew" and manifest and (manifest.expires or 0) < (act.expires or 0):
        raise Broken(f"{act} succeeds, and the lease ends sooner")
    if act.kind == "release" and result is None and held and manifest and not manifest.idle:
        raise Broken(f"{act} succeeds, and holds its names")


def check_empty(world: World) -> None:
    """What is left when every job has unbound and released: what strangers made, and nothing else."""
    if MEMBER in members(world):
        raise Broken(f"the last unbind leaves {ROLE} to {MEMBER}")
    if left := manifests(world):
        raise Broken(f"the last release leaves the manifest of {sorted(left)}")
    if ours := [rrset.name for rrset in records(world).values() if not foreign(rrset)]:
        raise Broken(f"the last release leaves {ours}")
