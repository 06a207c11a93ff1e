"""Hooks on an Airflow connection to a real localcloud."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mldns.hooks.cloud_dns import CloudDNSHook
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.guarded_cloud import OWNER, granting

MakeHook = Callable[..., CloudDNSHook]


@pytest.fixture
def make_hook(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> MakeHook:
    """Hooks on a connection to the stand-in; keywords add extras or, with None, take them away."""

    def make(**extras: Any) -> CloudDNSHook:
        usual = {"name_server_addresses": None, "resolver_addresses": None}
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", cloud.connection(**{**usual, **extras}))
        return CloudDNSHook()

    return make


@pytest.fixture
def hook(make_hook: MakeHook) -> CloudDNSHook:
    return make_hook()


@pytest.fixture
def zone(hook: CloudDNSHook) -> str:
    hook.ensure_zone(zone="my-managed-zone", dns_name="ml.example.com.", networks=["training"])
    return "my-managed-zone"


def calls(cloud: Cloud) -> int:
    return sum(sum(answers.values()) for answers in cloud.stats().values())


def writes(cloud: Cloud) -> dict[str, dict[str, int]]:
    writing = ("create", "delete", "patch", "update", "setIamPolicy")
    return {method: answers for method, answers in cloud.stats().items() if method.endswith(writing)}


@pytest.fixture
def guarded(start_cloud: Callable[..., Cloud], request: pytest.FixtureRequest) -> Cloud:
    """A localcloud that enforces IAM; a parameter gives it more flags."""
    return start_cloud("--enforce-iam", OWNER, "--done-ms", "0", *getattr(request, "param", ()))


@pytest.fixture
def grant(guarded: Cloud) -> Callable[[str, str, str], None]:
    """`grant(member, role, resource)` as the owner."""
    return granting(guarded)
