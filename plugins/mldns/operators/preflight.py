"""The operator in front of every write: check all that was asked for, and say what would be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.iam import policy as iam_policy
from mldns.inventory.job_records import DesiredRecords
from mldns.operators._job import JobOperator, Wanted, check_fits
from mldns.plan.compute import compute_plan
from mldns.plan.plan import DEFAULT_POLICY, POLICIES, Plan
from mldns.records.names import SHARED_OWNER, Key, slug
from mldns.tasks.turns import CLAIM_TIMEOUT

if TYPE_CHECKING:
    from airflow.sdk import Context

_NAMES_SHOWN = 5


class CloudDNSPreflightOperator(JobOperator):
    """Check zone, names, addresses, policy, lease and members together before the first of them is written.

    Everything is validated, then the zones are read: one of the same name that is another zone, a record that somebody
    else owns, or a claim that is held fails here, with nothing written, and so does a misspelt Param. Takes what the
    operators behind it take: `dns_name`, `visibility` and `networks` of the zone; `job` with its `workers` and their
    `reverse_zone`, which must exist; `records`, which belong to `shared`.

    Returns `{"zone", "exists", "dns_name", "job", "reverse", "shared", "iam", "dry_run"}`: `job`, `reverse` and
    `shared` hold a plan (`{"counts", "digest", "names", …}`) or null where nothing was asked of them.
    """

    template_fields: Sequence[str] = (
        *JobOperator.template_fields,
        "dns_name",
        "visibility",
        "networks",
        "allow_unbound",
        "policy",
        "role",
        "members",
        "scope",
        "claim_timeout",
        "plan_only",
    )

    def __init__(
        self,
        *,
        dns_name: str,
        job: str = "",
        visibility: str = "private",
        networks: Sequence[str] | str = (),
        allow_unbound: bool | str = False,
        policy: str = DEFAULT_POLICY,
        role: str = "",
        members: Sequence[str] | str = (),
        scope: str = "zone",
        dry_run: bool | str = False,
        claim_timeout: timedelta | float | str = CLAIM_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(job=job, **kwargs)
        self.claim_timeout = claim_timeout
        self.dns_name = dns_name
        self.visibility = visibility
        self.networks = networks
        self.allow_unbound = allow_unbound
        self.policy = policy
        self.role = role
        self.members = members
        self.scope = scope
        self.plan_only = dry_run  # `self.dry_run` would hide BaseOperator.dry_run()

    def execute(self, context: Context) -> dict[str, Any]:
        _check_spelling(context)
        zone = self.hook.zone_spec(
            zone=self.zone,
            dns_name=self.dns_name,
            visibility=self.visibility,
            networks=arguments.texts(self.networks, "networks"),
            allow_unbound=arguments.flag(self.allow_unbound, "allow_unbound"),
            project_id=self.project,
        )
        owned = self._owned(zone.dns_name)
        if self.policy not in POLICIES:
            raise InvalidInput(f"unknown policy {self.policy!r}: choose one of {', '.join(POLICIES)}")
        arguments.hours(self.lease_hours, "lease_hours")
        iam = self._iam()
        dry_run = arguments.flag(self.plan_only, "dry_run")
        exists = self.hook.zone_exists(spec=zone, project_id=self.project)
        self._waits = arguments.duration(self.claim_timeout, "claim_timeout") > 0
        plans = {owner: self._plan(context, desired, exists=exists) for owner, desired in owned.items()}
        pointers = self._plan_reverse(context, owned)
        self.log.info("Zone %s: %s", zone.name, "exists" if exists else f"to be created for {zone.dns_name}")
        if iam:
            self.log.info("IAM: %s on the %s for %s", iam["role"], iam["scope"], ", ".join(iam["members"]))
        if dry_run:
            self.log.info("Dry run: nothing is written")
        return {
            "zone": zone.name,
            "exists": exists,
            "dns_name": zone.dns_name,
            "job": next((plan for owner, plan in plans.items() if owner != SHARED_OWNER), None),
            "reverse": pointers,
            "shared": plans.get(SHARED_OWNER),
            "iam": iam,
            "dry_run": dry_run,
        }

    def _owned(self, dns_name: str) -> dict[str, DesiredRecords]:
        """What is wanted by owner: the job's workers, and the zone's shared records."""
        workers, records = arguments.value(self.workers, "workers"), arguments.value(self.records, "records")
        if workers is None and not records:
            raise InvalidInput("neither workers nor records were given; give workers and their job, or records")
        owned: dict[str, DesiredRecords] = {}
        shared: dict[str, Any] = {"dns_name": dns_name, "ttl": self.ttl, "allow_addresses": self.allow_addresses}
        if workers is not None:
            owner = slug(arguments.text(self.job))
            if owner == SHARED_OWNER:
                raise InvalidInput(f"job {owner!r} owns what outlives every job: name the workers' job otherwise")
            owned[owner] = DesiredRecords.parse(owner=owner, workers=workers, port=self.port, **shared)
        if records:
            owned[SHARED_OWNER] = DesiredRecords.parse(owner=SHARED_OWNER, records=records, **shared)
        names = {rrset.key for rrset in owned[SHARED_OWNER].rrsets} if records else set()
        for rrset in (rrset for owner, desired in owned.items() if owner != SHARED_OWNER for rrset in desired.rrsets):
            if rrset.key in names:
                raise InvalidInput(f"record {rrset.name} {rrset.type} is the job's own name: leave it to the workers")
        return owned

    def _plan_reverse(self, context: Context, owned: Mapping[str, DesiredRecords]) -> dict[str, Any] | None:
        """What the upsert of the workers' PTR records would do; None where no reverse zone is given."""
        zone = arguments.text(self.reverse_zone)
        if not zone:
            return None
        desired = next((desired for desired in owned.values() if desired.workers), None)
        if desired is None:
            raise InvalidInput(f"reverse_zone {zone!r} without workers: only workers get PTR records")
        dns_name = self.dns_name_of(zone)
        pointers = Wanted(zone, replace(desired, reverse_dns_name=dns_name), pointers=True)
        return _shown(
            self.planned(context, self.holder(context, desired.owner), pointers, self.policy, waits=self._waits)
        )

    def _iam(self) -> dict[str, Any] | None:
        members = iam_policy.parse_members(arguments.texts(self.members, "members"))
        if self.scope not in ("zone", "project"):
            raise InvalidInput(f"scope {self.scope!r} is neither 'zone' nor 'project'")
        if not members:
            return None
        if not self.hook.gives_roles:
            raise InvalidInput(
                "roles are given at Google alone: leave role and members out; docs/aws.md says how at AWS"
            )
        return {"role": iam_policy.parse_role(self.role), "scope": self.scope, "members": list(members)}

    def _plan(self, context: Context, desired: DesiredRecords, *, exists: bool) -> dict[str, Any]:
        """What the owner's upsert would do; raises what it would raise."""
        owner = desired.owner
        # What is shared belongs to several runs: one's wishes are no reason to remove the others' records.
        policy = DEFAULT_POLICY if owner == SHARED_OWNER and self.policy == "sync" else self.policy
        wanted = Wanted(self.zone, desired)
        holder = self.holder(context, owner)
        if exists:
            return _shown(self.planned(context, holder, wanted, policy, waits=self._waits))
        check_fits(wanted, holder)
        plan = compute_plan(
            current=(),
            desired=desired.rrsets,
            subtree=f"{owner}.{desired.dns_name}",
            owned=_nothing,
            owner_of=_nobody,
            policy=policy,
        )
        self.log.info("Plan of %s: %s\n%s", owner, plan.summary(), plan.table())
        return _shown(plan)


def _shown(plan: Plan) -> dict[str, Any]:
    return {"counts": plan.counts(), "digest": plan.digest, "names": plan.names()[:_NAMES_SHOWN]}


def _nothing(_: Key) -> bool:
    return False


def _nobody(_: Key) -> None:
    return None


def _check_spelling(context: Context) -> None:
    """Airflow takes any key in a run's conf, so a misspelt one would silently leave the Param at its default."""
    run = context.get("dag_run")
    known = set(context["dag"].params) if run else set()
    for key in (run.conf or {}) if run else ():
        if key not in known and (meant := get_close_matches(key, known, n=1, cutoff=0.8)):
            raise InvalidInput(f"unknown Param {key!r}: did you mean {meant[0]!r}?")
