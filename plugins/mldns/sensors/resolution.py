"""The gate before a training: it opens when every name answers as it should at every server that counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowSensorTimeout, AirflowSkipException

from mldns import arguments
from mldns.exceptions import InvalidInput, ResolutionFailed, ZoneNotFound
from mldns.naming import slug
from mldns.operators.base import FAIL_AT_ONCE
from mldns.operators.records import DEFAULT_TTL
from mldns.records import desired_records, parse_ttl
from mldns.resolution import Role, Verdict, expectations, servers_to_ask
from mldns.survey import Survey
from mldns.survey_report import Report

if TYPE_CHECKING:
    from airflow.sdk import Context

    from mldns.hooks.cloud_dns import CloudDNSHook

_LEAST_ROUND = 15.0
"""Seconds that a round may take even at the very end of `timeout`: three tries at a silent server, and some."""


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
    :param passes: how many passes in a row must succeed, each over everything and on new sockets.
    :param change_id: of the change that wrote the records, where its `done` was not waited for; the resolvers of a
        private zone are not asked before.
    :param poke_interval: seconds between two rounds.
    :param timeout: seconds until the gate gives up: `ResolutionTimedOut` lists name, server, expected, got.
    :param project_id: Google project of the zone; the connection's default when not given.
    :param gcp_conn_id: Airflow connection of type `google_cloud_platform`.
    :param impersonation_chain: service account to impersonate, or a chain of them.

    Returns `{"ok", "names", "servers", "answers", "passes", "seconds", …}`.
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
        "project_id",
        "gcp_conn_id",
        "impersonation_chain",
    )
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
        project_id: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        poke_interval: timedelta | float = 2.0,
        timeout: timedelta | float = 600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, timeout=timeout, **{"retry_policy": FAIL_AT_ONCE, **kwargs})
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
        self.project_id = project_id
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain
        self._survey: Survey | None = None
        self._report: Report | None = None
        self._deadline = 0.0  # of time.monotonic(), from the first poke on

    def execute(self, context: Context) -> Any:
        self._survey = self._report = None  # a new try knows nothing
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
        from mldns.dns_exchange import prove

        if self._survey is None:
            self._deadline = time.monotonic() + self.timeout
            self._survey = self._begin()
        asked = prove(self._survey, budget=max(self._deadline - time.monotonic(), _LEAST_ROUND))
        report = self._report = self._survey.report(time.monotonic())
        if asked:  # else a negative cache is being waited out, as the line before said
            left = max(self._deadline - time.monotonic(), 0.0)
            # What is merely not there yet is news; what is there and wrong needs somebody to look.
            level = logging.WARNING if {Verdict.WRONG, Verdict.STALE} & report.verdicts.keys() else logging.INFO
            self.log.log(level, "%s%s", report.summary(), "" if report.ok else f"; giving up in {left:.0f} s")
        return PokeReturnValue(is_done=report.ok, xcom_value=report.to_json() if report.ok else None)

    def _begin(self) -> Survey:
        """Read the zone, and from it what to ask and whom."""
        from mldns.hooks.cloud_dns import CloudDNSHook

        hook = CloudDNSHook(
            gcp_conn_id=self.gcp_conn_id,
            impersonation_chain=arguments.texts(self.impersonation_chain, "impersonation_chain") or None,
        )
        project = arguments.text(self.project_id) or None
        zone = hook.get_zone(zone=self.zone, project_id=project)
        if zone is None:
            raise ZoneNotFound(self.zone, project or hook.project_id)
        visibility = zone.get("visibility", "public")
        rrsets = desired_records(
            workers=arguments.value(self.workers, "workers"),
            records=arguments.value(self.records, "records"),
            owner=slug(self.job),
            dns_name=zone["dnsName"],
            ttl=self.ttl,
            port=arguments.text(self.port) or None,
            allow_addresses=arguments.texts(self.allow_addresses, "allow_addresses"),
        )
        max_ttl = parse_ttl(self.max_ttl, where="max_ttl") if arguments.text(self.max_ttl) else None
        servers = servers_to_ask(
            visibility=visibility,
            name_servers=arguments.texts(self.name_servers, "name_servers")
            or hook.name_server_addresses
            or zone.get("nameServers", ()),
            resolvers=arguments.texts(self.resolvers, "resolvers") or hook.resolver_addresses,
        )
        survey = Survey(
            expectations(rrsets, max_ttl=max_ttl), servers, now=time.monotonic(), passes=_whole_number(self.passes)
        )
        self.log.info("Proving %s record(s) of job %s in the %s zone %s", len(rrsets), self.job, visibility, self.zone)
        for role, what in ((Role.AUTHORITATIVE, "name servers"), (Role.RESOLVER, "resolvers of the workers")):
            asked = ", ".join(server.label for server in servers if server.role is role)
            self.log.info("Asking the %s: %s", what, asked or "none")
        if visibility == "private" and arguments.text(self.change_id):
            self._wait_for_change(hook, arguments.text(self.change_id), project)
        return survey

    def _wait_for_change(self, hook: CloudDNSHook, change_id: str, project: str | None) -> None:
        """A denial would stay in the resolver's cache for minutes: so it is not asked for what was not even sent."""
        self.log.info("Waiting for change %s of zone %s to be done", change_id, self.zone)
        hook.wait_for_change(zone=self.zone, change_id=change_id, timeout=self.timeout, project_id=project)

    def _timed_out(self, error: Exception) -> Exception:
        """The time-out, with what was missing; the error itself when no round came to its end."""
        if self._report is None:
            return error
        for failure in self._report.failures:
            self.log.error("%s", failure)
        summary = f"job {self.job!r} in zone {self.zone!r} is not proven: {self._report.counts()}"
        return ResolutionTimedOut(summary=summary, failures=[str(failure) for failure in self._report.failures])


def _whole_number(passes: object) -> int:
    text = str(passes).strip()
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"passes {passes!r} is not a whole number")
    return int(text)
