"""The page as Airflow's plugin manager takes it: known to every component, built by the one that serves it.

Every task process runs the plugin's file; FastAPI and Airflow's access checks would cost each of them a second.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI


class PageOnDemand:
    """An ASGI application that builds `mldns.ui.app` at its first request."""

    @cached_property
    def app(self) -> FastAPI:
        from mldns.ui.app import make_app

        return make_app()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


FASTAPI_APPS: list[dict[str, Any]] = [{"app": PageOnDemand(), "url_prefix": "/mldns", "name": "mldns"}]
"""`AirflowPlugin.fastapi_apps`."""

EXTERNAL_VIEWS: list[dict[str, Any]] = [
    {
        "name": "DNS",
        "href": "mldns/",
        "destination": "nav",
        "url_route": "dns",
        "nav_top_level": True,
        "icon": "mldns/static/icon.svg",
        "icon_dark_mode": "mldns/static/icon-dark.svg",
    },
    {
        "name": "DNS",
        "href": "mldns/run?dag_id={DAG_ID}&run_id={RUN_ID}",
        "destination": "dag_run",
        "url_route": "dns-run",
        "icon": "mldns/static/icon.svg",
        "icon_dark_mode": "mldns/static/icon-dark.svg",
    },
]
"""`AirflowPlugin.external_views`; hrefs are relative, since Airflow may live below a prefix."""
