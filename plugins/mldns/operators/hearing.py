"""What Airflow has recorded of the records that jobs wrote: the events of `mldns.assets.records_asset`."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from mldns import assets
from mldns.manifest import Manifest, matches
from mldns.told_records import Told, parse

if TYPE_CHECKING:
    from airflow.sdk.execution_time.comms import AssetEventResult

log = logging.getLogger(__name__)

_PAGE = 50
_PAGES = 10


def hear_of_records(project: str, zone: str, manifests: Sequence[Manifest]) -> list[Told]:
    """The newest that was told of each manifest's lease; with the records only where they still count.

    Where Airflow cannot be asked, or its events were cleaned away, nothing was told: then nothing is certain.
    """
    wanted = {manifest.owner: manifest for manifest in manifests}
    found: list[Told] = []
    try:
        for extra in _extras(assets.records_asset(project, zone)):
            manifest = wanted.get(str(extra.get("job")))
            if manifest is None or not _of(manifest, extra):
                continue
            counts = extra.get("generation") == manifest.generation
            told = parse(extra if counts else {**extra, "packed": ""})
            if told is not None:
                found.append(told)
            # All events of this generation count together; an older one cannot count after a newer one.
            if not counts:
                del wanted[manifest.owner]
            if not wanted:
                break
    except Exception as error:  # noqa: BLE001 - whatever keeps Airflow's events from us, the zone is checked without them
        log.warning("Airflow's events cannot be read, so no record's data is certain: %s", error)
    return found


def _of(manifest: Manifest, extra: Mapping[str, Any]) -> bool:
    return matches(manifest.claimant, str(extra.get("claimant") or "")) and matches(
        manifest.lease, str(extra.get("lease") or "")
    )


def _extras(asset: assets.Asset) -> Iterator[Mapping[str, Any]]:
    """The extras of an asset's events, newest first, as far as tasks told them.

    An event that somebody posted over Airflow's API names no task: believing it would let whoever may post events
    choose what a repair writes.
    """
    # The context's own `inlet_events` knows only what the DAG file declares, and zones are known when the task runs.
    from airflow.sdk.execution_time.context import InletEventsAccessors

    seen: set[int] = set()
    before: Any = None
    for _ in range(_PAGES):
        accessor = InletEventsAccessors([Asset(name=asset.name, uri=asset.uri)])[0].ascending(False).limit(_PAGE)
        events: list[AssetEventResult] = list(accessor.before(before) if before else accessor)
        fresh = [event for event in events if event.id not in seen]
        for event in fresh:
            if event.source_task_id and event.extra:
                yield event.extra
        if len(events) < _PAGE or not fresh:
            return
        seen |= {event.id for event in fresh}
        before = events[-1].timestamp.isoformat()
