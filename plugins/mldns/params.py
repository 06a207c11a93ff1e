"""The trigger form: the Params that the DAGs share, with what a person sees beside each field.

The schema refuses what can be refused by type alone, as a 400 before a run exists. Everything else is the preflight's:
its messages say what to write instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Param

from mldns.plan.plan import DEFAULT_POLICY, POLICIES
from mldns.records.rrset import MAX_TTL
from mldns.tasks.turns import CLAIM_TIMEOUT

# Fields that may stay empty take null, too: that is what the form sends for a field that was cleared.
_TEXT = {"type": ["null", "string"]}
_TEXTS = {"type": ["null", "array"], "items": {"type": "string"}}

_FORM: Mapping[str, Mapping[str, Any]] = {
    "project_id": {
        "default": "",
        **_TEXT,
        "title": "Project or account",
        "description": "Google project of the zone. Empty: the connection's own, as always at AWS.",
        "section": "Cloud",
    },
    "gcp_conn_id": {
        "default": "google_cloud_default",
        "type": "string",
        "title": "Connection",
        "description": "Airflow connection of type google_cloud_platform or aws: its type picks the cloud.",
        "section": "Cloud",
    },
    "zone": {
        "default": "ml",
        "type": "string",
        "title": "Zone",
        "description": (
            "Name of the Cloud DNS zone; at AWS the hosted zone's id, or its DNS name where one zone alone has it. "
            "It is created if it does not exist."
        ),
    },
    "dns_name": {
        "default": "ml.example.com.",
        "type": "string",
        "title": "DNS name",
        "description": "What the zone serves. All names of the job end in it.",
    },
    "visibility": {
        "default": "private",
        "enum": ["private", "public"],
        "title": "Visibility",
        "description": "A public zone publishes the workers' addresses to the Internet.",
    },
    "networks": {
        "default": [],
        **_TEXTS,
        "title": "VPC networks",
        "description": (
            "Who sees a private zone: projects/PROJECT/global/networks/NETWORK, or vpc-ID@REGION, one a line. Needed "
            "for a private zone that does not exist yet, unless Allow unbound is on."
        ),
    },
    "allow_unbound": {
        "default": False,
        "type": "boolean",
        "title": "Allow unbound",
        "description": "Let a private zone have no network yet: then nobody can see it.",
    },
    "job": {
        "default": "",
        **_TEXT,
        "title": "Job",
        "description": "One DNS label. Rank 0 becomes worker-0.JOB.ml.example.com. Needed with workers.",
    },
    "workers": {
        "default": None,
        "type": ["null", "array", "string"],
        "title": "Workers",
        "description": (
            'Addresses in order of rank, or mappings such as {"rank": 0, "address": "10.0.0.7", "slots": 8}, '
            "or the text of a hostfile. Needed, unless there are shared records; an empty list is an error."
        ),
    },
    "records": {
        "default": [],
        "type": ["null", "array"],
        "items": {"type": "object"},
        "title": "Shared records",
        "description": (
            'As in the API: {"name": "service.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}. '
            "They belong to the zone, not to the job, and stay when it is released."
        ),
    },
    "ttl": {
        "default": 30,
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_TTL,
        "title": "TTL of worker names",
        "description": "Seconds. 5 to 30 suits workers that come and go.",
    },
    "port": {
        "default": None,
        "type": ["null", "integer"],
        "minimum": 1,
        "maximum": 65535,
        "title": "Rendezvous port",
        "description": "Port of rank 0, for SRV record and hand-off. Null: no SRV record, 29500 in the hand-off.",
    },
    "reverse_zone": {
        "default": "",
        **_TEXT,
        "title": "Reverse zone",
        "description": (
            "Name of a Cloud DNS zone such as 10.in-addr.arpa. that holds every worker's address: PTR records are "
            "written there. It must exist. Empty: none."
        ),
    },
    "lease_hours": {
        "default": None,
        "type": ["null", "number"],
        "exclusiveMinimum": 0,
        "title": "Lease, hours",
        "description": "How long no other run may take over while this one is at work. Null: the next one may at once.",
        "section": "Ownership",
    },
    "claimant": {
        "default": "",
        **_TEXT,
        "title": "Claimant",
        "description": "Who claims the names. A DAG that triggers this one passes its own deployment/dag_id.",
        "section": "Ownership",
    },
    "lease": {
        "default": "",
        **_TEXT,
        "title": "Lease",
        "description": "The run that holds the names. A DAG that triggers this one passes its own run_id.",
        "section": "Ownership",
    },
    "policy": {
        "default": DEFAULT_POLICY,
        "enum": list(POLICIES),
        "title": "Policy",
        "description": "create-only changes nothing, upsert-only does, sync also removes the job's other names.",
        "section": "Ownership",
    },
    "adopt": {
        "default": False,
        "type": "boolean",
        "title": "Adopt",
        "description": "Take over what another run or claimant holds, and records that nobody owns and already fit.",
        "section": "Ownership",
    },
    "claim_timeout": {
        "default": CLAIM_TIMEOUT,
        "type": ["null", "number"],
        "minimum": 0,
        "title": "Claim timeout, seconds",
        "description": "How long to wait for another run of the same claimant that holds the names. 0 fails at once.",
        "section": "Ownership",
    },
    "iam_role": {
        "default": "",
        **_TEXT,
        "title": "IAM role",
        "description": "Role to give to the members below, such as roles/dns.reader. Needed with members.",
        "section": "IAM",
    },
    "iam_members": {
        "default": [],
        **_TEXTS,
        "title": "IAM members",
        "description": "Such as serviceAccount:trainer@project.iam.gserviceaccount.com, one a line. Empty: no binding.",
        "section": "IAM",
    },
    "iam_scope": {
        "default": "zone",
        "enum": ["zone", "project"],
        "title": "IAM scope",
        "description": "Where the role holds: this zone alone, or the whole project.",
        "section": "IAM",
    },
    "dry_run": {
        "default": False,
        "type": "boolean",
        "title": "Dry run",
        "description": "Check everything and show the plan; write nothing.",
    },
    "allow_addresses": {
        "default": [],
        **_TEXTS,
        "title": "Allowed networks",
        "description": "Networks to let through although other hosts cannot reach them, such as 127.0.0.0/8.",
    },
}


def form(*names: str, **defaults: Any) -> dict[str, Param]:
    """The Params of these names in this order; keywords replace a default."""
    return {name: Param(**{**_FORM[name], "default": defaults.get(name, _FORM[name]["default"])}) for name in names}


def values(*names: str, **renamed: str) -> dict[str, Any]:
    """Templates that hand Params to an operator: `values("zone", role="iam_role")` for its `zone` and `role`.

    They render to text; lists as JSON, which `mldns.arguments` reads back.
    """
    return {argument: _template(name) for argument, name in [*zip(names, names, strict=True), *renamed.items()]}


def _template(name: str) -> str:
    kind = _FORM[name].get("type", "string")
    return f"{{{{ params.{name}{' | tojson' if 'array' in kind else ''} }}}}"
