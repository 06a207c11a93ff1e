"""What every operator that finds workers shares: waiting for them, ranking them, and an answer that stays small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from mldns import arguments
from mldns.airflow_versions import AirflowSensorTimeout, AirflowSkipException, RefusingOperator
from mldns.exceptions import InvalidInput
from mldns.inventory.compact import as_list, as_text
from mldns.inventory.discovery.census import Census, InventoryIncomplete
from mldns.inventory.discovery.ranking import Ranking
from mldns.inventory.workers import Worker, world_size
from mldns.messages import shorten
from mldns.tasks.base import FAIL_AT_ONCE

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryPolicy

FORMS = ("text", "list")

SMALL = 8_192
"""Bytes of an XCom that nobody needs to think about."""

MAX_BYTES = 65_536
"""Bytes of an XCom that are refused unless asked for."""


class InventoryTimedOut(InventoryIncomplete, AirflowSensorTimeout):
    """The workers were not all there in time; final, as every sensor's time-out is: Airflow does not retry it."""


# Named for what a DAG wants of them, a list of workers; a sensor only because that may take a while.
class InventoryOperator(RefusingOperator, BaseSensorOperator):
    """Find the workers of a training and return them, ranked, for `workers=` of any operator of mldns.

    Waits until all are there, in a worker slot only while it looks (`mode="reschedule"`). What cannot get better by
    waiting fails at once: nothing found and nothing expected, more found than expected, a label that is missing.

    :param expected: how many workers there must be.
    :param rank_by: `name`, natural order of the host names (worker-2 before worker-10), `address`, or `index`, the
        number that a Job, JobSet or StatefulSet gave.
    :param first_index: the number of the first host with `rank_by="index"`, such as a StatefulSet's `ordinals.start`.
    :param rank_label: the label (or metadata key, or annotation) that holds each host's rank; overrides `rank_by`.
    :param role: of all workers.
    :param role_label: the label that holds each host's role, instead.
    :param slots: processes on each host.
    :param slots_label: the label that holds each host's processes, instead.
    :param allow_addresses: networks to let through although other hosts cannot reach them, such as `127.0.0.0/8`.
    :param form: `text`: lines of addresses and ranges of them, small; `list`: worker mappings with host names.
    :param max_bytes: the most bytes that the answer may take as an XCom.
    :param poke_interval: seconds between two looks.
    :param timeout: seconds until waiting ends: `InventoryTimedOut` names what is missing.
    """

    template_fields: Sequence[str] = (
        "expected",
        "rank_by",
        "first_index",
        "rank_label",
        "role",
        "role_label",
        "slots",
        "slots_label",
        "allow_addresses",
        "form",
        "max_bytes",
    )
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        expected: int | str | None = None,
        rank_by: str = "name",
        first_index: int | str = 0,
        rank_label: str = "",
        role: str = "worker",
        role_label: str = "",
        slots: int | str = 1,
        slots_label: str = "",
        allow_addresses: Sequence[str] | str = (),
        form: str = "text",
        max_bytes: int | str = MAX_BYTES,
        poke_interval: timedelta | float = 30.0,
        timeout: timedelta | float = 600.0,
        mode: str = "reschedule",
        retry_policy: RetryPolicy | None = FAIL_AT_ONCE,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, timeout=timeout, mode=mode, retry_policy=retry_policy, **kwargs)
        self.expected = expected
        self.rank_by = rank_by
        self.first_index = first_index
        self.rank_label = rank_label
        self.role = role
        self.role_label = role_label
        self.slots = slots
        self.slots_label = slots_label
        self.allow_addresses = allow_addresses
        self.form = form
        self.max_bytes = max_bytes
        self._census: Census | None = None

    def look(self) -> Census:
        """Ask who is there; for subclasses."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        self._census = None
        try:
            return super().execute(context)
        except AirflowSensorTimeout as error:
            raise self._timed_out() or error from None
        except AirflowSkipException as skip:
            timed_out = None if skip.__cause__ is not None else self._timed_out()
            # soft_fail: the same time-out, as a skip.
            raise AirflowSkipException(str(timed_out or skip)) from skip.__cause__

    def poke(self, context: Context) -> PokeReturnValue:
        if self.form not in FORMS:
            raise InvalidInput(f"form {self.form!r} is not known: it is text or list")
        ranking = self._ranking()
        census = self._census = self.look()
        self.log.info("%s", census.summary())
        for doubt in census.doubts:
            self.log.warning("%s", doubt)
        if census.complete:
            networks = arguments.texts(self.allow_addresses, "allow_addresses")
            workers = ranking.workers(census.ready, allow_addresses=networks)
            return PokeReturnValue(is_done=True, xcom_value=self._answer(workers, ranking))
        if not census.may_come:
            raise census.incomplete()
        return PokeReturnValue(is_done=False)

    def _ranking(self) -> Ranking:
        return Ranking(
            by=self.rank_by,
            first_index=arguments.whole(self.first_index, "first_index", least=0),
            rank_label=arguments.text(self.rank_label),
            role=self.role,
            role_label=arguments.text(self.role_label),
            slots=self.slots,
            slots_label=arguments.text(self.slots_label),
        )

    @property
    def wanted(self) -> int | None:
        """`expected` as a number; None when not said."""
        return arguments.whole(self.expected, "expected", least=1) if arguments.text(self.expected) else None

    def _answer(self, workers: Sequence[Worker], ranking: Ranking) -> str | list[dict[str, Any]]:
        answer = as_text(workers) if self.form == "text" else as_list(workers)
        size, most = len(json.dumps(answer).encode()), arguments.whole(self.max_bytes, "max_bytes", least=1)
        shown = shorten([f"{worker.role}-{worker.rank} = {worker.hostname} {worker.address}" for worker in workers])
        self.log.info(
            "%s workers, %s processes, ranked by %s, %s bytes: %s",
            len(workers),
            world_size(workers),
            ranking,
            size,
            shown,
        )
        ways_out = "; ".join(self._smaller())
        if size > most:
            raise InvalidInput(
                f"the inventory of {len(workers):,} workers takes {size:,} bytes of XCom, "
                f"max_bytes is {most:,}: {ways_out}; or raise max_bytes"
            )
        if size > SMALL:
            self.log.warning("The inventory takes %s bytes of XCom, more than %s: %s", size, SMALL, ways_out)
        return answer

    def _smaller(self) -> list[str]:
        ways = [] if self.form == "text" else ["form='text' leaves out host names"]
        if self.form == "text" and (self.rank_label or self.rank_by != "address"):
            ways.append("rank_by='address' makes ranges of neighbouring addresses")
        return [*ways, "an XCom backend can keep large values in a bucket"]

    def _timed_out(self) -> InventoryTimedOut | None:
        """The time-out, with what was missing; None when no look came to its end."""
        if self._census is None:
            return None
        for line in self._census.pending:
            self.log.error("pending: %s", line)
        found = self._census.incomplete()
        return InventoryTimedOut(summary=f"{found} after {self.timeout:.0f} s", pending=())
