"""Ownership: who may take hold of a job's names, and that no crash and no late release ever hurts anybody else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from strict_zone import StrictZone

from mldns.exceptions import ClaimRefused, ManifestTooLarge
from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import (
    Holder,
    LeaseEnd,
    claim_changes,
    overtaken_by,
    release_changes,
    take,
    upsert_changes,
)
from mldns.ownership.compare_and_swap import ManifestedChanges, Swap
from mldns.ownership.manifest import (
    MAX_MANIFEST_BYTES,
    Manifest,
    ManifestDamaged,
    ZoneManifests,
    decode,
    kept,
    masked,
)
from mldns.ownership.name_ranges import MAX_NAMES
from mldns.plan.batches import Limits
from mldns.plan.compute import compute_plan
from mldns.records.names import Key, manifest_name
from mldns.records.rrset import RRset

ZONE = "ml.example.com."
NOW = 1_700_000_000
HOUR = 3_600


class Job:
    """One writer of the job `bert`, as the hook drives the core: read, take, plan, change."""

    def __init__(self, zone: StrictZone, lease: str = "run1", claimant: str = "airflow/train") -> None:
        self.zone, self.lease, self.claimant = zone, lease, claimant
        self.limits = Limits()

    @property
    def listed(self) -> RRset | None:
        return self.zone.rrsets.get((manifest_name("bert", ZONE), "TXT"))

    @property
    def swap(self) -> Swap:
        return Swap(self.listed, ZONE, self.limits)

    @property
    def manifest(self) -> Manifest | None:
        return decode(self.listed, owner="bert", dns_name=ZONE)

    def take(
        self, *, expires: int | None = None, now: float = NOW, adopt: bool = False, ended: bool = False
    ) -> Manifest:
        holder = Holder("bert", self.claimant, self.lease, expires, adopt=adopt, lease_ended=ended)
        return take(self.manifest, holder, now=now)

    def upsert(self, count: int, policy: str = "upsert-only", net: int = 0) -> ManifestedChanges:
        desired = DesiredRecords.parse(workers=addresses(count, net), owner="bert", dns_name=ZONE, ttl=30).rrsets
        claim = self.take()
        current = [rrset for key, rrset in self.zone.rrsets.items() if key != (manifest_name("bert", ZONE), "TXT")]
        plan = compute_plan(
            current=current,
            desired=desired,
            subtree=f"bert.{ZONE}",
            owned=claim.owns,
            owner_of=lambda _: None,
            policy=policy,
        )
        assert not plan.conflicts, plan.conflicts
        return upsert_changes(plan, current, claim, self.swap)

    def release(self) -> ManifestedChanges:
        manifest = self.manifest
        assert manifest is not None
        return release_changes(self.zone.rrsets.values(), manifest, self.swap)

    def send(self, todo: ManifestedChanges, crash_after: int | None = None) -> None:
        for change in todo.changes[:crash_after]:
            self.zone.apply(change)


def addresses(count: int, net: int = 0) -> list[str]:
    return [f"10.{net}.{n // 250}.{n % 250 + 1}" for n in range(count)]


def apex() -> list[RRset]:
    return [RRset(ZONE, "NS", 21600, ("ns.",)), RRset(ZONE, "SOA", 21600, ("ns. host. 1 21600 3600 259200 300",))]


FOREIGN = RRset("www.ml.example.com.", "A", 300, ("192.0.2.9",))


@pytest.fixture
def zone() -> StrictZone:
    return StrictZone([*apex(), FOREIGN])


# -- the manifest as text ---------------------------------------------------------------------------------------------


def full_manifest() -> Manifest:
    return Manifest(
        owner="bert",
        claimant="airflow/train",
        lease="manual__2026-01-01T00:00:00+00:00",
        generation=7,
        expires=NOW,
        names=frozenset({(f"worker-{rank}.bert.{ZONE}", "A") for rank in range(9_990)}),
        pending=frozenset({(f"service.{ZONE}", "A"), (f"ps-0.bert.{ZONE}", "A")}),
        grants=("zone roles/dns.reader serviceAccount:a@b.iam.gserviceaccount.com",),
    )


def test_a_manifest_reads_as_text() -> None:
    *strings, digest = full_manifest().to_rrset(ZONE).rrdatas[0].strip('"').split('" "')
    assert strings == [
        "v=mldns1",
        "claimant=airflow/train",
        "lease=manual__2026-01-01T00:00:00+00:00",
        "generation=7",
        "expires=2023-11-14T22:13:20Z",
        "worker=0-9989",
        "?ps=0",
        "?name=service/A",
        "grant=zone roles/dns.reader serviceAccount:a@b.iam.gserviceaccount.com",
    ]
    assert re.fullmatch("digest=[0-9a-f]{16}", digest)


def test_a_manifest_survives_the_zone() -> None:
    assert decode(full_manifest().to_rrset(ZONE), owner="bert", dns_name=ZONE) == full_manifest()


def test_no_manifest_is_none() -> None:
    assert decode(None, owner="bert", dns_name=ZONE) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("worker=0-9989", "worker=0-9999"),
        ("generation=7", "generation=x"),
        ("v=mldns1", "v=mldns9"),
        ('"v=mldns1"', '"'),
    ],
)
def test_an_edited_manifest_is_noticed(before: str, after: str) -> None:
    rrset = full_manifest().to_rrset(ZONE)
    edited = RRset(rrset.name, rrset.type, rrset.ttl, (rrset.rrdatas[0].replace(before, after),))
    with pytest.raises(ManifestDamaged, match=r"manifest _mldns\.bert\.ml\.example\.com\. is damaged"):
        decode(edited, owner="bert", dns_name=ZONE)


def worded(owner: str, *names: str, **fields: Any) -> RRset:
    """A manifest that anybody may have written, its digest in order."""
    return Manifest(owner, **fields).worded(names, (), ZONE)


@pytest.mark.parametrize("lease", ["a\nb", "\x1b[31mred", "\u202etxet", "\x00"], ids=ascii)
def test_control_characters_in_a_manifest_are_refused_and_quoted(lease: str) -> None:
    with pytest.raises(ManifestDamaged) as damaged:
        decode(worded("evil", lease=lease), owner="evil", dns_name=ZONE)
    assert str(damaged.value).isprintable()
    assert kept(lease, public=False) == masked(lease), "a run id of that kind is claimed by its digest"


def test_all_manifests_of_a_zone_have_one_memory_budget() -> None:
    """Forged in a few bytes, each may stand for 100,000 names: the largest ones go, the honest one stays."""
    honest = full_manifest().to_rrset(ZONE)
    forged = [worded(f"evil{number}", "worker=0-59999,60001-99998") for number in range(40)]
    huge = worded("huge", "worker=0-99999999")
    found = ZoneManifests.of([*forged[:20], honest, huge, *forged[20:]], dns_name=ZONE)
    assert [manifest.owner for manifest in found.readable] == ["bert"]
    assert len(found.damaged) == 41
    assert sum(len(manifest.covered) for manifest in found.readable) <= MAX_NAMES


@pytest.mark.parametrize("key", [(f"_mldns.other.{ZONE}", "TXT"), (ZONE, "NS"), (ZONE, "SOA")])
def test_a_forged_claim_to_other_manifests_or_the_apex_is_damage(key: Key) -> None:
    forged = Manifest(owner="bert", names=frozenset({key})).to_rrset(ZONE)
    with pytest.raises(ManifestDamaged, match="no claim covers"):
        decode(forged, owner="bert", dns_name=ZONE)


def test_explicit_names_that_do_not_fit_are_refused() -> None:
    names = frozenset({(f"host-x{n}.{ZONE}", "A") for n in range(400)})
    with pytest.raises(ManifestTooLarge, match=f"of at most {MAX_MANIFEST_BYTES:,}"):
        Manifest(owner="bert", pending=names).to_rrset(ZONE)


# -- who may take hold ------------------------------------------------------------------------------------------------

HELD = Manifest(owner="bert", claimant="airflow/train", lease="run1", generation=3, expires=NOW + HOUR)
OPEN_ENDED = Manifest(owner="bert", claimant="airflow/train", lease="run1", generation=3)
AT_WORK = {"now": NOW + HOUR, "lease_ended": False}
SAID_OF_IT = {"lease_ended": LeaseEnd("run1", True)}
SAID_OF_ANOTHER = {"lease_ended": LeaseEnd("run0", True)}
UNKNOWN_OF_ANOTHER = {"lease_ended": LeaseEnd("run0", None), "now": NOW + HOUR}
DIGESTED = Manifest(owner="bert", claimant=masked("airflow/train"), lease=masked("run1"), expires=NOW + HOUR)
RELEASED = Manifest(owner="bert", generation=9, grants=("zone roles/dns.reader user:a@b.c",))


@pytest.mark.parametrize(
    ("current", "claimant", "lease", "flags", "allowed"),
    [
        pytest.param(None, "airflow/train", "run2", {}, True, id="nobody holds it"),
        pytest.param(HELD, "airflow/train", "run1", {}, True, id="the same lease retries"),
        pytest.param(HELD, "airflow/train", "run2", {}, False, id="another lease that still counts"),
        pytest.param(HELD, "airflow/train", "run2", {"now": NOW + HOUR}, True, id="it expired"),
        pytest.param(HELD, "airflow/train", "run2", AT_WORK, False, id="it expired, and its run is at work"),
        pytest.param(OPEN_ENDED, "airflow/train", "run2", {"lease_ended": False}, True, id="no end, though at work"),
        pytest.param(HELD, "airflow/train", "run2", {"lease_ended": True}, True, id="its run has ended"),
        pytest.param(HELD, "airflow/train", "run2", SAID_OF_IT, True, id="its run has ended, and no other's"),
        pytest.param(DIGESTED, "airflow/train", "run2", SAID_OF_IT, True, id="its run has ended, kept as a digest"),
        pytest.param(HELD, "airflow/train", "run2", SAID_OF_ANOTHER, False, id="the run before it has ended"),
        pytest.param(
            HELD, "airflow/train", "run2", UNKNOWN_OF_ANOTHER, False, id="it expired, another was asked about"
        ),
        pytest.param(HELD, "airflow/train", "run2", {"adopt": True}, True, id="adopted"),
        pytest.param(OPEN_ENDED, "airflow/train", "run2", {}, True, id="it promised no end"),
        pytest.param(RELEASED, "airflow/other", "run2", {}, True, id="released, grants are left"),
        pytest.param(HELD, "airflow/other", "run1", {}, False, id="another claimant"),
        pytest.param(HELD, "airflow/other", "run1", {"now": NOW + HOUR}, False, id="another claimant, expired"),
        pytest.param(HELD, "airflow/other", "run1", {"lease_ended": True}, False, id="another claimant, run ended"),
        pytest.param(HELD, "airflow/other", "run1", {"adopt": True}, True, id="another claimant, adopted"),
        pytest.param(HELD, "", "run1", {}, False, id="no claimant is another one"),
    ],
)
def test_take(current: Manifest | None, claimant: str, lease: str, flags: dict[str, Any], allowed: bool) -> None:
    now, terms = flags.get("now", NOW), {key: value for key, value in flags.items() if key != "now"}
    holder = Holder("bert", claimant, lease, NOW + 9 * HOUR, **terms)
    if allowed:
        taken = take(current, holder, now=now)
        assert (taken.claimant, taken.lease, taken.expires) == (claimant, lease, NOW + 9 * HOUR)
        return
    with pytest.raises(
        ClaimRefused, match="'bert' are held by claimant 'airflow/train', lease 'run1' until"
    ) as refusal:
        take(current, holder, now=now)
    assert refusal.value.same_claimant is (claimant == "airflow/train")


@pytest.mark.parametrize(("left", "renewed"), [(HOUR, False), (HOUR // 2, True), (1, True)])
def test_a_lease_is_renewed_when_half_of_it_is_gone(left: int, renewed: bool) -> None:
    now = NOW + HOUR - left
    taken = take(HELD, Holder("bert", "airflow/train", "run1", now + HOUR), now=now)
    assert (taken.expires != HELD.expires) is renewed


def test_a_call_without_an_expiry_keeps_what_its_lease_has_promised() -> None:
    """A claim for two days, then an upsert that says nothing of it: no other run may slip in."""
    taken = take(HELD, Holder("bert", "airflow/train", "run1", None), now=NOW)
    assert taken.expires == HELD.expires
    with pytest.raises(ClaimRefused):
        take(taken, Holder("bert", "airflow/train", "run2", None), now=NOW)
    later = take(HELD, Holder("bert", "airflow/train", "run2", None), now=NOW + HOUR)
    assert later.expires is None, "another lease promises for itself"


def test_a_public_zone_keeps_digests_only() -> None:
    taken = take(None, Holder("bert", "airflow/train", "run1", None), now=NOW, public=True)
    assert "run1" not in taken.to_rrset(ZONE).rrdatas[0]
    assert (taken.claimant, taken.lease) == (masked("airflow/train"), masked("run1"))
    again = take(taken, Holder("bert", "airflow/train", "run1", None), now=NOW, public=True)
    assert again == taken
    assert overtaken_by(taken, Holder("bert", lease="run1")) is None
    assert overtaken_by(taken, Holder("bert", lease="run2")) == masked("run1")
    assert masked("") == ""


@pytest.mark.parametrize("text", ["r" * 250, "é" * 120])
def test_a_long_run_id_or_claimant_is_kept_as_its_digest(text: str) -> None:
    """Airflow's run ids have up to 250 characters, and a TXT string 255 octets."""
    taken = take(None, Holder("bert", text, text, None), now=NOW)
    assert text not in taken.to_rrset(ZONE).rrdatas[0]
    assert take(taken, Holder("bert", text, text, None), now=NOW) == taken
    assert overtaken_by(taken, Holder("bert", lease=text)) is None
    assert overtaken_by(taken, Holder("bert", lease="run2")) == masked(text)


