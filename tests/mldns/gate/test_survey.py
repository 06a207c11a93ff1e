"""What is asked when, what stays open, and what the report says; the clock is a number in the test's hand."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import Answer, Expectation, Verdict
from mldns.gate.report import ADVICE, JSON_BYTES, PAIRS_A_STEP
from mldns.gate.servers import Server, ServerRole
from mldns.gate.survey import Survey
from tests.mldns.surveys import AUTH, NS1, NS2, RES, RESOLVER, SILENT, WRONG, answer_all, denied, expect, right


class TestOrder:
    def test_everything_is_asked_of_every_authority_first(self) -> None:
        wanted = expect(3)
        survey = Survey(wanted, [NS1, RES, NS2], now=0)
        assert survey.due(AUTH, 0) == {NS1: wanted, NS2: wanted}
        assert survey.due(RESOLVER, 0) == {}

    def test_resolver_is_asked_for_what_every_authority_has(self) -> None:
        first, second = wanted = expect(2)
        survey = Survey(wanted, [NS1, NS2, RES], now=0)
        for server in (NS1, NS2):
            survey.record(server, first, right(first), 0)
        survey.record(NS1, second, right(second), 0)
        survey.record(NS2, second, denied(), 0)
        assert survey.due(RESOLVER, 0) == {RES: [first]}
        survey.record(NS2, second, right(second), 1)
        assert survey.due(RESOLVER, 1) == {RES: [first, second]}

    def test_only_what_is_open_is_asked_again(self) -> None:
        first, second = wanted = expect(2)
        survey = Survey(wanted, [NS1], now=0)
        survey.record(NS1, first, right(first), 0)
        survey.record(NS1, second, WRONG, 0)
        assert survey.due(AUTH, 0) == {NS1: [second]}
        survey.record(NS1, second, right(second), 0)
        assert survey.due(AUTH, 0) == {}
        assert survey.finished

    @pytest.mark.parametrize(
        ("answer", "hold"),
        [(denied(300), 300), (denied(5), 5), (WRONG, 20), (denied(None), 0), (SILENT, 0)],
    )
    def test_a_resolver_is_asked_again_when_its_cache_may_have_changed(self, answer: Answer, hold: int) -> None:
        (only,) = wanted = expect(1)
        survey = Survey(wanted, [RES], now=1000)
        survey.record(RES, only, answer, 1000)
        if hold:
            assert survey.due(RESOLVER, 1000 + hold - 0.01) == {}
        assert survey.due(RESOLVER, 1000 + hold) == {RES: [only]}

    def test_one_name_with_two_types_is_two_questions(self) -> None:
        both = [Expectation("w.ml.test.", "A", ("10.0.0.1",), 30), Expectation("w.ml.test.", "AAAA", ("::1",), 30)]
        survey = Survey(both, [NS1], now=0)
        survey.record(NS1, both[0], right(both[0]), 0)
        report = survey.report(0)
        assert (report.names, report.names_right) == (1, 0)
        assert survey.due(AUTH, 0) == {NS1: [both[1]]}


class TestPasses:
    def test_each_pass_asks_everything_of_everybody(self) -> None:
        survey = Survey(expect(3), [NS1, RES], now=0, passes=2)
        assert [answer_all(survey, role, 0) for role in (AUTH, RESOLVER)] == [3, 3]
        assert (survey.passes, survey.finished) == (1, False)
        assert [answer_all(survey, role, 0) for role in (AUTH, RESOLVER)] == [3, 3]
        assert (survey.passes, survey.finished) == (2, True)
        assert survey.due(AUTH, 0) == {}

    def test_a_failure_in_a_later_pass_begins_the_row_anew(self) -> None:
        first, _ = wanted = expect(2)
        survey = Survey(wanted, [NS1], now=0, passes=2)
        answer_all(survey, AUTH, 0)
        survey.record(NS1, first, SILENT, 0)
        assert survey.passes == 0
        answer_all(survey, AUTH, 0)
        assert (survey.passes, survey.finished) == (1, False)
        answer_all(survey, AUTH, 0)
        assert survey.finished

    @pytest.mark.parametrize("passes", [0, -1])
    def test_less_than_one_pass_is_refused(self, passes: int) -> None:
        with pytest.raises(InvalidInput, match="at least 1"):
            Survey(expect(1), [NS1], now=0, passes=passes)

    def test_nothing_to_prove_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="nothing to prove"):
            Survey([], [NS1], now=0)
        with pytest.raises(InvalidInput, match="nothing to prove"):
            Survey(expect(1), [], now=0)


class TestReport:
    def test_progress_line(self) -> None:
        wanted = expect(1_000)
        survey = Survey(wanted, [NS1, NS2], now=0)
        for rank, expectation in enumerate(wanted):
            survey.record(NS1, expectation, right(expectation), 1)
            survey.record(NS2, expectation, denied() if rank >= 941 else right(expectation), 1)
        report = survey.report(2)
        assert report.counts() == "941 of 1,000 names on 2 servers (59 missing)"
        assert report.summary().startswith(f"{report.counts()}; slowest ns2; first worker-941.job.ml.test. A at ns2: ")
        assert report.progress() == "941 of 1,000 names, slowest ns2"

    def test_a_resolver_that_denies_what_the_name_servers_have_is_asked_why(self) -> None:
        (only,) = wanted = expect(1)
        survey = Survey(wanted, [NS1, RES], now=0)
        survey.record(NS1, only, right(only), 0)
        survey.record(RES, only, denied(300), 0)
        (failure,) = survey.report(1).failures
        assert failure.why.endswith("has this resolver a cached denial, or a private zone that hides this one?")

    def test_failure_names_name_server_expected_got_and_why(self) -> None:
        (only,) = wanted = expect(1)
        survey = Survey(wanted, [NS1], now=0)
        survey.record(NS1, only, WRONG, 0)
        (failure,) = survey.report(1).failures
        assert failure.to_json() == {
            "name": "worker-0.job.ml.test.",
            "type": "A",
            "server": "ns1",
            "verdict": "wrong",
            "expected": "10.0.0.0",
            "got": "10.9.9.9",
            "why": "lacks 10.0.0.0, has 10.9.9.9 too much",
        }

    def test_each_verdict_has_its_advice(self) -> None:
        assert {Verdict.PASS, *ADVICE} == {*Verdict}

    def test_wrong_is_stale_where_another_server_is_right_already(self) -> None:
        (only,) = wanted = expect(1)
        survey = Survey(wanted, [NS1, NS2], now=0)
        survey.record(NS2, only, WRONG, 0)
        assert survey.report(0).verdicts == {Verdict.WRONG: 1}
        survey.record(NS1, only, right(only), 0)
        report = survey.report(0)
        assert report.verdicts == {Verdict.STALE: 1}
        assert report.failures[0].why.endswith("; 1 of 2 servers right")

    def test_every_kind_of_failure_is_shown_before_the_second_of_any(self) -> None:
        wanted = expect(100)
        survey = Survey(wanted, [NS1, NS2], now=0)
        for expectation in wanted:
            survey.record(NS1, expectation, SILENT, 0)
            survey.record(NS2, expectation, denied() if expectation is wanted[50] else WRONG, 0)
        shown = survey.report(0).failures
        assert {(f.verdict, f.server) for f in shown[:3]} == {
            (Verdict.TIMEOUT, "ns1"),
            (Verdict.WRONG, "ns2"),
            (Verdict.MISSING, "ns2"),
        }

    def test_waiting_and_held_are_told(self) -> None:
        first, second = wanted = expect(2)
        survey = Survey(wanted, [RES], now=0)
        survey.record(RES, first, denied(300), 10)
        report = survey.report(30)
        assert (report.waiting, report.cached, report.asked_again_in) == (1, 1, 280)
        assert report.summary().endswith("; 1 still to ask; 1 as a resolver may have cached it, asked again in 280 s")
        survey.record(RES, second, right(second), 30)
        assert survey.report(30).waiting == 0

    def test_fifty_thousand_open_pairs_are_counted_a_few_at_a_time(self) -> None:
        """Between two steps the event loop has its turn: some milliseconds each, measured by `make bench-gate`."""
        wanted, servers = expect(10_000), [NS1, NS2, *(Server(f"ns{n}", 53, AUTH) for n in (3, 4)), RES]
        survey = Survey(wanted, servers, now=0)
        for server in servers:
            for expectation in wanted:
                survey.record(server, expectation, WRONG, 0)
        steps = sum(1 for _ in survey.report_steps(1))
        assert steps >= 50_000 / PAIRS_A_STEP
        assert survey.report(1).verdicts == {Verdict.WRONG: 50_000}

    def test_json_stays_small_at_ten_thousand_names_of_the_greatest_length(self) -> None:
        label = "x" * 63
        wanted = [
            Expectation(f"{rank:05}{label[5:]}.{label}.{label}.{label[:56]}.", "TXT", ('"' + "y" * 250 + '"',) * 9, 30)
            for rank in range(10_000)
        ]
        survey = Survey(wanted, [NS1], now=0)
        answer = Answer(rrdatas=('"' + "z" * 250 + '"',) * 100, ttl=30, authoritative=True)
        for expectation in wanted:
            survey.record(NS1, expectation, answer, 0)
        report = survey.report(1)
        assert report.verdicts == {Verdict.WRONG: 10_000}
        assert 0 < len(report.to_json()["failures"]) < len(report.failures)
        assert len(json.dumps(report.to_json())) < JSON_BYTES + 500
        assert len(report.summary()) < 1000


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), authorities=st.integers(0, 3), resolvers=st.integers(0, 2), passes=st.integers(1, 3))
def test_any_world_ends_and_the_rules_hold(seed: int, authorities: int, resolvers: int, passes: int) -> None:
    """Random answers, later right ones: it ends, never before k clean passes, and no resolver is asked too early."""
    if not authorities + resolvers:
        return
    rng = random.Random(seed)
    servers = [Server(f"ns{n}", 53, AUTH) for n in range(authorities)]
    servers += [Server(f"r{n}", 53, RESOLVER) for n in range(resolvers)]
    wanted = expect(4)
    survey = Survey(wanted, servers, now=0, passes=passes)
    not_before: dict[tuple[Server, str], float] = {}
    last_right: set[tuple[Server, str]] = set()
    now, clean = 0.0, 0
    for _ in range(400):
        if survey.finished:
            break
        now += rng.choice([1, 7])
        for role in ServerRole:
            for server, expectations in survey.due(role, now).items():
                for expectation in expectations:
                    cell = (server, expectation.name)
                    assert now >= not_before.get(cell, 0)
                    if role is RESOLVER:
                        assert all((s, expectation.name) in last_right for s in servers if s.role is AUTH)
                    answer = right(expectation)
                    if now < 60 and rng.random() < 0.3:
                        answer = rng.choice([denied(rng.choice([0, 20])), WRONG, SILENT])
                    judgement = survey.record(server, expectation, answer, now)
                    not_before[cell] = now + judgement.cached_for
                    clean = clean + 1 if judgement.verdict is Verdict.PASS else 0
                    (last_right.add if judgement.verdict is Verdict.PASS else last_right.discard)(cell)
    assert survey.finished
    assert clean >= len(servers) * len(wanted) * (passes - 1)
    assert len(last_right) == len(servers) * len(wanted)
    report = survey.report(now)
    assert (report.ok, report.names_right, report.failures) == (True, 4, ())
