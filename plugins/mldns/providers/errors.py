"""What a cloud's refusal or silence means, whatever the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from mldns.exceptions import MldnsError
from mldns.records.names import Key


@dataclass(frozen=True, slots=True)
class Call:
    """One API call, for messages.

    :param method: as the cloud names it, such as `changes.create`.
    :param within: what the cloud calls the place of its zones.
    """

    method: str
    project: str
    zone: str | None = None
    within: str = "project"

    @property
    def resource(self) -> str:
        """What was called upon, in words."""
        place = f"{self.within} {self.project!r}"
        return f"zone {self.zone!r} of {place}" if self.zone else place

    def __str__(self) -> str:
        return f"{self.method} of {self.resource}"


class ApiRefused(MldnsError):
    """A call was refused for a reason that has no class of its own; `status` is HTTP's, `reason` the cloud's."""

    def __init__(self, call: Call, *, status: int, reason: str, message: str) -> None:
        self.call, self.status, self.reason = call, status, reason
        super().__init__(f"{call} was refused with {status}{f' {reason}' if reason else ''}: {message}")


class AlreadyExists(ApiRefused):
    """409 on a create: somebody was faster."""


class UnknownMember(ApiRefused):
    """400: the account of a member does not exist, or not yet: accounts show up some seconds after their creation."""

    def __init__(self, call: Call, *, member: str, status: int, reason: str, message: str) -> None:
        self.member = member
        way_out = "create the account first, or correct the member"
        super().__init__(call, status=status, reason=reason, message=f"{message.rstrip('.')}: {way_out}")


class PolicyMoved(ApiRefused):
    """409 ABORTED or 412: the policy changed between reading and writing."""


class ZoneMoved(MldnsError):
    """The zone is not what a change was planned for. Nothing of the change was applied.

    :param keys: the rrsets that are not as expected, as far as that is known.
    """

    def __init__(self, message: str, *, keys: tuple[Key, ...] = ()) -> None:
        self.keys = keys
        super().__init__(message)


def moved_meanwhile(zone: str, key: Key) -> ZoneMoved:
    """What a change on `key` would be refused with, known without sending it: somebody wrote it since it was read."""
    return ZoneMoved(f"zone {zone!r}: {key[0]} was written meanwhile", keys=(key,))


class AnswerLost(MldnsError):
    """A call that is not safe to repeat got no answer: it may have been applied, or not.

    :param call: what was sent.
    :param cause: what the client raised; its `response`, if any, may ask to wait (`mldns.providers.retry.retry_after`).
    :param brief: the cause in a few words.
    """

    def __init__(self, call: Call, cause: BaseException, *, brief: str) -> None:
        self.call, self.brief = call, brief
        self.response = getattr(cause, "response", None)
        super().__init__(f"the answer to {call} was lost: {brief}")
