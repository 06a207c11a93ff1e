"""What Airflow has recorded of the records that jobs wrote: the events of `mldns.events.assets.records_asset`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from mldns.events import assets
from mldns.events.trust import TaskEvent, believed, hear
from mldns.events.written_records import Told
from mldns.ownership.manifest import Manifest
from mldns.tasks.lease import dag_of

if TYPE_CHECKING:
    from airflow.sdk.execution_time.comms import AssetEventResult

log = logging.getLogger(__name__)

_PAGE = 50
_ENOUGH_PAGES = 10
_PAGES = 40


def hear_of_records(
    project: str, zone: str, dns_name: str, manifests: Sequence[Manifest], *, checker: str
) -> list[Told]:
    """What tasks that are believed (`mldns.events.trust`) told of each manifest's lease, newest first.

    The newest 500 events of the zone are read, and up to 2,000 where a manifest was not heard of by then. Where Airflow
    cannot be asked, or its events were cleaned away, nothing was told: then nothing is certain.

    :param checker: the DAG that asks.
    """
    try:
        return hear(
            _pages(assets.records_asset(project, zone)),
            manifests,
            believe=lambda event: believed(event, checker=checker, dag_of=dag_of),
            dns_name=dns_name,
            enough_pages=_ENOUGH_PAGES,
        )
    except Exception as error:  # noqa: BLE001 - whatever keeps Airflow's events from us, the zone is checked without them
        log.warning("Airflow's events cannot be read, so no record's data is certain: %s", error)
        return []


def _pages(asset: assets.Asset) -> Iterator[list[TaskEvent]]:
    """An asset's events, newest first, with the tasks that told them."""
    # The context's own `inlet_events` knows only what the DAG file declares, and zones are known when the task runs.
    from airflow.sdk.execution_time.context import InletEventsAccessors

    seen: set[int] = set()
    before: Any = None
    for _ in range(_PAGES):
        accessor = InletEventsAccessors([Asset(name=asset.name, uri=asset.uri)])[0].ascending(False).limit(_PAGE)
        events: list[AssetEventResult] = list(accessor.before(before) if before else accessor)
        fresh = [event for event in events if event.id not in seen]
        yield [
            TaskEvent(event.extra, event.source_dag_id, event.source_run_id, event.source_task_id)
            for event in fresh
            if event.extra
        ]
        if len(events) < _PAGE or not fresh:
            return
        seen |= {event.id for event in fresh}
        before = events[-1].timestamp.isoformat()
