"""The message as `{"text": …}` to a webhook, which is what Slack, Mattermost, Rocket.Chat and Teams take."""

from __future__ import annotations

from airflow.sdk import BaseHook

from mldns.exceptions import InvalidInput
from mldns.notifiers.alert import AlertNotifier
from mldns.notifiers.message import Alert

SECONDS = 10.0
"""To connect, and of silence: a task's process waits for it."""


class AlertNotSent(RuntimeError):
    """The webhook did not take the message. Its address is not named: the end of it is a secret."""


class WebhookAlertNotifier(AlertNotifier):
    """POSTs `alert.escaped` to the URL of an Airflow connection.

    :param conn_id: a connection whose host begins the URL, scheme included, and whose password ends it: with
        `https://hooks.slack.com/services` and `T0/B0/secret` as Airflow's Slack connections have them.
    """

    def __init__(self, conn_id: str) -> None:
        super().__init__()
        self.conn_id = conn_id

    def send(self, alert: Alert) -> None:
        import requests

        try:
            answer = requests.post(self._url(), json={"text": alert.escaped}, timeout=SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            # Neither its message nor its cause: both hold the URL.
            raise AlertNotSent(f"the webhook of connection {self.conn_id!r} failed: {type(error).__name__}") from None
        if not 200 <= answer.status_code < 300:
            raise AlertNotSent(f"the webhook of connection {self.conn_id!r} answered HTTP {answer.status_code}")

    def _url(self) -> str:
        connection = BaseHook.get_connection(self.conn_id)
        base, secret = (connection.host or "").rstrip("/"), (connection.password or "").lstrip("/")
        if not base.startswith(("https://", "http://")):
            raise InvalidInput(f"connection {self.conn_id!r}: its host is the webhook's URL and begins with https://")
        return f"{base}/{secret}" if secret else base
