"""What else than an exact answer is right: names of unknown data, other families, aliases, tolerated faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldns.exceptions import InvalidInput
from mldns.gate.expectations import (
    Answer,
    Expectation,
    Inquiry,
    Tolerance,
    Verdict,
    any_address,
)
from mldns.gate.report import FAILURES_SHOWN, Exit
from mldns.gate.required import Required, known_addresses, parse_required
from mldns.gate.servers import Endpoint, Server, ServerRole
from mldns.gate.survey import SAMPLE, Survey
from tests.mldns.surveys import AUTH, NS1, NS2, RES, RESOLVER, SILENT, WRONG, answer_all, denied, expect, right

NAME = "worker-0.job.ml.test."
V4 = Answer(rrdatas=("10.0.0.7",), ttl=30, authoritative=True, recursion_available=True)
V6 = Answer(rrdatas=("2001:db8::7",), ttl=30, authoritative=True, recursion_available=True)
NODATA = Answer(authoritative=True, recursion_available=True, negative_ttl=60)


class TestAnyAddress:
    def test_what_was_answered_is_kept_for_the_caller(self) -> None:
        wanted = any_address(NAME, max_ttl=30)
        survey = Survey([wanted], [NS1, NS2], now=0)
        survey.record(NS1, wanted, V4, 0)
        assert survey.answers() == {}, "not before every server has answered"
        survey.record(NS2, wanted, V4, 0)
        assert survey.finished
        assert survey.answers() == {(NAME, "A"): ("10.0.0.7",)}

    def test_what_is_known_exactly_is_told_too(self) -> None:
        survey = Survey(expect(2), [NS1], now=0)
        answer_all(survey, AUTH, 0)
        assert survey.answers() == {e.key: e.rrdatas for e in expect(2)}

    def test_ttl_bound_holds(self) -> None:
        wanted = any_address(NAME, max_ttl=29)
        survey = Survey([wanted], [NS1], now=0)
        assert survey.record(NS1, wanted, V4, 0).verdict is Verdict.LONG_TTL

    def test_an_alias_is_no_address_of_the_zone(self) -> None:
        wanted = any_address(NAME)
        alias = Answer(alias="elsewhere.test.", behind_alias=("10.0.0.7",), authoritative=True)
        survey = Survey([wanted], [NS1], now=0)
        assert survey.record(NS1, wanted, alias, 0).verdict is Verdict.WRONG

    def test_servers_that_disagree_are_all_asked_again(self) -> None:
        """Either may be the old one; both are wrong until they say the same."""
        wanted = any_address(NAME)
        other = Answer(rrdatas=("10.0.0.8",), ttl=30, authoritative=True)
        survey = Survey([wanted], [NS1, NS2], now=0)
        survey.record(NS1, wanted, V4, 0)
        judgement = survey.record(NS2, wanted, other, 0)
        assert (judgement.verdict, judgement.why) == (Verdict.WRONG, "servers disagree: another one says 10.0.0.7")
        assert survey.due(AUTH, 1) == {NS1: [wanted], NS2: [wanted]}
        report = survey.report(1)
        assert report.verdicts == {Verdict.WRONG: 2}
        assert {failure.expected for failure in report.failures} == {"an address"}
        for server in (NS1, NS2):
            survey.record(server, wanted, other, 1)
        assert survey.finished
        assert survey.answers() == {(NAME, "A"): ("10.0.0.8",)}

    def test_the_other_family_is_asked_for_where_there_is_no_address_of_the_first(self) -> None:
        wanted = any_address(NAME)
        survey = Survey([wanted], [NS1], now=0)
        survey.record(NS1, wanted, NODATA, 0)
        ((second,),) = survey.due(AUTH, 0, unasked_only=True).values()
        assert second.key == (NAME, "AAAA")
        survey.record(NS1, second, V6, 0)
        assert survey.finished
        assert survey.answers() == {(NAME, "AAAA"): ("2001:db8::7",)}

    def test_neither_family(self) -> None:
        wanted = any_address(NAME)
        survey = Survey([wanted], [RES], now=0)
        survey.record(RES, wanted, NODATA, 0)
        ((second,),) = survey.due(RESOLVER, 0).values()
        survey.record(RES, second, NODATA, 0)
        assert survey.due(RESOLVER, 0, unasked_only=True) == {}, "asked for both: it is not asked for ever"
        assert survey.due(RESOLVER, 59) == {}
        assert survey.due(RESOLVER, 60) == {RES: [wanted]}
        report = survey.report(0)
        assert (report.verdicts, report.names_right) == ({Verdict.MISSING: 1}, 0)

    def test_a_name_that_does_not_exist_is_not_asked_for_twice(self) -> None:
        wanted = any_address(NAME)
        survey = Survey([wanted], [NS1], now=0)
        survey.record(NS1, wanted, denied(), 0)
        assert survey.due(AUTH, 0, unasked_only=True) == {}


class TestRequired:
    PORT = Endpoint("storage.test.", "", 443)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Storage.test.", Required((any_address("storage.test.", outside=True),))),
            ("storage.test AAAA", Required((Expectation("storage.test.", "AAAA", None, None, outside=True),))),
            ("storage.test  srv", Required((Expectation("storage.test.", "SRV", None, None, outside=True),))),
            ("storage.test:443", Required((any_address("storage.test.", outside=True),), PORT)),
            ("storage.test=10.0.0.7,2001:DB8::7, 10.0.0.8", Required((
                Expectation("storage.test.", "A", ("10.0.0.7", "10.0.0.8"), None, outside=True),
                Expectation("storage.test.", "AAAA", ("2001:db8::7",), None, outside=True),
            ))),
        ],
    )  # fmt: skip
    def test_forms(self, text: str, expected: Required) -> None:
        assert parse_required(text) == expected

    @pytest.mark.parametrize(
        "text",
        ["", "  ", "a..b", "x.test MX", "x.test A B", None, "x.test:", "x.test:0", ":443", "x.test=", "x.test=10.0.0"],
    )
    def test_bad_ones_are_named(self, text: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            parse_required(text)
        assert repr(text) in str(caught.value) or text.partition("=")[0] in str(caught.value)

    @pytest.mark.parametrize(
        ("text", "answer", "verdict"),
        [
            ("storage.test", V4, Verdict.PASS),
            ("storage.test", Answer(alias="cdn.test.", behind_alias=("192.0.2.1",), ttl=5), Verdict.PASS),
            ("storage.test", Answer(alias="cdn.test.", ttl=5, rcode="NXDOMAIN"), Verdict.MISSING),
            ("storage.test", denied(), Verdict.MISSING),
            ("storage.test", Answer(rcode="SERVFAIL"), Verdict.SERVFAIL),
            ("storage.test=10.0.0.7", V4, Verdict.PASS),
            ("storage.test=10.0.0.7", Answer(alias="cdn.test.", behind_alias=("10.0.0.7",), ttl=5), Verdict.PASS),
            ("storage.test=10.0.0.7", Answer(alias="cdn.test.", behind_alias=("10.0.0.8",), ttl=5), Verdict.WRONG),
        ],
    )
    def test_is_looked_up_as_any_program_would(self, text: str, answer: Answer, verdict: Verdict) -> None:
        (wanted,) = parse_required(text).expectations
        survey = Survey(expect(1), [NS1], now=0, also=[Inquiry((wanted,), (RES,))])
        assert survey.due(RESOLVER, 0) == {RES: [wanted]}
        assert survey.due(AUTH, 0) == {NS1: expect(1)}, "the zone's name servers know nothing of it"
        assert survey.record(RES, wanted, replace(answer, recursion_available=True), 0).verdict is verdict

    def test_resolvers_may_answer_by_place(self) -> None:
        (wanted,), here = parse_required("storage.test").expectations, Server("10.0.0.3", 53, RESOLVER)
        survey = Survey([wanted], [RES, here], now=0)
        survey.record(RES, wanted, V4, 0)
        survey.record(here, wanted, Answer(rrdatas=("192.0.2.1",), recursion_available=True), 0)
        assert survey.finished

    @pytest.mark.parametrize("texts", [("w.test", "w.test=10.0.0.7"), ("w.test=10.0.0.7", "w.test:443")])
    def test_some_address_never_stands_above_a_known_one(self, texts: tuple[str, ...]) -> None:
        wanted = [expectation for text in texts for expectation in parse_required(text).expectations]
        survey = Survey(wanted, [RES], now=0)
        assert survey.due(RESOLVER, 0) == {RES: list(known_addresses("w.test", "10.0.0.7", outside=True))}

    @pytest.mark.parametrize(("answers", "address"), [([V4], "10.0.0.7"), ([NODATA, V6], "2001:db8::7")])
    def test_its_port_is_tried_at_the_address_that_was_answered(self, answers: list[Answer], address: str) -> None:
        required = parse_required("storage.test:443")

        def fresh() -> Survey:
            assert required.port is not None
            return Survey(required.expectations, [RES], now=0, endpoints=[required.port])

        def answer(survey: Survey) -> None:
            for said in answers:
                ((asked,),) = survey.due(RESOLVER, 0).values()
                survey.record(RES, asked, said, 0)

        survey = fresh()
        answer(survey)
        assert survey.ports_due() == [replace(self.PORT, address=address)]
        later = fresh()
        later.resume(survey.checkpoint(0), now=0, ago=0)
        assert later.ports_due() == [], "the address is not in the checkpoint: it is asked for again"
        answer(later)
        assert later.ports_due() == survey.ports_due()


class TestOtherServers:
    def test_a_reverse_zone_is_asked_at_its_own_servers(self) -> None:
        pointer = Expectation("7.0.0.10.in-addr.arpa.", "PTR", (NAME,), 30)
        survey = Survey(expect(1), [NS1, RES], now=0, also=[Inquiry((pointer,), (NS2, RES))])
        assert survey.due(AUTH, 0) == {NS1: expect(1), NS2: [pointer]}
        survey.record(NS2, pointer, right(pointer), 0)
        assert survey.due(RESOLVER, 0) == {RES: [pointer]}, "the other one is not at its own name server yet"
        answer_all(survey, AUTH, 0)
        answer_all(survey, RESOLVER, 0)
        assert survey.finished
        assert survey.report(0).names == 2


class TestDeadServer:
    FOUR = tuple(Server(f"ns{n}", 53, AUTH) for n in range(1, 5))

    def survey(self, dead: int, *, tolerate: bool = True, passes: int = 1, resolver: bool = False) -> Survey:
        tolerated = [Tolerance.DEAD_SERVER] if tolerate else []
        servers = [*self.FOUR, *([RES] if resolver else [])]
        survey = Survey(expect(3), servers, now=0, tolerate=tolerated, passes=passes)
        self.ask(survey, dead)
        return survey

    def ask(self, survey: Survey, dead: int) -> None:
        for server, expectations in survey.due(AUTH, 0).items():
            for expectation in expectations:
                survey.record(server, expectation, SILENT if server in self.FOUR[4 - dead :] else right(expectation), 0)
        survey.end_round()

    def test_fails_unless_tolerated(self) -> None:
        report = self.survey(1, tolerate=False).report(0)
        assert (report.ok, report.exit, report.verdicts) == (False, Exit.RETRY, {Verdict.TIMEOUT: 3})

    def test_one_of_four_is_a_warning(self) -> None:
        report = self.survey(1).report(0)
        assert (report.ok, report.exit, report.names_right) == (True, Exit.WARN, 3)
        assert report.warnings == ("name server ns4 does not answer",)
        assert report.failures == ()
        assert report.summary().endswith("tolerated: name server ns4 does not answer")

    def test_half_of_them_is_too_much(self) -> None:
        report = self.survey(2).report(0)
        assert (report.ok, report.verdicts) == (False, {Verdict.TIMEOUT: 6})

    def test_a_server_that_answers_something_is_not_dead(self) -> None:
        survey = Survey(expect(2), self.FOUR, now=0, tolerate=[Tolerance.DEAD_SERVER])
        for server, (first, second) in survey.due(AUTH, 0).items():
            survey.record(server, first, right(first), 0)
            survey.record(server, second, SILENT if server is self.FOUR[3] else right(second), 0)
        survey.end_round()
        assert not survey.finished

    def test_resolvers_are_asked_without_it(self) -> None:
        survey = self.survey(1, resolver=True)
        assert not survey.finished
        assert survey.due(RESOLVER, 0) == {RES: expect(3)}

    def test_silent_resolver_is_never_tolerated(self) -> None:
        survey = self.survey(0, resolver=True)
        for expectation in expect(3):
            survey.record(RES, expectation, SILENT, 0)
        survey.end_round()
        assert not survey.finished

    def test_its_silence_does_not_break_a_row_of_passes(self) -> None:
        survey = self.survey(1, passes=3)
        assert survey.passes == 1
        for _ in range(2):
            self.ask(survey, 1)
        assert survey.finished
        assert survey.report(0).ok

    def test_it_stays_dead_in_the_next_pass_until_it_is_heard(self) -> None:
        """With a resolver a pass ends before the dead server is asked anything of the next one."""
        survey = self.survey(1, passes=2, resolver=True)
        while not survey.finished:
            answer_all(survey, RESOLVER, 0)
            survey.end_round()
            self.ask(survey, 1)
        assert survey.report(0).exit is Exit.WARN

    def test_one_that_comes_back_with_old_data_counts_again(self) -> None:
        survey = self.survey(1, resolver=True)
        for expectation in survey.due(AUTH, 0)[self.FOUR[3]]:
            survey.record(self.FOUR[3], expectation, WRONG, 0)
        survey.end_round()
        assert survey.due(RESOLVER, 0) == {}
        assert survey.report(0).verdicts == {Verdict.STALE: 3}


class TestAlternatives:
    """Resolvers of which the C library asks the next one where one is silent."""

    OTHER = Server("10.0.0.3", 53, RESOLVER)

    @pytest.mark.parametrize(
        ("here", "there", "code"),
        [
            (SILENT, None, Exit.WARN),
            (None, SILENT, Exit.WARN),
            (SILENT, SILENT, Exit.RETRY),
            (None, denied(), Exit.RETRY),
        ],
    )
    def test_one_of_them_may_be_silent_and_must_not_be_wrong(
        self, here: Answer | None, there: Answer | None, code: Exit
    ) -> None:
        survey = Survey(expect(2), [RES, self.OTHER], now=0, passes=2, alternatives=[RES, self.OTHER])
        for _ in range(2):
            for server, asked in survey.due(RESOLVER, 0).items():
                for expectation in asked:
                    survey.record(server, expectation, (here if server is RES else there) or right(expectation), 0)
            survey.end_round()
        assert survey.report(0).exit is code


class TestLongTtl:
    LONG = Answer(rrdatas=("10.0.0.0",), ttl=3600, authoritative=True)

    def test_keeps_the_gate_shut_unless_tolerated(self) -> None:
        survey = Survey(expect(1), [NS1], now=0)
        survey.record(NS1, expect(1)[0], self.LONG, 0)
        assert survey.report(0).exit is Exit.RETRY

    def test_is_a_warning(self) -> None:
        survey = Survey(expect(1), [NS1], now=0, tolerate=[Tolerance.LONG_TTL])
        survey.record(NS1, expect(1)[0], self.LONG, 0)
        report = survey.report(0)
        assert (report.ok, report.exit) == (True, Exit.WARN)
        assert report.warnings == ("1 record(s) may be cached for longer than asked, first worker-0.job.ml.test. A",)


class TestLaterPasses:
    def test_ask_for_what_failed_and_a_sample(self) -> None:
        wanted = expect(10 * SAMPLE)
        survey = Survey(wanted, [NS1, NS2], now=0, passes=3)
        survey.record(NS1, wanted[17], denied(), 0)
        answer_all(survey, AUTH, 0)
        passes = []
        while not survey.finished:
            passes.append({server: {e.name for e in asked} for server, asked in survey.due(AUTH, 0).items()})
            answer_all(survey, AUTH, 0)
        assert len(passes) == 2
        for asked in passes:
            assert asked[NS1] == asked[NS2], "the same names at every server"
            assert SAMPLE <= len(asked[NS1]) <= SAMPLE + 1
            assert wanted[17].name in asked[NS1]
        assert passes[0] != passes[1]

    @pytest.mark.parametrize(("answer", "asked_again"), [(WRONG, 10 * SAMPLE), (SILENT, 1)])
    def test_a_contradiction_begins_with_everything_and_a_lost_answer_does_not(
        self, answer: Answer, asked_again: int
    ) -> None:
        survey = Survey(expect(10 * SAMPLE), [NS1], now=0, passes=2)
        answer_all(survey, AUTH, 0)
        first, *rest = survey.due(AUTH, 0)[NS1]
        for expectation in rest:
            survey.record(NS1, expectation, right(expectation), 0)
        survey.record(NS1, first, answer, 0)
        assert survey.passes == 0
        assert len(survey.due(AUTH, 0)[NS1]) == asked_again


class TestPorts:
    DOOR = Endpoint("worker-0.job.ml.test.", "10.0.0.7", 29500)

    def test_tried_once_all_names_are_right(self) -> None:
        survey = Survey(expect(1), [NS1], now=0, endpoints=[self.DOOR])
        assert survey.ports_due() == []
        answer_all(survey, AUTH, 0)
        assert (survey.names_done, survey.finished, survey.ports_due()) == (True, False, [self.DOOR])
        survey.record_port(self.DOOR, "refused by 10.0.0.7:29500")
        report = survey.report(0)
        assert (report.ok, report.exit) == (False, Exit.RETRY)
        assert report.counts() == "1 of 1 names on 1 server, 0 of 1 ports"
        assert report.lines == ("worker-0.job.ml.test.: refused by 10.0.0.7:29500",)
        assert report.to_json()["ports"] == {"wanted": 1, "open": 0, "failures": list(report.lines)}
        survey.record_port(self.DOOR, "")
        assert survey.finished
        assert survey.report(0).exit is Exit.PASS

    def test_of_many_shut_ones_the_first_are_shown(self) -> None:
        doors = [Endpoint(f"worker-{rank}", "10.0.0.7", 29500) for rank in range(900)]
        survey = Survey(expect(1), [NS1], now=0, endpoints=doors)
        answer_all(survey, AUTH, 0)
        for door in doors:
            survey.record_port(door, "refused by 10.0.0.7:29500")
        report = survey.report(0)
        assert (report.ports.wanted, report.ports.open, len(report.lines)) == (900, 0, FAILURES_SHOWN)

    @pytest.mark.parametrize("port", [0, 65536, -1])
    def test_bad_port_is_named(self, port: int) -> None:
        with pytest.raises(InvalidInput, match=f"port {port} of w"):
            Endpoint("w", "10.0.0.7", port)


class TestExit:
    @pytest.mark.parametrize(
        ("answer", "role", "code"),
        [
            (V4, AUTH, Exit.PASS),
            (denied(), AUTH, Exit.RETRY),
            (SILENT, AUTH, Exit.RETRY),
            (Answer(rcode="SERVFAIL"), AUTH, Exit.RETRY),
            (WRONG, AUTH, Exit.FATAL),
            (Answer(rcode="REFUSED"), AUTH, Exit.FATAL),
            (Answer(rrdatas=("10.0.0.7",)), AUTH, Exit.FATAL),
            (Answer(), RESOLVER, Exit.FATAL),
        ],
    )
    def test_class_of_one_answer(self, answer: Answer, role: ServerRole, code: Exit) -> None:
        server = NS1 if role is AUTH else RES
        wanted = Expectation(NAME, "A", ("10.0.0.7",), 30)
        survey = Survey([wanted], [server], now=0)
        survey.record(server, wanted, answer, 0)
        report = survey.report(0)
        assert report.exit is code
        assert report.to_json()["exit"] == int(code)
        assert report.ok is (code < Exit.RETRY)

    def test_what_was_not_asked_may_still_come(self) -> None:
        assert Survey(expect(1), [NS1], now=0).report(0).exit is Exit.RETRY
