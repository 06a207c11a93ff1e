"""Sending changes so that each is applied once, whatever happens to its answer; and waiting until one is done."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from mldns import metrics
from mldns.exceptions import ChangeFailed, CloudUnavailable, PermissionMissing, StillPending
from mldns.plan.batches import Change
from mldns.providers.base import ChangeRef, ChangeStatus, DnsProvider, Zone
from mldns.providers.errors import AnswerLost, moved_meanwhile
from mldns.records.names import Key
from mldns.records.rrset import RRset, same

log = logging.getLogger(__name__)

# Seconds after a change was sent at which it is asked for, later ever more rarely: Google was seen to take up to 2 s.
_ASKED_AT = (0.1, 0.5, 1.02, 1.6, 2.3, 3.5, 5.5)
_SLOWEST_POLL = 5.0
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
    status: ChangeStatus = ChangeStatus.DONE
    in_doubt: int = 0
    unsent: list[Change] = field(default_factory=list)
    live_names: list[str] = field(default_factory=list)

    @property
    def live(self) -> int:
        """How many rrsets this call has changed for good."""
        return self.created + self.changed + self.deleted

    def failure(self, zone: str, reason: str) -> ChangeFailed:
        """Return what to raise for a call that stopped: what is live, what is not, and what nobody knows.

        :param zone: its name.
        :param reason: what stopped it.
        """
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

    def sent(self, change: Change, ref: ChangeRef) -> tuple[int, int, int]:
        """Note the first of the unsent changes as live.

        :param change: that one.
        :param ref: what the cloud calls it.
        :return: how many rrsets it created, changed and deleted.
        """
        added = {rrset.key for rrset in change.additions} - {self.witness}
        removed = {rrset.key for rrset in change.deletions} - {self.witness}
        tally = len(added - removed), len(added & removed), len(removed - added)
        self.created += tally[0]
        self.changed += tally[1]
        self.deleted += tally[2]
        self.changes += 1
        self.last_id, self.status = ref.id, ref.status
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


def send_changes(provider: DnsProvider, zone: Zone, changes: Sequence[Change], progress: Progress) -> None:
    """Send changes one after the other: each needs the manifest of the one before, none waits for `done`.

    :param changes: in order; each of them alters `progress.witness`.
    :param progress: told of each change that was accepted, so that it says how far the call came when this raises.
    :raises ZoneMoved, CloudUnavailable: as `send_change` does.
    """
    progress.unsent = list(changes)
    for number, change in enumerate(changes, start=1):
        try:
            sent = send_change(provider, zone, change, witness=progress.witness)
        except CloudUnavailable as error:
            if isinstance(error.__cause__, AnswerLost):
                progress.in_doubt = progress.count(change)
            raise
        tally = progress.sent(change, sent)
        metrics.change_sent(provider.project, zone.name, tally)
        log.info(
            "zone %s: change %d of %d accepted as %s: %d created, %d changed, %d deleted",
            zone.name,
            number,
            len(changes),
            progress.last_id,
            *tally,
        )


def send_change(provider: DnsProvider, zone: Zone, change: Change, *, witness: Key) -> ChangeRef:
    """Send a change; when its answer is lost, find out what became of it, and send it again only if it was not applied.

    :param witness: an rrset that this change alters as no other change does: the owner's manifest, which carries a
        generation. What stands there now tells whether the change was applied.
    :return: its `id` is None where the change was applied and its id cannot be read.
    :raises ZoneMoved: the zone is not what the change was planned for.
    :raises CloudUnavailable: it was not applied; or, from `AnswerLost`, it may have been: the zone cannot be read.
    """
    lost: AnswerLost | None = None

    def attempt() -> ChangeRef:
        nonlocal lost
        if lost and (applied := _look_up(provider, zone, change, witness)) is not None:
            return applied
        try:
            return provider.submit(zone, change)
        except AnswerLost as unanswered:
            lost = unanswered
            raise

    try:
        return provider.retry.run(
            attempt, what=f"change of zone {zone.name!r}", repeatable=lambda error: isinstance(error, AnswerLost)
        )
    except CloudUnavailable as failed:
        if lost is None:
            raise
        # No more tries, but still a look at the last one: what is live is not to be reported as missing.
        try:
            applied = _look_up(provider, zone, change, witness)
        except CloudUnavailable:
            reason = f"{failed.reason}, and whether it was applied cannot be read"
            raise CloudUnavailable(reason, way_out=failed.way_out) from lost
        if applied is not None:
            return applied
        raise failed from lost.__cause__


def wait_until_done(
    provider: DnsProvider, zone: Zone, change_id: str, *, timeout: float, just_sent: bool = False
) -> ChangeStatus:
    """Poll a change, ever more slowly, until it is `done`: sent to the name servers, not yet proven there.

    :param timeout: seconds.
    :param just_sent: it was pending a moment ago, so that the first poll can wait a little.
    :return: `done`, or `unsupported` where the cloud does not tell.
    :raises StillPending: it is so after `timeout` seconds.
    """
    started = time.monotonic()
    moments = chain(_ASKED_AT if just_sent else (0.0, *_ASKED_AT), count(_ASKED_AT[-1] + _SLOWEST_POLL, _SLOWEST_POLL))
    for moment in moments:
        spread = random.uniform(1.0, 1.03)  # noqa: S311 - spreads load, guards nothing
        time.sleep(max(0.0, started + min(moment * spread, timeout) - time.monotonic()))
        status = provider.status(zone, change_id)
        if status is not ChangeStatus.PENDING:
            if just_sent:
                metrics.timing("mldns.done.time", time.monotonic() - started)
            return status
        if time.monotonic() - started >= timeout:
            break
    raise StillPending(
        f"change {change_id} of zone {zone.name!r} is still pending after {timeout:.0f} s: "
        "it is accepted, so a retry only waits on"
    )


def wait_until_settled(
    provider: DnsProvider, zone: Zone, change_id: str | None, *, timeout: float
) -> ChangeStatus | None:
    """Wait until the change that was just sent is `done`; without an id, the newest one of the zone.

    :param timeout: seconds.
    :return: its status; None where the zone has no change, or where the caller may not list them.
    """
    if change_id is None:
        try:
            newest = provider.find_change(zone)
        except PermissionMissing as missing:
            log.warning("zone %s: not known whether earlier changes are done: %s", zone.name, missing)
            return None
        if newest is None or newest.id is None:
            return None
        if newest.status is not ChangeStatus.PENDING:
            return newest.status
        change_id = newest.id
    return wait_until_done(provider, zone, change_id, timeout=timeout, just_sent=True)


def _look_up(provider: DnsProvider, zone: Zone, change: Change, witness: Key) -> ChangeRef | None:
    """What became of a change; None when it was not applied.

    The history alone could not tell: a claim that was released and claimed again makes two equal changes. So the
    witness decides, and the history is read for the id only.

    :raises ZoneMoved: somebody wrote in between, so that neither can be told; the zone can.
    """
    before, after = _at(change.deletions, witness), _at(change.additions, witness)
    now = _at(provider.rrsets(zone, name=witness[0], type=witness[1]), witness)
    if _alike(now, before):
        log.info("zone %s: the change whose answer was lost was not applied; sending it again", zone.name)
        return None
    if not _alike(now, after):
        raise moved_meanwhile(zone.name, witness)
    try:
        found = provider.find_change(zone, change)
    except (PermissionMissing, CloudUnavailable) as unreadable:
        log.warning("zone %s: %s", zone.name, unreadable)
        found = None
    if found is None:
        log.warning("zone %s: the change whose answer was lost was applied; its id cannot be read", zone.name)
        return ChangeRef(None)
    log.info("zone %s: the change whose answer was lost was applied as change %s", zone.name, found.id)
    return found


def _at(rrsets: Iterable[RRset], key: Key) -> RRset | None:
    return next((rrset for rrset in rrsets if rrset.key == key), None)


def _alike(a: RRset | None, b: RRset | None) -> bool:
    return a is b if a is None or b is None else same(a, b)


def _first_names(keys: Sequence[Key]) -> list[str]:
    """The first names, each once; a thousand keys are no reason to look at all of them."""
    names: dict[str, None] = {}
    for name, _ in keys:
        names[name] = None
        if len(names) == _NAMES_TOLD:
            break
    return list(names)
