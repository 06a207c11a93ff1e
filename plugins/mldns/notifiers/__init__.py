"""Messages to people: what an `on_failure_callback` of a training with names tells."""

from mldns.notifiers.alert import AlertNotifier
from mldns.notifiers.webhook import WebhookAlertNotifier

__all__ = ["AlertNotifier", "WebhookAlertNotifier"]
