"""boto3 and mldns's own provider, pointed at a localcloud's Route 53."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from mldns.providers.aws.client import Route53Client
from mldns.providers.aws.pacing import Pace
from mldns.providers.aws.provider import Route53Provider
from mldns.providers.retry import RetryPolicy

ACCOUNT, REGION = "123456789012", "eu-west-1"
VPC = "vpc-0abc12345678"
QUICK = RetryPolicy(initial=0.02, maximum=0.2, deadline=10.0)


def boto_client(url: str, service: str = "route53", *, silence: float = 10.0) -> Any:
    """boto3's client of a service of the stand-in, without retries of its own.

    :param silence: seconds without an answer after which a call has failed.
    """
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=silence)
    keys = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, config=config, **keys)


def route53_provider(url: str, *, retrying: RetryPolicy = QUICK, silence: float = 10.0) -> Route53Provider:
    """mldns's provider at the stand-in, at no pace: what that does is tested by itself."""
    client = Route53Client(boto_client(url, silence=silence), account=ACCOUNT, retrying=retrying, pace=Pace(1e6))
    return Route53Provider(client)
