"""All schedules of two writers, walks of more, and faults planted to see that the rules see them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mldns.iam.grants import Grant, Note
from mldns.ownership import claims, manifest
from mldns.plan.batches import Change, Limits
from mldns.providers import editor
from mldns.providers.iam.ledger import JobLedger
from mldns.records.names import MANIFEST_LABEL
from tests.simulator import acts, memory_provider, scenarios
from tests.simulator import engine as engine_module
from tests.simulator import writers as writers_module
from tests.simulator.engine import Engine
from tests.simulator.memory_provider import Records
from tests.simulator.scenarios import Scenario
from tests.simulator.schedules import Violation, explore
from tests.simulator.walks import walk

Plant = Any


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """A line for every refusal of a hundred thousand writers would take longer than all else."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def as_at_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """One budget of values for additions and deletions, and no history of changes."""
    one_budget = Limits(additions=9, deletions=9, elements=5, manifest_bytes=4_000)
    for module in (acts, engine_module):
        monkeypatch.setattr(module, "SMALL", one_budget)
    monkeypatch.setattr(writers_module.ReplayedProvider, "find_change", lambda *_: None)


@pytest.mark.parametrize("cloud", ["gcp", pytest.param("aws", marks=[pytest.mark.slow, pytest.mark.exhaustive])])
@pytest.mark.parametrize("family", scenarios.FAMILIES, ids=lambda family: family.__name__)
def test_no_schedule_of_two_writers_breaks_a_rule(monkeypatch: pytest.MonkeyPatch, family: Any, cloud: str) -> None:
    """With a crash, a lost answer or a refusal at every call."""
    if cloud == "aws":
        as_at_aws(monkeypatch)
    engine = Engine()
    for scenario in family():
        tally = explore(engine, engine.world_after(*scenario.before), scenario.acts, faults=1)
        assert tally.schedules > 1
        assert not tally.violations, f"{scenario}\n{tally.violations[0]}"


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("writers", [3, 4, 6])
def test_no_walk_of_more_writers_breaks_a_rule(writers: int) -> None:
    engine = Engine(crowded=True)
    for number in range(400):
        tally = walk(engine, f"1.{number}", writers=writers)
        assert not tally.violations, f"walk 1.{number}\n{tally.violations[0]}"
        engine.forget_much()


def test_a_walk_is_the_same_each_time() -> None:
    assert walk(Engine(crowded=True), "7", writers=3) == walk(Engine(crowded=True), "7", writers=3)


# -- planted faults ----------------------------------------------------------------------------------------------------


def shortest(family: Sequence[Scenario]) -> Violation | None:
    """The first violation without any fault of the cloud's."""
    engine = Engine()
    for scenario in family:
        tally = explore(engine, engine.world_after(*scenario.before), scenario.acts, faults=0)
        if tally.violations:
            return tally.violations[0]
    return None


def no_compare_and_swap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest is replaced whatever its generation is."""
    rule = memory_provider.applied

    def lenient(records: Records, change: Change) -> Records:
        swapped = [rrset for rrset in (*change.additions, *change.deletions) if rrset.name.startswith(MANIFEST_LABEL)]
        others = {key: rrset for key, rrset in records.items() if key not in {rrset.key for rrset in swapped}}
        expected = {rrset.key: rrset for rrset in change.deletions if rrset in swapped}
        return rule({**others, **expected}, change)

    monkeypatch.setattr(memory_provider, "applied", lenient)


def no_look_at_the_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean-up acts on what it saw some time ago."""
    monkeypatch.setattr(editor, "check_generation", lambda *_: None)


def manifest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release gives up the manifest before the records."""
    rule = editor.release_changes

    def swapped(*given: Any, **more: Any) -> Any:
        ordered = rule(*given, **more)
        gone = [rrset for change in ordered.changes for rrset in change.deletions]
        listed, *_ = [rrset for rrset in gone if rrset.name.startswith(MANIFEST_LABEL)]
        names = [rrset for rrset in gone if not rrset.name.startswith(MANIFEST_LABEL)]
        return replace(ordered, changes=tuple(Change(deletions=(rrset,)) for rrset in (listed, *names)))

    monkeypatch.setattr(editor, "release_changes", swapped)


def any_claimant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another deployment counts as the same one."""
    rule = claims.matches
    monkeypatch.setattr(claims, "matches", lambda stored, value: value in ("dag", "other") or rule(stored, value))


def no_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is claimed counts as written."""
    monkeypatch.setattr(manifest, "_PENDING", "")


def strike_whatever_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unbind strikes its note though a bind of the same job holds the grant again: so it was once."""
    rule = JobLedger.mark

    def mark(
        ledger: JobLedger, grant: Grant, marks: Mapping[str, Note | None], *, only: Collection[Note | None] = ()
    ) -> Any:
        return rule(ledger, grant, marks)

    monkeypatch.setattr(JobLedger, "mark", mark)


PLANTED = [
    (no_compare_and_swap, scenarios.runs_of_one_job, "the generation of a goes from"),
    (no_look_at_the_generation, scenarios.clean_up, "acts on generation"),
    (manifest_first, scenarios.runs_of_one_job, "no manifest covers"),
    (any_claimant, scenarios.runs_of_one_job, "takes the names"),
    (no_mark, scenarios.strangers, "a stranger's record"),
    (strike_whatever_stands, scenarios.grants, "no job notes it"),
]


@pytest.mark.parametrize(("plant", "family", "rule"), PLANTED, ids=[plant.__name__ for plant, *_ in PLANTED])
def test_a_planted_fault_is_found(monkeypatch: pytest.MonkeyPatch, plant: Plant, family: Any, rule: str) -> None:
    plant(monkeypatch)
    found = shortest(list(family()))
    assert found
    assert rule in found.why
