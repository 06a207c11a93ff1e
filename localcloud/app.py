"""The HTTP application: it calls the method of a route, answers its errors in Google's form, and counts the calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from localcloud.admission import admit
from localcloud.bodies import JsonAnswer, read_object
from localcloud.calls import Call, Method, Service
from localcloud.errors import ApiError, Problem, not_implemented
from localcloud.front import FrontEnd
from localcloud.mishaps import NoAnswer, inflict
from localcloud.partial import parse_fields, partial
from localcloud.route53 import identity, records
from localcloud.route53 import zones as hosted_zones
from localcloud.routes import (
    changes,
    compute,
    control,
    faults,
    kubernetes,
    limits,
    managed_zones,
    resource_manager,
    rrsets,
    service_accounts,
    tokens,
    zone_iam,
)

log = logging.getLogger(__name__)

# A path with `:verb` comes before the plain one, whose last parameter would swallow the verb.
METHODS: tuple[Method, ...] = (
    *zone_iam.METHODS,
    *managed_zones.METHODS,
    *changes.METHODS,
    *rrsets.METHODS,
    *resource_manager.METHODS,
    *control.METHODS,
    *faults.METHODS,
    *limits.METHODS,
    *tokens.METHODS,
    *service_accounts.METHODS,
    *compute.METHODS,
    *kubernetes.METHODS,
    *hosted_zones.METHODS,
    *records.METHODS,
    *identity.METHODS,
)

_Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(service: Service, *, latency: float = 0.0, host_names: Collection[str] = ()) -> Starlette:
    """The application; each API call takes `latency` seconds longer than it needs.

    :param host_names: further names that it answers to, see `front.FrontEnd`.
    """
    service.faults.methods = frozenset(m.counted_as for m in METHODS if not m.is_control)
    routes = [Route(m.path, _endpoint(m, service, latency), methods=[m.verb]) for m in METHODS]

    async def unknown(request: Request, _error: Exception) -> JsonAnswer:
        service.stats.count("unimplemented", 501)
        return _refusal(not_implemented(f"{request.method} {request.url.path}"))

    front = Middleware(FrontEnd, host_names=host_names)
    app = Starlette(routes=routes, middleware=[front], exception_handlers={HTTPException: unknown})
    app.router.redirect_slashes = False
    return app


def _endpoint(method: Method, service: Service, latency: float) -> _Endpoint:
    reads, refuses = method.reads or read_object, method.refuses or _refusal

    async def answer(request: Request) -> Response:
        try:
            call = Call(
                request.path_params,
                request.query_params,
                await reads(request),
                authorization=request.headers.get("authorization", ""),
                base_url=str(request.base_url).rstrip("/"),
            )
            if not method.is_control:
                admit(service, method, call)
            if method.answers:
                return method.answers(method.handler(service, call))
            fields = call.query.get("fields")
            if fields:
                parse_fields(fields)  # refused before anything is done
            return JsonAnswer(partial(method.handler(service, call), fields))
        except ApiError as error:
            return refuses(error)
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return refuses(ApiError(500, [Problem("backendError", "localcloud failed; its log says why.")]))

    async def endpoint(request: Request) -> Response:
        if latency:
            await asyncio.sleep(latency)
        fault = service.faults.draw(method.counted_as)
        if fault is None:
            response = await answer(request)
        else:
            with contextlib.suppress(ClientDisconnect):
                await request.body()  # what befalls a call befalls it after it was sent
            response = await inflict(fault, method.counted_as, lambda: answer(request), service.connections)
        outcome = response.outcome if isinstance(response, NoAnswer) else response.status_code
        service.stats.count(method.counted_as, outcome)
        return response

    return answer if method.is_control else endpoint


def _refusal(error: ApiError) -> JsonAnswer:
    return JsonAnswer(error.body(), status_code=error.code, headers=error.headers)
