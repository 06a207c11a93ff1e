"""One API call as the handlers see it, and what all of them share."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from localcloud import assumptions
from localcloud.access.authority import Authority
from localcloud.connections import Connections
from localcloud.errors import ApiError, invalid, zone_not_found
from localcloud.faults import FaultBook
from localcloud.fleet import Fleet
from localcloud.quota import Limits, Quota
from localcloud.ratelimit import RateLimit
from localcloud.stats import Stats
from localcloud.store import HostedZone, Store

JsonObject = dict[str, Any]

PROJECT_PATH = "/dns/v1/projects/{project}"
ZONE_PATH = PROJECT_PATH + "/managedZones/{managedZone}"

_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:_-]*")


@dataclass(frozen=True, slots=True)
class Call:
    """Path parameters (percent-decoded), query parameters and JSON body (`{}` when there is none) of one request.

    :param authorization: the header, empty without one.
    :param base_url: how the caller reached this server: `http://127.0.0.1:8053`.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Any]
    authorization: str = ""
    base_url: str = ""


@dataclass(slots=True)
class Service:
    """What a handler works with.

    :param limits: those of the start; what sets others may come later, and `restore_limits` brings these back.
    :param owner: the service account that may do everything; None asks nobody who they are.
    :param grant_delay: seconds until a change of a policy is enforced.
    :param done_after: seconds until a change turns from `pending` to `done`.
    :param page_size: entries of a list answer unless the caller asks for fewer.
    :param on_reset: called after the store was emptied.
    """

    store: Store
    limits: Limits = field(default_factory=Limits)
    rates: RateLimit = field(default_factory=RateLimit)
    stats: Stats = field(default_factory=Stats)
    faults: FaultBook = field(default_factory=FaultBook)
    connections: Connections = field(default_factory=Connections)
    fleet: Fleet = field(default_factory=Fleet)
    done_after: float = 0.0
    page_size: int = assumptions.MAX_PAGE_SIZE
    on_reset: list[Callable[[], None]] = field(default_factory=list)
    owner: str | None = None
    grant_delay: float = 0.0
    authority: Authority = field(init=False)
    _first_limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self._first_limits = self.limits
        self.authority = Authority(self.store, owner=self.owner, grant_delay=self.grant_delay)
        self.on_reset += [self.authority.tokens.clear, self.fleet.clear]

    @property
    def quota(self) -> Quota:
        return self.limits.quota

    def restore_limits(self) -> None:
        """The limits of the start, and no request counted yet."""
        self.limits = self._first_limits
        self.rates.clear()


Handler = Callable[[Service, Call], JsonObject]
BodyReader = Callable[[Request], Awaitable[JsonObject]]


@dataclass(frozen=True, slots=True)
class Method:
    """A route: the method's id in Google's discovery document, HTTP verb, Starlette path, and who answers.

    :param reads: makes `Call.body` of a request whose body is no JSON object.
    :param answers: the response to what the handler returned, where it is no JSON object either.
    :param refuses: the response to an error, of an API that has a form of its own.
    """

    id: str
    verb: str
    path: str
    handler: Handler
    reads: BodyReader | None = None
    answers: Callable[[JsonObject], Response] | None = None
    refuses: Callable[[ApiError], Response] | None = None

    @property
    def is_control(self) -> bool:
        return self.id.startswith("localcloud.")

    @property
    def counted_as(self) -> str:
        """The name in stats and in faults."""
        return self.id.removeprefix("dns.")

    @property
    def service(self) -> str:
        """The API that the method belongs to: `dns`, `cloudresourcemanager`."""
        return self.id.partition(".")[0]


def project_of(call: Call) -> str:
    """The project in the path; any well-formed id exists. Raises ApiError 400 otherwise."""
    project = call.path["project"]
    if _PROJECT.fullmatch(project) is None:
        raise ApiError(400, [invalid("parameters.project", project)])
    return project


def zone_of(service: Service, call: Call) -> HostedZone:
    """The zone in the path, by name or by id. Raises ApiError 404 when the project has no such zone."""
    hosted = service.store.find(project_of(call), call.path["managedZone"])
    if hosted is None:
        raise zone_not_found(call.path["managedZone"])
    return hosted
