"""What can go wrong, as classes that carry data. Every message is one line that names the culprit and the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mldns.messages import _SHOWN, shorten


class MldnsError(Exception):
    """The base of every error that mldns raises on purpose."""

    @property
    def what_and_todo(self) -> tuple[str, str]:
        """What is wrong and, behind the message's last "; ", what to do: a log panel cuts a long line at its right."""
        what, _, todo = str(self).rpartition("; ")
        return (what, todo) if what else (todo, "")


class InvalidInput(MldnsError, ValueError):
    """Something the caller wrote cannot be right. Nothing was sent."""


class ManifestTooLarge(InvalidInput):
    """The names and grants do not fit into the owner's manifest. Nothing was sent."""

    def __init__(self, *, owner: str, size: int, limit: int) -> None:
        self.owner, self.size, self.limit = owner, size, limit
        super().__init__(
            f"the manifest of {owner!r} would take {size:,} bytes of at most {limit:,}: "
            "explicit names and grants are listed one by one; give workers, kept as rank ranges, or use several jobs"
        )


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that is not ours to write: a record of somebody else is `found` there, or another job has claimed it.

    `owner` is None where no marker tells whose the record is. `why` says what else stands in the way.
    """

    name: str
    type: str
    owner: str | None
    found: tuple[str, ...] = ()
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        view = {"name": self.name, "type": self.type, "owner": self.owner, "found": list(self.found)}
        return view | ({"why": self.why} if self.why else {})

    def __str__(self) -> str:
        if self.why:
            return f"{self.name} {self.type} ({self.why})"
        held = "owned" if self.found else "claimed"
        whose = f"{held} by {self.owner}" if self.owner else "owner unknown: no manifest covers it"
        return f"{self.name} {self.type} ({whose})"


class OwnershipConflict(MldnsError):
    """Records that somebody else owns stand where ours should go. Nothing was written."""

    def __init__(self, conflicts: Sequence[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        unowned = any(conflict.owner is None and not conflict.why for conflict in self.conflicts)
        super().__init__(
            f"{len(self.conflicts):,} record(s) are not ours to write: {shorten([str(c) for c in self.conflicts])}; "
            "choose another name, or have the owner remove or release it"
            + (", or take over what nobody owns and says the same, with adopt=True" if unowned else "")
        )


class ClaimRefused(MldnsError):
    """Another claimant, or another lease that still counts, holds the owner's names. Nothing was written.

    :param at_work: the holder's run is known to be at work, so that nobody may take its names.
    """

    def __init__(
        self, *, owner: str, claimant: str, lease: str, expires: str | None, same_claimant: bool, at_work: bool = False
    ) -> None:
        self.owner, self.claimant, self.lease, self.expires = owner, claimant, lease, expires
        self.same_claimant, self.at_work = same_claimant, at_work
        until = f" until {expires}" if expires else ""
        if not same_claimant:
            way_out = "choose another job name"
        elif at_work:
            way_out = "wait until that run has ended, or give each run a job of its own"
        else:
            way_out = "wait for its release"
        adopt = "" if at_work else ", or, if its training is over, take them over with adopt=True"
        super().__init__(
            f"the names of {owner!r} are held by claimant {claimant or '(none)'!r}, lease {lease or '(none)'!r}{until}"
            f"; {way_out}{adopt}"
        )

    def for_run_at_work(self) -> ClaimRefused:
        """Return the same refusal, said of a run that is known to be at work."""
        who: dict[str, Any] = {"owner": self.owner, "claimant": self.claimant, "lease": self.lease}
        return ClaimRefused(**who, expires=self.expires, same_claimant=self.same_claimant, at_work=True)


class NamesMissing(MldnsError):
    """A training would begin without its names. `why` says what has become of them."""

    def __init__(self, *, owner: str, zone: str, why: str, again: str = "") -> None:
        self.owner, self.zone, self.why = owner, zone, why
        what = f"clear task {again!r} with its downstream tasks" if again else "clear the whole run"
        super().__init__(
            f"not started without the names of job {owner!r} in zone {zone!r}: {why}; "
            f"to have them written again, {what}"
        )


class LeaseLost(MldnsError):
    """The names came into other hands while this call was writing, so it stopped. `holder` is None: released.

    What it had written, `live` record changes, went with the names; None where no records were to be written.
    `claimant` is who holds a lease of that very name: run ids repeat from DAG to DAG.
    """

    def __init__(
        self, *, owner: str, lease: str, holder: str | None, live: int | None = None, claimant: str | None = None
    ) -> None:
        self.owner, self.lease, self.holder, self.live, self.claimant = owner, lease, holder, live, claimant
        if claimant is not None:
            super().__init__(
                f"lease {lease or '(none)'!r} of {owner!r} is held by claimant {claimant or '(none)'!r}, "
                "and another one asks; say that claimant"
            )
            return
        how = "released" if holder is None else f"overtaken by lease {holder or '(none)'!r}"
        when = f" after {live:,} record changes of this call, which went with the names" if live else ""
        super().__init__(
            f"lease {lease or '(none)'!r} of {owner!r} was {how}{when}; start the run again if it is still wanted"
        )


class ClaimMoved(MldnsError):
    """An owner's manifest is no longer the one that was looked at: somebody claims, writes or releases.

    :param looked_at: its generation then; `found` the one now, None where there is none any more.
    """

    def __init__(self, *, owner: str, looked_at: int, found: int | None) -> None:
        self.owner, self.looked_at, self.found = owner, looked_at, found
        now = "is gone" if found is None else f"has generation {found}"
        super().__init__(f"the claim of {owner!r} {now}, not {looked_at}: left alone; the next check looks again")


class ZoneNotFound(MldnsError):
    """The zone does not exist in that project or account."""

    def __init__(self, zone: str, project_id: str) -> None:
        self.zone, self.project_id = zone, project_id
        super().__init__(
            f"zone {zone!r} does not exist in {project_id!r}; "
            "make it with an EnsureZone operator or a run of mldns_pretraining, or name another one"
        )


class ZoneMismatch(MldnsError):
    """A zone of that name exists and is another zone: its dnsName or visibility cannot be changed."""

    def __init__(self, *, zone: str, field: str, wanted: str, found: str) -> None:
        self.zone, self.field, self.wanted, self.found = zone, field, wanted, found
        super().__init__(
            f"zone {zone!r} exists with {field} {found!r}, not {wanted!r}; "
            "no cloud changes that: use another zone name, or ask for what is there"
        )


class ZoneNotOurs(MldnsError):
    """mldns did not make this zone, so it does not delete it."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        super().__init__(f"zone {zone!r} was not made by mldns: no label managed-by=mldns; delete it by hand")


