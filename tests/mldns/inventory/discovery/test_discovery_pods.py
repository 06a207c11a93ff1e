"""Kubernetes' answers: which pod of an index lives, and which number it has."""

from __future__ import annotations

from typing import Any

import pytest

from mldns.exceptions import InvalidInput
from mldns.inventory.discovery import pods
from mldns.inventory.discovery.ranking import Ranking

INDEX = "batch.kubernetes.io/job-completion-index"
JOBSET = "jobset.sigs.k8s.io"
KUBEFLOW = "training.kubeflow.org"


def pod(
    name: str,
    ip: str = "",
    *,
    phase: str = "Running",
    ready: bool = False,
    created: str = "2026-01-01T00:00:00Z",
    deleted: bool = False,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    owner: str = "",
    **status: Any,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "ml", "creationTimestamp": created, "labels": labels or {}}
    if annotations:
        metadata["annotations"] = annotations
    if owner:
        metadata["ownerReferences"] = [{"kind": owner, "name": name.rpartition("-")[0], "controller": True}]
    if deleted:
        metadata["deletionTimestamp"] = created
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    address = {"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {}
    return {"metadata": metadata, "status": {"phase": phase, "conditions": conditions, **address, **status}}


def worker(index: int, ip: str = "", name: str = "", job: str = "bert", **more: Any) -> dict[str, Any]:
    labels = {INDEX: str(index), "batch.kubernetes.io/job-name": job, **more.pop("labels", {})}
    return pod(name or f"{job}-{index}-x7k2p", ip, labels=labels, **more)


def lws_pod(group: int, rank: int) -> dict[str, Any]:
    """Of a LeaderWorkerSet; the StatefulSet behind it numbers a leader by its group, a worker by its rank."""
    kind = "leaderworkerset.sigs.k8s.io"
    labels = {f"{kind}/group-index": str(group), f"{kind}/worker-index": str(rank)}
    labels["apps.kubernetes.io/pod-index"] = str(rank or group)
    return pod(f"lws-{group}-{rank}" if rank else f"lws-{group}", f"10.4.{group}.{rank}", labels=labels)


def kubeflow_pod(kind: str, index: int) -> dict[str, Any]:
    labels = {f"{KUBEFLOW}/replica-type": kind, f"{KUBEFLOW}/replica-index": str(index)}
    return pod(f"job-{kind.lower()}-{index}", f"10.4.{ord(kind[0])}.{index}", labels=labels)


def census(found: list[dict[str, Any]], expected: int = 2, **asked: Any) -> Any:
    return pods.census(found, source="pods", expected=expected, **asked)


def ranked(found: list[dict[str, Any]], **rule: Any) -> list[tuple[str, int, str]]:
    taken = census(found, expected=len(found))
    assert taken.complete, taken.summary()
    workers = Ranking(**{"by": "index", **rule}).workers(taken.ready)
    return [(item.role, item.rank, item.hostname) for item in workers]


def test_a_pod_counts_from_its_address_on() -> None:
    """One that waits in an init container for its name is Pending and not ready."""
    found = census([worker(0, "10.4.0.2", phase="Pending"), worker(1, phase="Pending")])
    assert [host.address for host in found.ready] == ["10.4.0.2"]
    assert found.pending == ("bert-1-x7k2p (Pending, no address)",)


def test_why_a_pod_has_no_address() -> None:
    unscheduled = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    found = census([worker(0, phase="Pending", conditions=unscheduled)])
    assert found.pending == ("bert-0-x7k2p (Pending, Unschedulable)",)


@pytest.mark.parametrize(
    ("first", "second", "lives"),
    [
        pytest.param({"phase": "Failed"}, {"phase": "Pending"}, "b", id="a failed one is over"),
        pytest.param({"deleted": True, "ready": True}, {"phase": "Pending"}, "b", id="so is one being deleted"),
        pytest.param({"phase": "Succeeded"}, {}, "b", id="and one that has succeeded"),
        pytest.param({"ready": True}, {"created": "2026-01-02T00:00:00Z"}, "a", id="ready before younger"),
        pytest.param({}, {"created": "2026-01-02T00:00:00Z"}, "b", id="else the younger"),
        pytest.param(
            {}, {"phase": "Pending", "created": "2026-01-02T00:00:00Z"}, "b", id="a lost node's pod still says Running"
        ),
        pytest.param({"ready": True, "reason": "NodeLost"}, {"phase": "Pending"}, "b", id="a lost node's pod"),
        pytest.param(
            {"conditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"phase": "Pending"},
            "b",
            id="an evicted one",
        ),
        pytest.param(
            {"ready": True, "labels": {f"{JOBSET}/restart-attempt": "9"}},
            {"labels": {f"{JOBSET}/restart-attempt": "10"}},
            "b",
            id="a JobSet's latest attempt before all",
        ),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["", "other order"])
def test_one_pod_an_index(first: dict[str, Any], second: dict[str, Any], lives: str, turned: bool) -> None:
    both = [worker(0, "10.4.0.2", "a", **first), worker(0, "10.4.0.3", "b", **second)]
    found = census(both[::-1] if turned else both, expected=1)
    assert [host.name for host in found.ready] == [lives]
    assert found.complete
    assert len(found.left_out) == 1


@pytest.mark.parametrize(
    ("found", "ranks"),
    [
        pytest.param(
            [worker(1, "10.4.0.3"), worker(0, "10.4.0.2")],
            [("worker", 0, "bert-0-x7k2p"), ("worker", 1, "bert-1-x7k2p")],
            id="an Indexed Job",
        ),
        pytest.param(
            [pod("old-a", "10.4.0.3", annotations={INDEX: "1"}), pod("old-b", "10.4.0.2", annotations={INDEX: "0"})],
            [("worker", 0, "old-b"), ("worker", 1, "old-a")],
            id="an annotation, as before Kubernetes 1.28",
        ),
        pytest.param(
            [
                worker(index, f"10.4.{job}.{index}", job=f"set-{job}", labels={f"{JOBSET}/job-global-index": str(job)})
                for job, index in ((10, 0), (9, 1), (9, 0))
            ],
            [("worker", 0, "set-9-0-x7k2p"), ("worker", 1, "set-9-1-x7k2p"), ("worker", 2, "set-10-0-x7k2p")],
            id="a JobSet, job after job",
        ),
        pytest.param(
            [pod(f"w-{n}", f"10.4.0.{n + 1}", labels={"apps.kubernetes.io/pod-index": str(n)}) for n in (2, 1, 0)],
            [("worker", 0, "w-0"), ("worker", 1, "w-1"), ("worker", 2, "w-2")],
            id="a StatefulSet",
        ),
        pytest.param(
            [pod(f"w-{n}", f"10.4.0.{n + 1}", owner="StatefulSet") for n in range(11)],
            [("worker", n, f"w-{n}") for n in range(11)],
            id="a StatefulSet before Kubernetes 1.28",
        ),
        pytest.param(
            [lws_pod(group, rank) for group, rank in ((1, 0), (0, 1), (0, 0), (1, 1))],
            [("worker", n, name) for n, name in enumerate(("lws-0", "lws-0-1", "lws-1", "lws-1-1"))],
            id="a LeaderWorkerSet, group after group",
        ),
        pytest.param(
            [kubeflow_pod("worker", 1), kubeflow_pod("worker", 0), kubeflow_pod("Master", 0)],
            [("worker", n, name) for n, name in enumerate(("job-master-0", "job-worker-0", "job-worker-1"))],
            id="a PyTorchJob: its master is rank 0",
        ),
        pytest.param(
            [
                kubeflow_pod("worker", 0),
                pod("job-launcher-x7k2p", "10.4.0.9", labels={f"{KUBEFLOW}/replica-type": "launcher"}),
            ],
            [("worker", 0, "job-launcher-x7k2p"), ("worker", 1, "job-worker-0")],
            id="an MPIJob: its launcher has no number",
        ),
    ],
)
def test_numbers_that_controllers_give(found: list[dict[str, Any]], ranks: list[tuple[str, int, str]]) -> None:
    assert ranked(found) == ranks


def test_what_one_setting_ranks() -> None:
    numbered_from_5 = [pod(f"w-{n}", f"10.4.0.{n}", owner="StatefulSet") for n in (6, 5, 7)]
    assert [name for _, _, name in ranked(numbered_from_5, first_index=5)] == ["w-5", "w-6", "w-7"]
    ray = [
        pod(f"ray-{n}", f"10.4.0.{len(n)}", labels={"ray.io/node-type": n.split("-")[0]}) for n in ("worker-a", "head")
    ]
    assert [name for _, _, name in ranked([*ray, pod("ray-a", "10.4.0.99")], by="name")] == [
        "ray-head",
        "ray-a",
        "ray-worker-a",
    ]
    assert ranked([kubeflow_pod("worker", 0), kubeflow_pod("master", 0)], role_label=f"{KUBEFLOW}/replica-type") == [
        ("master", 0, "job-master-0"),
        ("worker", 0, "job-worker-0"),
    ]


def test_roles_from_a_label() -> None:
    kind = f"{JOBSET}/replicatedjob-name"
    found = [
        worker(0, "10.4.0.2", job="set-ps-0", labels={kind: "ps", f"{JOBSET}/job-global-index": "0"}),
        worker(0, "10.4.0.3", job="set-w-0", labels={kind: "worker", f"{JOBSET}/job-global-index": "1"}),
        worker(0, "10.4.0.4", job="set-w-1", labels={kind: "worker", f"{JOBSET}/job-global-index": "2"}),
    ]
    assert ranked(found, role_label=kind) == [
        ("ps", 0, "set-ps-0-0-x7k2p"),
        ("worker", 0, "set-w-0-0-x7k2p"),
        ("worker", 1, "set-w-1-0-x7k2p"),
    ]


def both_families(index: int) -> dict[str, Any]:
    return worker(index, podIP=f"10.4.0.{index}", podIPs=[{"ip": f"10.4.0.{index}"}, {"ip": f"fd00::{index}"}])


def test_either_family() -> None:
    assert census([both_families(7)], family="ipv6").ready[0].address == "fd00::7"
    assert census([both_families(7)]).ready[0].address == "10.4.0.7"


@pytest.mark.parametrize(
    ("found", "refusal"),
    [
        ([worker(0, "10.4.0.2"), worker(0, "10.4.0.3", job="gpt")], "both have index 0: two jobs match"),
        ([worker(0, "10.4.0.2"), worker(2, "10.4.0.3")], "nothing has index 1, but 2"),
        ([pod("bare", "10.4.0.2")], "bare has no index: Indexed Jobs"),
        ([pod("odd", "10.4.0.2", labels={INDEX: "one"})], "pod 'odd': index 'one'"),
        ([pod("odd", "10.4.0.2", labels={INDEX: "9" * 5_000})], "pod 'odd': index '999"),
        ([pod("w-5", "10.4.0.2", owner="StatefulSet")], "need first_index=5"),
        (
            [pod(f"h-{n}", f"10.4.0.{n}", labels={"ray.io/node-type": "head"}) for n in (1, 2)],
            "h-1, h-2 all lead",
        ),
        (
            [
                worker(0, f"10.4.0.{job}", job=f"set-{job}", labels={f"{JOBSET}/job-global-index": str(job)})
                for job in (0, 2)
            ],
            "job 1 has no pods, but job 2 has",
        ),
    ],
)
def test_numbers_that_do_not_fit(found: list[dict[str, Any]], refusal: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ranked(found)
    assert refusal in str(refused.value)


def test_a_family_that_the_cluster_lacks() -> None:
    with pytest.raises(InvalidInput, match=r"pod 'bert-0-x7k2p' has no ipv6 address, but 10\.4\.0\.2"):
        census([worker(0, "10.4.0.2")], family="ipv6")
