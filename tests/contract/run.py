"""One run of the facts: checks their marks, hears how each test ended, prints the table when verifying a project."""

from __future__ import annotations

import shutil
from collections.abc import Generator

import pytest
from _pytest.terminal import TerminalReporter

from tests.contract.facts import Fact, Finding, Verdict, check_unique, fact_of, judge
from tests.contract.interrupts import interrupt_once
from tests.contract.table import legend, render, summary
from tests.contract.target import Target
from tests.contract.untried import untried
from tests.contract.wire import Reply

OBSERVED = pytest.StashKey[str]()
"""On a test item: what it saw, for the table."""
LEFT_BEHIND = pytest.StashKey[dict[str, str]]()
"""On the config: zones that could not be removed, each with the reason."""


def verifying(config: pytest.Config) -> bool:
    """True under `--target-project`. The default covers runs that load this directory's conftest late."""
    return config.getoption("target_project", default=None) is not None


class FactRun:
    """The pytest plugin behind the marks and the table."""

    def __init__(self, config: pytest.Config) -> None:
        self._verifying = verifying(config)
        self._facts: dict[str, Fact] = {}
        self._findings: dict[str, Finding] = {}
        self._left_behind = config.stash.setdefault(LEFT_BEHIND, {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Complete marks or none; `-m contract` selects facts; verifying a project runs facts only."""
        stating = [(item, fact) for item in items if (fact := fact_of(item))]
        check_unique(fact for _, fact in stating)
        self._facts = {item.nodeid: fact for item, fact in stating}
        for item, fact in stating:
            item.add_marker("contract")
            if self._verifying and fact.grade == "U":
                item.add_marker(pytest.mark.xfail(reason="a guess: either answer is news", strict=False))
        if self._verifying:
            config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in self._facts])
            items[:] = [item for item, _ in stating]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Only now is it known which tests `-k` and its like have left."""
        self._facts = {item.nodeid: self._facts[item.nodeid] for item in session.items if item.nodeid in self._facts}

    def pytest_sessionstart(self) -> None:
        if self._verifying:
            interrupt_once()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """What was answered while setting up is no observation."""
        _answers(item).clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        fact = self._facts.get(item.nodeid)
        if fact is not None and (call.when == "call" or (call.when == "setup" and call.excinfo is not None)):
            finding = self._findings[item.nodeid] = _finding(fact, item, call)
            if finding.verdict is Verdict.NOT_TRIED and report.skipped and not self._verifying:
                report.outcome, report.longrepr = "failed", f"localcloud can be asked anything, yet: {finding.observed}"
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._left_behind:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if not self._verifying:
            return
        late = [fact for nodeid, fact in self._facts.items() if nodeid not in self._findings]
        unreached = [Finding(fact, Verdict.NOT_TRIED, "the run ended before its turn") for fact in late]
        findings = [*self._findings.values(), *unreached, *untried()]
        width = max(80, min(shutil.get_terminal_size((140, 40)).columns, 180))
        terminalreporter.write_line(render(findings, width=width, color=terminalreporter.hasmarkup))
        terminalreporter.write_line(legend())
        terminalreporter.write_line(summary(findings))
        for name, reason in self._left_behind.items():
            terminalreporter.write_line(f"LEFT BEHIND: managed zone {name}: {reason}", red=True)
        if not self._left_behind:
            terminalreporter.write_line("left behind: nothing")


def _finding(fact: Fact, item: pytest.Item, call: pytest.CallInfo[None]) -> Finding:
    error = call.excinfo
    if error is not None and error.errisinstance(pytest.skip.Exception):
        return Finding(fact, Verdict.NOT_TRIED, str(error.value))
    if error is not None and call.when == "setup":
        return Finding(fact, Verdict.NOT_TRIED, f"could not be set up: {_one_line(error)}")
    seen = item.stash.get(OBSERVED, "")
    if error is not None:
        return Finding(fact, judge(fact, passed=False), "; ".join(filter(None, (seen, _one_line(error)))))
    return Finding(fact, judge(fact, passed=True), seen or _last(item))


def _one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    name = "" if error.errisinstance(AssertionError) else f"{error.typename}: "
    return name + (str(error.value).strip().splitlines() or ["(no message)"])[0]


def _last(item: pytest.Item) -> str:
    answers = _answers(item)
    return str(answers[-1]) if answers else ""


def _answers(item: pytest.Item) -> list[Reply]:
    target = getattr(item, "funcargs", {}).get("target")
    return target.heard if isinstance(target, Target) else []
