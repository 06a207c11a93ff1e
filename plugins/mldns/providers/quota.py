"""The project's limits as they bear on one zone: asked for where one may be near, since asking costs a call."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from mldns.exceptions import PermissionMissing, QuotaShort
from mldns.plan.batches import Limits
from mldns.plan.plan import Plan, Room
from mldns.providers.base import DnsProvider, Zone
from mldns.providers.reader import JobView

log = logging.getLogger(__name__)

# Up to here the documented limits are taken for the project's: a project of lower ones refuses the change.
_SMALL_PLAN = 100


@dataclass(slots=True)
class ZoneQuota:
    """The limits for the edits of one zone, asked for once.

    :param asked: the limits to go by; None as long as nobody needed to ask.
    :param visible: whether the caller may see them; else they are the documented ones, and the cloud is left to refuse.
    """

    provider: DnsProvider
    zone: Zone
    asked: Limits | None = None
    visible: bool = True

    def limits(self, plan: Plan, view: JobView) -> Limits:
        """Return the limits to carry out a plan under: the live ones, or the documented ones for a small plan.

        :param view: what the plan was made from.
        :raises QuotaShort: the zone would hold more than it may.
        """
        documented = self.provider.documented
        writes = len(plan.creates) + len(plan.replaces) + len(plan.deletes)
        rrsets = self._size_after(plan, view)
        near = writes > _SMALL_PLAN or rrsets > documented.rrsets_per_zone or (view.whole is not None and plan.creates)
        limits = self.live() if near else self.asked or documented
        if self.visible and plan.creates and rrsets > limits.rrsets_per_zone:
            raise QuotaShort(
                f"zone {self.zone.name!r} would hold {'' if view.whole else 'at least '}{rrsets:,} record sets, "
                f"{rrsets - limits.rrsets_per_zone:,} more than the {limits.rrsets_per_zone:,} of the project's quota: "
                "name fewer, use several zones, or ask for a quota of more record sets in a zone"
            )
        return limits

    def room(self, plan: Plan, view: JobView) -> Room | None:
        """Return how full the zone will be.

        :param plan: applied by then.
        :param view: what the plan was made from.
        :return: None where it was not listed whole, or where the caller may not see the quota.
        """
        if view.whole is None:
            return None
        limit = self.live().rrsets_per_zone
        return Room(self._size_after(plan, view), limit) if self.visible else None

    def live(self) -> Limits:
        """The project's limits, asked for now if they were not before."""
        if self.asked is None:
            try:
                self.asked = self.provider.limits(self.zone)
            except PermissionMissing as missing:
                log.warning("zone %s: taking the documented limits, as %s", self.zone.name, missing)
                self.asked, self.visible = self.provider.documented, False
        return self.asked

    def _size_after(self, plan: Plan, view: JobView) -> int:
        """How many rrsets the zone holds once `plan` is applied; at least that many, where it was not listed whole."""
        before = view.least_size(self.zone.dns_name)
        return before + len(plan.creates) - len(plan.deletes) + (view.before is None)
