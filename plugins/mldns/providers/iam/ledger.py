"""Where grants are noted: in the manifest of the job that asked for them, to be read by every other job."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mldns.exceptions import PermissionMissing, ZoneNotFound
from mldns.iam.grants import Grant, Job, Note, marked, noted, notes_in
from mldns.providers.base import DnsProvider, Zone
from mldns.providers.editor import ZoneEditor
from mldns.records.names import MANIFEST_LABEL, relative

log = logging.getLogger(__name__)

Listings = dict[str, dict[Job, Note]]
"""By member: the jobs whose manifests note a grant to it."""

ANY: Collection[Note | None] = (None, *Note)
"""Every mark, and none."""

_READERS = 8  # threads may share a provider


@dataclass(frozen=True, slots=True)
class Ledger:
    """The notes of all jobs: those of one zone for a grant on it, those of all the project's zones for a grant on that.

    :param zone: that the caller works in.
    """

    provider: DnsProvider
    zone: Zone

    def listings(self, grant: Grant) -> Listings:
        """Who notes which of the grant's members.

        A note that stood there all the while is found, whoever writes meanwhile; one that was written or struck
        meanwhile may be found or not.

        :raises PermissionMissing: a zone's records cannot be read, so nobody can tell who holds what.
        """
        texts = {grant.recorded(member): member for member in grant.members}
        found: Listings = {member: {} for member in grant.members}
        for job, notes in self._notes(grant.scope):
            for text, note in notes.items():
                if text in texts:
                    found[texts[text]][job] = note
        return found

    def _notes(self, scope: str) -> list[tuple[Job, dict[str, Note]]]:
        zones = [self.zone] if scope == "zone" else self.provider.list_zones()
        if len(zones) == 1:
            return self._notes_in(zones[0])
        with ThreadPoolExecutor(_READERS) as readers:
            return [note for notes in readers.map(self._notes_in, zones) for note in notes]

    def _notes_in(self, zone: Zone) -> list[tuple[Job, dict[str, Note]]]:
        try:
            rrsets = list(self.provider.rrsets(zone, below=zone.dns_name, type="TXT"))
        except ZoneNotFound:
            if zone == self.zone:
                raise
            return []  # deleted since the zones were listed, and its manifests with it
        except PermissionMissing as refusal:
            if zone == self.zone:
                raise
            raise PermissionMissing(
                permission=refusal.permission,
                resource=refusal.resource,
                detail=f"zone {zone.name!r} may hold another job's note of this grant, so without reading it no grant "
                "on the project can be made or taken back for a job; a grant on the zone alone needs no other zone",
            ) from refusal
        notes = []
        for rrset in rrsets:
            label, _, rest = rrset.name.lower().partition(".")
            if label == MANIFEST_LABEL:
                notes.append((Job(zone.name, relative(rest, zone.dns_name)), notes_in(rrset)))
        return notes


@dataclass(frozen=True, slots=True)
class JobLedger:
    """The notes of one job, and those of all others to go with them."""

    editor: ZoneEditor
    owner: str

    @property
    def job(self) -> Job:
        return Job(self.editor.zone.name, self.owner)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.editor.provider, self.editor.zone)

    def notes(self, grant: Grant) -> dict[str, Note]:
        """The members of `grant` that this job notes."""
        notes = noted(self.editor.grants(self.owner))
        return {member: notes[text] for member in grant.members if (text := grant.recorded(member)) in notes}

    def mark(
        self, grant: Grant, marks: Mapping[str, Note | None], *, only: Collection[Note | None] = ANY
    ) -> frozenset[str]:
        """Note the grant to each member as its mark says, or strike it where that is None; no marks, no call.

        :param grant: what is noted.
        :param marks: by member.
        :param only: leave alone what has none of these marks at the moment when it is written.
        :return: the members whose notes were not left alone.
        """
        due: dict[str, Note | None] = {}

        def edit(strings: tuple[str, ...]) -> tuple[str, ...]:
            found = noted(strings)
            due.clear()
            due.update({member: mark for member, mark in marks.items() if found.get(grant.recorded(member)) in only})
            return marked(strings, {grant.recorded(member): mark for member, mark in due.items()})

        if marks:
            self.editor.edit_grants(self.owner, edit)
        return frozenset(due)
