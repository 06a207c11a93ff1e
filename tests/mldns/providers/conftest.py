"""Clients of a real localcloud, directly and through a proxy that makes trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient, Resource
from mldns.providers.gcp.iam.project_policy import ProjectPolicy
from mldns.providers.gcp.iam.zone_policy import ZonePolicy
from mldns.providers.gcp.provider import CloudDNSProvider, zone_of
from mldns.providers.iam.policy_store import IamPolicyStore
from mldns.providers.retry import RetryPolicy
from tests.cloud_fixture import Cloud
from tests.mldns.providers.faulty_proxy import FaultyProxy, faulty_proxy

QUICK = RetryPolicy(initial=0.02, maximum=0.2, deadline=10.0)

MakeClient = Callable[..., DNSClient]


@pytest.fixture
def make_client(cloud: Cloud) -> Iterator[MakeClient]:
    """Clients of the stand-in, or of any other base URL."""
    made: list[DNSClient] = []

    def make(
        url: str = cloud.api, *, retrying: RetryPolicy = QUICK, timeout: tuple[float, float] = (2, 10)
    ) -> DNSClient:
        options = ClientOptions(api_endpoint=url)
        client = DNSClient(
            cloud.project, AnonymousCredentials(), client_options=options, timeout=timeout, retrying=retrying
        )
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> DNSClient:
    return make_client()


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[FaultyProxy]:
    with faulty_proxy(cloud.api) as running:
        yield running


def project_policy(cloud: Cloud, url: str | None = None) -> ProjectPolicy:
    """The policy of the stand-in's project, directly or through a proxy."""
    options = ClientOptions(api_endpoint=url or cloud.api)
    return ProjectPolicy(cloud.project, AnonymousCredentials(), client_options=options, timeout=10, retrying=QUICK)


@pytest.fixture(params=["project", "zone"])
def store(request: pytest.FixtureRequest, cloud: Cloud, client: DNSClient, zone: Resource) -> IamPolicyStore:
    """The policy of a project and of a zone: the same code edits both."""
    return project_policy(cloud) if request.param == "project" else ZonePolicy(client, "ml-zone")


@pytest.fixture
def zone(client: DNSClient, cloud: Cloud) -> Resource:
    """A private zone `ml-zone` for `ml.example.com.`."""
    networks = [{"networkUrl": cloud.network}]
    return client.create_zone(
        {
            "name": "ml-zone",
            "dnsName": "ml.example.com.",
            "visibility": "private",
            "description": "test",
            "privateVisibilityConfig": {"networks": networks},
        }
    )


@pytest.fixture
def editor(client: DNSClient, zone: Resource) -> ZoneEditor:
    return ZoneEditor(CloudDNSProvider(client), zone_of(zone), contention=QUICK)
