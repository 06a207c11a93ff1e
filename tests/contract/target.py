"""What the suite runs against: the stand-in that a test started, or a project named on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import google.auth
import google.auth.exceptions
import pytest
from google.auth.credentials import AnonymousCredentials, Credentials

from tests.contract.wire import Reply, Wire, open_session

if TYPE_CHECKING:
    from mldns.hooks.cloud_dns import CloudDNSHook

DNS_ENDPOINT = "https://dns.googleapis.com"
RESOURCE_MANAGER_ENDPOINT = "https://cloudresourcemanager.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class OutOfReach(Exception):
    """The project cannot be asked at all; the message is one line that says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """One project behind its two APIs, and what a run may do there.

    `heard` has the answers of both APIs, oldest first. `name_servers` ("HOST:PORT") replace those that a zone names;
    empty: ask those. `zone_member` may be granted a role on a throw-away zone, `project_member` on the project itself;
    None: leave policies alone. `domains` are tried in order for public zones. `patience` is how long, in seconds, DNS
    and `done` may take.
    """

    project: str
    dns: Wire
    projects: Wire
    heard: list[Reply]
    name_servers: tuple[str, ...]
    network: str | None
    zone_member: str | None
    project_member: str | None
    domains: tuple[str, ...]
    patience: float


def stand_in(api: str, *, project: str, name_servers: Sequence[str], network: str) -> Target:
    """A localcloud at `api` ("http://HOST:PORT"): nothing to spare, and nobody to harm."""
    member = f"serviceAccount:trainer@{project}.iam.gserviceaccount.com"
    session, heard = open_session(AnonymousCredentials()), list[Reply]()
    return Target(
        heard=heard,
        project=project,
        dns=Wire(session, f"{api}/dns/v1/projects/{project}", heard),
        projects=Wire(session, f"{api}/v3/projects/{project}", heard),
        name_servers=tuple(name_servers),
        network=network,
        zone_member=member,
        project_member=member,
        domains=("example.",),
        patience=10.0,
    )


def from_options(config: pytest.Config) -> Target:
    """The project of `--target-project`, with the credentials of `--connection` or the application default ones.

    Raises OutOfReach, also when a first request, for the project's quota, is not answered well.
    """
    connection = config.getoption("connection")
    hook = _hook(connection) if connection else None
    extras: Mapping[str, Any] = hook.extras if hook else {}
    dns = (config.getoption("dns_endpoint") or extras.get("dns_api_endpoint") or DNS_ENDPOINT).rstrip("/")
    manager = config.getoption("resource_manager_endpoint") or extras.get("resource_manager_api_endpoint")
    manager = (manager or RESOURCE_MANAGER_ENDPOINT).rstrip("/")
    credentials = hook.get_credentials() if hook else _default_credentials(dns, manager)
    project: str = config.getoption("target_project")
    member: str | None = config.getoption("iam_member")
    domain: str | None = config.getoption("zone_domain")
    session, heard = open_session(credentials), list[Reply]()
    target = Target(
        heard=heard,
        project=project,
        dns=Wire(session, f"{dns}/dns/v1/projects/{project}", heard),
        projects=Wire(session, f"{manager}/v3/projects/{project}", heard),
        name_servers=tuple(config.getoption("name_server") or (hook.name_server_addresses if hook else ())),
        network=config.getoption("network"),
        zone_member=member or _own_account(credentials),
        project_member=member,
        # Reserved domains first; Google has been seen to refuse `.test.` and to take a random, undelegated `.com.`.
        domains=(domain.strip(".") + ".",) if domain else ("example.", "test.", "com."),
        patience=180.0,
    )
    try:
        reply = target.dns.get("")
    except (google.auth.exceptions.GoogleAuthError, OSError) as error:  # requests' exceptions are OSErrors
        raise OutOfReach(" ".join(str(error).split())) from error
    if reply.status != 200:
        raise OutOfReach(f"its DNS quota cannot be read: {reply}")
    return target


def _hook(connection: str) -> CloudDNSHook:
    """The hook that the DAGs use, for the credentials and the extras of an Airflow connection. Raises OutOfReach."""
    from airflow.exceptions import AirflowException

    from mldns.hooks.cloud_dns import CloudDNSHook

    try:
        return CloudDNSHook(gcp_conn_id=connection)
    except AirflowException as error:
        hint = f"AIRFLOW_CONN_{connection.upper()} or a secrets backend, not Airflow's own database"
        raise OutOfReach(f"{error}; here, outside Airflow, connections come from {hint}") from error


def _default_credentials(*endpoints: str) -> Credentials:
    if all(endpoint.startswith("http://") for endpoint in endpoints):
        return AnonymousCredentials()  # a stand-in; a token never goes over plain HTTP
    if any(endpoint.startswith("http://") for endpoint in endpoints):
        raise OutOfReach(f"one endpoint is plain HTTP and the other is not: {', '.join(endpoints)}")
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
    except google.auth.exceptions.DefaultCredentialsError as error:
        raise OutOfReach(str(error)) from error
    return credentials


def _own_account(credentials: Credentials) -> str | None:
    email = getattr(credentials, "service_account_email", None)
    return f"serviceAccount:{email}" if isinstance(email, str) and "@" in email else None
