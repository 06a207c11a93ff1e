"""Waiting for the change that wrote a job's names, without a worker slot where that takes longer than a moment."""

from __future__ import annotations

import datetime
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from mldns.exceptions import StillPending

if TYPE_CHECKING:
    from mldns.hooks.cloud_dns import CloudDNSHook
    from mldns.sensors.resolution import DNSResolutionSensor

LOOK_SECONDS = 5.0
"""For so long a task waits in its slot: most changes are done by then."""

PAUSE_SECONDS = 20.0
"""Between two looks of a task that gave its slot back. The triggerer keeps the time and has no credentials."""

_GRACE = timedelta(seconds=60)


def wait_until_sent(
    sensor: DNSResolutionSensor, hook: CloudDNSHook, *, change_id: str, project: str | None, left: float
) -> None:
    """Return once Google says `done`; or defer, when that takes longer than a look and the sensor is deferrable.

    A denial would stay in a resolver's cache for minutes: so it is not asked for what was not even sent.

    :param left: seconds until the gate's deadline.
    :raises StillPending: it took longer than a look where the sensor reschedules itself, else than all the time left.
    """
    sensor.log.info("Waiting for change %s of zone %s to be done", change_id, sensor.zone)
    gives_way = sensor.deferrable or sensor.reschedule
    look = min(LOOK_SECONDS, left) if gives_way else left
    began = time.monotonic()
    try:
        hook.wait_for_change(zone=sensor.zone, change_id=change_id, timeout=max(look, 0.0), project_id=project)
    except StillPending:
        left -= time.monotonic() - began
        if not sensor.deferrable or left <= 0:
            raise
        _pause(sensor, left)


def _pause(sensor: DNSResolutionSensor, left: float) -> None:
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger

    pause = min(PAUSE_SECONDS, left)
    now = datetime.datetime.now(datetime.UTC)
    sensor.log.info("It is still pending: looking again in %.0f s, and giving the worker slot back until then", pause)
    sensor.defer(
        trigger=DateTimeTrigger(moment=now + timedelta(seconds=pause)),
        method_name="execute_after_pause",
        kwargs={"deadline": now.timestamp() + left},
        timeout=timedelta(seconds=pause) + _GRACE,
    )
