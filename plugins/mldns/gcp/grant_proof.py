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

from mldns.exceptions import MldnsError, shorten

log = logging.getLogger(__name__)

DEFAULT_PATIENCE = 600.0
"""Seconds: Google speaks of two minutes, and of seven or more at times."""

TELLING = {
    "roles/dns.admin": ("dns.changes.create",),
    "roles/dns.reader": ("dns.resourceRecordSets.list",),
}
"""For a role, permissions by which it can be told that somebody has it; any other role's have to be named."""

NOT_PROVEN = "set, not proven"

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0


class CannotImpersonate(MldnsError):
    """The connection may not act as that account."""


class Tester(Protocol):
    """A resource as one member sees it, such as a `PolicyStore` with that member's credentials."""

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
    act_as: Callable[[str], Tester],
    *,
    patience: float = DEFAULT_PATIENCE,
) -> Proof:
    """Ask as each member until it has the permissions, or until `patience` seconds are over.

    :param permissions: all of them count; none proves nothing.
    :param act_as: the resource as an account (its address) sees it; raises `CannotImpersonate`.
    """
    if not permissions:
        unknown = "has a role of which no permission is known here: name one in prove_with"
        return Proof(unproven=dict.fromkeys(members, unknown))
    started = time.monotonic()
    proof = Proof()
    waiting = _testers(members, act_as, proof.unproven)
    pause = _FIRST_PAUSE
    while waiting:
        for member, tester in list(waiting.items()):
            if why := _lacks(tester, permissions):
                proof.unproven[member] = f"{why} within {patience:g} s"
            else:
                proof.unproven.pop(member, None)
                proof.proven[member] = round(time.monotonic() - started, 1)
                del waiting[member]
        if not waiting or time.monotonic() - started + pause > patience:
            break
        log.info("%d member(s) do not have %s yet: asking again in %.1f s", len(waiting), shorten(permissions), pause)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    return proof


def _testers(members: Sequence[str], act_as: Callable[[str], Tester], unproven: dict[str, str]) -> dict[str, Tester]:
    testers: dict[str, Tester] = {}
    for member in members:
        kind, _, account = member.partition(":")
        if kind != "serviceAccount" or "[" in account:
            unproven[member] = "is no service account that could be impersonated"
            continue
        try:
            testers[member] = act_as(account)
        except CannotImpersonate as refusal:
            unproven[member] = f"cannot be impersonated ({refusal})"
    return testers


def _lacks(tester: Tester, permissions: Sequence[str]) -> str | None:
    """What is missing, in words; None where nothing is."""
    try:
        granted = tester.test(permissions)
    except MldnsError as error:
        return f"could not ask ({error})"
    missing = [permission for permission in permissions if permission not in granted]
    return f"did not get {shorten(missing)}" if missing else None
