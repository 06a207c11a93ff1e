"""What the operators on a job's names share: which names, in which zones, under whose lease."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.events.assets import Phase
from mldns.exceptions import ClaimRefused, InvalidInput, ManifestTooLarge, OwnershipConflict, ZoneNotFound
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import DEFAULT_LEASE_HOURS, Holder
from mldns.ownership.manifest import Manifest
from mldns.plan.plan import Plan
from mldns.records.rrset import RRset
from mldns.tasks.job import WorkersOperator
from mldns.tasks.lease import hold, holder_of
from mldns.tasks.outlets import emit_job_event

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True, slots=True)
class Wanted:
    """The records that a job wants in one managed zone: its own, or with `pointers` the zone of its PTR records."""

    zone: str
    desired: DesiredRecords
    pointers: bool = False

    @property
    def dns_name(self) -> str:
        """What the zone serves."""
        return self.desired.reverse_dns_name if self.pointers else self.desired.dns_name

    @property
    def rrsets(self) -> tuple[RRset, ...]:
        """What it must hold of the job."""
        return self.desired.pointers if self.pointers else self.desired.rrsets


class JobOperator(WorkersOperator):
    """The base of what claims, writes and checks a job's names.

    :param records: more records, as in the API: `{"name", "type", "ttl", "rrdatas"}`.
    :param claimant: who claims; this deployment and DAG by default. A triggered DAG passes its caller's.
    :param lease: the run that holds the names; this run by default.
    :param lease_hours: how long another run of the same claimant is kept off, unless this run is released or has ended
        before; none: a later run takes over at once.
    :param adopt: take over from another claimant.
    :param reverse_zone: name of a managed zone below `in-addr.arpa.` or `ip6.arpa.` that holds every worker's address:
        the workers get PTR records there, under the same lease. None: no PTR records.
    """

    template_fields: Sequence[str] = (
        *WorkersOperator.template_fields,
        "records",
        "claimant",
        "lease",
        "lease_hours",
        "adopt",
        "reverse_zone",
    )

    def __init__(
        self,
        *,
        records: Any = None,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | str | None = DEFAULT_LEASE_HOURS,
        adopt: bool | str = False,
        reverse_zone: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.records = records
        self.claimant = claimant
        self.lease = lease
        self.lease_hours = lease_hours
        self.adopt = adopt
        self.reverse_zone = reverse_zone

    def dns_name_of(self, zone: str) -> str:
        """Return what a managed zone serves, or raise ZoneNotFound."""
        found = self.hook.get_zone(zone=zone, project_id=self.project)
        if found is None:
            raise ZoneNotFound(zone, self.project or self.hook.project_id)
        return str(found["dnsName"])

    def wanted(self) -> tuple[Wanted, Wanted | None]:
        """Return what the job wants in its zone, and its PTR records in the reverse zone; None where there is none."""
        reverse_zone = arguments.text(self.reverse_zone)
        dns_name = self.dns_name_of(self.zone)
        reverse_dns_name = self.dns_name_of(reverse_zone) if reverse_zone else ""
        desired = self.desired(dns_name, records=self.records, reverse_dns_name=reverse_dns_name)
        pointers = Wanted(reverse_zone, desired, pointers=True) if reverse_zone else None
        return Wanted(self.zone, desired), pointers

    def holder(self, context: Context, owner: str) -> Holder:
        """Return who asks for the owner's names: this run for the job's, nobody for what is shared.

        :param context: of the task, which tells the run.
        :param owner: the job, or `shared`.
        """
        return holder_of(
            context,
            owner,
            claimant=self.claimant,
            lease=self.lease,
            lease_hours=self.lease_hours,
            adopt=self.adopt,
        )

    def emit(self, context: Context, holder: Holder, wanted: Wanted, phase: Phase, expires: str | None) -> None:
        """Emit that the job has come to `phase`.

        :param holder: under whose lease.
        :param wanted: the names, and the zone that they are in.
        :param expires: when the lease ends, as the hook told it.
        """
        emit_job_event(
            context,
            project=self.project or self.hook.project_id,
            zone=wanted.zone,
            dns_name=wanted.dns_name,
            job=holder.owner,
            phase=phase,
            records=len(wanted.rrsets),
            claimant=holder.claimant,
            lease=holder.lease,
            expires=expires,
        )

    def planned(self, context: Context, holder: Holder, wanted: Wanted, policy: str, *, waits: bool = False) -> Plan:
        """Return what an upsert of `wanted` would do.

        :param waits: the claim behind this will wait for another run of the same claimant: plan as if that was over.
        :raises OwnershipConflict, ClaimRefused, QuotaShort: what the upsert would raise before its first write.
        """
        check_fits(wanted, holder)
        asked: dict[str, Any] = {"zone": wanted.zone, "records": wanted.rrsets, "project_id": self.project}
        try:
            plan = hold(context, holder, lambda asks: self.hook.plan_names(holder=asks, policy=policy, **asked))
        except ClaimRefused as refused:
            if not (waits and refused.same_claimant):
                raise
            self.log.info("Run %s holds the names of job %s: the claim will wait for it", refused.lease, holder.owner)
            plan = self.hook.plan_names(holder=replace(holder, lease_ended=True), policy=policy, **asked)
        self.log.info("Plan of %s in zone %s: %s\n%s", holder.owner, wanted.zone, plan.summary(), plan.table())
        if plan.conflicts:
            raise OwnershipConflict(plan.conflicts)
        return plan


def check_fits(wanted: Wanted, holder: Holder) -> None:
    """Raise InvalidInput when the names do not fit into one manifest."""
    keys = frozenset(rrset.key for rrset in wanted.rrsets)
    owner = holder.owner
    try:
        Manifest(owner=owner, claimant=holder.claimant, lease=holder.lease, pending=keys).to_rrset(wanted.dns_name)
    except ManifestTooLarge as large:
        if not all(rrset.type == "PTR" for rrset in wanted.rrsets):
            raise
        raise InvalidInput(
            f"reverse zone {wanted.zone!r}: {len(keys):,} scattered addresses of job {owner!r} take {large.size:,} "
            f"bytes of the {large.limit:,} that a manifest has (it keeps neighbours as ranges): "
            "leave out reverse_zone, or split the job"
        ) from None
