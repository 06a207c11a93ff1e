"""Pods as Kubernetes lists them, and the cluster that GKE tells of."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.test_localcloud_discovery import load, mismatches

PODS = "/api/v1/namespaces/ml/pods"
CLUSTER = "/v1/projects/demo-project/locations/us-central1/clusters/c"


def pod(name: str, namespace: str = "ml", **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": namespace, "labels": labels}, "status": {"podIP": "10.4.0.2"}}


@pytest.fixture
def pods(api):
    items = [pod("a", app="bert", index="0"), pod("b", app="bert"), pod("c", app="gpt"), pod("d", "other", app="bert")]
    assert api.post("/_localcloud/pods", {"items": items}).body == {"pods": 4}
    return api


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", "abc"),
        ("app=bert", "ab"),
        ("app==bert,index=0", "a"),
        ("app!=bert", "c"),
        ("app in (bert, gpt),!index", "bc"),
        ("app notin (gpt)", "ab"),
        ("index", "a"),
        ("example.com/none!=x", "abc"),
    ],
)
def test_selectors(pods, selector, found):
    answer = pods.get(PODS, labelSelector=selector)
    assert (answer.code, answer.body["kind"]) == (200, "PodList")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == list(found)


@pytest.mark.parametrize("selector", ["app=a b", "in (a)", "app in a", "=x", "a,,b", "app~bert"])
def test_what_is_no_selector(pods, selector):
    body = pods.get(PODS, labelSelector=selector).body
    assert (body["kind"], body["status"], body["code"], body["reason"]) == ("Status", "Failure", 400, "BadRequest")
    assert body["message"].startswith("unable to parse requirement: ")


def test_a_namespace_that_nobody_made_is_empty(pods):
    assert pods.get("/api/v1/namespaces/nowhere/pods").body["items"] == []


def test_pages(pods):
    first = pods.get(PODS, limit=2).body
    second = pods.get(PODS, limit=2, **{"continue": first["metadata"]["continue"]}).body
    assert [item["metadata"]["name"] for item in [*first["items"], *second["items"]]] == ["a", "b", "c"]
    assert "continue" not in second["metadata"]


@pytest.mark.parametrize("query", [{"watch": "true"}, {"fieldSelector": "status.phase=Running"}])
def test_what_it_does_not_do_is_said(pods, query):
    assert pods.get(PODS, **query).code == 501


def test_pods_can_be_forgotten(pods):
    assert pods.call("DELETE", "/_localcloud/pods").code == 200
    assert pods.get(PODS).body["items"] == []
    assert pods.post("/_localcloud/pods", {"items": [{"metadata": {}}]}).code == 400


def test_a_cluster(api):
    assert api.get(CLUSTER).problem == (
        404,
        "notFound",
        "Not found: projects/demo-project/locations/us-central1/clusters/c.",
    )
    cluster = {"name": "c", "location": "us-central1", "endpoint": "127.0.0.1:1", "masterAuth": {}}
    api.post("/_localcloud/clusters", {"project": "demo-project", "items": [cluster]})
    body = api.get(CLUSTER).body
    assert body["endpoint"] == "127.0.0.1:1"
    assert list(mismatches(body, {"$ref": "Cluster"}, load("container.v1")["schemas"], "cluster")) == []


def test_callers_of_an_enforced_cloud_must_be_known(start_cloud):
    import requests

    cloud = start_cloud("--enforce-iam")
    answer = requests.get(f"{cloud.api}{PODS}", timeout=30)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")
    compute = requests.get(f"{cloud.api}/compute/v1/projects/demo-project/aggregated/instances", timeout=30)
    assert compute.status_code == 401
