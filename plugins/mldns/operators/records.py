"""Operators on a job's names: claim them, write them, release them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.airflow_versions import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout
from mldns.events.assets import Phase
from mldns.events.written_records import WrittenRecords, pack
from mldns.exceptions import ClaimRefused
from mldns.operators._job import JobOperator, Wanted
from mldns.ownership.claims import Holder
from mldns.plan.plan import DEFAULT_POLICY
from mldns.tasks.base import CloudDNSOperator
from mldns.tasks.guard import nobody_needs
from mldns.tasks.lease import hold, holder_of
from mldns.tasks.links import JobLink
from mldns.tasks.outlets import JOBS, RECORDS, emit_job_event, emit_records_event
from mldns.tasks.turns import CLAIM_TIMEOUT, Turn, waits_since

if TYPE_CHECKING:
    from airflow.sdk import Context

Result = dict[str, Any]
"""What a task returns: small plain JSON, whatever the number of workers."""


class CloudDNSClaimOperator(JobOperator):
    """Claim a job's names by writing its manifest alone: the *setup* of a training.

    A failed setup leaves its teardown unrun, so the setup is this one atomic change, and the records are written by
    ordinary work behind it. For the same reason the reverse zone is only checked here: its first change claims what it
    writes. Takes the arguments of `CloudDNSUpsertRecordsOperator` without `policy` and `dry_run`.

    Names that another run of the same claimant holds are waited for: without a worker slot, in the order of the runs.
    In an instance of a mapped group whose training and release are over it is skipped: another instance was cleared.

    :param claim_timeout: how long, in seconds or as a timedelta; 0 fails at once.

    Returns `{"zone", "owner", "lease", "generation", "expires", "names", "change_id", "reverse"}`.
    """

    emits = (JOBS,)
    template_fields: Sequence[str] = (*JobOperator.template_fields, "claim_timeout")

    def __init__(self, *, claim_timeout: timedelta | float | str = CLAIM_TIMEOUT, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.claim_timeout = claim_timeout

    def execute(self, context: Context) -> Result:
        if nobody_needs(self, context):
            raise AirflowSkipException("Nothing to claim: the training and the release of this instance are over")
        return self.execute_after_pause(context, time.time())

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            self.log.warning("No triggerer ended the pause (%s): is one running? Looking again all the same", error)
            return self.execute_after_pause(context, waits_since(context, time.time()))

    def execute_after_pause(self, context: Context, since: float, event: object = None) -> Result:
        """Claim, or wait on.

        :param since: when the waiting began, seconds of the wall clock.
        :param event: what ended the pause; it does not matter.
        :raises ClaimRefused: another claimant holds the names, or another run does when the time is over.
        """
        wanted, pointers = self.wanted()
        holder = self.holder(context, self.job)
        timeout, now = arguments.duration(self.claim_timeout, "claim_timeout"), time.time()
        turn = self._turn(context, holder, since + timeout)
        if now < turn.until and (ahead := turn.ahead()):
            turn.wait(self, f"run {ahead}, which comes before this one", now=now, since=since)
        asked: dict[str, Any] = {"zone": wanted.zone, "records": wanted.rrsets, "project_id": self.project}
        try:
            if pointers is not None:
                self.planned(context, holder, pointers, DEFAULT_POLICY)
            claimed = hold(context, holder, lambda asks: self.hook.claim_names(holder=asks, **asked))
        except ClaimRefused as refused:
            if not refused.same_claimant or now >= turn.until:
                raise
            whom = f"run {refused.lease} of {refused.claimant}, which holds the names of job {refused.owner}"
            turn.wait(self, whom, now=now, since=since)
        self.log.info(
            "Claimed %s name(s) of job %s for lease %s, generation %s",
            claimed["names"],
            claimed["owner"],
            claimed["lease"],
            claimed["generation"],
        )
        self.emit(context, holder, wanted, Phase.CLAIMED, claimed["expires"])
        reverse = {"zone": pointers.zone, "names": len(pointers.rrsets)} if pointers else None
        return claimed | {"reverse": reverse}

    def _turn(self, context: Context, holder: Holder, until: float) -> Turn:
        wanted = {"zone": self.zone, "job": holder.owner, "claimant": holder.claimant}
        said = getattr(context["dag"].task_dict.get(self.task_id), "job", "{{")  # as the DAG file says it
        return Turn(context, wanted, until, every_run=isinstance(said, str) and "{{" not in said)


class CloudDNSUpsertRecordsOperator(JobOperator):
    """Bring a job's records to what is wanted: read the zone, plan, apply the difference.

    An empty plan writes nothing; a retry does what is missing. Records of other owners are refused by name. PTR records
    follow in the reverse zone when the names are written: should that fail, a retry finds the names done, and a release
    takes both.

    :param policy: `create-only`, `upsert-only`, or `sync`, which also removes what the job owns and no longer wants.
    :param dry_run: write nothing and return the plan: `{"counts", "digest", "names", "conflicts"}`.
    :param renew: while the run that holds the lease is at work, `mldns_reconcile` moves its end on by `lease_hours`
        whenever half of it is over, so that public zones and other deployments, too, see it go on.
    :param claimed: a `CloudDNSClaimOperator` of this claimant and lease has come before: fail with `LeaseLost` where
        the names have been released since, as by the teardown of a run that was marked failed. Not of `reverse_zone`,
        whose first change claims.

    Returns `{"zone", "owner", "lease", "created", "changed", "deleted", "unchanged", "names", "digest", …}` with counts
    and the first names; `reverse` is the same for the reverse zone, or null.
    """

    emits = (JOBS, RECORDS)
    template_fields: Sequence[str] = (*JobOperator.template_fields, "policy", "plan_only", "claimed", "renew")

    def __init__(
        self,
        *,
        policy: str = DEFAULT_POLICY,
        dry_run: bool | str = False,
        claimed: bool | str = False,
        renew: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy = policy
        self.claimed = claimed
        self.renew = renew
        self.plan_only = dry_run  # `self.dry_run` would hide BaseOperator.dry_run()

    def execute(self, context: Context) -> Result:
        wanted, pointers = self.wanted()  # both before the first write, so that what is wrong with one stops it
        holder = self.holder(context, self.job)
        claimed = arguments.flag(self.claimed, "claimed")
        result = self._upsert(context, replace(holder, claimed=claimed), wanted)
        reverse = None if pointers is None else self._upsert(context, holder, pointers)
        if not arguments.flag(self.plan_only, "dry_run"):
            self.emit(context, holder, wanted, Phase.WRITTEN, result["expires"])
            if self.policy != "create-only":  # which may have left other data there
                self._emit_records(context, holder, (wanted, result), (pointers, reverse))
        return result | {"reverse": reverse}

    def _emit_records(self, context: Context, holder: Holder, *done: tuple[Wanted | None, Result | None]) -> None:
        """Emit what `mldns_reconcile` compares with."""
        hours = arguments.hours(self.lease_hours, "lease_hours") if arguments.flag(self.renew, "renew") else None
        written = {
            wanted.zone: WrittenRecords(
                result["owner"],
                claimant=holder.claimant,
                lease=result["lease"],
                generation=result["generation"],
                rrsets=wanted.rrsets,
                packed=pack(wanted.desired, pointers=wanted.pointers),
                renew_hours=hours,
            )
            for wanted, result in done
            if wanted and result
        }
        emit_records_event(context, project=self.project or self.hook.project_id, written=written)

    def _upsert(self, context: Context, holder: Holder, wanted: Wanted) -> Result:
        dry_run = arguments.flag(self.plan_only, "dry_run")
        asked: dict[str, Any] = {"zone": wanted.zone, "records": wanted.rrsets, "policy": self.policy}

        def upsert(asks: Holder) -> Result:
            if dry_run:
                return self.hook.plan_names(holder=asks, **asked, project_id=self.project).to_json()
            return dict(self.hook.write_names(holder=asks, **asked, project_id=self.project))

        result = hold(context, holder, upsert)
        self.log.info("%s of job %s: %s", "Plan" if dry_run else "Records", holder.owner, result)
        return result


class CloudDNSDeleteRecordsOperator(CloudDNSOperator):
    """Release what a lease claimed, records first and the manifest last: the *teardown* of a training.

    Names that another lease has taken over since, or that another claimant holds, are left alone, and the result says
    so: a late teardown never removes the next run's names, nor another DAG's. Nothing claimed is success.

    :param zone: name of the managed zone.
    :param job: the job's slug.
    :param claimant: who claimed, as given to the claim; this deployment and DAG by default.
    :param lease: the run that claimed; this run by default.
    :param reverse_zone: the managed zone that holds the workers' PTR records, as given to the upsert.

    Returns `{"zone", "dns_name", "owner", "deleted", "released", "overtaken_by", "change_id", "status"}`; `reverse` is
    the same for the reverse zone, or null.
    """

    emits = (JOBS,)
    template_fields: Sequence[str] = (
        *CloudDNSOperator.template_fields,
        "zone",
        "job",
        "claimant",
        "lease",
        "reverse_zone",
    )
    operator_extra_links = (*CloudDNSOperator.operator_extra_links, JobLink())

    def __init__(
        self,
        *,
        zone: str,
        job: str,
        claimant: str = "",
        lease: str = "",
        reverse_zone: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.zone = zone
        self.job = job
        self.claimant = claimant
        self.lease = lease
        self.reverse_zone = reverse_zone

    def execute(self, context: Context) -> Result:
        holder = holder_of(context, self.job, claimant=self.claimant, lease=self.lease)
        pointers = arguments.text(self.reverse_zone)
        reverse: Result | None = None
        try:
            released = self._release(self.zone, holder)
        finally:
            # One zone's failure is no reason to leave the other's records behind.
            if pointers:
                reverse = self._release(pointers, holder)
        if released["released"]:
            project = self.project or self.hook.project_id
            emit_job_event(
                context,
                project=project,
                zone=self.zone,
                job=holder.owner,
                phase=Phase.RELEASED,
                dns_name=released["dns_name"],
                claimant=holder.claimant,
                lease=holder.lease,
                records=released["deleted"],
            )
        return released | {"reverse": reverse}

    def _release(self, zone: str, holder: Holder) -> Result:
        released = self.hook.release_names(holder=holder, zone=zone, project_id=self.project)
        if released["overtaken_by"]:
            self.log.warning(
                "Nothing released in zone %s: lease %s holds the names of job %s now",
                zone,
                released["overtaken_by"],
                holder.owner,
            )
        else:
            self.log.info("Released job %s in zone %s: %s record(s) deleted", holder.owner, zone, released["deleted"])
        return dict(released)
