"""An owner's records with plain keywords, for people: what `_names` does for a `Holder`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mldns.hooks import _validation
from mldns.hooks._access import PROJECT, project_default
from mldns.hooks._names import NamesHook, held
from mldns.hooks._validation import Record
from mldns.ownership.claims import LeaseEnd, check_lease_hours
from mldns.plan.plan import DEFAULT_POLICY


class RecordsHook(NamesHook):
    """Plan, claim, write, renew and release the records of an owner. All methods take keywords only."""

    @project_default
    def plan(
        self,
        *,
        zone: str,
        records: Iterable[Record],
        owner: str,
        claimant: str = "",
        lease: str = "",
        policy: str = DEFAULT_POLICY,
        adopt: bool = False,
        lease_ended: LeaseEnd | bool | None = None,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Return what `apply` would do now: every rrset, every conflict with its owner. Nothing is written.

        :param records: as all arguments, as of `apply`, which tells what is raised, too.
        :return: the plan as of `Plan.to_json`, in full.
        """
        holder = _validation.holder(owner, claimant, lease, adopt=adopt, lease_ended=lease_ended)
        plan = self.plan_names(holder=holder, zone=zone, records=records, policy=policy, project_id=project_id)
        return plan.to_json(full=True)

    @project_default
    def apply(
        self,
        *,
        zone: str,
        records: Iterable[Record],
        owner: str,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | None = None,
        policy: str = DEFAULT_POLICY,
        adopt: bool = False,
        lease_ended: LeaseEnd | bool | None = None,
        claimed: bool = False,
        digest: str | None = None,
        wait: bool = True,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Bring an owner's records to `records`; an empty plan under an unchanged claim writes nothing.

        :param owner: the job's slug, or `shared`.
        :param claimant: who asks: deployment and DAG.
        :param lease: the run that asks.
        :param lease_hours: how long another lease is kept off; None: as long as this lease said before, else a later
            one may take over at once.
        :param policy: `create-only`, `upsert-only`, or `sync`, which also removes what the owner no longer wants.
        :param adopt: take over from another claimant.
        :param lease_ended: whether the run behind the lease that holds the names now is over; None where nobody can
            tell: then the end of that lease decides. False keeps its names even when that has passed. Speaks of the
            lease that the caller saw: a `LeaseEnd` names it, so that it counts for no other.
        :param claimed: go on only while this claimant and lease hold the names: `LeaseLost` where they were released.
        :param digest: refuse when the plan is not the reviewed one.
        :param wait: until the cloud says `done`.
        :return: `{"zone", "owner", "lease", "generation", "expires", "created", "changed", "deleted", "unchanged",
            "names" (the first ones), "digest", "changes", "change_id", "status"}`.
        :raises OwnershipConflict, ClaimRefused, PlanChanged: nothing was written.
        :raises LeaseLost: the names were overtaken or released meanwhile.
        :raises ChangeFailed: it stopped in the middle; a retry does the rest.
        """
        holder = _validation.holder(
            owner, claimant, lease, lease_hours, adopt=adopt, lease_ended=lease_ended, claimed=claimed
        )
        return self.write_names(
            holder=holder, zone=zone, records=records, policy=policy, digest=digest, wait=wait, project_id=project_id
        )

    @project_default
    def upsert_records(
        self,
        *,
        zone: str,
        records: Iterable[Record],
        owner: str,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | None = None,
        policy: str = DEFAULT_POLICY,
        adopt: bool = False,
        lease_ended: LeaseEnd | bool | None = None,
        claimed: bool = False,
        dry_run: bool = False,
        wait: bool = True,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Do as `apply` without a review, arguments as there.

        :param dry_run: write nothing and return the plan's counts, digest, first names and conflicts.
        """
        holder = _validation.holder(
            owner, claimant, lease, lease_hours, adopt=adopt, lease_ended=lease_ended, claimed=claimed
        )
        asked: dict[str, Any] = {"holder": holder, "zone": zone, "records": records, "policy": policy}
        if _validation.flag(dry_run, "dry_run"):
            return self.plan_names(**asked, project_id=project_id).to_json()
        return self.write_names(**asked, wait=wait, project_id=project_id)

    @project_default
    def claim(
        self,
        *,
        zone: str,
        records: Iterable[Record],
        owner: str,
        claimant: str = "",
        lease: str = "",
        lease_hours: float | None = None,
        adopt: bool = False,
        lease_ended: LeaseEnd | bool | None = None,
        wait: bool = False,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Write the owner's manifest alone, its new names marked as not written yet.

        :param records: as all arguments, as of `apply`, which tells what is raised, too.
        :return: `{"zone", "owner", "lease", "generation", "expires", "names" (how many), "change_id", "status"}`.
        """
        holder = _validation.holder(owner, claimant, lease, lease_hours, adopt=adopt, lease_ended=lease_ended)
        return self.claim_names(holder=holder, zone=zone, records=records, wait=wait, project_id=project_id)

    @project_default
    def renew_lease(
        self,
        *,
        zone: str,
        owner: str,
        lease: str,
        lease_hours: float,
        claimant: str = "",
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Have a lease that is held end `lease_hours` from now, or when it does, whichever is later.

        For a long training: two or three small calls, however many names it has, also while another task writes them.

        :param lease_hours: above 0, at most a year's; the other arguments as of `apply`.
        :return: `{"zone", "owner", "lease", "generation", "expires"}`.
        :raises LeaseLost: another lease has the names, or they were released: whoever trains under them should know.
        """
        holder = _validation.holder(owner, claimant, lease, check_lease_hours(lease_hours))
        manifest = self.zone_editor(project_id, zone).renew(holder)
        return held(zone, holder, manifest)

    @project_default
    def delete_records(
        self,
        *,
        zone: str,
        owner: str,
        claimant: str = "",
        lease: str = "",
        wait: bool = True,
        project_id: str = PROJECT,
    ) -> dict[str, Any]:
        """Release what `lease` wrote for `owner`: records first, the manifest last. Nothing claimed is success.

        :param claimant: whose lease it is, as said to `apply`. Run ids repeat from DAG to DAG: without a claimant the
            lease alone is compared, which is right only where nobody else uses the same one.
        :return: `{"zone", "dns_name", "owner", "deleted", "released", "overtaken_by", "change_id", "status"}`; where
            another lease or claimant has the names, nothing is touched, `released` is False, and `overtaken_by` tells
            who.
        """
        holder = _validation.holder(owner, claimant, lease)
        return self.release_names(holder=holder, zone=zone, wait=wait, project_id=project_id)
