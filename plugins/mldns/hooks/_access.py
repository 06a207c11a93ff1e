"""What a hook of any cloud knows beside its credentials: its zones, whom to ask about names, how long to go on."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, wraps
from typing import Any, TypeVar

from mldns import arguments
from mldns.exceptions import InvalidInput
from mldns.providers.base import DnsProvider, Zone, ZoneSpec
from mldns.providers.editor import ZoneEditor
from mldns.providers.retry import Patience
from mldns.providers.zones import get_zone

PROJECT = ""
"""The default of `project_id`: the connection's own."""

T = TypeVar("T")


def project_default(method: Callable[..., T]) -> Callable[..., T]:
    """Have `project_id` be the connection's where a caller names none."""

    @wraps(method)
    def with_project(self: ZoneAccess, **kwargs: Any) -> T:
        kwargs["project_id"] = kwargs.get("project_id") or self.project_id
        if not kwargs["project_id"]:
            raise InvalidInput(f"connection {self.connection_id!r} names no project: say it, or name one in project_id")
        return method(self, **kwargs)

    return with_project


class ZoneAccess:
    """The zones that a connection leads to; mixed into the base hook of a cloud.

    Extras of the connection, whatever the cloud: `name_server_addresses` and `resolver_addresses` say who is asked in
    checks. A list may also be given as JSON text, or separated by commas or line ends, as Airflow's connection form and
    URIs give text. How long to go on where the API fails: `call_timeout` is the seconds of silence after which a call
    has failed (60), `retry_deadline` the seconds for which a call is made again, or a decision while others write
    (180), and `num_retries` the most times a call is made again (as many as fit).

    :cvar vpc_resolver: whom the machines of a network ask, for private zones.
    :cvar gives_roles: whether mldns can give roles there.
    """

    vpc_resolver = ""
    gives_roles = False
    _given_patience: Patience | None = None
    _zones: dict[tuple[str, str], Zone]

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        raise NotImplementedError

    @property
    def project_id(self) -> str:
        """The project or account that the connection is of."""
        raise NotImplementedError

    def dns_provider(self, project_id: str) -> DnsProvider:
        """The zones of one project or account."""
        raise NotImplementedError

    def zone_name(self, zone: str) -> str:
        """Return what a zone is known by, or raise InvalidInput.

        :param zone: its name or id, as a caller gave it.
        """
        raise NotImplementedError

    def parsed_zone(self, *, project_id: str, **wanted: Any) -> ZoneSpec:
        """Return a zone as asked for, by the rules of the cloud.

        :param wanted: the arguments of `ensure_zone`.
        """
        raise NotImplementedError

    def connection_extra(self, name: str) -> Any:
        """Return an extra of the connection; None where it has none of that name."""
        raise NotImplementedError

    @property
    def name_server_addresses(self) -> tuple[str, ...]:
        """`HOST:PORT` of the servers to ask instead of the zone's name servers; empty: ask the zone's."""
        return self._addresses("name_server_addresses")

    @property
    def resolver_addresses(self) -> tuple[str, ...]:
        """`HOST:PORT` of the resolvers that the workers use; empty: not said."""
        return self._addresses("resolver_addresses")

    def zone_editor(self, project_id: str, zone: str) -> ZoneEditor:
        """Return an editor of one zone.

        :param zone: name or id.
        :raises ZoneNotFound: there is none of that name.
        """
        provider, found = self.dns_provider(project_id), self.known_zone(project_id, zone)
        return ZoneEditor(provider, found, contention=self.patience.contention)

    def known_zone(self, project_id: str, zone: str) -> Zone:
        """Return a zone. Its dnsName cannot change, so it is read once a hook.

        :param zone: name or id.
        :raises ZoneNotFound: there is none of that name.
        """
        known = self._zones.get((project_id, self.zone_name(zone)))
        return known or self.remember(project_id, get_zone(self.dns_provider(project_id), zone))

    def remember(self, project_id: str, zone: Zone) -> Zone:
        """Keep a zone for `known_zone`.

        :param zone: as it was just read.
        """
        self._zones[project_id, zone.name] = zone
        return zone

    def forget(self, project_id: str, zone: str) -> None:
        """Have `known_zone` read a zone anew: it may come back with another dnsName.

        :param zone: its name; one that is not known is no error.
        """
        self._zones.pop((project_id, zone), None)

    @cached_property
    def patience(self) -> Patience:
        """How long to go on where the API fails. Deadlines alone bound retries, unless there may be only so many."""
        if self._given_patience is not None:
            return self._given_patience
        usual = Patience()
        deadline = self._seconds("retry_deadline", usual.failures.deadline)
        return Patience(
            silence=self._seconds("call_timeout", usual.silence),
            failures=replace(usual.failures, deadline=deadline, attempts=self._tries()),
            contention=replace(usual.contention, deadline=deadline),
        )

    def _seconds(self, extra: str, usual: float) -> float:
        seconds = arguments.seconds(self.connection_extra(extra), f"connection {self.connection_id!r}: extra {extra}")
        return usual if seconds is None else seconds

    def _addresses(self, extra: str) -> tuple[str, ...]:
        value = self.connection_extra(extra)
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = arguments.read_json(value, f"connection {self.connection_id!r}: extra {extra}")
        items = re.split(r"[,\s]+", value) if isinstance(value, str) else value or ()
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise InvalidInput(f"connection {self.connection_id!r}: extra {extra} must be a list of 'HOST:PORT'")
        return tuple(item.strip() for item in items if item.strip())

    def _tries(self) -> int | None:
        said = self.connection_extra("num_retries")
        where = f"connection {self.connection_id!r}: extra num_retries"
        return None if said in (None, "") else arguments.whole(said, where) + 1
