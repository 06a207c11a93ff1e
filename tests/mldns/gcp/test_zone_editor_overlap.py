"""Two runs of one job at once, against a real localcloud: one of them takes the names over while the other writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import LeaseLost
from mldns.gcp.dns import DNSClient
from mldns.gcp.zone_editor import Holder, ZoneEditor
from tests.mldns.gcp.conftest import MakeClient
from tests.mldns.gcp.job_zone import FIRST, SECOND, Racing, keyed, workers, zone_content


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
        replace(editor, client=racing).upsert(workers(2_500), FIRST, "upsert-only")
    assert lost.value.live == 999
    assert zone_content(client) == keyed(wanted)
    assert editor.release("job", second.lease).progress.deleted == 2_501
    assert zone_content(client) == {}


def test_a_run_that_is_released_while_it_writes_stops(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    """Its teardown came first, say because the task was given up: what it would still write, nobody would remove."""
    racing = Racing(make_client(), lambda: editor.release("job", "run-1"), after=1)
    with pytest.raises(LeaseLost, match="'run-1' of 'job' was released"):
        replace(editor, client=racing).upsert(workers(2_500), FIRST, "upsert-only")
    assert zone_content(client) == {}


def test_a_release_that_is_overtaken_leaves_the_rest(
    make_client: MakeClient, editor: ZoneEditor, client: DNSClient
) -> None:
    editor.upsert(workers(2_500), FIRST, "upsert-only")
    wanted = workers(2_500, network="10.2")
    racing = Racing(make_client(), lambda: editor.upsert(wanted, SECOND, "upsert-only"), after=1)
    late = replace(editor, client=racing).release("job", "run-1")
    assert (late.overtaken_by, late.progress.deleted) == ("run-2", 999)
    assert zone_content(client) == keyed(wanted)
