"""What every operator on zones shares: how it reaches its cloud, and which failures no retry can mend."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from airflow.sdk import Asset, AssetAlias, BaseHook, BaseOperator, BaseOperatorLink

from mldns import arguments
from mldns.airflow_versions import RefusingOperator, failing_at_once
from mldns.exceptions import (
    ClaimRefused,
    InvalidInput,
    LeaseLost,
    MldnsError,
    OwnershipConflict,
    PlanChanged,
    RemovalsRefused,
    ZoneMismatch,
    ZoneNotEmpty,
    ZoneNotFound,
    ZoneNotOurs,
)
from mldns.gate.servers import Server, servers_to_ask
from mldns.messages import clipped
from mldns.tasks.links import ZoneLink
from mldns.tasks.outlets import leave_out_silent

if TYPE_CHECKING:
    from airflow.sdk import Context, RetryPolicy

    from mldns.hooks.cloud_dns import CloudDNSHook

log = logging.getLogger(__name__)

# A retry meets the same input, the same zone and the same foreign record again; after a lost lease it would take the
# names back from the run that has them now. A claim waits for its turn by itself (`claim_timeout`). This leaves the
# exceptions themselves alone, with the data they carry for callbacks, where raising AirflowFailException instead would
# hide them.
FAIL_AT_ONCE = failing_at_once(
    [
        ClaimRefused,
        InvalidInput,
        LeaseLost,
        OwnershipConflict,
        PlanChanged,
        RemovalsRefused,
        ZoneMismatch,
        ZoneNotEmpty,
        ZoneNotOurs,
    ]
)


@dataclass(frozen=True, slots=True)
class AskedZone:
    """A managed zone as the gate asks for it: `servers` are those that must all answer."""

    visibility: str
    dns_name: str
    name_servers: tuple[str, ...]
    servers: tuple[Server, ...]


class GoogleOperator(BaseOperator):
    """What every task that asks Google takes. It may stand before another base, such as Airflow's sensor.

    :param project_id: Google project of the zone, the instances or the cluster; the connection's default when not
        given.
    :param gcp_conn_id: Airflow connection of type `google_cloud_platform`.
    :param impersonation_chain: service account to impersonate, or a chain of them.
    """

    template_fields: Sequence[str] = ("project_id", "gcp_conn_id", "impersonation_chain")

    def __init__(
        self,
        *,
        project_id: str | None = None,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_id = project_id
        self.gcp_conn_id = gcp_conn_id
        self.impersonation_chain = impersonation_chain

    @property
    def identity(self) -> dict[str, Any]:
        """As whom to ask: the arguments that every Google hook takes; only when templates are rendered."""
        chain = arguments.texts(self.impersonation_chain, "impersonation_chain") or None
        return {"gcp_conn_id": self.gcp_conn_id, "impersonation_chain": chain}


def dns_hook(gcp_conn_id: str, impersonation_chain: Sequence[str] | None = None) -> CloudDNSHook:
    """Return the hook of the cloud that a connection is of: of type `aws` Route 53's, else Google's.

    The two have the same methods, but for what only one of the clouds can do.

    :param impersonation_chain: at Google: service accounts to impersonate.
    :raises MldnsError: the cloud's Airflow provider is not installed; which extra of mldns brings it.
    """
    conn_type, extra = BaseHook.get_connection(gcp_conn_id).conn_type, "google"
    try:
        if conn_type != "aws":
            from mldns.hooks.cloud_dns import CloudDNSHook

            return CloudDNSHook(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain)
        extra = "amazon"
        from mldns.hooks.route53 import Route53Hook
    except ModuleNotFoundError as missing:
        raise MldnsError(
            f"connection {gcp_conn_id!r} is of type {conn_type!r}, and {missing.name} is not installed: "
            f"pip install 'mldns[{extra}]'"
        ) from missing
    if impersonation_chain:
        raise InvalidInput(f"impersonation_chain is Google's; connection {gcp_conn_id!r} of type 'aws' has role_arn")
    return cast("CloudDNSHook", Route53Hook(gcp_conn_id))


FAILURE_XCOM = "mldns_failure"
"""The key under which a failed task leaves what was wrong and what to do, for the run's DNS tab."""


def report_failure(context: Context) -> None:
    """Say in two lines what was wrong and what to do: at the log's end, behind the traceback, and in the DNS tab."""
    error = context.get("exception")
    if isinstance(error, MldnsError):
        what, todo = (clipped(text, 1_000) for text in error.what_and_todo)
        log.error("%s", what)
        if todo:
            log.error("To do: %s", todo)
        context["ti"].xcom_push(key=FAILURE_XCOM, value={"what": what, "todo": todo})


class CloudDNSOperator(RefusingOperator, GoogleOperator):
    """The base of every task on a zone: of the operators, and beside Airflow's own base of the sensor.

    :param conn_id: instead of `gcp_conn_id`: an Airflow connection of any cloud (`google_cloud_platform`, `aws`), whose
        type says which. At AWS `project_id` is the account's number, and may be left out.
    :param retry_policy: what to do after a failure; refusals fail at once by default, whatever `retries` says.
    """

    emits: ClassVar[Sequence[Asset | AssetAlias]] = ()
    operator_extra_links: Collection[BaseOperatorLink] = (ZoneLink(),)
    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        conn_id: str | None = None,
        retry_policy: RetryPolicy | None = FAIL_AT_ONCE,
        **kwargs: Any,
    ) -> None:
        if conn_id is not None:
            kwargs["gcp_conn_id"] = conn_id
        # Airflow looks for a DAG's default_args in each class's signature: what a class fills in itself hides them. So
        # the retry policy is a default of this signature, and our outlets are put beside those that a DAG gives.
        super().__init__(retry_policy=retry_policy, **kwargs)
        self.add_outlets(self.emits)
        self.on_failure_callback = [*self.on_failure_callback, report_failure]
        self.on_retry_callback = [*self.on_retry_callback, report_failure]

    def post_execute(self, context: Context, result: Any = None) -> None:  # noqa: ARG002 - Airflow's signature
        leave_out_silent(self, context)

    @cached_property
    def hook(self) -> CloudDNSHook:
        """The hook behind this task, of the cloud that the connection is of; only for `execute`."""
        return dns_hook(**self.identity)

    @property
    def project(self) -> str | None:
        """The project to name to the hook; None leaves it to the connection."""
        return arguments.text(self.project_id) or None

    def asked_zone(self, name: str, name_servers: Any = None, resolvers: Any = None) -> AskedZone:
        """Read a zone, and from it whom to ask.

        :param name: of the managed zone.
        :param name_servers: instead of those that the connection names, or the zone itself.
        :param resolvers: instead of those that the connection names.
        :raises ZoneNotFound: it does not exist.
        :raises InvalidInput: a server cannot be read, or nobody is there to ask.
        """
        zone = self.hook.get_zone(zone=name, project_id=self.project)
        if zone is None:
            raise ZoneNotFound(name, self.project or self.hook.project_id)
        visibility = zone.get("visibility", "public")
        given = arguments.texts(name_servers, "name_servers") or self.hook.name_server_addresses
        asked = tuple(given or zone.get("nameServers", ()))
        seen_by_workers = arguments.texts(resolvers, "resolvers") or self.hook.resolver_addresses
        servers = servers_to_ask(
            visibility=visibility,
            name_servers=asked,
            resolvers=seen_by_workers,
            vpc_resolver=self.hook.vpc_resolver,
        )
        return AskedZone(visibility, zone["dnsName"], asked, servers)
