"""What an Airflow connection says about Google: where it is, who we are there, and whom to ask about names."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
from google.api_core.client_options import ClientOptions
from google.auth import impersonated_credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from mldns import arguments
from mldns.airflow_versions import AirflowException
from mldns.exceptions import CloudUnavailable, InvalidInput
from mldns.gate.servers import METADATA_RESOLVER
from mldns.hooks import _validation
from mldns.hooks._access import ZoneAccess
from mldns.messages import clipped
from mldns.providers.base import Zone, ZoneSpec
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.failures import transient
from mldns.providers.gcp.iam.effective import CannotImpersonate
from mldns.providers.gcp.iam.zone_policy import ZonePolicy
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.providers.gcp.zones import parse_zone
from mldns.providers.iam.policy_store import IamPolicyStore
from mldns.providers.retry import Patience, RetryPolicy

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from mldns.providers.gcp.iam.project_policy import ProjectPolicy

_EVERY_API = "https://www.googleapis.com/auth/cloud-platform"

_CONSOLE = "https://console.cloud.google.com/net-services/dns/zones"
_CONNECT_SECONDS = 10.0

_KEYS = ("keyfile_dict", "key_path", "credential_config_file")
# What the base class, google-auth and cryptography raise for a file that is none, or not what it should be.
_BENT = (
    AirflowException,
    DefaultCredentialsError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
)


class ConnectionHook(GoogleBaseHook, ZoneAccess):
    """A Google connection with mldns's own extras; its clients are made when they are first needed.

    Extras, beside those of every Google connection: `dns_api_endpoint`, `resource_manager_api_endpoint` and, for the
    proof of a grant, `iam_credentials_api_endpoint` point it at other servers, and those of `ZoneAccess`.

    :param patience: instead of what the connection says about that.
    """

    vpc_resolver = METADATA_RESOLVER
    gives_roles = True

    def __init__(
        self,
        gcp_conn_id: str = "google_cloud_default",
        impersonation_chain: str | Sequence[str] | None = None,
        *,
        patience: Patience | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(gcp_conn_id=gcp_conn_id, impersonation_chain=impersonation_chain, **kwargs)
        self._given_patience = patience
        self._clients: dict[str, DNSClient] = {}
        self._projects: dict[str, ProjectPolicy] = {}
        self._zones: dict[tuple[str, str], Zone] = {}

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return str(self.gcp_conn_id)

    def connection_extra(self, name: str) -> Any:
        """Return an extra of the connection; None where it has none of that name."""
        return self._get_field(name)

    def zone_name(self, zone: str) -> str:
        """Return what a managed zone is known by: its name, or its numeric id."""
        return _validation.zone_name(zone)

    def parsed_zone(self, *, project_id: str, **wanted: Any) -> ZoneSpec:
        """Return a managed zone as asked for, by Google's rules."""
        return parse_zone(**wanted, project_id=project_id)

    def console_url(self, zone: str, project: str) -> str:
        """Return the page of a managed zone in Google's console."""
        return f"{_CONSOLE}/{quote(zone, safe='')}/details?{urlencode({'project': project})}"

    def dns_client(self, project_id: str) -> DNSClient:
        """The Cloud DNS client of one project."""
        if project_id not in self._clients:
            self._clients[project_id] = self._new_dns_client(project_id, self.get_credentials())
        return self._clients[project_id]

    def dns_provider(self, project_id: str) -> CloudDNSProvider:
        """The zones of one project."""
        return CloudDNSProvider(self.dns_client(project_id))

    def project_policy(self, project_id: str) -> ProjectPolicy:
        """The IAM policy of one project."""
        if project_id not in self._projects:
            self._projects[project_id] = self._new_project_policy(project_id, self.get_credentials())
        return self._projects[project_id]

    def policy_store(self, project_id: str, zone: str | None) -> IamPolicyStore:
        """Return the IAM policy of a zone, or of the project where none is named.

        :param zone: name or id; None or "" for the project.
        """
        return ZonePolicy(self.dns_client(project_id), zone) if zone else self.project_policy(project_id)

    def policy_seen_by(
        self, credentials: Credentials, project_id: str, zone: str | None, *, seconds: float
    ) -> IamPolicyStore:
        """Return what `policy_store` does as somebody else sees it, for one call, which is made once.

        :param credentials: of whoever sees it.
        :param seconds: of silence, after which the call has failed; the connection's own patience may be less.
        """
        patience = Patience(silence=min(seconds, self.patience.silence), failures=RetryPolicy(attempts=1))
        if zone:
            return ZonePolicy(self._new_dns_client(project_id, credentials, patience), zone)
        return self._new_project_policy(project_id, credentials, patience)

    def _new_dns_client(self, project_id: str, credentials: Credentials, patience: Patience | None = None) -> DNSClient:
        patience = patience or self.patience
        return DNSClient(
            project_id,
            credentials,
            client_options=self._options("dns_api_endpoint", "dns"),
            timeout=(min(_CONNECT_SECONDS, patience.silence), patience.silence),
            retrying=patience.failures,
        )

    def _new_project_policy(
        self, project_id: str, credentials: Credentials, patience: Patience | None = None
    ) -> ProjectPolicy:
        patience = patience or self.patience
        # google-cloud-resource-manager is the one slow import here, and few tasks need it.
        from mldns.providers.gcp.iam.project_policy import ProjectPolicy

        return ProjectPolicy(
            project_id,
            credentials,
            client_options=self._options("resource_manager_api_endpoint", "cloudresourcemanager"),
            timeout=patience.silence,
            retrying=patience.failures,
        )

    def impersonated(self, account: str, *, seconds: float) -> Credentials:
        """Credentials of a service account, with a token that was just issued; asked for once.

        :param seconds: for the calls that it takes, together.
        :raises CannotImpersonate: the connection may not act as that account, or there is no such account.
        :raises CloudUnavailable: no answer, or one that may be another a moment later.
        """
        endpoint = self._options("iam_credentials_api_endpoint", "iamcredentials").api_endpoint
        path = f"/v1/projects/-/serviceAccounts/{account}:generateAccessToken"
        credentials = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            source_credentials=self.get_credentials(),
            target_principal=account,
            target_scopes=[_EVERY_API],
            iam_endpoint_override=endpoint.rstrip("/") + path if endpoint else None,
        )
        try:
            credentials.refresh(_within(seconds, self.patience.silence))  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            status, message = _said(error)
            # google-auth calls no refused impersonation retryable, whatever its status is.
            if transient(error) or status == 429 or status >= 500:
                raise CloudUnavailable(f"impersonating {account}: {message}") from error
            raise CannotImpersonate(message) from error
        return credentials

    def get_credentials_and_project_id(self) -> tuple[Credentials, str | None]:
        """Who we are, as the connection says.

        :raises InvalidInput: its key or its credential configuration cannot be read; nothing of it is shown.
        """
        try:
            return super().get_credentials_and_project_id()
        except _BENT as error:
            source = next((extra for extra in _KEYS if self._get_field(extra)), None)
            if source is None:
                raise
            what = clipped(f"{type(error).__name__}: {error}")
        raise InvalidInput(f"connection {self.gcp_conn_id!r}: extra {source} cannot be read as credentials ({what})")

    def _get_field(self, f: str, default: Any = None) -> Any:
        """A connection's URI has text for everything, and the base class would take the text "false" for true."""
        value = super()._get_field(f, default)
        if f == "is_anonymous" and isinstance(value, str):
            return bool(value.strip()) and arguments.flag(value, f"connection {self.gcp_conn_id!r}: extra {f}")
        return value

    def _options(self, extra: str, service: str) -> ClientOptions:
        """Where a service is. The base class drops an endpoint outside Google's default universe: here it is kept."""
        endpoint = self._get_field(extra)
        if isinstance(endpoint, str):
            endpoint = endpoint.strip()
        if endpoint and not (isinstance(endpoint, str) and endpoint.startswith(("http://", "https://"))):
            raise InvalidInput(f"connection {self.gcp_conn_id!r}: extra {extra} {endpoint!r} is not a URL")
        universe = os.getenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN") or None
        if not endpoint and universe:
            # google-cloud-dns knows of no universe but the default one.
            endpoint = f"https://{service}.{universe}"
        return ClientOptions(api_endpoint=endpoint, universe_domain=universe)


def _within(seconds: float, silence: float) -> Callable[..., Any]:
    """google-auth's way to send a request, for so long in all: left alone, each of its calls may take two minutes."""
    request = Request()
    deadline = time.monotonic() + seconds

    def send(*args: Any, **kwargs: Any) -> Any:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TransportError(f"not done in {seconds:.1f} s")  # type: ignore[no-untyped-call]
        return request(*args, **{**kwargs, "timeout": min(left, silence)})

    return send


def _said(error: GoogleAuthError) -> tuple[int, str]:
    """Google's status (0 where none is told) and words for a refused token: google-auth hands on the whole body."""
    *_, last = error.args or ("",)
    try:
        told = json.loads(last)["error"]
        return int(told.get("code", 0)), " ".join(str(told["message"]).split())
    except (AttributeError, TypeError, ValueError, KeyError):
        return 0, clipped(str(error), 300)