class ZoneNotEmpty(MldnsError):
    """The zone still holds records, so no cloud deletes it."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        way_out = "release its jobs, 'shared' included, take back their grants, and remove what others left there"
        super().__init__(f"zone {zone!r} still holds records; {way_out}")


class PlanChanged(MldnsError):
    """The zone moved on since the plan was reviewed. Nothing was written."""

    def __init__(self, *, reviewed: str, now: str, summary: str) -> None:
        self.reviewed, self.now = reviewed, now
        super().__init__(
            f"the plan is no longer the reviewed one ({reviewed} is now {now}: {summary}); review it again"
        )


class RemovalsRefused(MldnsError):
    """An authoritative binding would take a role from members whose removal nobody agreed to, or whom jobs hold.

    Nobody lost it. `held` says by member which jobs hold it.
    """

    def __init__(
        self, *, role: str, resource: str, unreviewed: Sequence[str], held: Mapping[str, Sequence[str]]
    ) -> None:
        self.role, self.resource = role, resource
        self.unreviewed, self.held = tuple(unreviewed), dict(held)
        whys = []
        if self.unreviewed:
            whys.append(f"{len(self.unreviewed):,} member(s) would lose it: {shorten(self.unreviewed)}")
        whys += [f"{member} would lose it and is held by {shorten(jobs)}" for member, jobs in self.held.items()]
        todos = ["name them in removals"] if self.unreviewed else []
        todos += ["unbind there what jobs hold"] if self.held else []
        super().__init__(
            f"{role} on {resource} stays as it is: {shorten(whys)}; {', '.join(todos)}, or keep them in members"
        )


class QuotaShort(MldnsError):
    """The quota of the project or account cannot hold what was asked for."""


class PermissionMissing(MldnsError):
    """The cloud refused: the caller lacks `permission` on `resource`."""

    def __init__(self, *, permission: str, resource: str, detail: str = "") -> None:
        self.permission, self.resource = permission, resource
        why = f": {detail}" if detail else ""
        super().__init__(f"permission {permission} is missing on {resource}{why}; grant the caller a role that has it")


class ChangeFailed(MldnsError):
    """Applying stopped in the middle. All counts are of rrsets of this call, the names are the first ones of each.

    :param live: what is written, changed or deleted as asked.
    :param missing: what is not, though it was asked for.
    :param in_doubt: of a change whose answer was lost, so that it may be live or not; 0 where all answers came.
    """

    def __init__(
        self,
        *,
        zone: str,
        live: int,
        missing: int,
        reason: str,
        in_doubt: int = 0,
        live_names: Sequence[str] = (),
        missing_names: Sequence[str] = (),
    ) -> None:
        self.zone, self.live, self.missing, self.in_doubt, self.reason = zone, live, missing, in_doubt, reason
        self.live_names, self.missing_names = tuple(live_names), tuple(missing_names)
        doubt = f", {in_doubt:,} may be live or not" if in_doubt else ""
        super().__init__(
            f"zone {zone!r}: {live:,} record changes are live{_such_as(live_names)}, "
            f"{missing:,} are not{_such_as(missing_names)}{doubt}: {reason}; a retry does the rest"
        )


class CloudUnavailable(MldnsError):
    """Retries are used up and the API still does not answer as it should. `reason` says so without the way out."""

    def __init__(self, reason: str, *, way_out: str = "") -> None:
        self.reason, self.way_out = reason, way_out
        super().__init__(f"{reason}; {way_out}" if way_out else reason)


class StillPending(CloudUnavailable):
    """A change is accepted, and not `done` yet."""


class CheckIncomplete(MldnsError):
    """A check could not look at everything, or not do what it was asked to. `lines` say what, one each."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        super().__init__(f"{len(self.lines)} thing(s) could not be done: {shorten(self.lines)}")


class ResolutionFailed(MldnsError):
    """Names did not resolve as asked in time. `failures` are one line each: name, server, expected, got.

    :param todo: what to do about each kind of them.
    """

    def __init__(self, *, summary: str, failures: Sequence[str], todo: Sequence[str] = ()) -> None:
        self.summary = summary
        self.failures = tuple(failures)
        self.todo = tuple(todo)
        super().__init__(f"{summary}: {shorten(self.failures, 20)}")

    @property
    def what_and_todo(self) -> tuple[str, str]:
        first = f", first {self.failures[0]}" if self.failures else ""
        return f"{self.summary}{first}", "; ".join(self.todo)


def _such_as(names: Sequence[str]) -> str:
    return f" (such as {', '.join(names[:_SHOWN])})" if names else ""
