"""The notifier called as Airflow calls it in a failed task's process, with a real HTTP server at the other end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import BaseOperator

from mldns.exceptions import InvalidInput, ResolutionFailed
from mldns.notifiers import AlertNotifier, WebhookAlertNotifier
from mldns.notifiers.webhook import AlertNotSent
from mldns.sensors.resolution import DNSResolutionSensor
from tests.receivers import SECRET, Webhook, webhook

NOT_PROVEN = ResolutionFailed(summary="job 'bert' is not proven", failures=["worker-0.bert.ml. A: <nothing>"])


@pytest.fixture
def server() -> Iterator[Webhook]:
    with webhook() as started:
        yield started


@pytest.fixture(autouse=True)
def base_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/ml/")


def connect(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    value = {"conn_type": "generic", "password": SECRET, **fields}
    monkeypatch.setenv("AIRFLOW_CONN_ALERTS", json.dumps(value))


def failed(error: BaseException | None, task: BaseOperator | None = None) -> Any:
    """The context of a failed task: the gate, unless another is given."""
    task = task or DNSResolutionSensor(task_id="gate", zone="ml", job="bert")
    ti = SimpleNamespace(dag_id="train_bert", run_id="manual__2026-01-02T03:04:05+00:00", task_id=task.task_id)
    return {"exception": error, "task": task, "ti": ti}


def test_a_failed_gate_is_one_message(server: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, host=server.url)
    WebhookAlertNotifier("alerts")(failed(NOT_PROVEN))
    ((path, message),) = server.posts
    assert path == f"/services/{SECRET}"
    assert message == {
        "text": "DNS: job 'bert' is not proven\n"
        "- worker-0.bert.ml. A: &lt;nothing&gt;\n"
        "task gate of train_bert, run manual__2026-01-02T03:04:05+00:00\n"
        "run: https://airflow.example.com/ml/dags/train_bert/runs/manual__2026-01-02T03%3A04%3A05%2B00%3A00\n"
        "DNS page: https://airflow.example.com/ml/plugin/dns?search=bert"
    }


def test_a_training_that_fails_by_itself_is_not_about_names(server: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, host=server.url)
    WebhookAlertNotifier("alerts")(failed(RuntimeError("loss is NaN"), BaseOperator(task_id="train")))
    assert server.posts == []


def test_a_task_of_ours_that_fails_with_somebody_elses_exception_is(
    server: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, host=server.url)
    WebhookAlertNotifier("alerts")(failed(KeyError("hunter2")))
    ((_, message),) = server.posts
    assert message["text"].startswith("DNS: gate failed\n- KeyError\nto do: look at the task's log")
    assert "hunter2" not in message["text"]


def test_what_cannot_be_sent_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        connect(monkeypatch, host=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(
            AlertNotSent, match=r"^the webhook of connection 'alerts' failed: ConnectionError$"
        ) as refused:
            WebhookAlertNotifier("alerts")(failed(NOT_PROVEN))
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("status", [302, 404, 500])
def test_what_is_not_taken_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with webhook(status) as server:
        connect(monkeypatch, host=server.url)
        with pytest.raises(AlertNotSent, match=rf"^the webhook of connection 'alerts' answered HTTP {status}$"):
            WebhookAlertNotifier("alerts")(failed(NOT_PROVEN))


def test_a_host_that_is_no_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, host="hooks.slack.com")
    with pytest.raises(InvalidInput, match="connection 'alerts': its host"):
        WebhookAlertNotifier("alerts")(failed(NOT_PROVEN))


def test_another_way_to_send_is_one_method() -> None:
    sent = []

    class Kept(AlertNotifier):
        def send(self, alert: Any) -> None:
            sent.append(alert.title)

    Kept()(failed(NOT_PROVEN))
    assert sent == ["DNS: job 'bert' is not proven"]
