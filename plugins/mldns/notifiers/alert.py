"""The notifier that knows what to say, and not yet to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier

from mldns.airflow_versions import conf
from mldns.exceptions import MldnsError
from mldns.notifiers.message import Alert, Place, alert_of
from mldns.tasks.links import page_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class AlertNotifier(BaseNotifier):
    """Sends one message for each task that failed for want of its names; derive from it and say how (`send`).

    Give it to a DAG's tasks, `default_args={"on_failure_callback": …}`: Airflow then calls it in the failed task's own
    process, with the exception. Tasks of others that fail with something else are left to other callbacks.
    """

    def notify(self, context: Context) -> None:
        """Build the message and send it; nothing where the failure is not about names."""
        error, task = context.get("exception"), context["task"]
        if not isinstance(error, MldnsError) and not type(task).__module__.startswith("mldns."):
            return
        known = error if isinstance(error, BaseException) else None
        self.send(alert_of(known, place_of(context, task)))

    def send(self, alert: Alert) -> None:
        """Deliver it: `alert.text`, or `alert.escaped` where the receiver reads markup."""
        raise NotImplementedError(f"{type(self).__name__} does not say how to send")


def place_of(context: Context, task: Any) -> Place:
    """Which task of which run, and the addresses of both pages about it."""
    instance = context["ti"]
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    run = f"{base}/dags/{quote(instance.dag_id, safe='')}/runs/{quote(instance.run_id, safe='')}"
    return Place(
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        task_id=instance.task_id,
        run_link=run if base else "",
        page_link=(page_of(task) or f"{base}/plugin/dns") if base else "",
    )
