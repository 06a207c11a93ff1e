"""The operators that find workers, with the real clients over HTTP, against what localcloud is told to have."""

from __future__ import annotations

import json
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException, AirflowSkipException
from google.cloud import compute_v1

from mldns.exceptions import CloudUnavailable, InvalidInput, PermissionMissing
from mldns.inventory.discovery.census import InventoryIncomplete
from mldns.inventory.workers import parse_workers
from mldns.operators._inventory import InventoryTimedOut
from mldns.operators.discovery import (
    GceInstancesInventoryOperator,
    GkePodsInventoryOperator,
    KubernetesPodsInventoryOperator,
    ManagedInstanceGroupInventoryOperator,
)
from tests.cloud_fixture import Cloud
from tests.mldns.hooks.guarded_cloud import OWNER, key
from tests.mldns.operators.conftest import Execute
from tests.mldns.operators.fleet import connect_fleet, instance, kubeconfig, pod, put
from tests.tls import tls_front, write_certificate

ONCE: dict[str, Any] = {"mode": "poke", "timeout": 0.0, "poke_interval": 0.05}
PATIENT: dict[str, Any] = {"mode": "poke", "timeout": 20.0, "poke_interval": 0.05}
BERT: dict[str, Any] = {"labels": {"job": "bert"}, **ONCE}
PODS: dict[str, Any] = {"namespace": "ml", "label_selector": "job=bert", **ONCE}


