"""The gate before a training: it opens when every name answers as it should at every server that counts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException, TaskDeferralTimeout

from mldns import arguments, metrics
from mldns.events.assets import Phase, gate_facts
from mldns.exceptions import InvalidInput, ResolutionFailed, StillPending
from mldns.gate.expectations import parse_tolerances
from mldns.gate.report import Report
from mldns.gate.servers import Role, Server, servers_to_ask
from mldns.gate.spec import Proof
from mldns.gate.survey import LEAST_ROUND, Survey
from mldns.inventory.job_records import DEFAULT_TTL, DesiredRecords
from mldns.records.names import slug
from mldns.records.rrset import parse_ttl
from mldns.sensors.change_done import wait_until_sent
from mldns.sensors.zone_facts import name_servers_of, zone_of
from mldns.tasks.base import FAIL_AT_ONCE
from mldns.tasks.links import JobLink, ZoneLink
from mldns.tasks.outlets import JOBS, emit_job_event

if TYPE_CHECKING:
    from airflow.sdk import Context

    from mldns.hooks.cloud_dns import CloudDNSHook

TRIGGER_BYTES = 45_000
"""Of a trigger's arguments as JSON. Encrypted they grow by a third, and MySQL keeps 65,535 bytes of them. Ten thousand
IPv4 addresses scattered over 10.0.0.0/8 take 38,000; neighbouring ones a twentieth of that."""

_TRIGGER_GRACE = 60.0
"""Seconds after the deadline at which Airflow ends a deferral that no triggerer has ended."""


class ResolutionTimedOut(ResolutionFailed, AirflowSensorTimeout):
    """The gate did not open in time; final, as every sensor's time-out is: Airflow does not retry it."""


