"""A survey that goes on in another process: what passed is not asked again, what is held stays held."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Answer, Expectation, Tolerance, any_address
from mldns.gate.report import Exit
from mldns.gate.servers import Endpoint, Server, ServerRole
from mldns.gate.survey import SAMPLE, Survey
from tests.mldns.surveys import AUTH, NS1, NS2, RES, RESOLVER, SILENT, WRONG, answer_all, denied, expect, right


def moved(survey: Survey, fresh: Survey, *, at: float, now: float, ago: float) -> Survey:
    """`fresh`, where `survey` stood at `at`; by the clock of `fresh` that was `ago` seconds before `now`."""
    fresh.resume(json.loads(json.dumps(survey.checkpoint(at))), now=now, ago=ago)
    return fresh


def test_what_a_cache_answered_is_told_to_the_end() -> None:
    """The gate's time may end before a cache may be asked again: its error is all that people get to read."""
    (first,) = wanted = expect(1)
    survey = Survey(wanted, [RES], now=0)
    survey.record(RES, first, denied(300), 10)
    later = moved(survey, Survey(wanted, [RES], now=7000), at=20, now=7000, ago=30)
    (failure,) = later.report(7020).failures
    assert (failure.got, failure.verdict.value) == ("NXDOMAIN", "missing")
    assert failure.why == f"as it said before, cached by {RES.label} for another 240 s"


def test_many_different_holds_are_asked_too_early_rather_than_too_late() -> None:
    wanted = expect(300)
    survey = Survey(wanted, [RES], now=0)
    for rank, expectation in enumerate(wanted):
        survey.record(RES, expectation, denied(100 + rank), 0)
    state = survey.checkpoint(0)
    assert len(json.dumps(state)) < 3_000
    later = Survey(wanted, [RES], now=0)
    later.resume(state, now=0, ago=0)
    for moment in (50, 120, 390):
        due = {e.name for e in later.due(RESOLVER, moment).get(RES, [])}
        assert {e.name for e in survey.due(RESOLVER, moment).get(RES, [])} <= due


def test_passes_and_what_ever_failed_are_remembered() -> None:
    wanted = expect(4 * SAMPLE)
    survey = Survey(wanted, [NS1], now=0, passes=2)
    survey.record(NS1, wanted[9], denied(), 0)
    survey.record(NS1, wanted[9], right(wanted[9]), 0)
    later = moved(survey, Survey(wanted, [NS1], now=0, passes=2), at=0, now=0, ago=0)
    answer_all(later, AUTH, 0)
    assert later.passes == 1
    assert wanted[9] in later.due(AUTH, 0)[NS1]
    assert moved(later, Survey(wanted, [NS1], now=0, passes=2), at=0, now=0, ago=0).passes == 1


def test_a_tolerated_ttl_stays_a_warning() -> None:
    first, second = wanted = expect(2)
    long = Answer(rrdatas=first.rrdatas or (), ttl=999, authoritative=True)
    survey = Survey(wanted, [NS1], now=0, tolerate=[Tolerance.LONG_TTL])
    survey.record(NS1, first, long, 0)
    later = moved(survey, Survey(wanted, [NS1], now=0, tolerate=[Tolerance.LONG_TTL]), at=0, now=0, ago=0)
    later.record(NS1, second, right(second), 0)
    assert later.report(0).exit is Exit.WARN


def test_names_of_unknown_data_are_asked_everywhere_again() -> None:
    """What the first server said is not in the state, so nothing could be compared with it."""
    wanted = any_address("w.ml.test.")
    survey = Survey([wanted], [NS1, NS2], now=0)
    survey.record(NS1, wanted, Answer(rrdatas=("10.0.0.1",), authoritative=True), 0)
    later = moved(survey, Survey([wanted], [NS1, NS2], now=0), at=0, now=0, ago=0)
    assert later.due(AUTH, 0) == {NS1: [wanted], NS2: [wanted]}


def test_names_that_are_done_are_not_asked_again_where_only_a_port_is_shut() -> None:
    wanted, door = any_address("w.ml.test."), Endpoint("w", "10.0.0.1", 29500)
    survey = Survey([wanted], [NS1], now=0, endpoints=[door])
    survey.record(NS1, wanted, Answer(rrdatas=("10.0.0.1",), authoritative=True), 0)
    survey.record_port(door, "refused by 10.0.0.1:29500")
    later = moved(survey, Survey([wanted], [NS1], now=0, endpoints=[door]), at=0, now=0, ago=0)
    assert later.due(AUTH, 0) == {}
    assert later.ports_due() == [door]
    assert later.report(0).names_right == 1


def test_state_of_another_survey_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the checkpoint is one of 2 names at servers, not of 3"):
        Survey(expect(3), [NS1], now=0).resume(Survey(expect(2), [NS1], now=0).checkpoint(0), now=0, ago=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_state_comes_back(seed: int) -> None:
    rng = random.Random(seed)
    wanted, servers = expect(6), [NS1, NS2, RES]
    survey = Survey(wanted, servers, now=0)
    for _ in range(40):
        expectation, server = rng.choice(wanted), rng.choice(servers)
        answer = rng.choice([right(expectation), denied(rng.randint(0, 9)), WRONG, SILENT])
        survey.record(server, expectation, answer, rng.randint(0, 5))
    later = moved(survey, Survey(wanted, servers, now=100), at=5, now=100, ago=0)
    for after in (0, 3, 30):
        for role in ServerRole:
            due = {server: set(asked) for server, asked in survey.due(role, 5 + after).items()}
            assert {server: set(asked) for server, asked in later.due(role, 100 + after).items()} == due
    assert later.report(100).names_right == survey.report(5).names_right


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), passes=st.integers(1, 3), dead=st.integers(0, 1))
def test_any_world_ends_however_often_the_triggerer_is_restarted(seed: int, passes: int, dead: int) -> None:
    """Names of known and of unknown data, a dead server of three, faults for a minute, a new process now and then."""
    rng = random.Random(seed)
    authorities = [Server(f"ns{n}", 53, AUTH) for n in range(3)]
    servers = [*authorities, RES]
    known, unknown = expect(4), any_address("hub.ml.test.")
    v6 = Answer(rrdatas=("2001:db8::1",), ttl=30, authoritative=True, recursion_available=True)
    nodata = Answer(authoritative=True, recursion_available=True, negative_ttl=5)

    def fresh(now: float) -> Survey:
        return Survey([*known, unknown], servers, now=now, passes=passes, tolerate=list(Tolerance))

    def answer(server: Server, expectation: Expectation, now: float) -> Answer:
        if dead and server is authorities[2]:
            return SILENT
        if now < 60 and rng.random() < 0.2:
            return rng.choice([denied(rng.choice([0, 20])), WRONG, SILENT])
        if expectation.rrdatas is not None:
            return right(expectation)
        return v6 if expectation.type == "AAAA" else nodata

    survey, now = fresh(0), 0.0
    for _ in range(600):
        if survey.finished:
            break
        now += rng.choice([1, 7])
        for role in ServerRole:
            for server, asked in survey.due(role, now).items():
                for expectation in asked:
                    survey.record(server, expectation, answer(server, expectation, now), now)
            survey.end_round()
        if rng.random() < 0.1:
            survey = moved(survey, fresh(now), at=now, now=now, ago=0)
    report = survey.report(now)
    assert (survey.finished, report.ok, report.names_right, report.failures) == (True, True, 5, ())
    # A server that lost the last answers is told as well.
    assert report.exit is Exit.WARN if dead else report.exit in (Exit.PASS, Exit.WARN)
