"""What a check may write: records that a job has lost, and the release of names whose lease is over.

Whatever is written is written under the manifest that was looked at: when anybody has written under it since, the job
is left alone until the next check.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mldns.events.trust import unattested
from mldns.events.written_records import WrittenRecords, of_generation
from mldns.exceptions import ClaimMoved, InvalidInput, MldnsError
from mldns.ownership.claims import Holder
from mldns.providers.changes import wait_until_settled
from mldns.providers.editor import ZoneEditor
from mldns.reconcile.drift import OwnerReport, ZoneReport
from mldns.reconcile.findings import Actions
from mldns.records.names import natural
from mldns.records.rrset import RRset

log = logging.getLogger(__name__)

_DONE_TIMEOUT = 60.0
_LOGGED = 5


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What a check may do beside looking.

    :param repair: write again what a job's records must say, where that is certain.
    :param collect: release what leases have left that are over.
    :param dry_run: log and report what these two would do, and write nothing.
    """

    repair: bool = False
    collect: bool = False
    dry_run: bool = True


@dataclass(slots=True)
class Repair:
    """The repairs of one zone in one check.

    :param editor: of the zone.
    :param options: what may be done.

    After `run`, `restored` holds what the repaired jobs' records must say, under their manifests as they are now, and
    `released` whose names were released.
    """

    editor: ZoneEditor
    options: RepairOptions
    restored: list[WrittenRecords] = field(default_factory=list)
    released: list[OwnerReport] = field(default_factory=list)
    _last_change: str | None = None

    def run(self, zone: str, report: ZoneReport, written: Sequence[WrittenRecords]) -> Actions:
        """Do for each job what is allowed and possible, and wait until it is done.

        :param zone: the managed zone's name.
        :param report: what was found in it.
        :param written: what trusted tasks wrote, as the report was made with.
        """
        done = Actions(self.options.dry_run)
        for owner in report.owners:
            try:
                if self.options.collect and owner.over:
                    _check_collectable(owner, written, report.dns_name)
                    self._collect(zone, owner)
                    done = replace(done, collected=(*done.collected, owner.manifest.owner))
                elif self.options.repair and _to_repair(owner):
                    self._restore(zone, owner, written)
                    done = replace(done, repaired=done.repaired + len(owner.restorable))
            except ClaimMoved as moved:  # its own run is at work on it
                log.info("%s: %s", zone, moved)
            except MldnsError as error:
                line = f"{owner.manifest.owner}: {error}"
                log.warning("%s: not done: %s", zone, line)
                done = replace(done, refused=(*done.refused, line))
        self._settle(zone)
        return done

    def _settle(self, zone: str) -> None:
        """What was written is written: a `done` that is late only makes the names answer later."""
        if self._last_change is None:
            return
        try:
            wait_until_settled(self.editor.provider, self.editor.zone, self._last_change, timeout=_DONE_TIMEOUT)
        except MldnsError as error:
            log.warning("%s: %s", zone, error)

    def _collect(self, zone: str, owner: OwnerReport) -> None:
        manifest, dry_run = owner.manifest, self.options.dry_run
        log.warning(
            "%s: lease %s of job %s is over (%s): its %s record(s) %s",
            zone,
            owner.holding.lease,
            manifest.owner,
            owner.over,
            len(manifest.names),
            "would be released" if dry_run else "are released",
        )
        if dry_run:
            return
        done = self.editor.release(
            Holder(manifest.owner, manifest.claimant, manifest.lease, at_generation=manifest.generation)
        )
        self.released.append(owner)
        self._last_change = done.progress.last_id or self._last_change

    def _restore(self, zone: str, owner: OwnerReport, written: Sequence[WrittenRecords]) -> None:
        manifest, holding, dry_run = owner.manifest, owner.holding, self.options.dry_run
        rrsets = _restorable(owner)
        for rrset in rrsets[:_LOGGED]:
            log.warning("%s: %s %s %s", zone, "would restore" if dry_run else "restoring", rrset.name, rrset.type)
        if dry_run:
            return
        holder = Holder(
            manifest.owner,
            claimant=holding.claimant,
            lease=holding.lease,
            lease_ended=False,
            at_generation=manifest.generation,
        )
        done = self.editor.upsert(rrsets, holder, "upsert-only")
        generation = done.manifest.generation if done.manifest else manifest.generation
        self.restored += [replace(one, generation=generation) for one in of_generation(manifest, written)]
        self._last_change = done.progress.last_id or self._last_change


def _to_repair(owner: OwnerReport) -> bool:
    """A job whose own task is writing puts itself right, or fails where a person sees it; what is over is released, and
    what was made a routing policy by hand is for whoever made it."""
    lacking = owner.missing or [item for item in owner.changed if not item.found.routed]
    return not owner.over and not owner.manifest.pending and bool(lacking)


def _restorable(owner: OwnerReport) -> tuple[RRset, ...]:
    """What to write for a job that lacks something; InvalidInput where nobody knows."""
    if not owner.restorable:
        raise InvalidInput(
            f"what its {len(owner.missing) + len(owner.changed)} record(s) held is not certain: run its upsert again"
        )
    return owner.restorable


def _check_collectable(owner: OwnerReport, written: Sequence[WrittenRecords], dns_name: str) -> None:
    """InvalidInput for a manifest that claims what it is not trusted about: then nothing of it is collected."""
    if unproven := sorted(unattested(owner.manifest, written, dns_name), key=natural):
        name, kind = unproven[0]
        more = f" and {len(unproven) - 1:,} more" if len(unproven) > 1 else ""
        raise InvalidInput(
            f"{name} {kind}{more}: claimed by a manifest alone, and written by no task of this Airflow: "
            "release the job itself or delete by hand"
        )
