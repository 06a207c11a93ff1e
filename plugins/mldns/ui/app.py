"""The web application behind the page: some files, shown to users who may see plugins, and to nobody else.

Airflow mounts the applications of plugins without any authentication, so this one demands a user itself, and on the
application rather than on each route: a route added later cannot forget it. Files are served by a route, not by a
mount, which would inherit nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status

URL_PREFIX: Final = "/mldns"

CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

SECURITY_HEADERS: Final = {
    # Airflow's session cookie is readable by scripts: whatever slips through the escaping must find nothing to run,
    # and nowhere to send it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The files change with the release, and hold nothing of anybody; but only a logged-in user is to have them.
    "Cache-Control": "private, no-cache",
}


def make_app() -> FastAPI:
    """The application, to be mounted at `URL_PREFIX`."""
    app = FastAPI(
        title="mldns",
        dependencies=[Depends(requires_access_view(AccessView.PLUGINS))],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would repeat whatever Host the request came with
    )
    files = _files()

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(SECURITY_HEADERS)
        return response

    @app.get("/")
    def zones() -> Response:
        """Every zone and job."""
        return files["zones.html"].answer()

    @app.get("/run")
    def run() -> Response:
        """One DAG run's part, as a tab of the run; which run, the page reads from its own address."""
        return files["run.html"].answer()

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        """A file of the two pages."""
        found = files.get(name)
        if found is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, "no such file")
        return found.answer()

    return app


class _File:
    """A file of the package, read once."""

    def __init__(self, name: str, content: bytes) -> None:
        self._content = content
        self._type = CONTENT_TYPES[name[name.rindex(".") :]]

    def answer(self) -> Response:
        return Response(self._content, media_type=self._type)


def _files() -> dict[str, _File]:
    """By name: exactly what the package holds, so that no path leads out of it."""
    folder = resources.files("mldns.ui") / "static"
    return {item.name: _File(item.name, item.read_bytes()) for item in folder.iterdir() if item.is_file()}
