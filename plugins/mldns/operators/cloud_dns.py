"""The operators of mldns under their public import path."""

from __future__ import annotations

from mldns.operators.handoff import CloudDNSHandOffOperator
from mldns.operators.iam import CloudDNSBindIamOperator, CloudDNSUnbindIamOperator
from mldns.operators.preflight import CloudDNSPreflightOperator
from mldns.operators.records import (
    CloudDNSClaimOperator,
    CloudDNSDeleteRecordsOperator,
    CloudDNSUpsertRecordsOperator,
)
from mldns.operators.zone import CloudDNSDeleteZoneOperator, CloudDNSEnsureZoneOperator

__all__ = [
    "CloudDNSBindIamOperator",
    "CloudDNSClaimOperator",
    "CloudDNSDeleteRecordsOperator",
    "CloudDNSDeleteZoneOperator",
    "CloudDNSEnsureZoneOperator",
    "CloudDNSHandOffOperator",
    "CloudDNSPreflightOperator",
    "CloudDNSUnbindIamOperator",
    "CloudDNSUpsertRecordsOperator",
]
