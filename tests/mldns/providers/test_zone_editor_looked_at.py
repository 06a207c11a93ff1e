"""Acting on what was looked at before: only while nobody has written under the manifest since."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mldns.exceptions import ClaimMoved, LeaseLost, MldnsError
from mldns.ownership.claims import Holder
from mldns.plan.batches import Change
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.provider import CloudDNSProvider
from tests.cloud_fixture import Cloud
from tests.mldns.providers.conftest import MakeClient
from tests.mldns.providers.job_zone import FIRST, SECOND, Racing, keyed, workers, writes, zone_content

OLD, NEW = workers(3), workers(3, network="10.2")
Meanwhile = Callable[[ZoneEditor], object]
MEANWHILE: list[tuple[str, Meanwhile, type[MldnsError]]] = [
    ("other addresses", lambda editor: editor.upsert(NEW, FIRST, "upsert-only"), ClaimMoved),
    ("a longer lease", lambda editor: editor.renew(replace(FIRST, expires=2_000_000_000)), ClaimMoved),
    ("a grant", lambda editor: editor.edit_grants("job", lambda _: ("zone roles/dns.admin sha256:0",)), ClaimMoved),
    ("a later run", lambda editor: editor.upsert(NEW, SECOND, "upsert-only"), LeaseLost),
    ("a release", lambda editor: editor.release(Holder("job", lease=FIRST.lease)), LeaseLost),
]
ids = [name for name, _, _ in MEANWHILE]


@pytest.fixture
def looked_at(editor: ZoneEditor) -> int:
    """A job's names are written; the generation of its manifest then."""
    editor.upsert(OLD, FIRST, "upsert-only")
    return generation(editor)


def generation(editor: ZoneEditor) -> int:
    _, manifest = editor.reader.manifest("job")
    assert manifest is not None
    return manifest.generation


def lose(client: DNSClient) -> None:
    """Delete a record behind mldns's back."""
    client.create_change("ml-zone", Change(deletions=(OLD[0],)))


@pytest.mark.parametrize(("meanwhile", "error"), [row[1:] for row in MEANWHILE], ids=ids)
@pytest.mark.parametrize("raced", [False, True], ids=["before it reads", "while it writes"])
def test_a_repair_undoes_nothing_that_was_written_since(
    *,
    editor: ZoneEditor,
    client: DNSClient,
    make_client: MakeClient,
    looked_at: int,
    meanwhile: Meanwhile,
    error: type[MldnsError],
    raced: bool,
) -> None:
    lose(client)
    late = editor
    if raced:
        late = replace(editor, provider=CloudDNSProvider(Racing(make_client(), lambda: meanwhile(editor))))  # type: ignore[arg-type]
    else:
        meanwhile(editor)
    before = {} if raced else zone_content(client)
    with pytest.raises(error):
        late.upsert(OLD[:1], replace(FIRST, at_generation=looked_at), "upsert-only")
    assert raced or zone_content(client) == before
    assert zone_content(client).get(OLD[0].key) != OLD[0], "the old address did not come back"


def test_a_repair_restores_what_is_lost_and_leaves_the_lease_as_it_is(
    editor: ZoneEditor, client: DNSClient, looked_at: int
) -> None:
    editor.renew(replace(FIRST, expires=2_000_000_000))
    lose(client)
    done = editor.upsert(OLD[:1], replace(FIRST, at_generation=looked_at + 1, lease_ended=False), "upsert-only")
    assert zone_content(client) == keyed(OLD)
    assert done.manifest is not None
    assert (done.manifest.lease, done.manifest.expires) == (FIRST.lease, 2_000_000_000)
    assert done.manifest.names == frozenset(keyed(OLD))


@pytest.mark.parametrize("meanwhile", [row[1] for row in MEANWHILE[:3]], ids=ids[:3])
def test_a_collection_removes_nothing_of_a_run_that_has_come_back(
    editor: ZoneEditor, client: DNSClient, cloud: Cloud, looked_at: int, meanwhile: Meanwhile
) -> None:
    meanwhile(editor)
    before, calls = zone_content(client), writes(cloud)
    with pytest.raises(ClaimMoved, match=f"has generation {looked_at + 1}, and not {looked_at}"):
        editor.release(Holder("job", lease=FIRST.lease, at_generation=looked_at))
    assert (zone_content(client), writes(cloud)) == (before, calls)


def test_a_collection_of_many_batches_is_not_stopped_by_its_own(editor: ZoneEditor, client: DNSClient) -> None:
    editor.upsert(workers(2_500), FIRST, "upsert-only")
    editor.release(Holder("job", lease=FIRST.lease, at_generation=generation(editor)))
    assert zone_content(client) == {}
