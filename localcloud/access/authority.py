"""Who a caller is and what the policies let it do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localcloud.access import conditions, refusals, requirements
from localcloud.access.roles import ROLES
from localcloud.access.tokens import Principal, TokenBook
from localcloud.iam import Binding
from localcloud.store import Store

_EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


class Authority:
    """Answers from the policies in the store.

    :param owner: address of the service account that may do everything everywhere; None lets everybody do so.
    :param grant_delay: seconds until a change of a policy is enforced.
    """

    def __init__(self, store: Store, *, owner: str | None = None, grant_delay: float = 0.0) -> None:
        self._store = store
        self._owner = None if owner is None else f"serviceAccount:{owner}"
        self._grant_delay = grant_delay
        self.tokens = TokenBook(store.clock)

    @property
    def enforced(self) -> bool:
        return self._owner is not None

    def identify(self, authorization: str) -> Principal:
        """The caller behind an Authorization header. Raises Refusal 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise refusals.unauthenticated(token_sent=False)
        principal = self.tokens.find(token) or self._self_signed(token)
        if principal is None:
            raise refusals.unauthenticated(token_sent=True)
        return principal

    def _self_signed(self, token: str) -> Principal | None:
        """A key's holder may sign a token itself, for one API or for scopes; google-cloud-resource-manager does."""
        if token.count(".") != 2:
            return None
        # Slow to import, and needed by those only who have a key.
        from localcloud.access.assertions import BadAssertion, verify

        try:
            claims = verify(token, find_key=self._store.service_account_key, audiences=None)
        except BadAssertion:
            return None
        if claims.get("sub") != claims["iss"] or not ("aud" in claims or "scope" in claims):
            return None
        scope = claims.get("scope")
        return Principal(f"serviceAccount:{claims['iss']}", None if scope is None else frozenset(str(scope).split()))

    def allows(self, principal: Principal, permission: str, resources: Iterable[str]) -> bool:
        """Whether a policy of one of the resources, as it is enforced by now, grants the permission."""
        if principal.member == self._owner:
            return True
        now = self._store.clock()
        return any(
            permission in ROLES.get(binding.role, ())
            and not _EVERYBODY.union((principal.member,)).isdisjoint(binding.members)
            and (binding.condition is None or conditions.holds(binding.condition, now))
            for resource in resources
            for binding in self._bindings(resource)
        )

    def _bindings(self, resource: str) -> Sequence[Binding]:
        return self._store.policy(resource, ago=self._grant_delay).bindings

    def require(self, principal: Principal, permission: str, service: str, resources: Sequence[str]) -> None:
        """Raise the service's 403 when the permission is missing; the first resource is the one to name."""
        if not self.allows(principal, permission, resources):
            raise refusals.forbidden(service, permission, resources[0])

    def require_scope(self, principal: Principal, service: str, *, reads: bool) -> None:
        """Raise a 403 when the token was not asked for with a scope for this."""
        if principal.scopes is not None and principal.scopes.isdisjoint(requirements.scopes(service, reads=reads)):
            raise refusals.scope_missing()

    def granted(self, authorization: str, permissions: Sequence[str], resources: Sequence[str]) -> list[str]:
        """Those of `permissions` that the caller has."""
        if not self.enforced:
            return list(permissions)
        principal = self.identify(authorization)
        return [permission for permission in permissions if self.allows(principal, permission, resources)]
