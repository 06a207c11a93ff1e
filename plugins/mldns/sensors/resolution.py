"""The gate before a training: it opens when every name answers as it should at every server that counts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from mldns import arguments, metrics
from mldns.airflow_versions import AirflowSensorTimeout, AirflowSkipException, TaskDeferralTimeout, conf
from mldns.events.assets import Phase, gate_facts
from mldns.exceptions import ResolutionFailed, StillPending
from mldns.gate.report import Report, advice
from mldns.gate.spec import GateSpec
from mldns.gate.survey import LEAST_ROUND, Survey
from mldns.records.names import slug
from mldns.tasks.job import WorkersOperator
from mldns.tasks.outlets import JOBS, emit_job_event

if TYPE_CHECKING:
    from airflow.sdk import Context

LOOK_SECONDS = 5.0  # a gate that may give its slot back waits so long for a change in it: most are done by then
PAUSE_SECONDS = 20.0  # between two looks of such a gate; the triggerer keeps the time and has no credentials
_GRACE_SECONDS = 60.0  # after the deadline: then Airflow ends a deferral that no triggerer has ended


class ResolutionTimedOut(ResolutionFailed, AirflowSensorTimeout):
    """The gate did not open in time; final, as every sensor's time-out is: Airflow does not retry it."""


class DNSResolutionSensor(WorkersOperator, BaseSensorOperator):
    """Wait until every name of a job answers with exactly its record, on every server that counts: docs/gate.md.

    Run it where the workers run: their resolvers are asked from here. With `mode="reschedule"` each poke asks for
    everything anew: take a `poke_interval` of a minute or more. With `deferrable` all rounds but the first are asked by
    the triggerer, which needs no Google credentials; `timeout`, `soft_fail` and `retries` mean the same.

    :param records: more records, as given to `CloudDNSUpsertRecordsOperator`.
    :param name_servers: `HOST:PORT` each, instead of the zone's own and of what the connection says; public zones only.
    :param resolvers: `HOST:PORT` each, those of the workers, instead of what the connection says; else none for a
        public zone, and Google's metadata resolver for a private one.
    :param max_ttl: the most seconds an answer may be cached; by default each record's own TTL.
    :param passes: how many in a row must succeed; the later ones are over what failed and a sample.
    :param reverse_zone: name of the managed zone with the workers' PTR records, as given there.
    :param required_names: names outside the zone that the training needs, asked of the workers' resolvers: `NAME`,
        `NAME TYPE`, `NAME=ADDRESS` (no others of its family) or `NAME:PORT` (must accept a connection).
    :param connect: "master" or "workers": whose `port` must accept a TCP connection once all names are right.
    :param tolerate: what is a warning rather than a reason to wait: "dead-server", "long-ttl".
    :param change_id: of the change that wrote the records; a private zone's resolvers are not asked before it is done.
    :param poke_interval: seconds between two rounds.
    :param timeout: seconds until the gate gives up: `ResolutionTimedOut` lists name, server, expected, got.
    :param deferrable: whether to wait in the triggerer; Airflow's `[operators] default_deferrable` unless given.

    The other arguments are those of `WorkersOperator`, as given to the upsert, and of Airflow's sensors. Returns
    `Report.to_json()`.
    """

    emits = (JOBS,)
    template_fields: Sequence[str] = (
        *WorkersOperator.template_fields,
        "records",
        "name_servers",
        "resolvers",
        "max_ttl",
        "passes",
        "change_id",
        "reverse_zone",
        "required_names",
        "connect",
        "tolerate",
    )

    def __init__(
        self,
        *,
        records: Any = None,
        name_servers: Sequence[str] | str | None = None,
        resolvers: Sequence[str] | str | None = None,
        max_ttl: int | str | None = None,
        passes: int | str = 1,
        change_id: str | None = None,
        reverse_zone: str | None = None,
        required_names: Sequence[str] | str | None = None,
        connect: str | None = None,
        tolerate: Sequence[str] | str = (),
        poke_interval: timedelta | float = 2.0,
        timeout: timedelta | float = 600.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.records = records
        self.name_servers = name_servers
        self.resolvers = resolvers
        self.max_ttl = max_ttl
        self.passes = passes
        self.change_id = change_id
        self.reverse_zone = reverse_zone
        self.required_names = required_names
        self.connect = connect
        self.tolerate = tolerate
        self.deferrable = deferrable
        self._gate: tuple[GateSpec, Survey] | None = None
        self._report: Report | None = None
        self._deadline = 0.0  # of time.monotonic(), from the first poke on
        self._until: float | None = None  # of time.time(), where an earlier look began to wait

    def execute(self, context: Context) -> Any:
        self._gate = self._report = None  # a new try knows nothing
        with self._reasons_given():
            return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        from mldns.gate import exchange

        if self._gate is None:
            self._deadline = time.monotonic() + (self.timeout if self._until is None else self._until - time.time())
            try:
                spec = self._begin()
            except StillPending as pending:
                if self.deferrable or not self.reschedule:
                    raise
                self.log.info("%s", pending)
                return PokeReturnValue(is_done=False)
            self._gate = spec, spec.survey(time.monotonic())
        spec, survey = self._gate
        asked = exchange.run_round_blocking(
            survey,
            budget=max(self._left, LEAST_ROUND),
            clock=time.monotonic,
            on_progress=lambda report: self.log.info("%s", report.progress()),
        )
        report = self._report = survey.report(time.monotonic())
        if asked:  # else a negative cache is being waited out, as the line before said
            self.log.log(*report.round_line(self._left))
        if report.ok:
            return PokeReturnValue(is_done=True, xcom_value=self._passed(context, report.to_json()))
        if self._left > 0:
            if self.deferrable:
                self._defer(spec, survey)
        elif self._until is not None:
            raise AirflowSensorTimeout  # the base class counts from the last pause
        return PokeReturnValue(is_done=False)

    def execute_after_pause(self, context: Context, deadline: float, event: object = None) -> Any:
        """Look at the change once more.

        :param deadline: seconds of the wall clock. What `event` says does not matter.
        """
        self._until = deadline
        return self.execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Return what the triggerer found.

        :param event: of `DNSResolutionTrigger`; one that is not ok raises the same time-out as without a triggerer.
        """
        if not event["result"]["ok"]:
            raise self._not_proven(event["counts"], event["lines"], advice(event["result"]["verdicts"]))
        return self._passed(context, event["result"])

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        # Nothing else of a task runs where no triggerer ends a deferral in time: Airflow says "Trigger timeout" then,
        # and with `soft_fail` nothing of the names.
        with self._reasons_given():
            return super().resume_execution(next_method, next_kwargs, context)

    def _begin(self) -> GateSpec:
        """Read the zones, and from them what to ask and whom."""
        zone, name = self.asked_zone(self.zone, self.name_servers, self.resolvers), arguments.text(self.reverse_zone)
        reverse = self.asked_zone(name, resolvers=self.resolvers) if name else None
        reverse_dns_name = reverse.dns_name if reverse else ""
        desired = self.desired(zone.dns_name, records=self.records, reverse_dns_name=reverse_dns_name)
        spec = GateSpec.parse(
            desired,
            zone.servers,
            reverse_servers=reverse.servers if reverse else (),
            required_names=self.required_names,
            max_ttl=self.max_ttl,
            passes=self.passes,
            tolerate=self.tolerate,
            connect=self.connect,
        )
        self.log.info("Proving job %s in the %s zone %s: %s", self.job, zone.visibility, self.zone, spec.summary())
        if zone.visibility == "private" and (change_id := arguments.text(self.change_id)):
            self._wait_until_sent(change_id)
        return spec

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _wait_until_sent(self, change_id: str) -> None:
        """Return once Google says `done`: a resolver would cache the denial of what was not even sent.

        :raises StillPending: it took longer than a look where the sensor reschedules itself, else than all the time.
        """
        from airflow.providers.standard.triggers.temporal import DateTimeTrigger

        self.log.info("Waiting for change %s of zone %s to be done", change_id, self.zone)
        seconds = max(min(LOOK_SECONDS, self._left) if self.deferrable or self.reschedule else self._left, 0.0)
        try:
            self.hook.wait_for_change(zone=self.zone, change_id=change_id, timeout=seconds, project_id=self.project)
        except StillPending:
            if not self.deferrable or self._left <= 0:
                raise
            pause, now = min(PAUSE_SECONDS, self._left), datetime.now(UTC)
            self.log.info("It is still pending: looking again in %.0f s, without a worker slot until then", pause)
            trigger = DateTimeTrigger(moment=now + timedelta(seconds=pause))
            deadline, timeout = now.timestamp() + self._left, timedelta(seconds=pause + _GRACE_SECONDS)
            self.defer(
                trigger=trigger, method_name="execute_after_pause", kwargs={"deadline": deadline}, timeout=timeout
            )

    def _defer(self, spec: GateSpec, survey: Survey) -> None:
        from mldns.triggers.resolution import DNSResolutionTrigger

        trigger = DNSResolutionTrigger.of_survey(spec, survey, left=self._left, poke_interval=self.poke_interval)
        if too_large := trigger.too_large():
            self.log.warning("Waiting in this worker slot: %s", too_large)
            self.deferrable = False
            return
        self.log.info("Waiting in the triggerer, for %.0f s at most", self._left)
        seconds = self._left + LEAST_ROUND + _GRACE_SECONDS
        self.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=seconds))

    def _passed(self, context: Context, result: dict[str, Any]) -> dict[str, Any]:
        metrics.gate_passed(result)
        project, facts = self.project or self.hook.project_id, gate_facts(result)
        emit_job_event(context, project=project, zone=self.zone, job=slug(self.job), phase=Phase.READY, gate=facts)
        return result

    @contextmanager
    def _reasons_given(self) -> Iterator[None]:
        """Say in Airflow's own time-outs and skips what was missing: they have one fixed text each."""
        try:
            yield
        except AirflowSkipException as skip:
            cause = skip.__cause__ or skip  # without one it is the base class's own time-out
            if not isinstance(cause, (AirflowSensorTimeout, AirflowSkipException)):
                raise
            raise AirflowSkipException(str(self._reason(cause))) from None
        except AirflowSensorTimeout as error:
            raise self._reason(error) from None

    def _reason(self, error: BaseException) -> BaseException:
        """The time-out, with what was missing; the error itself when no round came to its end."""
        if isinstance(error.__cause__, TaskDeferralTimeout):
            counts = "nothing came from a triggerer before the time was over"
            return self._not_proven(counts, (), ["see that a triggerer runs, or say deferrable=False"])
        if self._report is None or isinstance(error, ResolutionTimedOut):
            return error
        return self._not_proven(self._report.counts(), self._report.lines, advice(self._report.verdicts))

    def _not_proven(self, counts: str, lines: Sequence[str], todo: Sequence[str]) -> ResolutionTimedOut:
        metrics.gate_failed()
        for line in lines:
            self.log.error("%s", line)
        summary = f"job {self.job!r} in zone {self.zone!r} is not proven: {counts}"
        return ResolutionTimedOut(summary=summary, failures=lines, todo=todo)