# -- changes along a manifest -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize(
    ("claimant", "lease", "holder"),
    [
        pytest.param("airflow/train", "run1", None, id="whose it is"),
        pytest.param("airflow/train", "run2", "{lease}", id="the claimant's next run"),
        pytest.param("airflow/other", "run1", "{lease} of {claimant}", id="another claimant, the same run id"),
        pytest.param("airflow/other", "run2", "{lease} of {claimant}", id="another claimant, another run id"),
        pytest.param("", "run1", None, id="no claimant said, the lease"),
        pytest.param("", "run2", "{lease}", id="no claimant said, another lease"),
    ],
)
def test_who_may_release(claimant: str, lease: str, holder: str | None, public: bool) -> None:
    held = take(None, Holder("bert", "airflow/train", "run1", None), now=NOW, public=public)
    said = None if holder is None else holder.format(lease=held.lease, claimant=held.claimant)
    assert overtaken_by(held, Holder("bert", claimant, lease)) == said


def test_a_ragged_zone_still_fits(zone: StrictZone) -> None:
    """Every other of 9,000 names was deleted by hand: as ranges that is far more than a manifest holds."""
    job = Job(zone)
    job.send(job.upsert(9_000))
    for rank in range(0, 9_000, 2):
        del zone.rrsets[f"worker-{rank}.bert.{ZONE}", "A"]
    job.send(job.upsert(2))
    assert job.manifest is not None
    assert len(job.manifest.names) == 9_002, "the claim stays whole where the names left are too ragged for a manifest"
    job.send(job.upsert(9_000))
    assert len(zone.rrsets) == len(apex()) + 1 + 9_002 + 1
    assert job.upsert(9_000).changes == ()


