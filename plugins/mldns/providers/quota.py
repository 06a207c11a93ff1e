"""The project's limits as they bear on one zone: asked for where one may be near, since asking costs a call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Thread
from typing import TypeVar

from mldns.exceptions import PermissionMissing, QuotaShort
from mldns.plan.batches import Limits
from mldns.plan.plan import Plan, Room
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.reader import JobView, ZoneFacts

log = logging.getLogger(__name__)

# Up to here Google's documented limits are taken for the project's: a project of lower ones refuses the change.
_SMALL_PLAN = 100


@dataclass(slots=True)
class ZoneQuota:
    """The limits for the edits of one zone, asked for once.

    :param asked: the limits to go by; None as long as nobody needed to ask.
    :param visible: whether the caller may see them; else they are the documented ones, and Google is left to refuse.
    """

    client: DNSClient
    facts: ZoneFacts
    asked: Limits | None = None
    visible: bool = True
    _foreseen: Future[Resource] | None = field(default=None, init=False, repr=False)

    def foresee(self, wanted: int) -> None:
        """Ask beside the reading of the zone for the limits that a job of so many rrsets needs, unless all stand."""
        if wanted > _SMALL_PLAN and self.asked is None and self._foreseen is None:
            self._foreseen = begun(self.client.quota)

    def limits(self, plan: Plan, view: JobView) -> Limits:
        """The limits to carry out `plan` under: the live ones, or Google's documented ones for a small plan.

        :raises QuotaShort: the zone would hold more than it may.
        """
        documented = Limits()
        writes = len(plan.creates) + len(plan.replaces) + len(plan.deletes)
        rrsets = self._size_after(plan, view)
        near = writes > _SMALL_PLAN or rrsets > documented.rrsets_per_zone or (view.whole is not None and plan.creates)
        limits = self.live() if near else self.asked or documented
        if self.visible and plan.creates and rrsets > limits.rrsets_per_zone:
            raise QuotaShort(
                f"zone {self.facts.name!r} would hold {'' if view.whole else 'at least '}{rrsets:,} record sets, "
                f"{rrsets - limits.rrsets_per_zone:,} more than the {limits.rrsets_per_zone:,} of the project's quota: "
                "name fewer, use several zones, or ask Google for more rrsetsPerManagedZone"
            )
        return limits

    def room(self, plan: Plan, view: JobView) -> Room | None:
        """How full the zone will be; None where it was not listed whole, or where the caller may not see the quota."""
        if view.whole is None:
            return None
        limit = self.live().rrsets_per_zone
        return Room(self._size_after(plan, view), limit) if self.visible else None

    def live(self) -> Limits:
        """The project's limits, asked for now if they were not before."""
        if self.asked is None:
            foreseen, self._foreseen = self._foreseen, None
            try:
                self.asked = Limits.from_quota(foreseen.result() if foreseen else self.client.quota())
            except PermissionMissing as missing:
                log.warning("zone %s: taking Google's documented limits, as %s", self.facts.name, missing)
                self.asked, self.visible = Limits(), False
        return self.asked

    def _size_after(self, plan: Plan, view: JobView) -> int:
        """How many rrsets the zone holds once `plan` is applied; at least that many, where it was not listed whole."""
        before = view.least_size(self.facts.dns_name)
        return before + len(plan.creates) - len(plan.deletes) + (view.before is None)


T = TypeVar("T")


def begun(call: Callable[[], T]) -> Future[T]:
    """What `call` will return or raise. Nobody has to ask for it.

    No executor: one is joined when it is left and when the process ends. Then a task that is told to stop while a
    server hangs would wait for an answer that nobody wants.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whoever asks for the answer gets it
            future.set_exception(error)

    Thread(target=run, name="mldns-ahead", daemon=True).start()
    return future
