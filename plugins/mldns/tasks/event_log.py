"""Airflow's log of asset events, read for the records that jobs wrote (`mldns.events.assets.RECORDS`)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mldns.events.trust import TaskEvent, is_trusted, trusted_records
from mldns.events.written_records import WrittenRecords
from mldns.ownership.manifest import Manifest
from mldns.tasks.lease import dag_of
from mldns.tasks.outlets import RECORDS

if TYPE_CHECKING:
    from airflow.sdk.execution_time.comms import AssetEventResult

log = logging.getLogger(__name__)

_PAGE = 100
_ENOUGH_PAGES = 20
_PAGES = 100
_MOST_CHARACTERS = 64 << 20  # of packed records: a hundred times what 10,000 events take that are usual


class RecordsLog:
    """The events of written records, newest first. Each is asked for once, whatever the number of zones."""

    def __init__(self) -> None:
        self._read: list[list[TaskEvent]] = []
        self._more = _pages()

    def written_under(
        self, project: str, zone: str, dns_name: str, manifests: Sequence[Manifest], *, checker: str
    ) -> list[WrittenRecords]:
        """Return what trusted tasks (`mldns.events.trust`) wrote under each manifest's lease, newest first.

        The newest 2,000 events are read, and up to 10,000 where nothing was found of a manifest by then. Where
        Airflow cannot be asked, or its events were cleaned away, nothing is found: then no record's data is certain.

        :param project: the Google project of the zone.
        :param zone: the managed zone's name.
        :param dns_name: what it serves.
        :param manifests: those in the zone.
        :param checker: the DAG that asks.
        """
        try:
            return trusted_records(
                self._of_zone(project, zone),
                manifests,
                trusts=lambda event: is_trusted(event, checker=checker, dag_of=dag_of),
                dns_name=dns_name,
                enough_pages=_ENOUGH_PAGES,
            )
        except Exception as error:  # noqa: BLE001 - whatever keeps Airflow's events from us, the zone is checked
            log.warning("Airflow's events cannot be read, so no record's data is certain: %s", error)
            return []

    def _of_zone(self, project: str, zone: str) -> Iterator[list[TaskEvent]]:
        number = 0
        while number < len(self._read) or self._read_on():
            page = self._read[number]
            yield [event for event in page if (event.extra.get("project"), event.extra.get("zone")) == (project, zone)]
            number += 1

    def _read_on(self) -> bool:
        page = next(self._more, None)
        if page is not None:
            self._read.append(page)
        return page is not None


def _pages() -> Iterator[list[TaskEvent]]:
    """Yield the events, newest first, with the tasks that emitted them."""
    from airflow.sdk.execution_time.context import InletEventsAccessors

    seen: set[int] = set()
    before: Any = None
    characters = 0
    for _ in range(_PAGES):
        accessor = InletEventsAccessors([RECORDS])[0].ascending(False).limit(_PAGE)
        events: list[AssetEventResult] = list(accessor.before(before) if before else accessor)
        fresh = [event for event in events if event.id not in seen]
        page = [
            TaskEvent(extra, event.source_dag_id, event.source_run_id, event.source_task_id)
            for event in fresh
            for extra in (event.extra, (event.extra or {}).get("reverse"))
            if isinstance(extra, dict)
        ]
        yield page
        characters += sum(len(str(event.extra.get("packed"))) for event in page)
        if len(events) < _PAGE or not fresh or characters > _MOST_CHARACTERS:
            return
        seen |= {event.id for event in fresh}
        before = events[-1].timestamp.isoformat()
