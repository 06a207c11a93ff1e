"""localcloud as AWS has it: the same process, looked at through Route 53."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.cloud import LocalCloud, Record

VPC, REGION = "vpc-0abc12345678", "eu-west-1"

PARAMS: dict[str, Any] = {
    "zone": "training.example.com",
    "dns_name": "training.example.com.",
    "networks": [f"{VPC}@{REGION}"],
    "job": "demo",
    "gcp_conn_id": "aws_default",
}


@dataclass(frozen=True, slots=True)
class LocalAws(LocalCloud):
    """A running localcloud with a resolver inside `VPC`."""

    def connection(self, api: str | None = None) -> dict[str, object]:
        """The Airflow connection that points AWS's hooks at it; see `LocalCloud.connection`."""
        extra = {"region_name": REGION, "endpoint_url": api or self.api, "resolver_addresses": [self.resolver]}
        return {"conn_type": "aws", "login": "anybody", "password": "anything", "extra": extra}

    def zones(self) -> list[Record]:
        """Return the hosted zones by the names that they serve."""
        boto = self._boto()
        whole = [boto.get_hosted_zone(Id=zone["Id"]) for zone in boto.list_hosted_zones()["HostedZones"]]
        return [
            {
                "name": zone["HostedZone"]["Name"].removesuffix("."),
                "id": zone["HostedZone"]["Id"],
                "nameServers": zone.get("DelegationSet", {}).get("NameServers", []),
            }
            for zone in whole
        ]

    def records(self, zone: str, suffix: str = "") -> list[Record]:
        """Return record sets; see `LocalCloud.records`."""
        found: list[Record] = []
        for number in (one["id"] for one in self.zones() if one["name"] == zone):
            pages = self._boto().get_paginator("list_resource_record_sets").paginate(HostedZoneId=number)
            found += [_record(listed) for page in pages for listed in page["ResourceRecordSets"]]
        return [one for one in found if f".{one['name']}".endswith(f".{suffix}")]

    def project_bindings(self) -> list[Record]:
        """Return none: mldns grants nothing at AWS."""
        return []

    def zone_bindings(self, zone: str) -> list[Record]:  # noqa: ARG002
        """Return none, as no zone has a policy."""
        return []

    def _boto(self) -> Any:
        import boto3

        keys = {"aws_access_key_id": "anybody", "aws_secret_access_key": "anything"}
        return boto3.client("route53", endpoint_url=self.api, region_name=REGION, **keys)


def _record(listed: Record) -> Record:
    values = [value["Value"] for value in listed["ResourceRecords"]]
    return {"name": listed["Name"], "type": listed["Type"], "ttl": listed["TTL"], "rrdatas": values}
