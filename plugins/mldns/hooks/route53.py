"""The hook: Route 53's hosted zones and a job's records in them, as `mldns.hooks.cloud_dns` at Google."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, NoReturn

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mldns.exceptions import InvalidInput
from mldns.hooks._access import PROJECT, project_default
from mldns.hooks._names import DONE_TIMEOUT
from mldns.hooks._records import RecordsHook
from mldns.hooks._zones import ZonesHook
from mldns.providers.aws.client import Route53Client
from mldns.providers.aws.failures import Failure, translate
from mldns.providers.aws.pacing import PER_SECOND, pace_of
from mldns.providers.aws.provider import Route53Provider
from mldns.providers.aws.zones import ZONE_ID, parse_zone, parse_zone_name
from mldns.providers.base import Zone, ZoneSpec
from mldns.providers.changes import wait_until_done
from mldns.providers.errors import Call
from mldns.providers.retry import Patience
from mldns.records.names import absolute

_CONSOLE = "https://console.aws.amazon.com/route53/v2/hostedzones"
_CONNECT_SECONDS = 10.0
_LEAST_PACE = 0.1


class Route53Hook(ZonesHook, RecordsHook, AwsBaseHook):
    """Route 53 through an Airflow connection of type `aws` (extras: `mldns.hooks._access`, and the provider's own).

    A zone is named by its id or by the name that it serves; where several have that name, only by its id.
    `project_id` is the account's number: the connection's own, and no other.

    :param aws_conn_id: the connection; its `endpoint_url` and `role_arn` are the provider's. boto3's retries are off
        whatever it says: mldns repeats what may be repeated.
        The extra `requests_per_second` is this process's share of the five that AWS takes from the account.
    :param patience: instead of what the connection says about how long to go on.

    All methods take keywords only. They raise `InvalidInput` (nothing was sent), `PermissionMissing`, `ZoneNotFound`,
    `QuotaShort`, `CloudUnavailable`, and what they say themselves.
    """

    vpc_resolver = "169.254.169.253"

    def __init__(self, aws_conn_id: str = "aws_default", *, patience: Patience | None = None, **kwargs: Any) -> None:
        super().__init__(aws_conn_id=aws_conn_id, client_type="route53", **kwargs)
        self._given_patience = patience
        self._zones: dict[tuple[str, str], Zone] = {}

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return str(self.aws_conn_id)

    @cached_property
    def project_id(self) -> str:
        """The account's number, asked for once: it keeps the requests of all tasks of a process within one pace."""

        def ask() -> str:
            try:
                return str(self.account_id)
            except (ClientError, BotoCoreError) as error:
                raise Failure(error) from error

        call = Call("GetCallerIdentity", self.connection_id, within="connection")
        try:
            return self.patience.failures.run(
                ask, what=str(call), repeatable=lambda error: isinstance(error, Failure) and error.transient
            )
        except Failure as failure:
            raise translate(failure, call) from failure

    def connection_extra(self, name: str) -> Any:
        """Return an extra of the connection; None where it has none of that name."""
        return self.conn_config.extra_config.get(name)

    def zone_name(self, zone: str) -> str:
        """Return what a hosted zone is known by: its id, or its name without the last dot."""
        return parse_zone_name(zone)

    def parsed_zone(self, *, project_id: str, allow_unbound: bool = False, **wanted: Any) -> ZoneSpec:
        """Return a hosted zone as asked for, by AWS's rules.

        :raises InvalidInput: also for `allow_unbound`: AWS makes no private zone without a VPC.
        """
        self._check_account(project_id)
        if allow_unbound:
            raise InvalidInput("allow_unbound: AWS makes no private zone without a VPC: name one in networks")
        return parse_zone(**wanted, region=self.region_name or "")

    def dns_provider(self, project_id: str) -> Route53Provider:
        """The zones of the connection's account."""
        self._check_account(project_id)
        return self._provider

    @cached_property
    def _provider(self) -> Route53Provider:
        silence = self.patience.silence
        ours = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=min(_CONNECT_SECONDS, silence),
            read_timeout=silence,
        )
        boto = self.get_client_type(config=self.config.merge(ours))
        account, share = self.project_id, self._seconds("requests_per_second", PER_SECOND)
        pace = pace_of(account, max(share, _LEAST_PACE))
        return Route53Provider(Route53Client(boto, account=account, retrying=self.patience.failures, pace=pace))

    def _check_account(self, account: str) -> None:
        if account != self.project_id:
            raise InvalidInput(
                f"project_id {account!r}: connection {self.connection_id!r} is of account {self.project_id}: "
                "leave it out, or name a connection of the other account"
            )

    def console_url(self, zone: str, project: str) -> str:
        """Return the page of a hosted zone in AWS's console; that of all zones where its id is not known."""
        known = self._zones.get((project, zone))
        zone_id = known.id if known else zone
        return f"{_CONSOLE}#ListRecordSets/{zone_id}" if ZONE_ID.fullmatch(zone_id) else _CONSOLE

    def policy_store(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: AWS keeps grants with the roles that have them; mldns neither makes nor compares them there."""
        raise InvalidInput(
            "at AWS no zone has a policy, and mldns gives no role: allow the role route53:ChangeResourceRecordSets on "
            "the hosted zone in IAM, as docs/aws.md shows"
        )

    unbind_iam = test_iam_permissions = policy_store

    def bind_iam(self, *, members: Iterable[str] = (), **_: Any) -> dict[str, Any]:
        """Return that nothing was asked for, where no member is named; else as of `policy_store`."""
        if list(members):
            self.policy_store()
        return {"added": [], "already": [], "proof": "nothing asked for", "skipped": True}

    @project_default
    def list_records(
        self,
        *,
        zone: str,
        name: str | None = None,
        type: str | None = None,
        suffix: str | None = None,
        project_id: str = PROJECT,
    ) -> list[dict[str, Any]]:
        """List the records of a zone as `{"name", "type", "ttl", "rrdatas"}`; aliases have no data.

        :param name: of this name only.
        :param type: and of this type only.
        :param suffix: instead, those at and below this name.
        """
        if (suffix and (name or type)) or (type and not name):
            raise InvalidInput("list_records takes a name, a name and a type, or a suffix")
        found = self.known_zone(project_id, zone)
        below, at = (absolute(text) if text else None for text in (suffix, name))
        listed = self.dns_provider(project_id).rrsets(found, below=below, name=at, type=type and type.upper())
        return [rrset.to_api() for rrset in listed]

    @project_default
    def wait_for_change(
        self, *, zone: str, change_id: str, timeout: float = DONE_TIMEOUT, project_id: str = PROJECT
    ) -> dict[str, Any]:
        """Return `{"id", "status"}` of a change once it is INSYNC: at the name servers, not proven served.

        :param change_id: as `apply` returned it.
        :param timeout: seconds.
        :raises StillPending: it is not by then.
        """
        if not change_id:
            raise InvalidInput("change_id None: no change was sent, so there is none to wait for")
        found = self.known_zone(project_id, zone)
        status = wait_until_done(self.dns_provider(project_id), found, change_id, timeout=timeout)
        return {"id": change_id, "status": status.value}
