"""The check of all zones where one of them holds what nobody thought of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import OutletEventAccessors

from mldns.operators.cloud_dns import CloudDNSEnsureZoneOperator
from mldns.operators.reconcile import CloudDNSReconcileOperator
from mldns.reconcile import check as zone_check
from mldns.reconcile.answers import Answers
from tests.cloud_fixture import Cloud
from tests.mldns.operators.conftest import Execute


def test_one_zones_failure_of_any_kind_keeps_no_other_from_being_checked(
    connected: Cloud, execute: Execute, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for zone in ("ml", "odd", "well"):
        execute(CloudDNSEnsureZoneOperator, zone=zone, dns_name=f"{zone}.example.com.", networks=[connected.network])
    ask = zone_check.ask

    def break_down(*args: Any, dns_name: str, **kwargs: Any) -> Answers:
        if dns_name.startswith("odd."):
            raise ExceptionGroup("unhandled errors in a TaskGroup", [ZeroDivisionError("of a library")])
        return ask(*args, dns_name=dns_name, **kwargs)

    monkeypatch.setattr(zone_check, "ask", break_down)
    ti = SimpleNamespace(dag_id="mldns_reconcile", run_id="check", task_id="reconcile", map_index=-1)
    check = CloudDNSReconcileOperator(task_id="reconcile")
    found = check.execute({"ti": ti, "task": check, "outlet_events": OutletEventAccessors()})  # type: ignore[arg-type]
    assert {report["zone"]: "error" in report for report in found["reports"]} == {
        "odd": True,
        "ml": False,
        "well": False,
    }
    (failure,) = found["failures"]
    assert failure.startswith("zone odd: ExceptionGroup, a fault of mldns whose traceback is in the task's log")
    assert "ZeroDivisionError: of a library" in capsys.readouterr().out
