"""What a check collects of leases that are over, and what it leaves although a manifest claims it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mldns.events.written_records import WrittenRecords
from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.operators.reconcile import HookAccess
from mldns.ownership.leases import Holding
from mldns.ownership.manifest import Manifest
from mldns.reconcile.check import ZoneCheck
from mldns.reconcile.findings import Actions
from mldns.reconcile.repair import RepairOptions
from mldns.records.names import Key
from mldns.records.rrset import RRset, from_api
from tests.cloud_fixture import Cloud

ZONE = "ml.example.com."
WWW = RRset(f"www.{ZONE}", "A", 30, ("192.0.2.9",))
APEX = RRset(ZONE, "TXT", 30, ('"v=spf1 -all"',))
DELEGATION = RRset(f"sub.{ZONE}", "NS", 30, ("ns1.example.net.",))
BELOW = RRset(f"ns.evil.{ZONE}", "NS", 30, ("ns1.example.net.",))
FOREIGN = (WWW, APEX, DELEGATION, BELOW)
WORKER = RRset(f"worker-0.bert.{ZONE}", "A", 30, ("10.0.0.7",))
SERVICE = RRset(f"service.{ZONE}", "A", 30, ("10.0.0.9",))


def write(cloud: Cloud, zone: str, rrsets: Sequence[RRset]) -> None:
    """Write behind mldns's back."""
    cloud.write(*(rrset.to_api() for rrset in rrsets), zone=zone)


def present(hook: CloudDNSHook, zone: str) -> set[RRset]:
    return {found for found in map(from_api, hook.list_records(zone=zone)) if found.type != "SOA"}


def collected(
    hook: CloudDNSHook, cloud: Cloud, *, written: Sequence[WrittenRecords] = (), dry_run: bool = False
) -> Actions:
    """Check the only zone long from now, when every lease is over, with what tasks wrote."""
    (zone,) = hook.list_zones()
    check = ZoneCheck(
        zone=zone["name"],
        dns_name=ZONE,
        access=HookAccess(hook, cloud.project, zone),
        written_of=lambda manifests: list(written),
        holding_of=lambda written: lambda manifest: Holding(manifest.claimant, manifest.lease),
        now=lambda: 4e9,
    )
    actions = check.run(RepairOptions(collect=True, dry_run=dry_run)).actions
    assert actions is not None
    return actions


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    "claimed", [*([one] for one in FOREIGN), FOREIGN], ids=[*(f"{one.name} {one.type}" for one in FOREIGN), "all"]
)
def test_a_forged_manifest_deletes_nothing(
    hook: CloudDNSHook, cloud: Cloud, zone: str, claimed: Sequence[RRset], dry_run: bool
) -> None:
    names: frozenset[Key] = frozenset(rrset.key for rrset in claimed)
    forged = Manifest("evil", claimant="anybody", lease="any", generation=1, expires=1, names=names)
    write(cloud, zone, [*FOREIGN, forged.to_rrset(ZONE)])
    before = present(hook, zone)
    actions = collected(hook, cloud, dry_run=dry_run)
    assert actions.collected == ()
    (line,) = actions.refused
    assert line.startswith("evil: ")
    assert present(hook, zone) == before


def job(hook: CloudDNSHook, zone: str) -> dict[str, Any]:
    """A job with a name below its own and one outside, its lease long over."""
    wanted = [WORKER.to_api(), SERVICE.to_api()]
    return hook.apply(zone=zone, records=wanted, owner="bert", claimant="home/train", lease="run-1", lease_hours=1)


def test_a_record_outside_the_jobs_name_goes_where_its_task_wrote_it(
    hook: CloudDNSHook, cloud: Cloud, zone: str
) -> None:
    generation = job(hook, zone)["generation"]
    hook.renew_lease(zone=zone, owner="bert", claimant="home/train", lease="run-1", lease_hours=2)
    write(cloud, zone, [WWW])
    written = WrittenRecords("bert", "home/train", "run-1", generation, (WORKER, SERVICE))
    assert collected(hook, cloud, written=[written]) == Actions(dry_run=False, collected=("bert",))
    assert {found.key for found in present(hook, zone)} == {(ZONE, "NS"), WWW.key}


def test_without_an_event_of_its_task_the_job_is_left_to_its_own_release(
    hook: CloudDNSHook, cloud: Cloud, zone: str
) -> None:
    job(hook, zone)
    (line,) = collected(hook, cloud).refused
    assert line.startswith(f"bert: {SERVICE.name} A: ")
    assert {WORKER, SERVICE} <= present(hook, zone)
    hook.delete_records(zone=zone, owner="bert", claimant="home/train", lease="run-1")
    assert not {WORKER, SERVICE} & present(hook, zone)
