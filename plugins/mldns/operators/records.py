"""Operators on a job's names: claim them, write them, release them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.exceptions import ZoneNotFound
from mldns.naming import SHARED_OWNER, slug
from mldns.operators.base import CloudDNSOperator
from mldns.operators.lease import claimant_and_lease, hold
from mldns.plan import DEFAULT_POLICY
from mldns.records import RRset, desired_records

if TYPE_CHECKING:
    from airflow.sdk import Context

Result = dict[str, Any]
"""What a task returns: small plain JSON, whatever the number of workers."""

DEFAULT_LEASE_HOURS = 24.0
"""A second run must not take the names from a training at work, and a run that crashed must not keep them for ever."""

DEFAULT_TTL = 30
"""Seconds: workers come and go, and a resolver must forget the last run's address soon."""


class _JobRecordsOperator(CloudDNSOperator):
    """What claiming and writing have in common: which names, under whose lease.

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
    )

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
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
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

    def _desired(self) -> tuple[RRset, ...]:
        """The job's records; needs the zone, since names end in its dnsName."""
        zone: Mapping[str, Any] | None = self.hook.get_zone(zone=self.zone, project_id=self.project)
        if zone is None:
            raise ZoneNotFound(self.zone, self.project or self.hook.project_id)
        port = arguments.text(self.port)
        return desired_records(
            workers=arguments.value(self.workers, "workers"),
            records=arguments.value(self.records, "records"),
            owner=self.job,
            dns_name=zone["dnsName"],
            ttl=self.ttl,
            port=port or None,
            allow_addresses=arguments.texts(self.allow_addresses, "allow_addresses"),
        )

    def _request(self, context: Context) -> dict[str, Any]:
        """The arguments that the hook's `claim` and `upsert_records` share."""
        owner = slug(self.job)
        claimant, lease = claimant_and_lease(
            context, owner=owner, claimant=arguments.text(self.claimant), lease=arguments.text(self.lease)
        )
        return {
            "zone": self.zone,
            "records": self._desired(),
            "owner": owner,
            "claimant": claimant,
            "lease": lease,
            # What is shared belongs to no run, so no run keeps others off it.
            "lease_hours": None if owner == SHARED_OWNER else arguments.hours(self.lease_hours, "lease_hours"),
            "adopt": arguments.flag(self.adopt, "adopt"),
            "project_id": self.project,
        }


class CloudDNSClaimOperator(_JobRecordsOperator):
    """Claim a job's names by writing its manifest alone: the *setup* of a training.

    A failed setup leaves its teardown unrun, so the setup is this one atomic change, and the records are written by
    ordinary work behind it. Takes the arguments of `CloudDNSUpsertRecordsOperator` without `policy` and `dry_run`.
    Returns `{"zone", "owner", "lease", "generation", "expires", "names", "change_id"}`.
    """

    def execute(self, context: Context) -> Result:
        request = self._request(context)
        claimed = hold(context, lambda ended: self.hook.claim(**request, lease_ended=ended))
        self.log.info(
            "Claimed %s name(s) of job %s for lease %s, generation %s",
            claimed["names"],
            claimed["owner"],
            claimed["lease"],
            claimed["generation"],
        )
        return dict(claimed)


class CloudDNSUpsertRecordsOperator(_JobRecordsOperator):
    """Bring a job's records to what is wanted: read the zone, plan, apply the difference.

    An empty plan writes nothing; a retry does what is missing. Records of other owners are refused by name.

    :param policy: `create-only`, `upsert-only`, or `sync`, which also removes what the job owns and no longer wants.
    :param dry_run: write nothing and return the plan: `{"counts", "digest", "names", "conflicts"}`.

    Returns `{"zone", "owner", "lease", "created", "changed", "deleted", "unchanged", "names", "digest", …}` with counts
    and the first names.
    """

    template_fields: Sequence[str] = (*_JobRecordsOperator.template_fields, "policy", "dry_run")

    def __init__(self, *, policy: str = DEFAULT_POLICY, dry_run: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.policy = policy
        # Hides BaseOperator.dry_run(), which prints rendered templates and which nothing in Airflow 3 calls.
        self.dry_run = dry_run  # type: ignore[assignment, method-assign]

    def execute(self, context: Context) -> Result:
        request = self._request(context)
        dry_run = arguments.flag(self.dry_run, "dry_run")
        result = hold(
            context,
            lambda ended: self.hook.upsert_records(**request, policy=self.policy, dry_run=dry_run, lease_ended=ended),
        )
        self.log.info("%s of job %s: %s", "Plan" if dry_run else "Records", request["owner"], result)
        return dict(result)


class CloudDNSDeleteRecordsOperator(CloudDNSOperator):
    """Release what a lease claimed, records first and the manifest last: the *teardown* of a training.

    Names that another lease has taken over since are left alone, and the result says so: a late teardown never removes
    the next run's names. Nothing claimed is success.

    :param zone: name of the managed zone.
    :param job: the job's slug.
    :param lease: the run that claimed; this run by default.

    Returns `{"zone", "owner", "deleted", "released", "overtaken_by", "change_id"}`.
    """

    template_fields: Sequence[str] = (*CloudDNSOperator.template_fields, "zone", "job", "lease")

    def __init__(self, *, zone: str, job: str, lease: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone
        self.job = job
        self.lease = lease

    def execute(self, context: Context) -> Result:
        owner = slug(self.job)
        _, lease = claimant_and_lease(context, owner=owner, claimant="", lease=arguments.text(self.lease))
        released = self.hook.delete_records(zone=self.zone, owner=owner, lease=lease, project_id=self.project)
        if released["overtaken_by"]:
            self.log.warning(
                "Nothing released: lease %s holds the names of job %s now", released["overtaken_by"], owner
            )
        else:
            self.log.info("Released job %s: %s record(s) deleted", owner, released["deleted"])
        return dict(released)
