"""Two runs of one job at once, against a real localcloud: one of them takes the names over while the other writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import ClaimRefused, LeaseLost
from mldns.ownership.claims import Holder, LeaseEnd
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.job_zone import FIRST, SECOND, Racing, keyed, workers, zone_content


@pytest.mark.parametrize(
    "second", [SECOND, replace(FIRST, claimant="elsewhere/dag", adopt=True)], ids=["a later lease", "an adopter"]
)
def test_a_run_that_is_overtaken_while_it_writes_stops(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient, second: Holder
) -> None:
    """Taking the names back would leave two runs that both believe to hold them, and whose addresses alternate."""
    wanted = workers(2_500, network="10.2")
    racing = Racing(make_client(), lambda: editor.upsert(wanted, second, "upsert-only"), after=1)
    with pytest.raises(LeaseLost, match=rf"'run-1' of 'job' was overtaken by lease '{second.lease}'") as lost:
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(2_500), FIRST, "upsert-only")
    assert lost.value.live == 999
    assert zone_content(client) == keyed(wanted)
    assert editor.release(Holder("job", lease=second.lease)).progress.deleted == 2_501
    assert zone_content(client) == {}


def test_a_run_that_is_released_while_it_writes_stops(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """Its teardown came first, say because the task was given up: what it would still write, nobody would remove."""
    racing = Racing(make_client(), lambda: editor.release(Holder("job", lease="run-1")), after=1)
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released"):
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(2_500), FIRST, "upsert-only")
    assert zone_content(client) == {}


def test_a_run_that_is_released_before_its_first_change_writes_nothing(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """A run is marked failed: its teardown is through before the upsert, which still lives, has sent anything."""
    editor.claim(workers(3), FIRST)
    racing = Racing(make_client(), lambda: editor.release(Holder("job", lease="run-1")))
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released before anything was written, so nothing is;"):
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only")
    assert list(client.list_rrsets_below("ml-zone", "job.ml.example.com.")) == []


def test_a_claim_that_is_released_while_it_is_retried_is_not_made_again(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    editor.claim(workers(3), FIRST)
    racing = Racing(make_client(), lambda: editor.release(Holder("job", lease="run-1")))
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released"):
        replace(editor, provider=CloudDNSProvider(racing)).claim(workers(4), FIRST)
    assert list(client.list_rrsets_below("ml-zone", "job.ml.example.com.")) == []


def test_an_upsert_behind_a_claim_wants_the_claim(editor: ZoneEditor, client: DNSClient) -> None:
    """Released before the upsert has read anything: only the claim that came before it can tell."""
    editor.claim(workers(3), FIRST)
    editor.release(Holder("job", lease="run-1"))
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released before anything was written"):
        editor.upsert(workers(3), replace(FIRST, claimed=True), "upsert-only")
    assert zone_content(client) == {}
    editor.claim(workers(3), FIRST)
    assert editor.upsert(workers(3), replace(FIRST, claimed=True), "upsert-only").progress.created == 5


def test_names_that_nobody_held_are_taken_though_others_come_and_go(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """What was never in these hands cannot have been lost: another run's claim and release are no reason to stop."""

    def come_and_go() -> None:
        editor.claim(workers(2), SECOND)
        editor.release(Holder("job", lease="run-2"))
        editor.claim(workers(2), SECOND)

    racing = Racing(make_client(), come_and_go)
    assert (
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only").progress.created
        == 5
    )
    assert zone_content(client) == keyed(workers(3))


def test_two_tasks_of_one_run_at_once_both_succeed(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    racing = Racing(make_client(), lambda: editor.upsert(workers(3), FIRST, "upsert-only"))
    applied = replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3), FIRST, "upsert-only")
    assert (applied.progress.created, zone_content(client)) == (0, keyed(workers(3)))


def test_that_one_run_has_ended_says_nothing_of_the_run_that_took_over_meanwhile(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """Run 1 ended unreleased; run 3 knows that, and is about to write when run 2 takes over and begins to train."""
    held, ended = {"expires": int(editor.now()) + 3600}, LeaseEnd("run-1", True)
    editor.upsert(workers(3), replace(FIRST, **held), "upsert-only")
    second = workers(3, network="10.2")
    taking = replace(SECOND, **held, lease_ended=ended)
    racing = Racing(make_client(), lambda: editor.upsert(second, taking, "upsert-only"))
    third = replace(SECOND, lease="run-3", **held, lease_ended=ended)
    with pytest.raises(ClaimRefused, match="lease 'run-2' until"):
        replace(editor, provider=CloudDNSProvider(racing)).upsert(workers(3, network="10.3"), third, "upsert-only")
    assert zone_content(client) == keyed(second)


def test_a_release_that_is_overtaken_leaves_the_rest(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    editor.upsert(workers(2_500), FIRST, "upsert-only")
    wanted = workers(2_500, network="10.2")
    racing = Racing(make_client(), lambda: editor.upsert(wanted, SECOND, "upsert-only"), after=1)
    late = replace(editor, provider=CloudDNSProvider(racing)).release(Holder("job", lease="run-1"))
    assert (late.overtaken_by, late.progress.deleted) == ("run-2", 999)
    assert zone_content(client) == keyed(wanted)
