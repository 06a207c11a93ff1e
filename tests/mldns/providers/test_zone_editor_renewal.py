"""Renewing a lease, against a real localcloud: cheap, never shorter, also while the names are being written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import ClaimRefused, LeaseLost
from mldns.ownership.claims import Holder
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.job_zone import FIRST, SECOND, Racing, keyed, workers, zone_content

HOUR = 3_600
START = 1_800_000_000


@pytest.fixture
def clock(editor: ZoneEditor) -> list[int]:
    """The editor's time; a test moves it on."""
    moment = [START]
    editor.now = lambda: moment[0]
    return moment


def ends(editor: ZoneEditor) -> int | None:
    _, manifest = editor.reader.manifest("job")
    assert manifest is not None
    return manifest.expires


def until(holder: Holder, moment: int) -> Holder:
    return replace(holder, expires=moment)


def total(cloud: Cloud) -> int:
    return sum(count for answers in cloud.stats().values() for count in answers.values())


def test_a_long_training_renews_its_lease_with_two_calls_and_keeps_its_names(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud, clock: list[int]
) -> None:
    editor.upsert(workers(1_500), until(FIRST, START + HOUR), "upsert-only")
    clock[0] += HOUR - 60
    before = total(cloud)
    renewed = editor.renew(until(FIRST, clock[0] + HOUR))
    assert total(cloud) - before == 2
    assert renewed.expires == ends(editor) == START + 2 * HOUR - 60
    clock[0] += 120  # the first end is over
    with pytest.raises(ClaimRefused, match="run-1"):
        editor.upsert(workers(2), SECOND, "sync")
    assert zone_content(client) == keyed(workers(1_500))


def test_a_renewal_never_brings_the_end_nearer(editor: ZoneEditor, cloud: Cloud, clock: list[int]) -> None:
    editor.claim(workers(2), until(FIRST, START + 5 * HOUR))
    before = cloud.stats()["changes.create"]
    assert editor.renew(until(FIRST, START + HOUR)).expires == START + 5 * HOUR
    assert cloud.stats()["changes.create"] == before


def test_a_lease_without_an_end_gets_one(editor: ZoneEditor, clock: list[int]) -> None:
    editor.claim(workers(2), FIRST)
    assert ends(editor) is None
    assert editor.renew(until(FIRST, START + HOUR)).expires == START + HOUR


def test_an_expired_lease_that_nobody_took_is_renewed(editor: ZoneEditor, clock: list[int]) -> None:
    editor.claim(workers(2), until(FIRST, START + HOUR))
    clock[0] += 2 * HOUR
    editor.renew(until(FIRST, clock[0] + HOUR))
    with pytest.raises(ClaimRefused):
        editor.claim(workers(2), SECOND)


@pytest.mark.parametrize(
    ("holder", "message"),
    [
        (SECOND, "'run-2' of 'job' was overtaken by lease 'run-1', so it cannot be renewed"),
        (replace(FIRST, claimant="elsewhere/dag"), "overtaken by lease 'run-1'"),
        (Holder("other", "airflow/train", "run-1"), "'run-1' of 'other' was released, so it cannot be renewed"),
    ],
    ids=["another lease", "another claimant", "nobody"],
)
def test_who_does_not_hold_the_names_is_told(editor: ZoneEditor, cloud: Cloud, holder: Holder, message: str) -> None:
    editor.claim(workers(2), FIRST)
    before = cloud.stats()["changes.create"]
    with pytest.raises(LeaseLost, match=message):
        editor.renew(until(holder, START + HOUR))
    assert cloud.stats()["changes.create"] == before


def test_a_renewal_in_the_middle_of_an_apply_hinders_neither(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient, clock: list[int]
) -> None:
    racing = Racing(make_client(), lambda: editor.renew(until(FIRST, START + 9 * HOUR)), after=1)
    writer = replace(editor, provider=CloudDNSProvider(racing))
    applied = writer.upsert(workers(2_500), until(FIRST, START + HOUR), "upsert-only")
    assert applied.progress.created == 2_501
    assert zone_content(client) == keyed(workers(2_500))
    assert ends(editor) == START + 9 * HOUR


@pytest.mark.parametrize(("left", "moved"), [(40, False), (20, True)])
def test_applying_again_moves_the_end_once_half_of_it_is_over(
    editor: ZoneEditor, clock: list[int], left: int, moved: bool
) -> None:
    """A retry a minute later writes nothing; a run that applies again and again never expires between two of them."""
    editor.upsert(workers(2), until(FIRST, START + HOUR), "upsert-only")
    clock[0] += HOUR - left * 60
    editor.upsert(workers(2), until(FIRST, clock[0] + HOUR), "upsert-only")
    assert ends(editor) == (clock[0] if moved else START) + HOUR
