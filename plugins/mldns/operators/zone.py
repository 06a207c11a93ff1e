"""Operators on managed zones: make sure of one, delete one that mldns made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mldns import arguments
from mldns.tasks.base import CloudDNSOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class CloudDNSEnsureZoneOperator(CloudDNSOperator):
    """Create the managed zone, or compare it with what is wanted.

    Another dnsName or visibility under the same name is an error, never a second zone. Other differences are reported
    as `drift` and not repaired.

    :param zone: name of the managed zone.
    :param dns_name: the DNS name that it serves, such as `ml.example.com.`.
    :param visibility: `private` unless said otherwise.
    :param networks: URLs of the VPC networks that see a private zone.
    :param labels: more labels; `managed-by=mldns` is always there.
    :param description: shown in Google's console.
    :param allow_unbound: accept a private zone without networks, which nobody can see yet.

    Returns the zone as the API gives it (`name`, `dnsName`, `nameServers`, …) plus `created` and `drift`.
    """

    template_fields: Sequence[str] = (
        *CloudDNSOperator.template_fields,
        "zone",
        "dns_name",
        "visibility",
        "networks",
        "labels",
        "description",
        "allow_unbound",
    )

    def __init__(
        self,
        *,
        zone: str,
        dns_name: str,
        visibility: str = "private",
        networks: Sequence[str] | str = (),
        labels: Mapping[str, str] | str | None = None,
        description: str = "",
        allow_unbound: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.zone = zone
        self.dns_name = dns_name
        self.visibility = visibility
        self.networks = networks
        self.labels = labels
        self.description = description
        self.allow_unbound = allow_unbound

    def execute(self, context: Context) -> dict[str, Any]:
        zone = self.hook.ensure_zone(
            zone=self.zone,
            dns_name=self.dns_name,
            visibility=self.visibility,
            networks=arguments.texts(self.networks, "networks"),
            labels=arguments.mapping(self.labels, "labels"),
            description=arguments.text(self.description),
            allow_unbound=arguments.flag(self.allow_unbound, "allow_unbound"),
            project_id=self.project,
        )
        self.log.info(
            "Zone %s (%s, %s) %s; name servers %s",
            zone["name"],
            zone["dnsName"],
            zone.get("visibility", "public"),
            "created" if zone["created"] else "exists",
            ", ".join(zone.get("nameServers", ())) or "none",
        )
        for drift in zone["drift"]:
            self.log.warning("Drift: %s is %s, wanted %s", drift["field"], drift["found"], drift["wanted"])
        return dict(zone)


class CloudDNSDeleteZoneOperator(CloudDNSOperator):
    """Delete a managed zone that mldns made, told by its label. A zone that is gone already is success.

    :param zone: name of the managed zone.

    Returns `{"deleted": bool}`.
    """

    template_fields: Sequence[str] = (*CloudDNSOperator.template_fields, "zone")

    def __init__(self, *, zone: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zone = zone

    def execute(self, context: Context) -> dict[str, Any]:
        result = self.hook.delete_zone(zone=self.zone, project_id=self.project)
        self.log.info("Zone %s %s", self.zone, "deleted" if result["deleted"] else "was not there")
        return dict(result)
