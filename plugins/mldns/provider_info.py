"""What Airflow lists of an installed mldns: `airflow providers get mldns` and the commands beside it.

The keys are those of Airflow's `provider_info.schema.json`. The plugin is not among them: it has an entry point of its
own, and Airflow would take the second one for a mistake.
"""

from __future__ import annotations

from typing import Any

_GOOGLE = "Google Cloud DNS"
_AWS = "Amazon Route 53"
_DNS = "DNS"


def get_provider_info() -> dict[str, Any]:
    """Return the provider as the entry point `apache_airflow_provider` promises it.

    :return: names of modules and classes only; nothing of them is imported here.
    """
    return {
        "package-name": "mldns",
        "name": "mldns",
        "description": "DNS for distributed training: plan, write, prove, hand over, release.",
        "integrations": [
            {
                "integration-name": _GOOGLE,
                "external-doc-url": "https://cloud.google.com/dns/docs",
                "tags": ["gcp"],
            },
            {
                "integration-name": _AWS,
                "external-doc-url": "https://docs.aws.amazon.com/Route53/latest/APIReference/",
                "tags": ["aws"],
            },
            {
                "integration-name": _DNS,
                "external-doc-url": "https://www.rfc-editor.org/rfc/rfc1035",
                "tags": ["protocol"],
            },
        ],
        "operators": [
            {
                "integration-name": _GOOGLE,
                "python-modules": [
                    "mldns.operators.cloud_dns",
                    "mldns.operators.discovery",
                    "mldns.operators.reconcile",
                ],
            },
            {"integration-name": _DNS, "python-modules": ["mldns.operators.dns"]},
        ],
        "hooks": [
            {"integration-name": _GOOGLE, "python-modules": ["mldns.hooks.cloud_dns", "mldns.hooks.compute"]},
            {"integration-name": _AWS, "python-modules": ["mldns.hooks.route53"]},
        ],
        "sensors": [{"integration-name": _DNS, "python-modules": ["mldns.sensors.resolution"]}],
        "triggers": [{"integration-name": _DNS, "python-modules": ["mldns.triggers.resolution"]}],
        "notifications": ["mldns.notifiers.AlertNotifier", "mldns.notifiers.WebhookAlertNotifier"],
        "extra-links": ["mldns.links.ZoneLink", "mldns.links.JobLink"],
    }
