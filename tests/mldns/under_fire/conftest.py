"""The world of these tests: small batches and small pages, so that a job of 150 has first, middle and last calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud_fixture import Cloud, launch
from tests.mldns.under_fire.aws_world import AwsWorld, aws_connection
from tests.mldns.under_fire.world import World

SMALL = ("--quota", "rrsetAdditionsPerChange=51", "--quota", "rrsetDeletionsPerChange=51", "--page-size", "50")


@pytest.fixture(scope="package")
def _small_cloud() -> Iterator[Cloud]:
    cloud = launch(*SMALL, "--done-ms", "20", "--serve-ms", "0")
    yield cloud
    cloud.stop()


@pytest.fixture
def world(_small_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> World:
    """An untouched world."""
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", _small_cloud.connection())
    seeded = World(_small_cloud)
    seeded.seed()
    return seeded


@pytest.fixture
def aws_world(_small_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> World:
    """An untouched world at AWS."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws_connection(_small_cloud))
    seeded = AwsWorld(_small_cloud)
    seeded.seed()
    return seeded