class DNSResolutionSensor(BaseSensorOperator):
    """Wait until every name of a job answers with exactly its record, on every server that counts.

    Public zone: all names on all authoritative servers; each name that they agree on, then on the workers' resolvers.
    Private zone: on the resolvers alone, from here: run it where the workers run. A resolver keeps what it answered
    once, denials included, so it is asked again when that has expired and not before.

    What passed is remembered for the task's try and not asked again. With `mode="reschedule"` each poke is a process of
    its own that remembers nothing: it asks for everything anew, and a resolver again before its denial has expired,
    which does no harm, but does no good either. Take a `poke_interval` of a minute or more with it.

    With `deferrable` the first round is asked here and the rest in the triggerer, which needs no Google credentials and
    must stand where the workers' resolvers can be reached. `timeout`, `soft_fail` and `retries` mean the same.

    :param zone: name of the managed zone.
    :param job: the job's slug, as given to `CloudDNSUpsertRecordsOperator`.
    :param workers: the inventory, as given there.
    :param records: more records, as given there.
    :param ttl: of the workers' names, as given there.
    :param port: rendezvous port, as given there.
    :param allow_addresses: networks to let through, as given there.
    :param name_servers: `HOST:PORT` each, instead of the zone's own and of what the connection says; public zones only.
    :param resolvers: `HOST:PORT` each: the resolvers that the workers use, instead of what the connection says. By
        default none for a public zone, and Google's metadata resolver for a private one.
    :param max_ttl: the most seconds an answer may be cached; by default each record's own TTL.
    :param passes: how many passes in a row must succeed, each on new sockets: the first over everything, the later ones
        over what ever failed and a sample.
    :param reverse_zone: name of the managed zone with the workers' PTR records, as given to the upsert: each address
        must say its worker's name. A public one is asked at its own name servers, a private one at the resolvers.
    :param required_names: names outside the zone that the training needs, `NAME` or `NAME TYPE`, asked of the workers'
        resolvers: data sources, registries.
    :param connect: "master" or "workers": whose `port` must accept a TCP connection once all names are right.
    :param tolerate: what is a warning rather than a reason to wait: "dead-server", a minority of name servers that
        answers nothing; "long-ttl", right data that may be cached for longer than `max_ttl`.
    :param deferrable: whether to wait in the triggerer; Airflow's `[operators] default_deferrable` unless given.
    :param change_id: of the change that wrote the records, where its `done` was not waited for; the resolvers of a
        private zone are not asked before. A gate that is deferrable, or reschedules itself, looks from time to time and
        holds no slot in between.
    :param poke_interval: seconds between two rounds.
    :param timeout: seconds until the gate gives up: `ResolutionTimedOut` lists name, server, expected, got.
    :param project_id: Google project of the zone; the connection's default when not given.
    :param gcp_conn_id: Airflow connection of type `google_cloud_platform`.
    :param impersonation_chain: service account to impersonate, or a chain of them.

    Returns `{"ok", "exit", "names", "servers", "answers", "passes", "seconds", "warnings", …}`; `exit` is 0, or 10 with
    warnings.
    """

    template_fields: Sequence[str] = (
        "zone",
        "job",
        "workers",
        "records",
        "ttl",
        "port",
        "allow_addresses",
        "name_servers",
        "resolvers",
        "max_ttl",
        "passes",
        "change_id",
        "reverse_zone",
        "required_names",
        "connect",
        "tolerate",
        "project_id",
        "gcp_conn_id",
        "impersonation_chain",
    )
    operator_extra_links = (ZoneLink(), JobLink())
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        zone: str,
        job: str,
        workers: Any = None,
        records: Any = None,
        ttl: int | str = DEFAULT_TTL,
        port: int | str | None = None,
        allow_addresses: Sequence[str] | str = (),
        name_servers: Sequence[str] | str | None = None,
        resolvers: Sequence[str] | str | None = None,
        max_ttl: int | str | None = None,
        passes: int | str = 1,
        change_id: str | None = None,
        reverse_zone: str | None = None,
        required_names: Sequence[str] | str | None = None,
        connect: str | None = None,
        tolerate: Sequence[str] | str = (),
        project_id: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        poke_interval: timedelta | float = 2.0,
        timeout: timedelta | float = 600.0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        kwargs = {"retry_policy": FAIL_AT_ONCE, **kwargs}
        super().__init__(poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.add_outlets([JOBS])
        self.zone = zone
        self.job = job
        self.workers = workers
        self.records = records
        self.ttl = ttl
        self.port = port
        self.allow_addresses = allow_addresses
        self.name_servers = name_servers
        self.resolvers = resolvers
        self.max_ttl = max_ttl
        self.passes = passes
        self.change_id = change_id
        self.reverse_zone = reverse_zone
        self.required_names = required_names
        self.connect = connect
        self.tolerate = tolerate
        self.project_id = project_id
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self.deferrable = deferrable
        self._gate: tuple[Proof, Survey] | None = None
        self._report: Report | None = None
        self._deadline = 0.0  # of time.monotonic(), from the first poke on
        self._until: float | None = None  # of time.time(), where an earlier look began to wait

    def execute(self, context: Context) -> Any:
        self._gate = self._report = None  # a new try knows nothing
        try:
            return super().execute(context)
        except AirflowSensorTimeout as error:
            raise self._timed_out(error) from None
        except AirflowSkipException as skip:
            if skip.__cause__ is not None:
                raise
            # soft_fail: the same time-out, as a skip.
            raise AirflowSkipException(str(self._timed_out(skip))) from None

    def poke(self, context: Context) -> PokeReturnValue:
        from mldns.gate.exchange import prove

        if self._gate is None:
            left = self.timeout if self._until is None else self._until - time.time()
            self._deadline = time.monotonic() + left
            try:
                begun = self._begin()
            except StillPending as pending:
                if self.deferrable or not self.reschedule:
                    raise
                self.log.info("%s", pending)
                return PokeReturnValue(is_done=False)
            self._gate = begun, begun.survey(time.monotonic())
        proof, survey = self._gate
        asked = prove(
            survey,
            budget=max(self._deadline - time.monotonic(), LEAST_ROUND),
            on_progress=lambda report: self.log.info("%s", report.progress()),
        )
        report = self._report = survey.report(time.monotonic())
        left = self._deadline - time.monotonic()
        if asked:  # else a negative cache is being waited out, as the line before said
            level, line = report.round_line(left)
            self.log.log(level, "%s", line)
        if self.deferrable and not report.ok and left > 0:
            self._defer(proof, survey, left)
        if not report.ok and left <= 0 and self._until is not None:
            raise AirflowSensorTimeout  # the base class counts from the last pause
        if not report.ok:
            return PokeReturnValue(is_done=False)
        result = report.to_json()
        self._tell(context, result)
        return PokeReturnValue(is_done=True, xcom_value=result)

    def execute_after_pause(self, context: Context, deadline: float, event: object = None) -> Any:
        """Look at the change once more, and go on when it is done; `deadline` is seconds of the wall clock."""
        self._until = deadline
        return self.execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """What the triggerer found, as the result or as the same time-out as without it."""
        result: dict[str, Any] = event["result"]
        if not result["ok"]:
            raise self._not_proven(event["counts"], event["lines"])
        self._tell(context, result)
        return result

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            if isinstance(skip.__cause__, ResolutionTimedOut):  # soft_fail
                raise AirflowSkipException(str(skip.__cause__)) from None
            raise
        except AirflowSensorTimeout as error:
            if isinstance(error.__cause__, TaskDeferralTimeout):
                raise self._not_proven(
                    "no triggerer told anything before the time was over: is one running?", ()
                ) from error
            raise

    def _tell(self, context: Context, result: dict[str, Any]) -> None:
        metrics.gate_passed(result)
        project = arguments.text(self.project_id) or self.hook.project_id
        emit_job_event(
            context,
            project=project,
            zone=self.zone,
            job=slug(self.job),
            phase=Phase.READY,
            gate=gate_facts(result),
        )

    @cached_property
    def hook(self) -> CloudDNSHook:
        """The hook behind the gate; only once templates are rendered."""
        from mldns.hooks.cloud_dns import CloudDNSHook

        return CloudDNSHook(
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=arguments.texts(self.impersonation_chain, "impersonation_chain") or None,
        )

    def _defer(self, proof: Proof, survey: Survey, left: float) -> None:
        """Go on in the triggerer, unless what it would have to know is too much for its table."""
        from mldns.triggers.resolution import DNSResolutionTrigger

        now = time.time()
        trigger = DNSResolutionTrigger(
            proof=proof.pack(),
            state=survey.state(time.monotonic()),
            since=now,
            deadline=now + left,
            poke_interval=self.poke_interval,
        )
        size = len(json.dumps(trigger.serialize()[1]))
        if size > TRIGGER_BYTES:
            self.log.warning(
                "Waiting in this worker slot: the proof takes %s bytes, and a trigger may have %s; split the job, or "
                'set mode="reschedule"',
                f"{size:,}",
                f"{TRIGGER_BYTES:,}",
            )
            self.deferrable = False
            return
        self.log.info("Waiting in the triggerer (%s bytes), for %.0f s at most", f"{size:,}", left)
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            timeout=timedelta(seconds=left + LEAST_ROUND + _TRIGGER_GRACE),
        )

    def _begin(self) -> Proof:
        """Read the zones, and from them what to ask and whom."""
        hook = self.hook
        project = arguments.text(self.project_id) or None
        resolvers = arguments.texts(self.resolvers, "resolvers") or hook.resolver_addresses
        zone = zone_of(hook, self.zone, project)
        servers = servers_to_ask(
            visibility=zone["visibility"],
            name_servers=arguments.texts(self.name_servers, "name_servers") or name_servers_of(hook, zone),
            resolvers=resolvers,
        )
        reverse_dns_name = ""
        reverse_servers: tuple[Server, ...] = ()
        if reverse_zone := arguments.text(self.reverse_zone):
            reverse = zone_of(hook, reverse_zone, project)
            reverse_dns_name = reverse["dnsName"]
            reverse_servers = servers_to_ask(
                visibility=reverse["visibility"], name_servers=name_servers_of(hook, reverse), resolvers=resolvers
            )
        proof = self._proof_of(zone["dnsName"], servers, reverse_dns_name, reverse_servers)
        self._announce(proof, zone["visibility"])
        if zone["visibility"] == "private" and arguments.text(self.change_id):
            left = self._deadline - time.monotonic()
            wait_until_sent(self, hook, change_id=arguments.text(self.change_id), project=project, left=left)
        return proof

    def _proof_of(
        self,
        dns_name: str,
        servers: tuple[Server, ...],
        reverse_dns_name: str,
        reverse_servers: tuple[Server, ...],
    ) -> Proof:
        desired = DesiredRecords.parse(
            owner=self.job,
            dns_name=dns_name,
            ttl=self.ttl,
            workers=self.workers,
            records=self.records,
            port=self.port,
            allow_addresses=self.allow_addresses,
            reverse_dns_name=reverse_dns_name,
        )
        return Proof(
            desired=desired,
            servers=servers,
            reverse_servers=reverse_servers,
            required=tuple(arguments.texts(self.required_names, "required_names")),
            max_ttl=parse_ttl(self.max_ttl, where="max_ttl") if arguments.text(self.max_ttl) else None,
            passes=_whole_number(self.passes),
            tolerate=parse_tolerances(arguments.texts(self.tolerate, "tolerate")),
            connect=arguments.text(self.connect),
        )

    def _announce(self, proof: Proof, visibility: str) -> None:
        count = len(proof.desired.rrsets)
        self.log.info("Proving %s record(s) of job %s in the %s zone %s", count, self.job, visibility, self.zone)
        for role, what in ((Role.AUTHORITATIVE, "name servers"), (Role.RESOLVER, "resolvers of the workers")):
            asked = ", ".join(server.label for server in proof.servers if server.role is role)
            self.log.info("Asking the %s: %s", what, asked or "none")
        if proof.desired.reverse_dns_name:
            asked = ", ".join(server.label for server in proof.reverse_servers)
            self.log.info("Asking for the addresses of %s: %s", proof.desired.reverse_dns_name, asked)

    def _timed_out(self, error: Exception) -> Exception:
        """The time-out, with what was missing; the error itself when no round came to its end."""
        if self._report is None:
            return error
        return self._not_proven(self._report.counts(), self._report.lines)

    def _not_proven(self, counts: str, lines: Sequence[str]) -> ResolutionTimedOut:
        metrics.gate_failed()
        for line in lines:
            self.log.error("%s", line)
        summary = f"job {self.job!r} in zone {self.zone!r} is not proven: {counts}"
        return ResolutionTimedOut(summary=summary, failures=lines)


def _whole_number(passes: object) -> int:
    text = str(passes).strip()
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"passes {passes!r} is not a whole number")
    return int(text)
