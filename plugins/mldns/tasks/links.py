"""The buttons on a task's page: its zone in the cloud's console, and its job on the "DNS" page.

Airflow asks for a link when the task has run, in the worker, with the task's templates rendered, and keeps the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink

from mldns.airflow_versions import conf

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class ZoneLink(BaseOperatorLink):
    """The zone in its cloud's console."""

    name = "Zone in the console"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The console's page of the operator's zone; nothing where no zone or project is known."""
        zone = text_of(operator, "zone")
        project = project_of(operator) if zone else ""
        try:
            return str(operator.hook.console_url(zone, project)) if project else ""  # type: ignore[attr-defined]
        except Exception:  # noqa: BLE001 - as of `project_of`
            return ""


class JobLink(BaseOperatorLink):
    """The job on the "DNS" page of this Airflow."""

    name = "Job on the DNS page"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """The page with the job searched for; nothing where the operator has no job."""
        return page_of(operator)


def page_of(operator: BaseOperator) -> str:
    """The "DNS" page with the operator's job searched for; nothing where it has no job."""
    job = text_of(operator, "job")
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return f"{base}/plugin/dns?{urlencode({'search': job})}" if job else ""


def text_of(operator: BaseOperator, field: str) -> str:
    """A rendered argument, or nothing."""
    value = getattr(operator, field, None)
    return value.strip() if isinstance(value, str) else ""


def project_of(operator: BaseOperator) -> str:
    """The operator's own project, or the connection's, or nothing where the connection does not say."""
    if named := text_of(operator, "project_id"):
        return named
    try:
        return str(operator.hook.project_id)  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - a task that failed for want of its connection needs no second traceback
        return ""
