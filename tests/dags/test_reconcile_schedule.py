"""How often mldns_reconcile runs and what it does by itself, as the environment says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.airflow_versions import DagBag, read_dags

FILE = Path(__file__).resolve().parents[2] / "dags" / "mldns_reconcile.py"
MINUTES, ACTIONS = "AIRFLOW_VAR_MLDNS_RECONCILE_MINUTES", "AIRFLOW_VAR_MLDNS_RECONCILE_ACTIONS"


def read(monkeypatch: pytest.MonkeyPatch, **environment: str) -> DagBag:
    for name in (MINUTES, ACTIONS):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return read_dags(str(FILE))


@pytest.mark.parametrize(("minutes", "seconds"), [("", 900), ("15", 900), ("1", 60), ("2.5", 150), ("1440", 86_400)])
def test_minutes_between_checks(monkeypatch: pytest.MonkeyPatch, minutes: str, seconds: int) -> None:
    dag = read(monkeypatch, **{MINUTES: minutes}).dags["mldns_reconcile"]
    assert dag.schedule == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("actions", "params"),
    [
        ("", {"repair": False, "collect": False, "dry_run": True}),
        ("collect", {"repair": False, "collect": True, "dry_run": False}),
        ("repair, collect", {"repair": True, "collect": True, "dry_run": False}),
    ],
)
def test_what_scheduled_runs_do(monkeypatch: pytest.MonkeyPatch, actions: str, params: dict[str, bool]) -> None:
    dag = read(monkeypatch, **{ACTIONS: actions}).dags["mldns_reconcile"]
    assert {name: dag.params[name] for name in params} == params


@pytest.mark.parametrize(
    ("variable", "value"),
    [(MINUTES, "soon"), (MINUTES, "0"), (MINUTES, "1441"), (MINUTES, "nan"), (ACTIONS, "delete")],
)
def test_what_is_no_answer_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    (error,) = read(monkeypatch, **{variable: value}).import_errors.values()
    assert variable in error
    assert repr(value) in error
