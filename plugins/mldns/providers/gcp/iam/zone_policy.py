"""The IAM policy of a managed zone, through Cloud DNS."""

from __future__ import annotations

from collections.abc import Sequence

from mldns.iam.policy import IamPolicy
from mldns.providers.gcp.client import DNSClient


class ZonePolicy:
    """The policy of one managed zone."""

    def __init__(self, client: DNSClient, zone: str) -> None:
        self.resource = f"projects/{client.project}/managedZones/{zone}"
        self._client, self._zone = client, zone

    def read(self) -> IamPolicy:
        return self._client.get_zone_policy(self._zone)

    def write(self, policy: IamPolicy) -> None:
        self._client.set_zone_policy(self._zone, policy)

    def test(self, permissions: Sequence[str]) -> list[str]:
        return self._client.test_zone_permissions(self._zone, permissions)
