"""The scheduled check of every zone that mldns manages, and what it may put right."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from mldns import arguments, metrics
from mldns.events import assets
from mldns.events.assets import Phase
from mldns.events.written_records import WrittenRecords, of_lease
from mldns.exceptions import MldnsError
from mldns.gate.servers import Server, servers_to_ask
from mldns.messages import clipped
from mldns.ownership.leases import Holding, RunState, run_state
from mldns.ownership.manifest import Manifest
from mldns.reconcile.drift import HoldingOf, fitting
from mldns.reconcile.findings import Findings
from mldns.reconcile.snapshot import zone_event
from mldns.records.rrset import RRset, from_api
from mldns.tasks.base import CloudDNSOperator
from mldns.tasks.event_log import RecordsLog
from mldns.tasks.lease import dag_of, state_of_run
from mldns.tasks.outlets import JOBS, RECORDS, ZONES, emit, emit_job_event, emit_records_event

if TYPE_CHECKING:
    from airflow.sdk import Context

    from mldns.hooks.cloud_dns import CloudDNSHook
    from mldns.reconcile.check import ZoneCheck
    from mldns.reconcile.repair import RepairOptions

JOBS_SHOWN = 3  # of a zone, those that need attention first
ROOM = 6_000  # characters of the reports' JSON, whatever the number of zones
_LINES = 5
_LINE = 300  # characters


class CloudDNSReconcileOperator(CloudDNSOperator):
    """Check each zone labelled `managed-by=mldns`, and emit what was found as one asset event a zone.

    Reads only, unless asked for more, but for leases of runs at work, which it renews where their own task asked for
    it (`mldns.reconcile.renewal`). A zone that cannot be read is reported as such and keeps no other from being
    checked; the task succeeds all the same, because Airflow records the events of successful tasks only. `failures` in
    the result is for a task behind it to fail by.

    :param repair: write again what a job's records must say, where that is certain.
    :param collect: release what leases have left that are over; never what a run at work holds.
    :param dry_run: report what these two would do, and write nothing.

    Returns `{"zones", "attention", "failures", "reports"}`; the first two are counts.
    """

    emits = (ZONES,)
    template_fields: Sequence[str] = (*CloudDNSOperator.template_fields, "repair", "collect", "plan_only")

    def __init__(
        self,
        *,
        repair: bool | str = False,
        collect: bool | str = False,
        dry_run: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.add_inlets([JOBS, RECORDS])  # so that these exist from the moment the DAG is parsed, here, too
        self.repair = repair
        self.collect = collect
        self.plan_only = dry_run  # `self.dry_run` would hide BaseOperator.dry_run()

    def execute(self, context: Context) -> dict[str, Any]:
        from mldns.reconcile.repair import RepairOptions

        project = self.project or self.hook.project_id
        options = RepairOptions(
            repair=arguments.flag(self.repair, "repair"),
            collect=arguments.flag(self.collect, "collect"),
            dry_run=arguments.flag(self.plan_only, "dry_run"),
        )
        state_of = cache(lambda claimant, lease: run_state(state_of_run(context, claimant, lease)))
        log = RecordsLog()
        reports: list[dict[str, Any]] = []
        failures: list[str] = []
        for zone in self.hook.list_zones(project_id=project):
            check = self._zone_check(context, project, zone, log, state_of)
            found = self._check(check, project, options)
            self._emit(context, project, zone, check, found)
            reports.append(_reported(check.zone, found))
            failures += _failures(check.zone, found)
        reports.sort(key=lambda report: not report["attention"])
        attention = sum(report["attention"] for report in reports)
        self.log.info("%s zone(s), %s need attention", len(reports), attention)
        metrics.zones_checked(project, len(reports), attention)
        return {
            "zones": len(reports),
            "attention": attention,
            "failures": failures[:_LINES],
            "reports": fitting(reports, ROOM),
        }

    def _zone_check(
        self, context: Context, project: str, zone: Mapping[str, Any], log: RecordsLog, state_of: Any
    ) -> ZoneCheck:
        from mldns.reconcile.check import ZoneCheck

        name, dns_name = str(zone["name"]), str(zone["dnsName"]).lower()
        return ZoneCheck(
            zone=name,
            dns_name=dns_name,
            access=HookAccess(self.hook, project, zone),
            written_of=partial(log.written_under, project, name, dns_name, checker=context["ti"].dag_id),
            holding_of=lambda written: _holding_of(written, state_of),
            now=time.time,
        )

    def _with_limit(self, found: Findings, project: str, zone: str) -> Findings:
        """How many rrsets the zone may hold; not everybody may ask."""
        try:
            return replace(found, limit=self.hook.rrset_limit(zone=zone, project_id=project), limit_reason="")
        except MldnsError as error:
            return replace(found, limit=None, limit_reason=str(error))

    def _check(self, check: ZoneCheck, project: str, options: RepairOptions) -> Findings | str:
        """What was found, or why the zone could not be read."""
        try:
            found = self._with_limit(check.run(options), project, check.zone)
        except MldnsError as error:
            self.log.error("%s cannot be checked: %s", check.zone, error)
            return str(error)
        except Exception as error:
            # Whatever one zone holds that nobody thought of, the others are to be checked.
            self.log.exception("%s cannot be checked", check.zone)
            return f"{type(error).__name__}, a fault of mldns whose traceback is in the task's log: {error}"
        metrics.drift(project, check.zone, found.kinds())
        level = logging.WARNING if found.attention else logging.INFO
        self.log.log(level, "%s: %s", check.zone, found.report.summary())
        jobs = [line for owner in found.report.owners if (line := owner.summary())]
        for line in (*jobs[:_LINES], *found.report.damaged[:_LINES]):
            self.log.warning("%s: %s", check.zone, line)
        return found

    def _emit(
        self, context: Context, project: str, zone: Mapping[str, Any], check: ZoneCheck, found: Findings | str
    ) -> None:
        for written in check.restored:
            emit_records_event(context, project=project, written={check.zone: written})
        for owner in check.released:
            emit_job_event(
                context,
                project=project,
                zone=check.zone,
                dns_name=check.dns_name,
                job=owner.manifest.owner,
                phase=Phase.RELEASED,
                claimant=owner.holding.claimant,
                lease=owner.holding.lease,
            )
        instance = context["ti"]
        extra = zone_event(
            zone, found, project=project, now=time.time(), dag_id=instance.dag_id, run_id=instance.run_id
        )
        emit(context, assets.zone_asset(project, check.zone), extra)
        emit(context, assets.checks_asset(project, check.zone), extra)


@dataclass(frozen=True, slots=True)
class HookAccess:
    """`mldns.reconcile.check.ZoneAccess` through the hook; `zone` is as the API gives it."""

    hook: CloudDNSHook
    project: str
    zone: Mapping[str, Any]

    def rrsets(self) -> Iterable[RRset]:
        return map(from_api, self.hook.list_records(zone=self.zone["name"], project_id=self.project))

    def editor(self) -> Any:
        return self.hook.zone_editor(self.project, self.zone["name"])

    def policy(self, scope: str) -> Mapping[str, Any]:
        return self.hook.policy_store(self.project, self.zone["name"] if scope == "zone" else None).read()

    def servers(self) -> Sequence[Server]:
        return servers_to_ask(
            visibility=str(self.zone.get("visibility", "public")).lower(),
            name_servers=self.hook.name_server_addresses or self.zone.get("nameServers", ()),
            resolvers=self.hook.resolver_addresses,
            vpc_resolver=self.hook.vpc_resolver,
        )


def _holding_of(written: Sequence[WrittenRecords], state_of: Any) -> HoldingOf:
    """Who holds a manifest's names: in clear where its task has emitted it, or where the manifest itself says so."""

    def holding(manifest: Manifest) -> Holding:
        clear = next(iter(of_lease(manifest, written)), None)
        claimant = clear.claimant if clear else manifest.claimant
        lease = clear.lease if clear else manifest.lease
        if manifest.idle or dag_of(claimant) is None:
            return Holding(claimant, lease)
        state: RunState = state_of(claimant, lease)
        return Holding(claimant, lease, dag_id=dag_of(claimant), run_id=lease, state=state)

    return holding


def _reported(zone: str, found: Findings | str) -> dict[str, Any]:
    if isinstance(found, str):
        return {"zone": zone, "attention": True, "error": clipped(found, _LINE)}
    return {"zone": zone, **found.report.to_json(JOBS_SHOWN), "attention": found.attention, **_acted(found)}


def _acted(found: Findings) -> Mapping[str, Any]:
    """Counts alone: the event has the jobs and the reasons."""
    actions = found.actions
    if actions is None:
        return {}
    done = {"dry_run": actions.dry_run, "repaired": actions.repaired}
    return {"actions": done | {"collected": len(actions.collected), "refused": len(actions.refused)}}


def _failures(zone: str, found: Findings | str) -> list[str]:
    if isinstance(found, str):
        return [f"zone {zone}: {clipped(found, _LINE)}"]
    return [f"zone {zone}, {clipped(line, _LINE)}" for line in (found.actions.refused if found.actions else ())]
