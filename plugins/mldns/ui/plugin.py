"""The plugin as Airflow lists it. It runs in every component and every task process, so it stays light."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from mldns.records.names import job_label
from mldns.ui.mounted import EXTERNAL_VIEWS, FASTAPI_APPS

MACROS = [job_label]


class MldnsPlugin(AirflowPlugin):
    """mldns as Airflow lists it."""

    name = "mldns"
    macros = MACROS
    fastapi_apps = FASTAPI_APPS
    external_views = EXTERNAL_VIEWS
