"""The collector leaves the host's heap alone during an edit, and only then."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator

import pytest

from mldns.spared_heap import spared_heap


class Knot:
    """Garbage that only the collector finds: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_frozen() -> Iterator[None]:
    assert gc.get_freeze_count() == 0
    yield
    gc.unfreeze()


def nearly(frozen: int) -> bool:
    """Whether as much is set aside as before: of what is, some goes by itself, and nothing is to come."""
    return frozen * 0.9 < gc.get_freeze_count() <= frozen


def test_a_full_collection_within_leaves_the_hosts_objects_alone_and_collects_ours() -> None:
    hosts = Knot()
    watched = weakref.ref(hosts)
    with spared_heap():
        del hosts
        ours = weakref.ref(Knot())
        gc.collect()
        assert watched() is not None, "the host's heap was walked"
        assert ours() is None, "the edit's own garbage stays"
    gc.collect()
    assert watched() is None, "the host's garbage was never collected"


def test_an_edit_that_fails_gives_the_heap_back() -> None:
    with pytest.raises(RuntimeError), spared_heap():
        raise RuntimeError
    assert gc.get_freeze_count() == 0


def test_an_edit_within_another_leaves_the_heap_set_aside() -> None:
    with spared_heap():
        with spared_heap():
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_of_two_edits_at_once_the_last_to_end_gives_the_heap_back() -> None:
    begun, end = threading.Event(), threading.Event()

    @spared_heap()
    def edit() -> None:
        begun.set()
        end.wait(10)

    with spared_heap():
        other = threading.Thread(target=edit)
        other.start()
        assert begun.wait(10)
    assert gc.get_freeze_count() > 0, "the first one to end took the heap from the other"
    end.set()
    other.join()
    assert gc.get_freeze_count() == 0


def test_a_heap_that_the_host_has_set_aside_stays_so() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with spared_heap():
        assert nearly(frozen)
    assert nearly(frozen)
