"""`training_dns` in real DAG runs: what it hands over, and that nothing is left whatever fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mldns.handoff import reader
from mldns.handoff.render.environment import environment
from tests.cloud_fixture import Cloud
from tests.dags.conftest import Airflow, Run, start_airflow
from tests.mldns.providers.faulty_proxy import Fault, faulty_proxy

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).with_name("groups")
WORKERS = ["10.0.0.7", "10.0.0.8", "10.1.0.7", "10.1.0.8"]


@pytest.fixture(scope="module")
def groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    with start_airflow(tmp_path_factory.mktemp("airflow"), dags=FOLDER) as started:
        yield started


@pytest.fixture
def zones(cloud: Cloud) -> Cloud:
    cloud.make_zone()
    cloud.make_zone("reverse", "10.in-addr.arpa.")
    return cloud


def left(cloud: Cloud) -> list[str]:
    """What both zones hold beside their apex."""
    return [*cloud.records(), *cloud.records("reverse")]


def shown(line: str) -> tuple[dict[str, str], dict[str, Any]]:
    """What the training printed of its environment: the variables, and the hand-off."""
    master, port, world, nodes, text = line.split("|", 4)
    variables = {"MASTER_ADDR": master, "MASTER_PORT": port, "WORLD_SIZE": world, "NNODES": nodes}
    return variables, json.loads(text)


def test_mapped_discovery_is_named_in_order_and_the_environment_says_who_is_master(
    groups: Airflow, zones: Cloud
) -> None:
    run = groups.run("group_mapped_workers", zones)
    assert run.state == "success", run
    variables, value = shown(run.xcom["dns.train"])
    assert value == run.xcom["dns.handoff"]
    assert value["count"] == len(WORKERS)
    told = environment(reader.read(value))
    assert variables == {name: told[name] for name in variables}
    assert variables["MASTER_ADDR"] == "worker-0.bert.ml.example.com"
    assert run.xcom["dns.claim"]["reverse"] == {"zone": "reverse", "names": 4}
    assert (run.xcom["dns.release"]["deleted"], run.xcom["dns.release"]["reverse"]["deleted"]) == (7, 4)
    assert left(zones) == []


def test_the_environment_is_text_where_templates_become_objects_and_in_every_mapped_training(
    groups: Airflow, zones: Cloud
) -> None:
    run = groups.run("group_native", zones)
    assert run.state == "success", run
    for index in (0, 1):
        variables, value = shown(run.xcom[f"dns.train[{index}]"])
        assert value == run.xcom["dns.handoff"]
        assert variables["MASTER_PORT"] == "29500"


def failed(run: Run, task: str) -> Run:
    """The run failed because of this task, and its names were released nevertheless."""
    assert run.state == "failed", run
    assert run.tasks[task] == "failed", run
    assert run.tasks["dns.release"] == "success", run
    return run


def test_released_when_the_gate_does_not_open(groups: Airflow, zones: Cloud) -> None:
    silent = "127.0.0.1:9"  # nobody listens
    run = failed(groups.run("group_mapped_workers", zones, resolvers=[silent]), "dns.gate")
    assert run.tasks["dns.train"] == "upstream_failed"
    assert left(zones) == []


# The claim is one change in "ml". Of the upsert's own, the first in either zone is turned away for good.
@pytest.mark.parametrize(("zone", "skip"), [("ml", 1), ("reverse", 0)])
def test_released_when_the_upsert_fails_half_way(groups: Airflow, zones: Cloud, zone: str, skip: int) -> None:
    with faulty_proxy(zones.api) as proxy:
        proxy.faults.append(Fault(pattern=f"POST .*/{zone}/changes", kind="status", status=403, skip=skip))
        run = failed(groups.run("group_mapped_workers", zones, api=proxy.url), "dns.upsert")
    assert run.tasks["dns.train"] == "upstream_failed"
    assert run.xcom["dns.release"]["released"] is True
    assert left(zones) == []


def test_nothing_is_left_of_a_claim_that_fails(groups: Airflow, zones: Cloud) -> None:
    with faulty_proxy(zones.api) as proxy:
        proxy.faults.append(Fault(pattern="POST .*/changes", kind="status", status=403))
        run = groups.run("group_mapped_workers", zones, api=proxy.url)
    assert (run.tasks["dns.claim"], run.tasks["dns.release"]) == ("failed", "upstream_failed")
    assert left(zones) == []


def test_every_instance_of_a_mapped_group_has_its_own_names(groups: Airflow, zones: Cloud) -> None:
    run = groups.run("group_of_groups", zones)
    assert run.state == "success", run
    masters = [run.xcom[f"one.dns.train[{index}]"] for index in (0, 1)]
    assert masters == ["worker-0.a.ml.example.com", "worker-0.b.ml.example.com"]
    assert left(zones) == []
