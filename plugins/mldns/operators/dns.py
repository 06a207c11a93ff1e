"""The operators for any cloud: `conn_id` names a connection, and its type picks the cloud.

They are those of `mldns.operators.cloud_dns`, which are called as Google's are; arguments and results are the same.
"""

from __future__ import annotations

from mldns.operators import cloud_dns
from mldns.operators.reconcile import CloudDNSReconcileOperator


class EnsureZoneOperator(cloud_dns.CloudDNSEnsureZoneOperator):
    """Make sure of a zone: `CloudDNSEnsureZoneOperator` by its other name."""


class DeleteZoneOperator(cloud_dns.CloudDNSDeleteZoneOperator):
    """Delete a zone that mldns made: `CloudDNSDeleteZoneOperator` by its other name."""


class ClaimOperator(cloud_dns.CloudDNSClaimOperator):
    """Claim a job's names: `CloudDNSClaimOperator` by its other name."""


class UpsertRecordsOperator(cloud_dns.CloudDNSUpsertRecordsOperator):
    """Write a job's records: `CloudDNSUpsertRecordsOperator` by its other name."""


class DeleteRecordsOperator(cloud_dns.CloudDNSDeleteRecordsOperator):
    """Release a job's names: `CloudDNSDeleteRecordsOperator` by its other name."""


class BindIamOperator(cloud_dns.CloudDNSBindIamOperator):
    """Give a role: `CloudDNSBindIamOperator` by its other name."""


class UnbindIamOperator(cloud_dns.CloudDNSUnbindIamOperator):
    """Take a role back: `CloudDNSUnbindIamOperator` by its other name."""


class HandOffOperator(cloud_dns.CloudDNSHandOffOperator):
    """Hand the names to the trainer: `CloudDNSHandOffOperator` by its other name."""


class PreflightOperator(cloud_dns.CloudDNSPreflightOperator):
    """Check everything before anything is written: `CloudDNSPreflightOperator` by its other name."""


class ReconcileOperator(CloudDNSReconcileOperator):
    """Compare zones with what their manifests say: `CloudDNSReconcileOperator` by its other name."""
