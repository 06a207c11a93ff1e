"""The check of one zone: read, compared with its manifests, asked for over DNS, and put right where that is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mldns.events.written_records import WrittenRecords
from mldns.exceptions import InvalidInput, PermissionMissing
from mldns.gate.servers import Server
from mldns.iam.grants import Standing, held_notes, scopes, standing
from mldns.ownership.manifest import Manifest
from mldns.providers.editor import ZoneEditor
from mldns.reconcile.answers import Answers, ask
from mldns.reconcile.drift import HoldingOf, OwnerReport, ZoneReport, compare
from mldns.reconcile.findings import Findings
from mldns.reconcile.renewal import renew
from mldns.reconcile.repair import Repair, RepairOptions
from mldns.records.rrset import RRset

log = logging.getLogger(__name__)

_READS = 3
_LOGGED = 5


class ZoneAccess(Protocol):
    """What a check needs of the cloud, for one zone."""

    def rrsets(self) -> Iterable[RRset]:
        """Everything in the zone, as it is now."""

    def editor(self) -> ZoneEditor:
        """What writes into it."""

    def policy(self, scope: str) -> Mapping[str, Any]:
        """The IAM policy of the zone or of its project (`mldns.iam.grants.scopes`).

        :raises PermissionMissing: not everybody may see it.
        """

    def servers(self) -> Sequence[Server]:
        """The DNS servers to ask for its names.

        :raises InvalidInput: none are known.
        """


@dataclass(slots=True)
class ZoneCheck:
    """The check of one zone.

    :param zone: the managed zone's name.
    :param dns_name: what it serves.
    :param access: to its cloud.
    :param written_of: what trusted tasks wrote under these manifests.
    :param holding_of: who holds a manifest's names, given what was written.
    :param now: Unix seconds.

    After `run`, `restored` holds what the records of jobs must say that were repaired or renewed, under their manifests
    as they are now, and `released` whose names were released.
    """

    zone: str
    dns_name: str
    access: ZoneAccess
    written_of: Callable[[Sequence[Manifest]], list[WrittenRecords]]
    holding_of: Callable[[Sequence[WrittenRecords]], HoldingOf]
    now: Callable[[], float]
    restored: list[WrittenRecords] = field(default_factory=list)
    released: list[OwnerReport] = field(default_factory=list)
    _written: list[WrittenRecords] = field(default_factory=list)
    _listed: tuple[RRset, ...] = ()

    def run(self, options: RepairOptions) -> Findings:
        """Look, do what `options` allow, look again where something was written, and ask the zone's servers.

        :raises MldnsError: the zone cannot be read.
        """
        report = self._look()
        actions = None
        if options.repair or options.collect:
            repair = Repair(self.access.editor(), options, self.restored, self.released)
            actions = repair.run(self.zone, report, self._written)
            if self.restored or self.released:
                report = self._look()
        if renewed := renew(self.access.editor, self.zone, report, self._written, self.now()):
            jobs = {one.job for one in renewed}
            self.restored = [*renewed, *(one for one in self.restored if one.job not in jobs)]
            report = self._look()
        grants, grants_reason = self._grants(report)
        return Findings(report, answers=self._ask(report), grants=grants, grants_reason=grants_reason, actions=actions)

    def _look(self) -> ZoneReport:
        """Drift counts when two lists agree on it: a long list is no snapshot, and jobs write meanwhile."""
        report = self._read()
        for _ in range(_READS - 1):
            if not any(owner.drifted for owner in report.owners):
                break
            before, report = report, self._read()
            if _drift(before) == _drift(report):
                break
        return report

    def _read(self) -> ZoneReport:
        self._listed = tuple(self.access.rrsets())
        report = compare(self._listed, dns_name=self.dns_name, now=self.now())
        logged = self.written_of([owner.manifest for owner in report.owners if not owner.manifest.idle])
        # Airflow records the events of this task when it has succeeded.
        self._written = [*self.restored, *logged]
        holding_of = self.holding_of(self._written)
        return compare(
            self._listed, dns_name=self.dns_name, now=self.now(), written=self._written, holding_of=holding_of
        )

    def _ask(self, report: ZoneReport) -> Answers:
        """What the servers say of every record that a job has in the zone; of changed ones enough is said already."""
        try:
            servers = self.access.servers()
        except InvalidInput as error:
            return Answers(reason=str(error))
        ours = {key for owner in report.owners for key in owner.manifest.names}
        ours -= {item.wanted.key for owner in report.owners for item in owner.changed}
        answers = ask([r for r in self._listed if r.key in ours], dns_name=self.dns_name, servers=servers)
        if answers.reason:
            log.warning("%s: %s", self.zone, answers.reason)
        else:
            log.info("%s: %s of %s names answer as they should", self.zone, answers.ok, answers.names)
        for item in answers.unanswered[:_LOGGED]:
            said = item.judgement
            name, kind = item.expectation.key
            log.warning(
                "%s %s at %s: expected %s, got %s", name, kind, item.server.label, item.expectation.shown, said.got
            )
        return answers

    def _grants(self, report: ZoneReport) -> tuple[Standing | None, str]:
        notes = [text for owner in report.owners for text in held_notes(owner.manifest.grants)]
        try:
            policies = {scope: self.access.policy(scope) for scope in scopes(notes)}
        except (PermissionMissing, InvalidInput) as error:
            return None, str(error)
        found = standing(notes, policies)
        for text in found.lost:
            log.warning("%s: the grant %r is in no policy any more", self.zone, text)
        return found, ""


def _drift(report: ZoneReport) -> set[tuple[Any, ...]]:
    return {
        (
            owner.manifest.owner,
            owner.manifest.generation,
            owner.missing,
            tuple(item.found for item in owner.changed),
            owner.extra,
        )
        for owner in report.owners
        if owner.drifted
    }
