"""The HTTP application: routes to handlers, errors to Google's envelopes, calls to counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Route

from localcloud.bodies import JsonAnswer, read_object
from localcloud.calls import Call, Method, Service
from localcloud.errors import ApiError, Problem, not_implemented
from localcloud.front import FrontEnd
from localcloud.routes import changes, control, managed_zones, resource_manager, rrsets, zone_iam

log = logging.getLogger(__name__)

# A path with `:verb` comes before the plain one, whose last parameter would swallow the verb.
METHODS: tuple[Method, ...] = (
    *zone_iam.METHODS,
    *managed_zones.METHODS,
    *changes.METHODS,
    *rrsets.METHODS,
    *resource_manager.METHODS,
    *control.METHODS,
)

_Endpoint = Callable[[Request], Awaitable[JsonAnswer]]


def build_app(service: Service, *, latency: float = 0.0) -> Starlette:
    """The application; each API call takes `latency` seconds longer than it needs. Answers on any Host."""
    routes = [Route(m.path, _endpoint(m, service, latency), methods=[m.verb]) for m in METHODS]

    async def unknown(request: Request, _error: Exception) -> JsonAnswer:
        service.stats.count("unimplemented", 501)
        return _refusal(not_implemented(f"{request.method} {request.url.path}"))

    app = Starlette(routes=routes, middleware=[Middleware(FrontEnd)], exception_handlers={HTTPException: unknown})
    app.router.redirect_slashes = False
    return app


def _endpoint(method: Method, service: Service, latency: float) -> _Endpoint:
    is_control = method.id.startswith("localcloud.")
    counted = method.id.removeprefix("dns.")

    async def endpoint(request: Request) -> JsonAnswer:
        if latency and not is_control:
            await asyncio.sleep(latency)
        try:
            call = Call(request.path_params, request.query_params, await read_object(request))
            answer = JsonAnswer(method.handler(service, call))
        except ApiError as error:
            answer = _refusal(error)
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            answer = _refusal(ApiError(500, [Problem("backendError", "localcloud failed; its log says why.")]))
        if not is_control:
            service.stats.count(counted, answer.status_code)
        return answer

    return endpoint


def _refusal(error: ApiError) -> JsonAnswer:
    return JsonAnswer(error.body(), status_code=error.code)
