"""What a writer does: one call of the real editor, or of the real `bind` and `unbind`, by one job and one run of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mldns.iam.grants import Grant
from mldns.ownership.claims import Holder, LeaseEnd
from mldns.ownership.manifest import matches
from mldns.plan.batches import Change, Limits
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.iam import binding
from mldns.providers.iam.ledger import JobLedger
from mldns.records.rrset import RRset
from tests.simulator.writers import Tools, Untimed

ZONE = Zone("ml", "ml.test.")
SMALL = Limits(additions=3, deletions=3)
"""Two rrsets a change beside the manifest's, so that three workers take two changes."""

NOW = 1_800_000_000
HOUR = 3_600

ROLE, MEMBER, STRANGER = "roles/dns.admin", "user:trainer@example.com", "user:stranger@example.com"
GRANT = Grant("zone", ROLE, (MEMBER,))

FOREIGN_NETWORK = "203.0.113."


def foreign(rrset: RRset) -> bool:
    """Whether a stranger wrote it."""
    return rrset.rrdatas[0].startswith(FOREIGN_NETWORK)


@dataclass(frozen=True, slots=True)
class Act:
    """One call, with all that decides what it does.

    :param kind: a key of `KINDS`.
    :param network: tells the addresses of two runs apart.
    :param workers: how many workers it names.
    :param shared: whether it names `service`, outside the job's own subtree, as well.
    :param now: this writer's clock, in Unix seconds.
    :param ended: the lease of which the caller knows that its run is over.
    :param looked_at: the generation that a clean-up saw when it decided to release.
    """

    kind: str
    owner: str = "a"
    lease: str = "run-1"
    claimant: str = "dag"
    network: int = 1
    workers: int = 3
    shared: bool = False
    now: int = NOW
    expires: int | None = None
    ended: str = ""
    claimed: bool = False
    looked_at: int | None = None

    def __str__(self) -> str:
        who = "" if self.kind in ("bind", "unbind", "hand") else f" as {self.lease} of {self.claimant}"
        return f"{self.kind} {self.owner}{who}"

    @property
    def grants(self) -> bool:
        """Whether it is about IAM."""
        return self.kind in ("bind", "unbind")

    @property
    def writes_records(self) -> bool:
        return self.kind in ("upsert", "sync", "adopt")

    @property
    def desired(self) -> list[RRset]:
        """The records that it wants."""
        wanted = [
            RRset(f"worker-{rank}.{self.owner}.ml.test.", "A", 30, (f"10.{self.network}.0.{rank}",))
            for rank in range(self.workers)
        ]
        return [*wanted, RRset("service.ml.test.", "A", 30, (f"10.{self.network}.1.1",))] if self.shared else wanted

    @property
    def holder(self) -> Holder:
        ended = LeaseEnd(self.ended, True) if self.ended else None
        return Holder(
            self.owner,
            self.claimant,
            self.lease,
            expires=self.expires,
            adopt=self.kind == "adopt",
            lease_ended=ended,
            claimed=self.claimed,
            at_generation=self.looked_at,
        )

    def holds(self, claimant: str, lease: str) -> bool:
        """Whether a manifest's claimant and lease are this act's."""
        return matches(claimant, self.claimant) and matches(lease, self.lease)

    def run(self, tools: Tools) -> object:
        return KINDS[self.kind](self, tools)

    def editor(self, tools: Tools) -> ZoneEditor:
        provider = tools.provider(SMALL, [ZONE])
        return ZoneEditor(provider, ZONE, contention=Untimed(), now=lambda: self.now)


def _upsert(act: Act, tools: Tools) -> object:
    return act.editor(tools).upsert(act.desired, act.holder, "upsert-only" if act.kind == "upsert" else "sync")


def _bind(act: Act, tools: Tools) -> object:
    ledger = JobLedger(act.editor(tools), act.owner)
    return binding.bind(tools.policy(), GRANT, ledger, contention=Untimed(), patience=tools.patient)


def _unbind(act: Act, tools: Tools) -> object:
    ledger = JobLedger(act.editor(tools), act.owner)
    return binding.unbind(tools.policy(), GRANT, ledger, contention=Untimed(), patience=tools.patient)


def _hand(act: Act, tools: Tools) -> object:
    """A stranger makes a record at a name of the job, be it that the job has claimed it."""
    record = RRset(f"worker-{act.workers - 1}.{act.owner}.ml.test.", "A", 300, (f"{FOREIGN_NETWORK}9",))
    return tools.provider(SMALL, [ZONE]).submit(ZONE, Change((record,)))


KINDS: dict[str, Callable[[Act, Tools], object]] = {
    "claim": lambda act, tools: act.editor(tools).claim(act.desired, act.holder),
    "upsert": _upsert,
    "sync": _upsert,
    "release": lambda act, tools: act.editor(tools).release(act.holder).overtaken_by,
    "renew": lambda act, tools: act.editor(tools).renew(act.holder),
    "adopt": _upsert,
    "bind": _bind,
    "unbind": _unbind,
    "hand": _hand,
}
