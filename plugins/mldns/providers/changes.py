"""Sending one change so that it is applied once, whatever happens to its answer; and waiting until it is done."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice
from typing import Any

from mldns import metrics
from mldns.exceptions import ChangeFailed, CloudUnavailable, PermissionMissing, StillPending
from mldns.plan.batches import Change
from mldns.providers.errors import AnswerLost, Call, moved_meanwhile
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.retry import RetryPolicy
from mldns.records.names import Key
from mldns.records.rrset import RRset, from_api, normalised, same

log = logging.getLogger(__name__)

_LOOKED_UP = 100  # changes: far more than other writers can have got in since ours was sent
_LOOKUP_PAGE = 10  # a change may hold 1,000 rrsets, and ours is mostly the newest one
# Seconds after a change was sent at which it is asked for, later ever more rarely: Google was seen to take up to 2 s.
_ASKED_AT = (0.1, 0.5, 1.02, 1.6, 2.3, 3.5, 5.5)
_SLOWEST_POLL = 5.0


def send_change(client: DNSClient, zone: str, change: Change, *, witness: Key, retrying: RetryPolicy) -> Resource:
    """Send a change; when its answer is lost, find out what became of it, and send it again only if it was not applied.

    :param witness: an rrset that this change alters as no other change does: the owner's manifest, which carries a
        generation. What stands there now tells whether the change was applied.
    :return: the API's change; `id` is None where it was applied and its id cannot be read.
    :raises ZoneMoved: the zone is not what the change was planned for.
    :raises CloudUnavailable: it was not applied; or, from `AnswerLost`, it may have been: the zone cannot be read.
    """
    lost: AnswerLost | None = None

    def attempt() -> Resource:
        nonlocal lost
        if lost and (applied := _look_up(client, zone, change, witness)) is not None:
            return applied
        try:
            return client.create_change(zone, change)
        except AnswerLost as unanswered:
            lost = unanswered
            raise

    try:
        return retrying.run(
            attempt, what=f"changes.create of zone {zone!r}", repeatable=lambda error: isinstance(error, AnswerLost)
        )
    except CloudUnavailable as failed:
        if lost is None:
            raise
        # No more tries, but still a look at the last one: what is live is not to be reported as missing.
        try:
            applied = _look_up(client, zone, change, witness)
        except CloudUnavailable:
            reason = f"{failed.reason}, and whether it was applied cannot be read"
            raise CloudUnavailable(reason, way_out=failed.way_out) from lost
        if applied is not None:
            return applied
        raise failed from lost.__cause__


def wait_until_done(
    client: DNSClient, zone: str, change_id: str, *, timeout: float, just_sent: bool = False
) -> Resource:
    """Poll a change, ever more slowly, until Google says `done`: sent to the name servers, not yet proven there.

    :param just_sent: it was pending a moment ago, so that the first poll can wait a little.
    :raises StillPending: it is so after `timeout` seconds.
    """
    started = time.monotonic()
    moments = chain(_ASKED_AT if just_sent else (0.0, *_ASKED_AT), count(_ASKED_AT[-1] + _SLOWEST_POLL, _SLOWEST_POLL))
    for moment in moments:
        spread = random.uniform(1.0, 1.03)  # noqa: S311 - spreads load, guards nothing
        time.sleep(max(0.0, started + min(moment * spread, timeout) - time.monotonic()))
        change = client.get_change(zone, change_id)
        if change.get("status") == "done":
            if just_sent:
                metrics.timing("mldns.done.time", time.monotonic() - started)
            return change
        if time.monotonic() - started >= timeout:
            break
    raise StillPending(
        f"change {change_id} of zone {zone!r} is still pending after {timeout:.0f} s: "
        "it is accepted, so a retry only waits on"
    )


def wait_until_settled(client: DNSClient, zone: str, change_id: str | None, *, timeout: float) -> str | None:
    """Wait until the change that was just sent is `done`; without an id, the newest one of the zone. Its status.

    None where the zone has no change, or where the caller may not list them.
    """
    if change_id is None:
        try:
            newest = next(client.newest_changes(zone, page_size=1, whole=False), None)
        except PermissionMissing as missing:
            log.warning("zone %s: not known whether earlier changes are done: %s", zone, missing)
            return None
        if newest is None:
            return None
        if newest.get("status") == "done":
            return "done"
        change_id = newest["id"]
    return str(wait_until_done(client, zone, change_id, timeout=timeout, just_sent=True)["status"])


def _look_up(client: DNSClient, zone: str, change: Change, witness: Key) -> Resource | None:
    """The change as the API knows it, or None when it was not applied.

    The list of changes alone could not tell: a claim that was released and claimed again makes two equal changes. So
    the witness decides, and the list is read for the id only.

    :raises ZoneMoved: somebody wrote in between, so that neither can be told; the zone can.
    """
    before, after = _at(change.deletions, witness), _at(change.additions, witness)
    now = next((from_api(found) for found in client.list_rrsets(zone, name=witness[0], kind=witness[1])), None)
    if _alike(now, before):
        log.info("zone %s: the change whose answer was lost was not applied; sending it again", zone)
        return None
    if not _alike(now, after):
        raise moved_meanwhile(Call("changes.create", client.project, zone), witness)
    try:
        newest = islice(client.newest_changes(zone, page_size=_LOOKUP_PAGE), _LOOKED_UP)
        found = next((resource for resource in newest if _is(resource, change)), None)
    except (PermissionMissing, CloudUnavailable) as unreadable:
        log.warning("zone %s: %s", zone, unreadable)
        found = None
    if found is None:
        log.warning("zone %s: the change whose answer was lost was applied; its id cannot be read", zone)
        return {"id": None, "status": "pending"}
    log.info("zone %s: the change whose answer was lost was applied as change %s", zone, found.get("id"))
    return found


def _at(rrsets: tuple[RRset, ...], key: Key) -> RRset | None:
    return next((rrset for rrset in rrsets if rrset.key == key), None)


def _alike(a: RRset | None, b: RRset | None) -> bool:
    return a is b if a is None or b is None else same(a, b)


def _is(resource: dict[str, Any], change: Change) -> bool:
    """Whether a listed change is the one that was sent, however the server spells its rrsets."""
    for side, sent in (("additions", change.additions), ("deletions", change.deletions)):
        listed = resource.get(side, ())
        if len(listed) != len(sent):
            return False
        if {normalised(from_api(item)) for item in listed} != {normalised(rrset) for rrset in sent}:
            return False
    return True


log = logging.getLogger(__name__)


_NAMES_TOLD = 3


@dataclass(slots=True)
class Progress:
    """What one call has made live so far, over all its tries. Counts are of rrsets, manifests left out.

    :param witness: the owner's manifest, which every change swaps.
    :param held: whether the names were seen in the caller's hands: what is lost after that is not taken again.
    :param unsent: the changes of the last try that are not known to be live.
    :param in_doubt: rrsets of a change whose answer was lost for good.
    """

    witness: Key
    held: bool = False
    created: int = 0
    changed: int = 0
    deleted: int = 0
    changes: int = 0
    last_id: str | None = None
    status: str = "done"
    in_doubt: int = 0
    unsent: list[Change] = field(default_factory=list)
    live_names: list[str] = field(default_factory=list)

    @property
    def live(self) -> int:
        return self.created + self.changed + self.deleted

    def failure(self, zone: str, reason: str) -> ChangeFailed:
        """What to tell of a call that stopped: what is live, what is not, and what nobody knows."""
        missing = [key for change in self.unsent for key in self._keys(change)]
        return ChangeFailed(
            zone=zone,
            live=self.live,
            missing=len(missing) - self.in_doubt,
            in_doubt=self.in_doubt,
            live_names=self.live_names,
            missing_names=_first_names(missing[self.in_doubt :]),
            reason=reason,
        )

    def sent(self, change: Change, change_id: str | None, status: str) -> tuple[int, int, int]:
        """Note the first of the unsent changes as live; returns how many rrsets it created, changed and deleted."""
        added = {rrset.key for rrset in change.additions} - {self.witness}
        removed = {rrset.key for rrset in change.deletions} - {self.witness}
        tally = len(added - removed), len(added & removed), len(removed - added)
        self.created += tally[0]
        self.changed += tally[1]
        self.deleted += tally[2]
        self.changes += 1
        self.last_id, self.status = change_id, status
        del self.unsent[0]
        if len(self.live_names) < _NAMES_TOLD:
            self.live_names = _first_names([*((name, "") for name in self.live_names), *self._keys(change)])
        return tally

    def count(self, change: Change) -> int:
        """How many rrsets a change touches."""
        return sum(1 for _ in self._keys(change))

    def _keys(self, change: Change) -> Iterator[Key]:
        """The rrsets that a change touches, each once, in the order of the change."""
        keys = dict.fromkeys(rrset.key for rrset in (*change.additions, *change.deletions))
        return (key for key in keys if key != self.witness)


def send_changes(
    client: DNSClient, zone: str, changes: Sequence[Change], progress: Progress, *, retrying: RetryPolicy
) -> None:
    """Send changes one after the other: each needs the manifest of the one before, none waits for `done`.

    Raises as `mldns.providers.changes.send_change` does; `progress` then tells how far it came.
    """
    progress.unsent = list(changes)
    for number, change in enumerate(changes, start=1):
        try:
            answer = send_change(client, zone, change, witness=progress.witness, retrying=retrying)
        except CloudUnavailable as error:
            if isinstance(error.__cause__, AnswerLost):
                progress.in_doubt = progress.count(change)
            raise
        tally = progress.sent(change, answer.get("id"), answer.get("status", "pending"))
        metrics.change_sent(client.project, zone, tally)
        log.info(
            "zone %s: change %d of %d accepted as %s: %d created, %d changed, %d deleted",
            zone,
            number,
            len(changes),
            progress.last_id,
            *tally,
        )


def _first_names(keys: Sequence[Key]) -> list[str]:
    """The first names, each once; a thousand keys are no reason to look at all of them."""
    names: dict[str, None] = {}
    for name, _ in keys:
        names[name] = None
        if len(names) == _NAMES_TOLD:
            break
    return list(names)
