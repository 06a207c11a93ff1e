"""The operator that hands a job's names to its trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.gate.servers import ServerRole
from mldns.handoff.reader import read
from mldns.handoff.render import launch
from mldns.handoff.writer import hand_off
from mldns.inventory.job_records import DesiredRecords
from mldns.records.names import slug
from mldns.records.rrset import parse_ttl
from mldns.tasks.job import WorkersOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

ENVIRONMENT_KEY = "environment"
"""The XCom of the variables that all hosts of the job share."""


class CloudDNSHandOffOperator(WorkersOperator):
    """Return what a trainer needs to rendezvous by name: `mldns.handoff.writer.hand_off`, one small JSON value.

    Belongs behind the gate: whoever gets the value may rely on the names. Takes the arguments of the upsert that name
    the workers; none for a hand-off of the zone alone. With workers, the XCom `environment` has the variables that all
    hosts of the job share, for torchrun (PET_*), `env://` and JAX: `mldns.handoff.render.launch.shared_variables`.

    :param lease: the run that holds the names, as the upsert has it; this run by default.
    """

    template_fields: Sequence[str] = (*WorkersOperator.template_fields, "lease")

    def __init__(self, *, lease: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lease = lease

    def execute(self, context: Context) -> dict[str, Any]:
        zone = self.asked_zone(self.zone)
        value = hand_off(
            self._desired(zone.dns_name),
            zone=self.zone,
            visibility=zone.visibility,
            name_servers=zone.name_servers,
            # The very servers that the gate asks, so that the trainer asks no other.
            resolvers=[server.label for server in zone.servers if server.role is ServerRole.RESOLVER],
            lease=arguments.text(self.lease) or context["run_id"],
        )
        self.log.info("Hand-off: %s", value)
        if value["count"]:
            context["ti"].xcom_push(key=ENVIRONMENT_KEY, value=launch.shared_variables(read(value)))
        return value

    def _desired(self, dns_name: str) -> DesiredRecords:
        if arguments.value(self.workers, "workers") is None:
            return DesiredRecords(slug(self.job), dns_name, parse_ttl(self.ttl))
        return self.desired(dns_name)
