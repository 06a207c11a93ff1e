"""One zone, checked: read, compared with its manifests, asked for over DNS, and, where that is wanted, put right.

Whatever is written is written under the manifest that was looked at: when anybody has written under it since, the job
is left alone until the next check.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mldns.events.trust import unvouched
from mldns.events.written_records import Told
from mldns.exceptions import ClaimMoved, InvalidInput, MldnsError, PermissionMissing
from mldns.gate.servers import servers_to_ask
from mldns.iam.grants import Standing, held_notes, scopes, standing
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import Manifest
from mldns.providers.changes import wait_until_settled
from mldns.providers.editor import ZoneEditor
from mldns.reconcile.answers import Answers, ask
from mldns.reconcile.drift import HoldingOf, OwnerReport, ZoneReport, compare
from mldns.reconcile.snapshot import Actions, Findings
from mldns.records.names import natural
from mldns.records.rrset import RRset, from_api

if TYPE_CHECKING:
    from mldns.hooks.cloud_dns import CloudDNSHook

log = logging.getLogger(__name__)

_READS = 3
_DONE_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class RepairOptions:
    """What a check may do beside looking."""

    repair: bool = False
    collect: bool = False
    dry_run: bool = True


@dataclass(frozen=True, slots=True)
class Restored:
    """A job whose records were written again: all that is certain of them, and the generation of its manifest now."""

    told: Told
    restored: int


@dataclass(slots=True)
class ZoneCheck:
    """The check of one zone.

    :param zone: as the API gives it.
    :param hear: what tasks told of these manifests' records.
    :param holding_of: who holds a manifest's names, given what was told.
    :param now: Unix seconds.

    After `run`, `restored` and `released` say what was written.
    """

    hook: CloudDNSHook
    project: str
    zone: Mapping[str, Any]
    hear: Callable[[Sequence[Manifest]], list[Told]]
    holding_of: Callable[[Sequence[Told]], HoldingOf]
    now: Callable[[], float]
    restored: list[Restored] = field(default_factory=list)
    released: list[OwnerReport] = field(default_factory=list)
    _told: list[Told] = field(default_factory=list)
    _listed: tuple[RRset, ...] = ()

    @property
    def name(self) -> str:
        return str(self.zone["name"])

    @property
    def dns_name(self) -> str:
        return str(self.zone["dnsName"]).lower()

    def run(self, options: RepairOptions) -> Findings:
        """Look, do what `options` says, look again where something was written, and ask the zone's servers.

        :raises MldnsError: the zone cannot be read.
        """
        report = self._look()
        actions = None
        if options.repair or options.collect:
            actions = self._carry_out(report, options)
            if self.restored or self.released:
                report = self._look()
        grants, grants_reason = self._grants(report)
        return Findings(report, answers=self._ask(report), grants=grants, grants_reason=grants_reason, actions=actions)

    # -- looking

    def _look(self) -> ZoneReport:
        """Drift is believed when two lists agree on it: a long list is no snapshot, and jobs write meanwhile."""
        report = self._read()
        for _ in range(_READS - 1):
            if not any(owner.drifted for owner in report.owners):
                break
            before, report = report, self._read()
            if _drift(before) == _drift(report):
                break
        return report

    def _read(self) -> ZoneReport:
        self._listed = tuple(map(from_api, self.hook.list_records(zone=self.name, project_id=self.project)))
        report = compare(self._listed, dns_name=self.dns_name, now=self.now())
        heard = self.hear([owner.manifest for owner in report.owners if not owner.manifest.idle])
        # Airflow records what this task tells when it has succeeded.
        self._told = [*(item.told for item in self.restored), *heard]
        holding_of = self.holding_of(self._told)
        return compare(self._listed, dns_name=self.dns_name, now=self.now(), told=self._told, holding_of=holding_of)

    def _ask(self, report: ZoneReport) -> Answers:
        """What the servers say of every record that a job has in the zone; of changed ones enough is said already."""
        try:
            servers = servers_to_ask(
                visibility=str(self.zone.get("visibility", "public")).lower(),
                name_servers=self.hook.name_server_addresses or self.zone.get("nameServers", ()),
                resolvers=self.hook.resolver_addresses,
            )
        except InvalidInput as error:
            return Answers(reason=str(error))
        ours = {key for owner in report.owners for key in owner.manifest.names}
        ours -= {item.wanted.key for owner in report.owners for item in owner.changed}
        answers = ask([r for r in self._listed if r.key in ours], dns_name=self.dns_name, servers=servers)
        if answers.reason:
            log.warning("%s: %s", self.name, answers.reason)
        else:
            log.info("%s: %s of %s names answer as they should", self.name, answers.ok, answers.names)
        for item in answers.unanswered[:5]:
            said = item.judgement
            name, kind = item.expectation.key
            log.warning(
                "%s %s at %s: expected %s, got %s", name, kind, item.server.label, item.expectation.shown, said.got
            )
        return answers

    def _grants(self, report: ZoneReport) -> tuple[Standing | None, str]:
        notes = [text for owner in report.owners for text in held_notes(owner.manifest.grants)]
        try:
            policies = {
                scope: self.hook.policy_store(self.project, self.name if scope == "zone" else None).read()
                for scope in scopes(notes)
            }
        except (PermissionMissing, InvalidInput) as error:
            return None, str(error)
        found = standing(notes, policies)
        for text in found.lost:
            log.warning("%s: the grant %r is in no policy any more", self.name, text)
        return found, ""

    # -- repairing

    def _carry_out(self, report: ZoneReport, options: RepairOptions) -> Actions:
        done = Actions(options.dry_run)
        editor = self.hook.zone_editor(self.project, self.name)
        changes: list[str] = []
        for owner in report.owners:
            try:
                if options.collect and owner.over:
                    _check_collectable(owner, self._told, self.dns_name)
                    changes += self._collect(owner, editor, options.dry_run)
                    done = replace(done, collected=(*done.collected, owner.manifest.owner))
                elif options.repair and _to_repair(owner):
                    changes += self._repair(owner, _restorable(owner), editor, options.dry_run)
                    done = replace(done, repaired=done.repaired + len(owner.restorable))
            except ClaimMoved as moved:  # its own run is at work on it
                log.info("%s: %s", self.name, moved)
            except MldnsError as error:
                line = f"{owner.manifest.owner}: {error}"
                log.warning("%s: not done: %s", self.name, line)
                done = replace(done, refused=(*done.refused, line))
        if changes:
            self._settle(editor, changes[-1])
        return done

    def _settle(self, editor: ZoneEditor, change: str) -> None:
        """What was written is written: a `done` that is late only makes the names answer later."""
        try:
            wait_until_settled(editor.provider, editor.zone, change, timeout=_DONE_TIMEOUT)
        except MldnsError as error:
            log.warning("%s: %s", self.name, error)

    def _collect(self, owner: OwnerReport, editor: ZoneEditor, dry_run: bool) -> list[str]:
        manifest = owner.manifest
        log.warning(
            "%s: lease %s of job %s is over (%s): its %s record(s) %s",
            self.name,
            owner.holding.lease,
            manifest.owner,
            owner.over,
            len(manifest.names),
            "would be released" if dry_run else "are released",
        )
        if dry_run:
            return []
        done = editor.release(
            Holder(manifest.owner, manifest.claimant, manifest.lease, at_generation=manifest.generation)
        )
        self.released.append(owner)
        return _change_ids(done.progress.last_id)

    def _repair(self, owner: OwnerReport, rrsets: Sequence[RRset], editor: ZoneEditor, dry_run: bool) -> list[str]:
        manifest, holding = owner.manifest, owner.holding
        for rrset in rrsets[:5]:
            log.warning("%s: %s %s %s", self.name, "would restore" if dry_run else "restoring", rrset.name, rrset.type)
        if dry_run:
            return []
        holder = Holder(
            manifest.owner,
            claimant=holding.claimant,
            lease=holding.lease,
            lease_ended=False,
            at_generation=manifest.generation,
        )
        done = editor.upsert(rrsets, holder, "upsert-only")
        generation = done.manifest.generation if done.manifest else manifest.generation
        told = Told(manifest.owner, holding.claimant, holding.lease, generation, tuple(owner.known.values()))
        self.restored.append(Restored(told, len(rrsets)))
        return _change_ids(done.progress.last_id)


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


def _check_collectable(owner: OwnerReport, told: Sequence[Told], dns_name: str) -> None:
    """InvalidInput for a manifest that claims what it is not believed about: then nothing of it is collected."""
    if doubtful := sorted(unvouched(owner.manifest, told, dns_name), key=natural):
        name, kind = doubtful[0]
        more = f" and {len(doubtful) - 1:,} more" if len(doubtful) > 1 else ""
        raise InvalidInput(
            f"{name} {kind}{more}: claimed by a manifest that no task of this Airflow vouches for: "
            "release the job itself or delete by hand"
        )


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


def _change_ids(last: str | None) -> list[str]:
    return [] if last is None else [last]


def summary_lines(findings: Iterable[OwnerReport]) -> list[str]:
    """The first names that are not as claimed, a line a job."""
    lines = []
    for owner in findings:
        parts = [
            *(f"missing {name} {kind}" for name, kind in owner.missing[:3]),
            *(f"changed {item.wanted.name} {item.wanted.type}" for item in owner.changed[:3]),
            *(f"extra {rrset.name} {rrset.type}" for rrset in owner.extra[:3]),
        ]
        if owner.over:
            parts.append(f"lease {owner.holding.lease} {owner.over}")
        if parts:
            lines.append(f"job {owner.manifest.owner}: {', '.join(parts)}")
    return lines
