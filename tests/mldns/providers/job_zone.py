"""A job's records in the zone `ml-zone` of a cloud in memory, and what may happen while they are edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mldns.inventory.job_records import DesiredRecords
from mldns.ownership.claims import Holder
from mldns.ownership.manifest import Manifest
from mldns.plan.batches import Change, Limits
from mldns.providers.base import ChangeRef, Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.errors import AnswerLost, Call
from mldns.providers.retry import RetryPolicy
from mldns.records.names import Key
from mldns.records.rrset import RRset
from tests.simulator.memory_provider import MemoryProvider

DNS_NAME = "ml.example.com."
ZONE = Zone("ml-zone", DNS_NAME)
FIRST = Holder("job", "airflow/train", "run-1")
SECOND = replace(FIRST, lease="run-2")
STRANGER = Holder("job", "elsewhere/train", "run-7")
AT_ONCE = RetryPolicy(initial=0.0, maximum=0.0, deadline=10.0, attempts=20)

Content = dict[Key, RRset]


def workers(count: int, *, network: str = "10.0", owner: str = "job") -> list[RRset]:
    addresses = [f"{network}.{rank // 250}.{rank % 250 + 1}" for rank in range(count)]
    return list(DesiredRecords.parse(workers=addresses, owner=owner, dns_name=DNS_NAME, ttl=30).rrsets)


def a(name: str, address: str = "192.0.2.1") -> RRset:
    return RRset(f"{name}.{DNS_NAME}", "A", 300, (address,))


def keyed(rrsets: list[RRset]) -> Content:
    return {rrset.key: rrset for rrset in rrsets}


def memory_editor() -> ZoneEditor:
    provider = MemoryProvider(ZONE)
    provider.retry = AT_ONCE
    return ZoneEditor(provider, ZONE, contention=AT_ONCE)


def in_batches(editor: ZoneEditor, *, of: int = 4, **meddling: Any) -> ZoneEditor:
    """The editor with changes of at most `of` records beside the manifest, so that a small job takes several."""
    small = meddled(editor, **meddling)
    small.quota.asked = Limits(additions=of + 1, deletions=of + 1)
    return small


def meddled(editor: ZoneEditor, **meddling: Any) -> ZoneEditor:
    """The editor, with something that happens at one of its changes (`Meddled`)."""
    return replace(editor, provider=Meddled(editor.provider, **meddling)) if meddling else replace(editor)


def content(editor: ZoneEditor) -> Content:
    """What the zone holds, without its apex and without manifests."""
    rrsets = editor.provider.rrsets(ZONE)
    return {r.key: r for r in rrsets if r.name != DNS_NAME and not r.name.startswith("_mldns.")}


def writes(editor: ZoneEditor) -> int:
    """How many changes the zone has had."""
    newest = editor.provider.find_change(ZONE)
    return int(newest.id or 0) if newest else 0


def by_hand(editor: ZoneEditor, *additions: RRset, gone: tuple[RRset, ...] = ()) -> None:
    """A change behind mldns's back."""
    editor.provider.submit(ZONE, Change(additions, gone))


def manifest_of(editor: ZoneEditor, owner: str = "job") -> Manifest:
    manifest = editor.reader.manifest(owner)[1]
    assert manifest is not None
    return manifest


class Killed(BaseException):
    """Nothing in mldns may catch it: the process is gone."""


def kill() -> None:
    raise Killed


def lose() -> None:
    raise AnswerLost(Call("changes.create", "memory", ZONE.name), OSError("cut"), brief="cut")


class Meddled:
    """A provider at whose `at`-th change something happens, before it is applied or after."""

    def __init__(
        self,
        provider: Any,
        *,
        at: int = 1,
        before: Callable[[], object] = lambda: None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self._provider, self._left, self._before, self._after = provider, at, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._provider, name)

    def submit(self, zone: Zone, change: Change) -> ChangeRef:
        self._left -= 1
        if self._left == 0:
            self._before()
        ref: ChangeRef = self._provider.submit(zone, change)
        if self._left == 0:
            self._after()
        return ref
