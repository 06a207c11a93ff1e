"""Lists that a server never ends: told in one line rather than read for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from mldns.exceptions import CloudUnavailable
from mldns.hooks.compute import ComputeHook
from mldns.hooks.pods import kubernetes_hook, list_pods
from tests.cloud_fixture import Cloud
from tests.http_server import answering
from tests.mldns.operators.fleet import connect_fleet

Query = dict[str, str]
Script = Callable[[Query], tuple[int, dict[str, Any]]]
GONE = (
    410,
    {"kind": "Status", "code": 410, "reason": "Expired", "message": "the provided continue parameter is too old"},
)


class Server:
    """A server on loopback that answers each GET as `script` says; it keeps what was asked."""

    script: Script

    def __init__(self) -> None:
        self.asked: list[Query] = []


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    told = Server()

    def listed(_method: str, path: str, _body: bytes) -> tuple[int, object]:
        query = {key: values[0] for key, values in parse_qs(urlparse(path).query).items()}
        told.asked.append(query)
        return told.script(query) if len(told.asked) < 50 else (400, {"message": "asked for ever"})

    with answering(listed) as url:
        connect_fleet(monkeypatch, Cloud(url, [], [], None))  # type: ignore[arg-type]
        yield told


def pods() -> list[dict[str, Any]]:
    hook = kubernetes_hook(conn_id="kubernetes_default")
    return list_pods(hook, namespace="ml", selector="job=bert")


def page(name: str, position: str = "") -> tuple[int, dict[str, Any]]:
    return 200, {"kind": "PodList", "metadata": {"continue": position}, "items": [{"metadata": {"name": name}}]}


def test_pods_are_read_anew_when_the_position_is_too_old(server: Server) -> None:
    expired = iter([GONE])
    server.script = lambda query: next(expired, page("b")) if "continue" in query else page("a", "next")
    assert [pod["metadata"]["name"] for pod in pods()] == ["a", "b"]
    assert ["continue" in query for query in server.asked] == [False, True, False, True]


def test_a_position_that_is_always_too_old_ends_it(server: Server) -> None:
    server.script = lambda query: GONE if "continue" in query else page("a", "next")
    with pytest.raises(CloudUnavailable, match=r"list of pods 'job=bert' in namespace 'ml': .* 4 readings in a row"):
        pods()
    assert len(server.asked) == 8


def test_a_position_that_comes_again_ends_it(server: Server) -> None:
    server.script = lambda query: page("a", "same")
    with pytest.raises(CloudUnavailable, match=r"list of pods .* the same position again and again"):
        pods()


def test_a_page_token_that_comes_again_ends_it(server: Server) -> None:
    tokens = {"": "one", "one": "two", "two": "one"}
    server.script = lambda query: (200, {"items": {}, "nextPageToken": tokens[query.get("pageToken", "")]})
    with pytest.raises(
        CloudUnavailable, match=r"instances\.aggregatedList of project 'demo-project': .* same page token"
    ):
        ComputeHook(gcp_conn_id="google_cloud_default").list_instances()
    assert len(server.asked) == 3
