"""The same world at AWS: a hosted zone of an account, seeded and looked at by boto3."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

from mldns.hooks.cloud_dns import CloudDNSHook
from mldns.hooks.route53 import Route53Hook
from mldns.providers.aws.client import Route53Client
from mldns.providers.aws.pacing import Pace
from mldns.providers.aws.provider import DOCUMENTED, Route53Provider
from mldns.providers.retry import Patience
from tests.cloud_fixture import Cloud
from tests.mldns.under_fire.world import DNS_NAME, FOREIGN, QUICK, Json, World
from tests.route53_fixture import ACCOUNT, REGION, VPC, boto_client

SMALL = replace(DOCUMENTED, elements=104)
"""As if AWS took so little: a job of 150 has first, middle and last changes, as at Google."""


def aws_connection(cloud: Cloud) -> str:
    """An Airflow connection to the stand-in."""
    extra = {"region_name": REGION, "endpoint_url": cloud.api, "requests_per_second": 1e6}
    return json.dumps({"conn_type": "aws", "login": "anybody", "password": "anything", "extra": extra})


@dataclass(frozen=True)
class AwsWorld(World):
    """`World` over Route 53."""

    @property
    def _boto(self) -> Any:
        return _client(self.cloud.api)

    @property
    def _zone(self) -> str:
        return str(self._boto.list_hosted_zones_by_name(DNSName=DNS_NAME)["HostedZones"][0]["Id"])

    def hook(self, patience: Patience | None = QUICK) -> CloudDNSHook:
        hook = Route53Hook(patience=patience)
        boto = _client(self.cloud.api, hook.patience.silence)  # made once: boto3 takes half a second
        client = Route53Client(boto, account=ACCOUNT, retrying=hook.patience.failures, pace=Pace(1e6))
        vars(hook).update(project_id=ACCOUNT, _provider=Route53Provider(client, SMALL))
        return cast("CloudDNSHook", hook)

    def seed(self) -> None:
        self.cloud.reset()
        vpc = {"VPCRegion": REGION, "VPCId": VPC}
        self._boto.create_hosted_zone(Name=DNS_NAME, CallerReference="somebody", VPC=vpc)
        self.change(additions=FOREIGN)

    def change(self, *, additions: Sequence[Json] = (), deletions: Sequence[Json] = ()) -> None:
        sides = (("DELETE", deletions), ("CREATE", additions))
        changes = [{"Action": action, "ResourceRecordSet": _sent(record)} for action, side in sides for record in side]
        self._boto.change_resource_record_sets(HostedZoneId=self._zone, ChangeBatch={"Changes": changes})

    def records(self) -> list[Json]:
        pages = self._boto.get_paginator("list_resource_record_sets").paginate(HostedZoneId=self._zone)
        found = [_read(record) for page in pages for record in page["ResourceRecordSets"]]
        return [record for record in found if record["type"] not in ("NS", "SOA")]  # which tell the zone's number

    def picture(self) -> Json:
        zones = []
        for found in self._boto.list_hosted_zones()["HostedZones"]:
            whole = self._boto.get_hosted_zone(Id=found["Id"])
            resource = {"ResourceType": "hostedzone", "ResourceId": found["Id"].rpartition("/")[2]}
            tags = self._boto.list_tags_for_resource(**resource)["ResourceTagSet"]["Tags"]
            zones.append({"name": found["Name"], "config": found["Config"], "vpcs": whole["VPCs"], "tags": tags})
        return {"zones": sorted(zones, key=lambda zone: str(zone["name"])), "records": self.records()}


@cache
def _client(url: str, silence: float = 20.0) -> Any:
    return boto_client(url, silence=silence)


def _sent(record: Json) -> Json:
    values = [{"Value": value} for value in record["rrdatas"]]
    return {"Name": record["name"], "Type": record["type"], "TTL": record["ttl"], "ResourceRecords": values}


def _read(found: Json) -> Json:
    values = [value["Value"] for value in found["ResourceRecords"]]
    return {"name": found["Name"], "type": found["Type"], "ttl": found["TTL"], "rrdatas": values}
