"""Alerts: one message to a person on call for each task that failed for want of its names.

`message` builds it from the data that mldns's exceptions carry, pure; `AlertNotifier` is an `on_failure_callback` that
does not know yet whom to send to, and `WebhookAlertNotifier` posts it to a webhook. An alert holds nothing of other
exceptions than mldns's own: their texts may hold secrets.
"""

from mldns.notifiers.alert import AlertNotifier
from mldns.notifiers.webhook import WebhookAlertNotifier

__all__ = ["AlertNotifier", "WebhookAlertNotifier"]