@pytest.fixture
def fleet(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    connect_fleet(monkeypatch, cloud)
    return cloud


def later(cloud: Cloud, what: str, *items: dict[str, Any], until: str, after: int) -> threading.Thread:
    """Put `items` there once the method `until` was called `after` times."""

    def change() -> None:
        while sum(cloud.stats().get(until, {}).values()) < after:
            time.sleep(0.01)
        put(cloud, what, *items)

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    return thread


class FirstLook:
    """What Airflow tells a sensor in `reschedule` mode: when this try looked for the first time."""

    def __init__(self, seconds_ago: float) -> None:
        self._date = datetime.now(UTC) - timedelta(seconds=seconds_ago)

    def get_first_reschedule_date(self, context: Any) -> datetime:
        return self._date


class TestInstances:
    def test_by_label_in_all_zones(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-10", 3), instance("w-2", 2, "us-central1-b"), instance("w-1", 9))
        put(fleet, "instances", instance("other", 4, labels={"job": "gpt"}))
        text = execute(GceInstancesInventoryOperator, **BERT, slots=8, network="training")
        assert text == "10.0.0.9,10.0.0.2-10.0.0.3 slots=8"
        assert [worker.rank for worker in parse_workers(text)] == [0, 1, 2]

    def test_as_a_list(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-0", 2))
        found = execute(GceInstancesInventoryOperator, **BERT, form="list", network="storage")
        assert found == [
            {"rank": 0, "address": "10.8.0.2", "hostname": "w-0", "role": "worker", "slots": 1, "port": None}
        ]

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({"names": "w-*"}, "10.0.0.2-10.0.0.3"),
            ({"filter": "name eq 'w-.*'", "zone": "us-central1-b"}, "10.0.0.3"),
            ({"labels": {"job": "bert"}, "rank_label": "rank"}, "10.0.0.3,10.0.0.2"),
        ],
    )
    def test_which_instances(self, fleet: Cloud, execute: Execute, asked: dict[str, Any], found: str) -> None:
        put(fleet, "instances", instance("w-0", 2, labels={"job": "bert", "rank": "1"}))
        put(fleet, "instances", instance("w-1", 3, "us-central1-b", labels={"job": "bert", "rank": "0"}))
        put(fleet, "instances", instance("albert", 4, labels={"job": "albert"}))
        assert execute(GceInstancesInventoryOperator, **ONCE, **asked) == found

    def test_more_instances_than_a_page_holds(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", *(instance(f"w-{n}", n) for n in range(1_203)))
        found = execute(GceInstancesInventoryOperator, **BERT, expected=1_203)
        assert found == "10.0.0.0-10.0.4.178"
        assert fleet.stats()["compute.instances.aggregatedList"] == {"200": 3}

    def test_waits_for_those_that_start(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-0", 2), instance("w-1", 3, status="STAGING"))
        started = later(fleet, "instances", instance("w-1", 3), until="compute.instances.aggregatedList", after=2)
        assert execute(GceInstancesInventoryOperator, **{**BERT, **PATIENT}) == "10.0.0.2-10.0.0.3"
        started.join()

    def test_waits_without_a_slot_and_times_out_with_names(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-0", 2, status="STAGING"))
        asked = {"labels": {"job": "bert"}, "timeout": 60, "poke_interval": 30}
        with pytest.raises(AirflowRescheduleException):
            execute(GceInstancesInventoryOperator, **asked, ti=FirstLook(seconds_ago=40))
        with pytest.raises(InventoryTimedOut, match=r"0 ready: w-0 \(STAGING\) after 60 s"):
            execute(GceInstancesInventoryOperator, **asked, ti=FirstLook(seconds_ago=61))
        with pytest.raises(AirflowSkipException, match=r"0 ready: w-0 \(STAGING\) after 60 s"):
            execute(GceInstancesInventoryOperator, **asked, ti=FirstLook(seconds_ago=61), soft_fail=True)

    def test_those_that_do_not_run_may_be_left_out(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-0", 2), instance("w-1", 3, status="TERMINATED"))
        assert execute(GceInstancesInventoryOperator, **BERT, not_running="leave-out") == "10.0.0.2"

    @pytest.mark.parametrize(
        ("asked", "error", "says"),
        [
            ({"labels": {"job": "none"}}, InventoryIncomplete, "nothing found; check the filter"),
            ({"expected": 1}, InventoryIncomplete, "2 ready, 1 expected (w-0, w-1)"),
            ({"labels": {}}, InvalidInput, "say which instances"),
            ({"labels": None, "filter": "job is bert"}, InvalidInput, "Invalid list filter expression"),
            ({"external": True}, InvalidInput, "nic0 has no external ipv4 address; it has internal ipv4 10.0.0.2"),
            ({"form": "yaml"}, InvalidInput, "form 'yaml' is not known: it is text or list"),
            ({"not_running": "ignore"}, InvalidInput, "not_running 'ignore' is not known"),
            ({"max_bytes": 16}, InvalidInput, "2 workers takes 19 bytes of XCom, max_bytes is 16: rank_by='address'"),
        ],
    )
    def test_what_waiting_cannot_mend_fails_at_once(
        self, fleet: Cloud, execute: Execute, asked: dict[str, Any], error: type[Exception], says: str
    ) -> None:
        put(fleet, "instances", instance("w-0", 2), instance("w-1", 3))
        with pytest.raises(error) as refused:
            execute(GceInstancesInventoryOperator, **{**BERT, **PATIENT, **asked})
        assert not isinstance(refused.value, InventoryTimedOut)
        assert says in str(refused.value)
        assert "\n" not in str(refused.value)

    def test_a_large_answer_is_warned_of(
        self, fleet: Cloud, execute: Execute, capsys: pytest.CaptureFixture[str]
    ) -> None:
        put(fleet, "instances", *(instance(f"w-{n}", 2 * n) for n in range(900)))
        execute(GceInstancesInventoryOperator, **BERT)
        log = capsys.readouterr().out
        assert "900 workers, 900 processes, ranked by name, 9525 bytes: worker-0 = w-0 10.0.0.0, worker-1 = " in log
        assert "more than 8192: rank_by='address' makes ranges of neighbouring addresses" in log

    def test_a_zone_that_google_cannot_reach_is_not_taken_for_empty(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "instances", instance("w-0", 2), instance("w-1", 3, "us-central1-b"))
        fleet.call("POST", "/_localcloud/instances", {"project": fleet.project, "unreachable": ["us-central1-b"]})
        with pytest.raises(CloudUnavailable, match="Google could not ask us-central1-b: instances there would be"):
            execute(GceInstancesInventoryOperator, **BERT)

    def test_an_api_that_fails(self, fleet: Cloud, execute: Execute) -> None:
        fleet.fault({"method": "compute.instances.aggregatedList", "kind": "status", "status": 503, "count": 9})
        with pytest.raises(CloudUnavailable, match=r"compute\.instances\.aggregatedList of project 'demo-project'"):
            execute(GceInstancesInventoryOperator, **BERT)

    def test_a_missing_permission_is_named(
        self, start_cloud: Any, monkeypatch: pytest.MonkeyPatch, execute: Execute
    ) -> None:
        guarded = start_cloud("--enforce-iam")
        account = key(guarded, "nobody@demo-project.iam.gserviceaccount.com")
        connect_fleet(monkeypatch, guarded, is_anonymous=False, keyfile_dict=account)
        with pytest.raises(PermissionMissing, match=r"compute\.instances\.list is missing on project 'demo-project'"):
            execute(GceInstancesInventoryOperator, **BERT)


GROUP: dict[str, Any] = {"group": "bert", **ONCE}


class TestInstanceGroups:
    @pytest.mark.parametrize("place", [{"zone": "us-central1-a"}, {"region": "us-central1"}], ids=["zonal", "regional"])
    def test_members_alone(self, fleet: Cloud, execute: Execute, place: dict[str, str]) -> None:
        zones = ["us-central1-a", "us-central1-a" if "zone" in place else "us-central1-b"]
        put(fleet, "instances", *(instance(f"w-{n}", n + 2, zone) for n, zone in enumerate(zones)))
        put(fleet, "instances", instance("stranger", 9))
        members = [{"name": f"w-{n}", "zone": zone} for n, zone in enumerate(zones)]
        put(fleet, "instance-groups", {"name": "bert", "instances": members, **place})
        assert execute(ManagedInstanceGroupInventoryOperator, **GROUP, **place) == "10.0.0.2-10.0.0.3"

    @pytest.mark.skipif(
        "target_status" not in compute_v1.ManagedInstance.meta.fields,
        reason="needs a client that knows standbys",
    )
    def test_standbys_failed_attempts_and_odd_networks(
        self, fleet: Cloud, execute: Execute, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Fields that the client must not drop on their way."""
        odd = instance("w-1", 3)
        odd["networkInterfaces"].reverse()
        put(fleet, "instances", instance("w-0", 2), odd, instance("w-2", 4, status="SUSPENDED"))
        error = {"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "no H100 left"}
        lost = {"name": "w-3", "currentAction": "CREATING", "lastAttempt": {"errors": {"errors": [error]}}}
        members = [{"name": "w-0"}, {"name": "w-1"}, {"name": "w-2", "targetStatus": "SUSPENDED"}, lost]
        put(fleet, "instance-groups", {"name": "bert", "zone": "us-central1-a", "targetSize": 3, "instances": members})
        with pytest.raises(InventoryTimedOut, match=r"2 ready, 3 expected: w-3 .*EXHAUSTED: no H100 left"):
            execute(ManagedInstanceGroupInventoryOperator, **GROUP, zone="us-central1-a")
        log = capsys.readouterr().out
        assert "w-2 (meant to be SUSPENDED)" in log
        assert "storage has w-1; training has w-0" in log

    @pytest.mark.parametrize(
        ("place", "says"),
        [
            (
                {"zone": "us-central1-a"},
                "'projects/demo-project/zones/us-central1-a/instanceGroupManagers/bert' was not",
            ),
            ({}, "instance group 'bert': say zone= or region="),
            ({"zone": "us-central1-a", "region": "us-central1"}, "say zone= or region="),
        ],
    )
    def test_a_group_that_is_not_there(self, fleet: Cloud, execute: Execute, place: dict[str, str], says: str) -> None:
        with pytest.raises(InvalidInput, match=says):
            execute(ManagedInstanceGroupInventoryOperator, **GROUP, **place)


class TestPods:
    def test_ranks_are_completion_indexes(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "pods", pod(1, "10.4.0.2"), pod(0, "10.4.0.3"), pod(0, "10.4.0.9", job="gpt"))
        assert execute(KubernetesPodsInventoryOperator, **PODS, expected=2) == "10.4.0.3,10.4.0.2"

    def test_more_pods_than_a_page_holds(self, fleet: Cloud, execute: Execute) -> None:
        put(fleet, "pods", *(pod(n, f"10.4.{n // 256}.{n % 256}") for n in range(1_100)))
        found = execute(KubernetesPodsInventoryOperator, **PODS, expected=1_100)
        assert found == "10.4.0.0-10.4.4.75"
        assert fleet.stats()["kubernetes.pods.list"] == {"200": 3}

    @pytest.mark.parametrize(
        ("asked", "error", "says"),
        [
            ({"label_selector": "job is bert"}, InvalidInput, "unable to parse requirement"),
            ({"label_selector": ""}, InvalidInput, "label_selector must say which pods"),
            ({"expected": ""}, InvalidInput, "expected must say how many workers"),
            ({"expected": 1}, InventoryIncomplete, "2 ready, 1 expected (bert-0-x7k2p, bert-1-x7k2p)"),
        ],
    )
    def test_what_waiting_cannot_mend_fails_at_once(
        self, fleet: Cloud, execute: Execute, asked: dict[str, Any], error: type[Exception], says: str
    ) -> None:
        put(fleet, "pods", pod(0, "10.4.0.2"), pod(1, "10.4.0.3"))
        with pytest.raises(error) as refused:
            execute(KubernetesPodsInventoryOperator, **{**PODS, **PATIENT, "expected": 2, **asked})
        assert not isinstance(refused.value, InventoryTimedOut)
        assert says in str(refused.value)

    def test_a_kubeconfig_instead_of_the_connection(
        self, fleet: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_DEFAULT", "kubernetes://")
        (tmp_path / "config").write_text(json.dumps(kubeconfig(fleet.api)))
        put(fleet, "pods", pod(0, "10.4.0.2"))
        found = execute(
            KubernetesPodsInventoryOperator,
            **PODS,
            expected=1,
            config_file=str(tmp_path / "config"),
            cluster_context="here",
        )
        assert found == "10.4.0.2"

    def test_a_caller_that_the_cluster_does_not_know(
        self, start_cloud: Any, monkeypatch: pytest.MonkeyPatch, execute: Execute
    ) -> None:
        connect_fleet(monkeypatch, start_cloud("--enforce-iam"))
        with pytest.raises(Exception, match=r"does not accept the connection's credentials \(401\): Unauthorized"):
            execute(KubernetesPodsInventoryOperator, **PODS, expected=1)

    @pytest.mark.parametrize(
        ("operator", "more"),
        [
            (KubernetesPodsInventoryOperator, {}),
            (GkePodsInventoryOperator, {"cluster_name": "c", "location": "us-central1"}),
        ],
    )
    def test_without_the_kubernetes_provider(
        self, fleet: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch, operator: Any, more: dict[str, Any]
    ) -> None:
        for module in [name for name in sys.modules if "kubernetes" in name or name == "mldns.hooks.gke"]:
            monkeypatch.delitem(sys.modules, module)
        for package in ("kubernetes", "kubernetes_asyncio", "airflow.providers.cncf.kubernetes"):
            monkeypatch.setitem(sys.modules, package, None)  # as when they are not installed
        with pytest.raises(InvalidInput, match="pip install apache-airflow-providers-cncf-kubernetes"):
            execute(operator, **PODS, **more, expected=1)


class TestGke:
    @pytest.fixture
    def cluster(self, start_cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
        """A cluster behind TLS whose certificate GKE vouches for, asked by an account of its own."""
        cloud = start_cloud("--enforce-iam", OWNER)
        connect_fleet(monkeypatch, cloud, is_anonymous=False, keyfile_dict=key(cloud, OWNER))
        certificate = write_certificate(tmp_path, "127.0.0.1")
        authority = certificate.read_text().partition("-----BEGIN PRIVATE KEY")[0]
        with tls_front(cloud.api, certificate) as address:
            described = {"clusterCaCertificate": b64encode(authority.encode()).decode()}
            cluster = {"name": "c", "location": "us-central1", "endpoint": address, "masterAuth": described}
            put(cloud, "clusters", cluster)
            yield cloud

    def test_a_cluster_by_its_name(self, cluster: Cloud, execute: Execute) -> None:
        put(cluster, "pods", pod(0, "10.4.0.2"), pod(1, "10.4.0.3"))
        where = {"cluster_name": "c", "location": "us-central1"}
        assert execute(GkePodsInventoryOperator, **PODS, **where, expected=2) == "10.4.0.2-10.4.0.3"
        stats = cluster.stats()
        assert stats["container.projects.locations.clusters.get"] == {"200": 1}
        assert stats["kubernetes.pods.list"] == {"200": 1}

    def test_a_cluster_that_is_not_there(self, cluster: Cloud, execute: Execute) -> None:
        with pytest.raises(InvalidInput, match=r"cluster 'd' in 'us-central1': .*Not found: projects/demo-project/"):
            execute(GkePodsInventoryOperator, **PODS, cluster_name="d", location="us-central1", expected=1)
