"""The leases that a check keeps alive: those of runs at work whose own task asked for it.

Who may take names over asks this Airflow whether the run that holds them is at work; another deployment cannot, and in
a public zone the manifest names no run. There the lease's end decides, so it has to move on while the training does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from mldns.events.written_records import WrittenRecords, of_generation, of_lease
from mldns.exceptions import ClaimMoved, LeaseLost, MldnsError, PermissionMissing
from mldns.ownership.claims import Holder
from mldns.ownership.leases import to_renew
from mldns.providers.editor import ZoneEditor
from mldns.reconcile.drift import OwnerReport, ZoneReport

log = logging.getLogger(__name__)


def renew(
    editor_of: Callable[[], ZoneEditor], zone: str, report: ZoneReport, written: Sequence[WrittenRecords], now: float
) -> list[WrittenRecords]:
    """Renew what is due, and return what was written under it as it is to be emitted now: so it stays certain.

    What cannot be renewed is a line in the log: the lease ends as its run was told, and the next check tries again.

    :param editor_of: makes the zone's editor; only where something is due.
    :param zone: the managed zone's name.
    :param report: what was found in it.
    :param written: what trusted tasks wrote, as the report was made with: nobody else asks for a renewal.
    :param now: Unix seconds.
    """
    due = [(owner, mine) for owner in report.owners if (mine := _asked_for(owner, written, now))]
    if not due:
        return []
    editor, done = editor_of(), list[WrittenRecords]()
    for owner, mine in due:
        manifest, hours = owner.manifest, mine[0].renew_hours or 0
        holder = Holder(
            manifest.owner,
            owner.holding.claimant,
            owner.holding.lease,
            expires=int(now + hours * 3600),
            at_generation=manifest.generation,
        )
        try:
            renewed = editor.renew(holder)
        except (ClaimMoved, LeaseLost) as moved:  # its own run is at work on it
            log.info("%s: %s", zone, moved)
        except PermissionMissing as missing:
            log.warning("%s: %s lease(s) of runs at work are not renewed: %s", zone, len(due), missing)
            break
        except MldnsError as error:
            log.warning("%s: the lease of job %s is not renewed: %s", zone, manifest.owner, error)
        else:
            current = [replace(one, generation=renewed.generation) for one in of_generation(manifest, written)]
            done += current or mine[:1]
    return done


def _asked_for(owner: OwnerReport, written: Sequence[WrittenRecords], now: float) -> list[WrittenRecords]:
    """What was written under the job's lease, newest first; nothing where its lease is not to be renewed now."""
    mine = of_lease(owner.manifest, written)
    return mine if mine and to_renew(owner.manifest, owner.holding, mine[0].renew_hours, now) else []
