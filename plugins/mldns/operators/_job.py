"""What the operators on a job's names share: which names, in which zones, under whose lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.events.assets import Phase
from mldns.exceptions import InvalidInput, ManifestTooLarge, OwnershipConflict, ZoneNotFound
from mldns.inventory.job_records import desired_records, desired_reverse_records
from mldns.ownership.manifest import Manifest
from mldns.plan.plan import Plan
from mldns.records.names import SHARED_OWNER, slug
from mldns.records.rrset import RRset
from mldns.tasks.base import CloudDNSOperator
from mldns.tasks.lease import claimant_and_lease, hold
from mldns.tasks.links import JobLink
from mldns.tasks.outlets import tell_of_job, with_outlet

if TYPE_CHECKING:
    from airflow.sdk import Context

DEFAULT_LEASE_HOURS = 24.0
"""A second run must not take the names from a training at work, and a run that crashed must not keep them for ever."""

DEFAULT_TTL = 30
"""Seconds: workers come and go, and a resolver must forget the last run's address soon."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The records that a job wants in one managed zone."""

    zone: str
    dns_name: str
    rrsets: tuple[RRset, ...]


class JobOperator(CloudDNSOperator):
    """The base of what claims, writes and checks a job's names.

    :param zone: name of the managed zone.
    :param job: the job's slug, one DNS label: the owner of its names. `shared` owns what outlives every job.
    :param workers: the inventory in any form: a list of addresses or of mappings such as
        `{"rank": 0, "address": "10.0.0.7"}`, JSON text of one, or the text of a hostfile.
    :param records: more records, as in the API: `{"name", "type", "ttl", "rrdatas"}`.
    :param ttl: of the workers' names, in seconds.
    :param port: rendezvous port of rank 0, for the SRV record.
    :param claimant: who claims; this deployment and DAG by default. A triggered DAG passes its caller's.
    :param lease: the run that holds the names; this run by default.
    :param lease_hours: how long another run of the same claimant is kept off, unless this run is released or has ended
        before; none: a later run takes over at once.
    :param adopt: take over from another claimant.
    :param allow_addresses: networks to let through although other hosts cannot reach them, such as `127.0.0.0/8`.
    :param reverse_zone: name of a managed zone below `in-addr.arpa.` or `ip6.arpa.` that holds every worker's address:
        the workers get PTR records there, under the same lease. None: no PTR records.
    """

    template_fields: Sequence[str] = (
        *CloudDNSOperator.template_fields,
        "zone",
        "job",
        "workers",
        "records",
        "ttl",
        "port",
        "claimant",
        "lease",
        "lease_hours",
        "adopt",
        "allow_addresses",
        "reverse_zone",
    )
    operator_extra_links = (*CloudDNSOperator.operator_extra_links, JobLink())

    def __init__(
        self,
        *,
        zone: str,
        job: str,
        workers: Any = None,
        records: Any = None,
        ttl: int | str = DEFAULT_TTL,
        port: int | str | None = None,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | str | None = DEFAULT_LEASE_HOURS,
        adopt: bool | str = False,
        allow_addresses: Sequence[str] | str = (),
        reverse_zone: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**with_outlet(kwargs))
        self.zone = zone
        self.job = job
        self.workers = workers
        self.records = records
        self.ttl = ttl
        self.port = port
        self.claimant = claimant
        self.lease = lease
        self.lease_hours = lease_hours
        self.adopt = adopt
        self.allow_addresses = allow_addresses
        self.reverse_zone = reverse_zone

    @cached_property
    def inventory(self) -> dict[str, Any]:
        """The arguments that `desired_records` and `desired_reverse_records` share, as values."""
        return {
            "workers": arguments.value(self.workers, "workers"),
            "ttl": self.ttl,
            "allow_addresses": arguments.texts(self.allow_addresses, "allow_addresses"),
        }

    def dns_name_of(self, zone: str) -> str:
        """What a managed zone serves; raises ZoneNotFound."""
        found = self.hook.get_zone(zone=zone, project_id=self.project)
        if found is None:
            raise ZoneNotFound(zone, self.project or self.hook.project_id)
        return str(found["dnsName"])

    def forward(self) -> Wanted:
        """The job's names and its explicit records."""
        dns_name = self.dns_name_of(self.zone)
        rrsets = desired_records(
            **self.inventory,
            records=arguments.value(self.records, "records"),
            owner=self.job,
            dns_name=dns_name,
            port=arguments.text(self.port) or None,
        )
        return Wanted(self.zone, dns_name, rrsets)

    def reverse(self, dns_name: str) -> Wanted | None:
        """The PTR records of the workers of a zone `dns_name`; None where no reverse zone was given."""
        zone = arguments.text(self.reverse_zone)
        if not zone:
            return None
        if self.inventory["workers"] is None:
            raise InvalidInput(f"reverse_zone {zone!r} without workers: only workers get PTR records")
        reverse_dns_name = self.dns_name_of(zone)
        rrsets = desired_reverse_records(
            **self.inventory, owner=self.job, dns_name=dns_name, reverse_dns_name=reverse_dns_name
        )
        return Wanted(zone, reverse_dns_name, rrsets)

    def holder(self, context: Context, owner: str) -> dict[str, Any]:
        """Who asks for the owner's names, as the hook's methods take it."""
        claimant, lease = claimant_and_lease(
            context, owner=owner, claimant=arguments.text(self.claimant), lease=arguments.text(self.lease)
        )
        return {
            "owner": owner,
            "claimant": claimant,
            "lease": lease,
            # What is shared belongs to no run, so no run keeps others off it.
            "lease_hours": None if owner == SHARED_OWNER else arguments.hours(self.lease_hours, "lease_hours"),
            "adopt": arguments.flag(self.adopt, "adopt"),
        }

    def request(self, context: Context, wanted: Wanted) -> dict[str, Any]:
        """The arguments that the hook's `claim` and `upsert_records` share."""
        return {
            "zone": wanted.zone,
            "records": wanted.rrsets,
            "project_id": self.project,
            **self.holder(context, slug(self.job)),
        }

    def tell(
        self, context: Context, request: dict[str, Any], wanted: Wanted, phase: Phase, expires: str | None
    ) -> None:
        """Tell whoever watches that the job has come to `phase`."""
        tell_of_job(
            context,
            project=self.project or self.hook.project_id,
            zone=wanted.zone,
            dns_name=wanted.dns_name,
            job=request["owner"],
            phase=phase,
            records=len(wanted.rrsets),
            claimant=request["claimant"],
            lease=request["lease"],
            expires=expires,
        )

    def planned(self, context: Context, owner: str, wanted: Wanted, policy: str) -> Plan:
        """What an upsert of `wanted` would do; raises what it would raise before its first write."""
        from mldns.ownership.claims import Holder

        holder = {key: value for key, value in self.holder(context, owner).items() if key != "lease_hours"}
        check_fits(wanted, owner=owner, claimant=holder["claimant"], lease=holder["lease"])
        editor = self.hook.zone_editor(self.project or self.hook.project_id, wanted.zone)
        plan = hold(context, lambda ended: editor.plan(wanted.rrsets, Holder(**holder, lease_ended=ended), policy))
        self.log.info("Plan of %s in zone %s: %s\n%s", owner, wanted.zone, plan.summary(), plan.table())
        if plan.conflicts:
            raise OwnershipConflict(plan.conflicts)
        return plan


def check_fits(wanted: Wanted, *, owner: str, claimant: str, lease: str) -> None:
    """Raise InvalidInput when the names do not fit into one manifest."""
    keys = frozenset(rrset.key for rrset in wanted.rrsets)
    try:
        Manifest(owner=owner, claimant=claimant, lease=lease, pending=keys).to_rrset(wanted.dns_name)
    except ManifestTooLarge as large:
        if not all(rrset.type == "PTR" for rrset in wanted.rrsets):
            raise
        raise InvalidInput(
            f"reverse zone {wanted.zone!r}: {len(keys):,} scattered addresses of job {owner!r} take {large.size:,} "
            f"bytes of the {large.limit:,} that a manifest has (it keeps neighbours as ranges): "
            "leave out reverse_zone, or split the job"
        ) from None