def test_a_claim_of_more_names_than_fit_is_refused(zone: StrictZone) -> None:
    keys = [(f"a-name-of-its-own-{number}.{ZONE}", "A") for number in range(400)]
    with pytest.raises(ManifestTooLarge):
        claim_changes(keys, Job(zone).take(), Job(zone).swap)


def test_a_ragged_claim_covers_what_it_still_has_to_remove(zone: StrictZone) -> None:
    """A crash in the middle of a sync: what is to go with a later change must not be orphaned."""
    job = Job(zone)
    job.send(job.upsert(9_000))
    for rank in range(0, 9_000, 2):
        del zone.rrsets[f"worker-{rank}.bert.{ZONE}", "A"]
    todo = job.upsert(10, policy="sync")
    assert len(todo.changes) > 3
    job.send(todo, crash_after=1)
    live = {key for key in zone.rrsets if key[0].endswith(f".bert.{ZONE}") and not key[0].startswith("_mldns.")}
    assert job.manifest is not None
    assert live <= job.manifest.names
    job.send(job.upsert(10, policy="sync"))
    assert len(zone.rrsets) == len(apex()) + 1 + 12 + 1


# -- clouds of other limits -------------------------------------------------------------------------------------------

ROUTE53 = Limits(rrdata_bytes=32_000, elements=1_000, manifest_bytes=4_000)


