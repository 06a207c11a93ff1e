"""Proving that a grant is effective, which Google makes it minutes after it shows it: by asking as the member itself.

`testIamPermissions` speaks for its caller only, so a member has to be impersonated for it. That works for service
accounts that let the caller act as them; of everybody else a grant is set, not proven.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mldns.exceptions import MldnsError
from mldns.messages import shorten

log = logging.getLogger(__name__)

DEFAULT_PATIENCE = 600.0
"""Seconds: Google speaks of two minutes, and of seven or more at times."""

TELLING = {
    "roles/dns.admin": ("dns.changes.create",),
    "roles/dns.reader": ("dns.resourceRecordSets.list",),
}
"""For a role, permissions by which it can be told that somebody has it; any other role's have to be named."""

NOT_PROVEN = "set, not proven"

LEAST_CALL = 1.0
"""Seconds: no question is begun with less time for its answer, and the first one has as much whatever the patience."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0


class CannotImpersonate(MldnsError):
    """The connection may not act as that account."""


class Tester(Protocol):
    """A resource as one member sees it, such as a `IamPolicyStore` with that member's credentials."""

    def test(self, permissions: Sequence[str]) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Proof:
    """Members proven to have the role, with the seconds until that showed, and the others with the reason."""

    proven: dict[str, float] = field(default_factory=dict)
    unproven: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.unproven:
            return f"{NOT_PROVEN}: {shorten([f'{member} {why}' for member, why in self.unproven.items()])}"
        return f"effective after {max(self.proven.values(), default=0.0):.1f} s"


def prove(
    members: Sequence[str],
    permissions: Sequence[str],
    act_as: Callable[[str, float], Tester],
    *,
    patience: float = DEFAULT_PATIENCE,
) -> Proof:
    """Ask as each member until it has the permissions, or until `patience` seconds are over, hanging calls included.

    :param members: who is to have the role.
    :param permissions: all of them count; none proves nothing.
    :param act_as: the resource as an account (its address) sees it, for one question that is over, its token included,
        after so many seconds; raises `CannotImpersonate` for good, and any other `MldnsError` for this time.
    :param patience: seconds in all; how long one question waits is for `act_as` to keep.
    """
    if not permissions:
        unknown = "has a role of which no permission is known here: name one in prove_with"
        return Proof(unproven=dict.fromkeys(members, unknown))
    proof = Proof()
    started, pause = time.monotonic(), _FIRST_PAUSE
    waiting = _accounts(members, proof.unproven, f"was not asked within {patience:g} s")
    while waiting:
        for member, account in list(waiting.items()):
            passed = time.monotonic() - started
            if patience - passed < LEAST_CALL < passed:
                return proof
            why, final = _lacks(act_as, account, max(patience - passed, LEAST_CALL), permissions)
            if why:
                proof.unproven[member] = why if final else f"{why} within {patience:g} s"
            else:
                del proof.unproven[member]
                proof.proven[member] = round(time.monotonic() - started, 1)
            if final:
                del waiting[member]
        if not waiting or time.monotonic() + pause > started + patience:
            break
        log.info("%d member(s) do not have %s yet: asking again in %.1f s", len(waiting), shorten(permissions), pause)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return proof


def _accounts(members: Sequence[str], unproven: dict[str, str], unasked: str) -> dict[str, str]:
    """The address by member of those that are service accounts; into `unproven` goes why each member is not proven."""
    accounts: dict[str, str] = {}
    for member in members:
        kind, _, account = member.partition(":")
        if kind != "serviceAccount" or "[" in account:
            unproven[member] = "is no service account that could be impersonated"
        else:
            accounts[member], unproven[member] = account, unasked
    return accounts


def _lacks(
    act_as: Callable[[str, float], Tester], account: str, seconds: float, permissions: Sequence[str]
) -> tuple[str, bool]:
    """What an account lacks, in words, empty where it has all; and whether there is no use in asking again."""
    try:
        granted = act_as(account, seconds).test(permissions)
    except CannotImpersonate as refusal:
        return f"cannot be impersonated ({refusal})", True
    except MldnsError as error:
        return f"could not ask ({error})", False
    missing = [permission for permission in permissions if permission not in granted]
    return f"did not get {shorten(missing)}" if missing else "", not missing
