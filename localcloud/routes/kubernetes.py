"""A Kubernetes API server with pods to list, and the GKE method that says where it is.

Every cluster has the same pods: localcloud is one API server.
"""

from __future__ import annotations

from typing import Any

from localcloud import label_selector
from localcloud.calls import Call, JsonObject, Method, Service, project_of
from localcloud.errors import ApiError, Problem
from localcloud.fleet import each, in_order
from localcloud.label_selector import BadSelector
from localcloud.paging import decode_token, encode_token, take, whole_number

_PODS = "/api/v1/namespaces/{namespace}/pods"
_CLUSTER = "/v1/projects/{project}/locations/{location}/clusters/{cluster}"
_UNSUPPORTED = ("fieldSelector", "watch", "resourceVersion", "resourceVersionMatch", "sendInitialEvents")


class Failure(ApiError):
    """A refusal as Kubernetes words it: an object of kind Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(code, [Problem(reason, message)])

    def body(self) -> dict[str, Any]:
        problem = self.problems[0]
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": problem.message,
            "reason": problem.reason,
            "code": self.code,
        }


def list_pods(service: Service, call: Call) -> JsonObject:
    """The pods of a namespace; one that nobody has heard of has none, as in Kubernetes."""
    _authenticate(service, call)
    for name in _UNSUPPORTED:
        if call.query.get(name):
            raise Failure(501, "NotImplemented", f"localcloud does not implement {name} of a list of pods.")
    try:
        fits = label_selector.parse(call.query.get("labelSelector", ""))
    except BadSelector as error:
        raise Failure(400, "BadRequest", str(error)) from error
    namespace = call.path["namespace"]
    entries = [
        entry
        for entry in in_order(service.fleet.pods.items())
        if entry[0][0] == namespace and fits(entry[1]["metadata"].get("labels", {}))
    ]
    limit = whole_number(call.query.get("limit", "0"))
    if limit is None:
        raise Failure(400, "BadRequest", f"limit {call.query['limit']!r} is not a number")
    after = decode_token({"pageToken": call.query.get("continue", "")}, 2)
    left = (entry for entry in entries if after is None or entry[0] > after)
    page, more = take(left, limit or len(entries) or 1)
    metadata: JsonObject = {"resourceVersion": "1"}
    if more:
        metadata["continue"] = encode_token(*page[-1][0])
    return {"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": [pod for _, pod in page]}


def _authenticate(service: Service, call: Call) -> None:
    """With `--enforce-iam` a caller must be known; what it may do in a cluster is the cluster's own affair."""
    if not service.authority.enforced:
        return
    try:
        service.authority.identify(call.authorization)
    except ApiError as error:
        raise Failure(401, "Unauthorized", "Unauthorized") from error


def get_cluster(service: Service, call: Call) -> JsonObject:
    project, location, name = project_of(call), call.path["location"], call.path["cluster"]
    cluster = service.fleet.clusters.get((project, location, name))
    if cluster is None:
        place = f"projects/{project}/locations/{location}/clusters/{name}"
        raise ApiError(404, [Problem("notFound", f"Not found: {place}.")], status="NOT_FOUND")
    return cluster


def add_pods(service: Service, call: Call) -> JsonObject:
    return {"pods": each(call.body, service.fleet.add_pod)}


def clear_pods(service: Service, _call: Call) -> JsonObject:
    service.fleet.pods.clear()
    return {}


def add_clusters(service: Service, call: Call) -> JsonObject:
    project = str(call.body.get("project", ""))
    if not project:
        raise ApiError(400, [Problem("required", 'say whose: "project"')])
    return {"clusters": each(call.body, lambda item: service.fleet.add_cluster(project, item))}


METHODS = (
    Method("kubernetes.pods.list", "GET", _PODS, list_pods),
    Method("container.projects.locations.clusters.get", "GET", _CLUSTER, get_cluster),
    Method("localcloud.pods.add", "POST", "/_localcloud/pods", add_pods),
    Method("localcloud.pods.clear", "DELETE", "/_localcloud/pods", clear_pods),
    Method("localcloud.clusters.add", "POST", "/_localcloud/clusters", add_clusters),
)