@pytest.mark.parametrize("limits", [ROUTE53, Limits(additions=30, deletions=20, rrdata_bytes=700)])
def test_every_change_keeps_within_the_limits_with_the_manifests_in_it(zone: StrictZone, limits: Limits) -> None:
    job = Job(zone)
    job.limits = limits
    for edit in (
        lambda: job.upsert(1_200),
        lambda: job.upsert(1_200, net=9),
        lambda: job.upsert(40, "sync"),
        job.release,
    ):
        todo = edit()
        assert all(limits.hold(len(c.additions), len(c.deletions), c.rrdata_bytes, c.elements) for c in todo.changes)
        job.send(todo)
    assert zone.rrsets == {rrset.key: rrset for rrset in [*apex(), FOREIGN]}


def test_a_manifest_takes_of_a_change_what_it_really_needs(zone: StrictZone) -> None:
    job = Job(zone)
    job.limits = ROUTE53
    addresses_alone = sum(len(address) for address in addresses(900))
    assert len(job.upsert(900).changes) == 1, (
        "the name of all workers is absent above 100, so 901 rrsets and a manifest"
    )
    job.limits = replace(ROUTE53, rrdata_bytes=addresses_alone + 1_000)
    assert len(job.upsert(900).changes) == 1


def test_a_cloud_may_want_a_smaller_manifest() -> None:
    manifest = full_manifest()
    sent = len(manifest.to_rrset(ZONE).rrdatas[0])
    assert manifest.to_rrset(ZONE, sent) == manifest.to_rrset(ZONE)
    with pytest.raises(ManifestTooLarge) as refused:
        manifest.to_rrset(ZONE, sent - 1)
    assert (refused.value.size, refused.value.limit) == (sent, sent - 1)
