"""Keeping Python's garbage collector from walking the heap of the process that hosts an edit.

Ten thousand records make a full collection due, and with Airflow loaded one takes 0.3 s, a tenth of a large edit: it
looks at every object of the host for garbage that the edit cannot have made there. What lives when an edit begins is
therefore set aside (`gc.freeze`) until it ends. No collection is switched off: what the edit makes is collected as
ever, and the host's own garbage at the first full collection afterwards.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_guard = threading.Lock()
_edits = 0
_frozen_here = False


@contextmanager
def spared_heap() -> Iterator[None]:
    """Set aside what lives now; also a decorator. Of edits within or beside each other the last one to end undoes it.

    Where the host has set its heap aside itself, as Airflow does before it forks a worker, it stays as the host has it.
    """
    global _edits, _frozen_here  # noqa: PLW0603 - the collector is one for the process, and so is what is set aside
    with _guard:
        _edits += 1
        if _edits == 1 and gc.get_freeze_count() == 0:
            gc.freeze()
            _frozen_here = True
    try:
        yield
    finally:
        with _guard:
            _edits -= 1
            if _edits == 0 and _frozen_here:
                gc.unfreeze()
                _frozen_here = False
