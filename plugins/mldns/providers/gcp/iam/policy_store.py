"""Editing an IAM policy that others edit at the same time: read, change our binding, write under the etag, or again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from mldns.exceptions import CloudUnavailable, MldnsError
from mldns.iam.policy import Edit, Policy
from mldns.providers.errors import AnswerLost, PolicyMoved, UnknownMember
from mldns.providers.gcp.client import DNSClient
from mldns.providers.retry import RetryPolicy

log = logging.getLogger(__name__)

CONTENTION = RetryPolicy(initial=0.2, maximum=10.0, deadline=180.0)
"""Google asks for the whole read-modify-write again with exponential backoff; fifty writers need their time."""

NEW_ACCOUNT = RetryPolicy(initial=2.0, maximum=5.0, deadline=20.0)
"""An account shows up some seconds after its creation; one that was misspelt should not take minutes to say so."""


class PolicyStore(Protocol):
    """Where a policy lives: a project (`ProjectPolicy`) or a zone (`ZonePolicy`)."""

    resource: str

    def read(self) -> Policy: ...

    def write(self, policy: Policy) -> None:
        """Write it under its etag. Raises `PolicyMoved`: not applied; `AnswerLost`: perhaps applied."""

    def test(self, permissions: Sequence[str]) -> list[str]: ...


class ZonePolicy:
    """The policy of one managed zone."""

    def __init__(self, client: DNSClient, zone: str) -> None:
        self.resource = f"projects/{client.project}/managedZones/{zone}"
        self._client, self._zone = client, zone

    def read(self) -> Policy:
        return self._client.get_zone_policy(self._zone)

    def write(self, policy: Policy) -> None:
        self._client.set_zone_policy(self._zone, policy)

    def test(self, permissions: Sequence[str]) -> list[str]:
        return self._client.test_zone_permissions(self._zone, permissions)


def edit_policy(
    store: PolicyStore,
    edit: Callable[[Policy], Edit],
    *,
    contention: RetryPolicy = CONTENTION,
    new_account: RetryPolicy = NEW_ACCOUNT,
    written: dict[str, None] | None = None,
) -> tuple[list[str], list[str]]:
    """Bring a policy to where `edit` changes nothing any more; a policy that is there already is not written.

    :param store: the policy.
    :param edit: such as `mldns.iam.policy.add_members` with everything but the policy filled in.
    :param contention: how long to read and write again while others write.
    :param new_account: how long to wait for an account to show up.
    :param written: filled with the members whose change was sent and not refused, also where this call fails.
    :return: the members that this call changed, and those that were as asked before it.
    :raises CloudUnavailable: others kept changing the policy until `contention` was used up.
    :raises UnknownMember: an account does not exist, nor came to exist within `new_account`.
    """
    written = {} if written is None else written

    def attempt() -> Edit:
        policy = store.read()
        result = edit(policy)
        if result.changed:
            if not policy.get("etag"):
                raise MldnsError(f"the policy of {store.resource} came without an etag: writing it would be blind")
            changed = dict.fromkeys(result.changed)
            try:
                store.write(result.policy)
            except AnswerLost:
                # Perhaps applied, and then found there in the next round. A refused write is not: what that round
                # finds is somebody else's doing.
                written.update(changed)
                raise
            written.update(changed)
        return result

    def settle() -> Edit:
        return contention.run(
            attempt,
            what=f"the policy of {store.resource}",
            repeatable=lambda error: isinstance(error, PolicyMoved | AnswerLost),
        )

    try:
        last = new_account.run(
            settle,
            what=f"the policy of {store.resource}",
            repeatable=lambda error: isinstance(error, UnknownMember),
        )
    except CloudUnavailable as error:
        if isinstance(error.__cause__, UnknownMember):
            raise error.__cause__ from None
        raise
    asked = [*last.changed, *last.unchanged]
    changed = [member for member in asked if member in written]
    log.info("policy of %s: %d member(s) changed, %d as asked before", store.resource, len(changed), len(asked))
    return changed, [member for member in asked if member not in written]
