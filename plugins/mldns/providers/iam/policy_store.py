"""Editing an IAM policy that others edit at the same time: read, change our binding, write under the etag, or again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from mldns.exceptions import CloudUnavailable, MldnsError
from mldns.iam.policy import Edit, IamPolicy
from mldns.providers.errors import AnswerLost, PolicyMoved, UnknownMember
from mldns.providers.retry import Patience, RetryPolicy

log = logging.getLogger(__name__)

CONTENTION = Patience().contention
"""Google asks for the whole read-modify-write again with exponential backoff; fifty writers need their time."""

NEW_ACCOUNT = RetryPolicy(initial=2.0, maximum=5.0, deadline=20.0)
"""An account shows up some seconds after its creation; one that was misspelt should not take minutes to say so."""


class IamPolicyStore(Protocol):
    """Where one resource's policy lives, such as a project's or a zone's; `resource` is its full name."""

    resource: str

    def read(self) -> IamPolicy:
        """The policy with its etag, in a format that shows conditions."""

    def write(self, policy: IamPolicy) -> None:
        """Write a policy under the etag that it was read with.

        :raises PolicyMoved: somebody else wrote it meanwhile; nothing was applied.
        :raises AnswerLost: it may have been applied, or not.
        :raises UnknownMember: the account of a member does not exist, or not yet.
        """

    def test(self, permissions: Sequence[str]) -> list[str]:
        """Those of `permissions` that the caller has."""


def edit_policy(
    store: IamPolicyStore,
    edit: Callable[[IamPolicy], Edit],
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
    what = f"the policy of {store.resource}"

    def converge() -> Edit:
        return contention.run(
            lambda: _edit_once(store, edit, written),
            what=what,
            repeatable=lambda error: isinstance(error, PolicyMoved | AnswerLost),
        )

    try:
        last = new_account.run(converge, what=what, repeatable=lambda error: isinstance(error, UnknownMember))
    except CloudUnavailable as error:
        if isinstance(error.__cause__, UnknownMember):
            raise error.__cause__ from None
        raise
    asked = [*last.changed, *last.unchanged]
    changed = [member for member in asked if member in written]
    log.info("policy of %s: %d member(s) changed, %d as asked before", store.resource, len(changed), len(asked))
    return changed, [member for member in asked if member not in written]


def _edit_once(store: IamPolicyStore, edit: Callable[[IamPolicy], Edit], written: dict[str, None]) -> Edit:
    """Read the policy, and write it under its etag where `edit` changes it; `written` as of `edit_policy`."""
    policy = store.read()
    result = edit(policy)
    if not result.changed:
        return result
    if not policy.get("etag"):
        raise MldnsError(f"the policy of {store.resource} came without an etag: writing it would be blind")
    changed = dict.fromkeys(result.changed)
    try:
        store.write(result.policy)
    except AnswerLost:
        # Perhaps applied, and then found there in the next round. A refused write is not: what that round finds is
        # somebody else's doing.
        written.update(changed)
        raise
    written.update(changed)
    return result
