"""The DAGs of docs/discovery.md as they stand there: from what runs in the cloud to names in a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud_fixture import Cloud
from tests.dags.conftest import ROOT, Airflow, start_airflow
from tests.mldns.operators.fleet import instance, put

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """An Airflow whose DAGs are the page's blocks of Python."""
    folder = tmp_path_factory.mktemp("dags")
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs" / "discovery.md").read_text(), re.DOTALL | re.MULTILINE
    )
    for number, block in enumerate(blocks):
        Path(folder / f"documented_{number}.py").write_text(block)
    with start_airflow(tmp_path_factory.mktemp("airflow"), dags=folder) as airflow:
        yield airflow


@pytest.fixture
def zone(cloud: Cloud) -> Cloud:
    cloud.make_zone(visibility="public")
    return cloud


def names(cloud: Cloud) -> dict[str, list[str]]:
    return {rrset["name"]: rrset["rrdatas"] for rrset in cloud.records().values() if rrset["type"] == "A"}


def test_a_group_s_members_are_named(documented: Airflow, zone: Cloud) -> None:
    zones = ["us-central1-a", "us-central1-b", "us-central1-c"]
    put(zone, "instances", *(instance(f"bert-{n}", 9 - n, place) for n, place in enumerate(zones)))
    members = [{"name": f"bert-{n}", "zone": place} for n, place in enumerate(zones)]
    put(zone, "instance-groups", {"name": "bert", "region": "us-central1", "instances": members})
    run = documented.run("name_bert", zone)
    assert run.state == "success", run
    assert run.xcom["workers"] == "10.0.0.9,10.0.0.8,10.0.0.7"
    assert {name: names(zone)[name] for name in names(zone) if name.startswith("worker-")} == {
        f"worker-{n}.bert.ml.example.com.": [f"10.0.0.{9 - n}"] for n in range(3)
    }


def test_a_training_gets_the_names_of_what_was_found(documented: Airflow, zone: Cloud) -> None:
    put(zone, "instances", *(instance(f"w-{n}", n + 2) for n in range(3)))
    run = documented.run("train_bert", zone)
    assert run.state == "success", run
    assert run.xcom["workers"] == "10.0.0.2-10.0.0.4 slots=8"
    assert run.xcom["dns.handoff"]["count"] == 3
    assert run.xcom["dns.handoff"]["world_size"] == 24
    assert names(zone) == {}  # released behind the training


def test_nothing_found_writes_nothing(documented: Airflow, zone: Cloud) -> None:
    put(zone, "instance-groups", {"name": "bert", "region": "us-central1", "instances": []})
    run = documented.run("name_bert", zone)
    assert run.errors["workers"].startswith("InventoryIncomplete: instance group 'bert' of project 'demo-project'")
    assert run.tasks["names"] == "upstream_failed"
    assert "changes.create" not in zone.stats()
