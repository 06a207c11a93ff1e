"""The one message that a failure becomes: what it says, and what it never says."""

from __future__ import annotations

import pytest

from mldns.exceptions import (
    ClaimRefused,
    Conflict,
    MldnsError,
    OwnershipConflict,
    PermissionMissing,
    ResolutionFailed,
)
from mldns.gate.expectations import Verdict
from mldns.gate.report import ADVICE, Failure
from mldns.notifiers.message import LINES, Place, alert_of

PLACE = Place(
    "train_bert",
    "manual__1",
    "dns.gate",
    "https://airflow/dags/train_bert/runs/manual__1",
    "https://airflow/plugin/dns",
)


def unresolved(number: int = 1, verdict: Verdict = Verdict.MISSING, got: str = "NXDOMAIN") -> ResolutionFailed:
    lines = [
        str(Failure(f"worker-{rank}.bert.ml.", "A", "10.0.0.2:53", verdict, f"10.0.0.{rank}", got, "no such name"))
        for rank in range(number)
    ]
    summary = f"job 'bert' in zone 'ml' is not proven: 0 of {number} names on 1 server"
    return ResolutionFailed(summary=summary, failures=lines, todo=[ADVICE[verdict]])


def test_what_does_not_resolve() -> None:
    text = alert_of(unresolved(), PLACE).text
    assert text == (
        "DNS: job 'bert' in zone 'ml' is not proven: 0 of 1 names on 1 server\n"
        "- worker-0.bert.ml. A at 10.0.0.2:53: expected 10.0.0.0, got NXDOMAIN (missing: no such name)\n"
        "to do: wait for the change to be served; where that lasts, look at the zone's delegation\n"
        "task dns.gate of train_bert, run manual__1\n"
        "run: https://airflow/dags/train_bert/runs/manual__1\n"
        "DNS page: https://airflow/plugin/dns"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OwnershipConflict([Conflict("a.ml.", "A", None, ("10.0.0.1",))]),
            ["a.ml. A", "owner unknown", "another name"],
        ),
        (
            ClaimRefused(owner="bert", claimant="other", lease="r", expires=None, same_claimant=False),
            ["ClaimRefused", "held by claimant 'other'", "to do: choose another job name"],
        ),
        (
            PermissionMissing(permission="dns.changes.create", resource="p"),
            ["dns.changes.create is missing on p", "to do: grant the caller a role"],
        ),
        (None, ["dns.gate failed", "no exception", "look at the task's log"]),
    ],
)
def test_other_failures(error: MldnsError | None, said: list[str]) -> None:
    text = alert_of(error, PLACE).text
    for part in said:
        assert part in text


def test_of_a_strangers_exception_only_its_class_is_told() -> None:
    text = alert_of(ConnectionError("https://user:hunter2@proxy refused"), PLACE).text
    assert "ConnectionError" in text
    assert "hunter2" not in text


def test_it_is_short_whatever_went_wrong() -> None:
    alert = alert_of(unresolved(10_000, got="x" * 5_000), PLACE)
    assert alert.lines[LINES:] == ("and 9,990 more",)
    assert len(alert.text) < 4_000


def test_what_dns_says_is_text() -> None:
    """Line breaks and invisible characters would forge lines, and a chat's markup would call everybody."""
    alert = alert_of(unresolved(got="<!channel> &\nto do: run\u202e this\x07"), PLACE)
    assert "\nto do: run" not in alert.text
    assert "\u202e" not in alert.text
    assert "\x07" not in alert.text
    assert "&lt;!channel&gt; &amp;" in alert.escaped
    assert "<" not in alert.escaped


def test_without_an_address_of_airflow_there_are_no_links() -> None:
    assert "http" not in alert_of(unresolved(), Place("d", "r", "t")).text
