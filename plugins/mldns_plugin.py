"""The only file that Airflow's plugin loader executes; `.airflowignore` keeps it from running the package file by file.

The loader puts every file that it runs into `sys.modules` under its bare name, where a `dns.py` would replace
dnspython. This file runs again in every task process, so it stays light.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from mldns.ui.mounted import EXTERNAL_VIEWS, FASTAPI_APPS


class MldnsPlugin(AirflowPlugin):
    """mldns as Airflow lists it."""

    name = "mldns"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = FASTAPI_APPS
    external_views: ClassVar[list[dict[str, Any]]] = EXTERNAL_VIEWS
