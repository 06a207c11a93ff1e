"""What an Airflow connection says about Google: where it is, who we are there, and whom to ask about names."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.google.common.hooks.base_google import GoogleBaseHook
from airflow.sdk.exceptions import AirflowException
from google.api_core.client_options import ClientOptions
from google.auth import impersonated_credentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.auth.transport.requests import Request

from mldns import arguments
from mldns.exceptions import CloudUnavailable, InvalidInput
from mldns.hooks import _validation
from mldns.messages import clipped
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.failures import transient
from mldns.providers.gcp.iam.effective import CannotImpersonate
from mldns.providers.gcp.iam.zone_policy import ZonePolicy
from mldns.providers.gcp.provider import CloudDNSProvider
from mldns.providers.iam.policy_store import IamPolicyStore
from mldns.providers.retry import Patience, RetryPolicy
from mldns.providers.zones import get_zone

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from mldns.providers.gcp.iam.project_policy import ProjectPolicy

_EVERY_API = "https://www.googleapis.com/auth/cloud-platform"

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


class ConnectionHook(GoogleBaseHook):
    """A Google connection with mldns's own extras; its clients are made when they are first needed.

    Extras, beside those of every Google connection: `dns_api_endpoint`, `resource_manager_api_endpoint` and, for the
    proof of a grant, `iam_credentials_api_endpoint` point it at other servers; `name_server_addresses` and
    `resolver_addresses` say who is asked in checks. A list may also be given as JSON text, or separated by commas or
    line ends, as Airflow's connection form and URIs give text.

    How long to go on where the API fails: `call_timeout` is the seconds of silence after which a call has failed (60),
    `retry_deadline` the seconds for which a call is made again, or a decision while others write (180), and
    `num_retries` the most times a call is made again (as many as fit).

    :param patience: instead of what the connection says about that.
    """

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
    def name_server_addresses(self) -> tuple[str, ...]:
        """`HOST:PORT` of the servers to ask instead of the zone's name servers; empty: ask the zone's."""
        return self._addresses("name_server_addresses")

    @property
    def resolver_addresses(self) -> tuple[str, ...]:
        """`HOST:PORT` of the resolvers that the workers use; empty: not said."""
        return self._addresses("resolver_addresses")

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

    def zone_editor(self, project_id: str, zone: str) -> ZoneEditor:
        """Return an editor of one zone.

        :param zone: name or id.
        :raises ZoneNotFound: there is none of that name.
        """
        provider, found = self.dns_provider(project_id), self.known_zone(project_id, zone)
        return ZoneEditor(provider, found, contention=self.patience.contention)

    def known_zone(self, project_id: str, zone: str) -> Zone:
        """Return a zone. Its dnsName cannot change, so it is read once a hook.

        :param zone: name or id.
        :raises ZoneNotFound: there is none of that name.
        """
        known = self._zones.get((project_id, _validation.zone_name(zone)))
        return known or self.remember(project_id, get_zone(self.dns_provider(project_id), zone))

    def remember(self, project_id: str, zone: Zone) -> Zone:
        """Keep a zone for `known_zone`.

        :param zone: as it was just read.
        """
        self._zones[project_id, zone.name] = zone
        return zone

    def forget(self, project_id: str, zone: str) -> None:
        """Have `known_zone` read a zone anew: it may come back with another dnsName.

        :param zone: its name; one that is not known is no error.
        """
        self._zones.pop((project_id, zone), None)

    @cached_property
    def patience(self) -> Patience:
        """How long to go on where the API fails. Deadlines alone bound retries, unless there may be only so many."""
        if self._given_patience is not None:
            return self._given_patience
        usual = Patience()
        deadline = self._seconds("retry_deadline", usual.failures.deadline)
        said = self._get_field("num_retries") is not None
        return Patience(
            silence=self._seconds("call_timeout", usual.silence),
            failures=replace(usual.failures, deadline=deadline, attempts=self.num_retries + 1 if said else None),
            contention=replace(usual.contention, deadline=deadline),
        )

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

    def _seconds(self, extra: str, usual: float) -> float:
        seconds = arguments.seconds(self._get_field(extra), f"connection {self.gcp_conn_id!r}: extra {extra}")
        return usual if seconds is None else seconds

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

    def _addresses(self, extra: str) -> tuple[str, ...]:
        value = self._get_field(extra)
        if isinstance(value, str) and value.lstrip().startswith("["):
            value = arguments.read_json(value, f"connection {self.gcp_conn_id!r}: extra {extra}")
        items = re.split(r"[,\s]+", value) if isinstance(value, str) else value or ()
        if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
            raise InvalidInput(f"connection {self.gcp_conn_id!r}: extra {extra} must be a list of 'HOST:PORT'")
        return tuple(item.strip() for item in items if item.strip())


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
