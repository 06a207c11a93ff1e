"""The driver against real sockets: servers that lose, truncate, forge, refuse or die."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import itertools
import os
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mldns.gate.exchange import Pace, exchange, run_round, run_round_blocking
from mldns.gate.expectations import Answer, Expectation, Verdict
from mldns.gate.messages import EDNS_PAYLOAD
from mldns.gate.report import Report
from mldns.gate.servers import Server, ServerRole, parse_server
from mldns.gate.survey import Survey
from mldns.gate.udp_client import _Window
from tests.mldns.canary import MOST_CPU, Canary
from tests.mldns.scripted_dns import Reply, ScriptedDns, response

CALM = Pace(timeout=10)  # where nothing is lost: a busy machine must not look like a lossy network
HASTE = Pace(timeout=0.25, tries=3, in_flight=32, give_up=16)
SOA = "ml.test. 120 IN SOA ns1.ml.test. hostmaster.ml.test. 1 21600 3600 259200 60"


def expect(count: int) -> list[Expectation]:
    return [
        Expectation(f"worker-{rank}.job.ml.test.", "A", (f"10.0.{rank >> 8}.{rank & 255}",), 30)
        for rank in range(count)
    ]


ANSWERS = {dns.name.from_text(e.name): e.rrdatas for e in expect(5000)}


def right(query: dns.message.Message) -> dns.message.Message:
    return response(query, *ANSWERS[query.question[0].name])


def link_local() -> str | None:
    """A link-local address of this machine with its interface, `fe80::1%eth0`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            digits, _, _, _, flags, interface = line.split()
            if digits.startswith("fe80") and not int(flags, 16) & 0x40:  # tentative: nobody may bind it yet
                return f"{ipaddress.IPv6Address(int(digits, 16))}%{interface}"
    return None


def ask(
    servers: Iterable[Server], expectations: Iterable[Expectation], pace: Pace = CALM
) -> dict[tuple[str, str], Answer]:
    answers: dict[tuple[str, str], Answer] = {}
    wanted = list(expectations)

    def on_answer(server: Server, expectation: Expectation, answer: Answer) -> None:
        assert (server.label, expectation.name) not in answers, "answered twice"
        answers[server.label, expectation.name] = answer

    asyncio.run(exchange(dict.fromkeys(servers, wanted), on_answer, pace=pace))
    return answers


def survey_of(servers: Iterable[Server], expectations: Iterable[Expectation], pace: Pace = CALM) -> Report:
    survey = Survey(expectations, tuple(servers), now=time.monotonic())
    run_round_blocking(survey, pace=pace)
    return survey.report(time.monotonic())


class TestQuestions:
    def test_many_names_on_many_servers(self) -> None:
        with ScriptedDns(right) as one, ScriptedDns(right) as two:
            report = survey_of([one.server(), two.server()], expect(500))
        assert report.ok
        assert report.answers == 1000
        assert Counter(q.question[0].name for q in one.queries) == dict.fromkeys(list(ANSWERS)[:500], 1)

    def test_ids_are_random_and_questions_carry_edns(self) -> None:
        with ScriptedDns(right) as server:
            ask([server.server()], expect(400))
        ids = [query.id for query in server.queries]
        assert len(set(ids)) > 380
        assert len({(after - before) & 0xFFFF for before, after in itertools.pairwise(ids)}) > 380
        assert {(query.edns, query.payload) for query in server.queries} == {(0, EDNS_PAYLOAD)}

    @pytest.mark.parametrize(("role", "desired"), [(ServerRole.AUTHORITATIVE, False), (ServerRole.RESOLVER, True)])
    def test_recursion_is_desired_of_resolvers_only(self, role: ServerRole, desired: bool) -> None:
        with ScriptedDns(right) as server:
            ask([server.server(role)], expect(1))
        assert [bool(query.flags & dns.flags.RD) for query in server.queries] == [desired]

    def test_ipv6_server(self) -> None:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        with ScriptedDns(right, host="::1") as server:
            assert survey_of([server.server()], expect(3)).ok

    @pytest.mark.parametrize("over_tcp", [False, True], ids=["udp", "tcp"])
    def test_link_local_server_is_asked_on_its_interface(self, over_tcp: bool) -> None:
        """In a process of its own: the guard of these tests knows no address of this machine but loopback's."""
        address = link_local()
        if address is None:
            pytest.skip("this machine has no link-local address")
        program = (
            "import sys; from tests.mldns.gate.test_exchange import *\n"
            "answer = TestTruncation.cut if sys.argv[2] else right\n"
            "with ScriptedDns(answer, tcp=right, host=sys.argv[1]) as server:\n"
            "    report = survey_of([server.server()], expect(3))\n"
            "print(report.ok, report.servers == (server.address,), report.summary())"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", program, address, "tcp" * over_tcp]
        told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=60).stdout
        assert told.startswith("True True "), told

    def test_server_by_host_name(self) -> None:
        with ScriptedDns(right) as server:
            named = parse_server(f"localhost:{server.port}", ServerRole.AUTHORITATIVE)
            # The first address of localhost may be ::1, where nobody listens: then the verdict says so.
            found = socket.getaddrinfo("localhost", server.port, type=socket.SOCK_DGRAM)[0][4][0]
            assert survey_of([named], expect(3)).ok is (found == "127.0.0.1")

    def test_no_question_is_asked_when_none_is_due(self) -> None:
        assert ask([], []) == {}
        with ScriptedDns(right) as server:
            assert ask([server.server()], []) == {}
        assert server.queries == []


class TestAnswers:
    @pytest.mark.parametrize(
        ("reply", "answer"),
        [
            (lambda q: response(q, "10.0.0.1", ttl=7), Answer(rrdatas=("10.0.0.1",), ttl=7, authoritative=True)),
            (lambda q: response(q, "10.0.0.1", flags=dns.flags.RA),
             Answer(rrdatas=("10.0.0.1",), ttl=30, recursion_available=True)),
            (lambda q: response(q, "w.test.", type="CNAME"), Answer(alias="w.test.", ttl=30, authoritative=True)),
            (lambda q: response(q, "2001:db8::1", type="AAAA"), Answer(authoritative=True)),
            (lambda q: response(q, rcode="NXDOMAIN", authority=SOA),
             Answer(rcode="NXDOMAIN", authoritative=True, negative_ttl=60)),
            (lambda q: response(q, authority=SOA), Answer(authoritative=True, negative_ttl=60)),
            (lambda q: response(q, authority=SOA.replace("120", "9", 1)), Answer(authoritative=True, negative_ttl=9)),
            (lambda q: response(q, flags=0, authority="test. 60 IN NS ns.test."), Answer()),
            (lambda q: response(q, rcode="REFUSED", flags=0), Answer(rcode="REFUSED")),
            (lambda q: response(q, rcode="SERVFAIL", flags=0), Answer(rcode="SERVFAIL")),
        ],
    )  # fmt: skip
    def test_what_is_read_from_a_response(self, reply: object, answer: Answer) -> None:
        with ScriptedDns(lambda query: [reply(query)]) as server:  # type: ignore[operator]
            assert list(ask([server.server()], expect(1)).values()) == [answer]

    def test_error_without_a_question_counts(self) -> None:
        def formerr(query: dns.message.Message) -> list[Reply]:
            message = response(query, rcode="FORMERR", flags=0)
            message.question.clear()
            return [message]

        with ScriptedDns(formerr) as server:
            assert next(iter(ask([server.server()], expect(1)).values())).rcode == "FORMERR"

    def test_name_in_another_case_is_the_same_name(self) -> None:
        def shouting(query: dns.message.Message) -> list[Reply]:
            wire = right(query).to_wire()
            return [wire.replace(b"worker-0", b"WORKER-0")]

        with ScriptedDns(shouting) as server:
            assert survey_of([server.server()], expect(1)).ok


class TestLoss:
    def test_first_try_is_lost(self) -> None:
        """A repetition keeps its id, so that a late first answer still counts."""
        ids: dict[str, list[int]] = defaultdict(list)

        def lossy(query: dns.message.Message) -> list[Reply]:
            asked = ids[query.question[0].name.to_text()]
            asked.append(query.id)
            return [right(query)] if len(asked) > 1 else []

        with ScriptedDns(lossy) as server:
            report = survey_of([server.server()], expect(40), HASTE)
        assert report.ok
        assert len(ids) == 40
        assert all(len(asked) > 1 and len(set(asked)) == 1 for asked in ids.values())

    def test_silent_server_is_left_alone_after_some_questions(self) -> None:
        with ScriptedDns(lambda query: []) as dead, ScriptedDns(right) as alive:
            answers = ask([dead.server(), alive.server()], expect(1000), HASTE)
        assert len(answers) == 2000
        assert all(not answers[alive.address, e.name].silence for e in expect(1000))
        silences = Counter(answers[dead.address, e.name].silence for e in expect(1000))
        assert set(silences) == {"no answer in 3 tries", "the server is silent: 16 questions in a row unanswered"}
        assert len(dead.queries) == 3 * silences["no answer in 3 tries"] <= 3 * HASTE.in_flight

    def test_closed_port_says_so(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        report = survey_of([parse_server(f"127.0.0.1:{port}", ServerRole.AUTHORITATIVE)], expect(2), HASTE)
        assert report.verdicts == {Verdict.TIMEOUT: 2}
        assert "refused" in report.failures[0].why.lower()

    def test_host_name_that_nobody_can_look_up(self) -> None:
        long_label = parse_server("x" * 64 + ".test", ServerRole.AUTHORITATIVE)
        with ScriptedDns(right) as alive:
            answers = ask([long_label, alive.server()], expect(300))
        assert Counter(bool(answer.silence) for answer in answers.values()) == {True: 300, False: 300}
        assert "cannot be reached" in answers[long_label.label, expect(1)[0].name].silence


class TestWindow:
    """How many questions may be open at a server."""

    def test_it_grows_with_quick_answers_and_is_halved_once_for_what_was_lost_together(self) -> None:
        window = _Window(Pace(timeout=1, in_flight=20))
        for _ in range(10):
            window.grow(0.1)
        assert window.size == 20
        window.grow(0.3)  # slow: no more at once
        for now in (5.0, 5.9):
            window.shrink(now)
        assert window.size == 10
        window.grow(0.1)
        assert window.size == 10.1, "after a loss one more for each window of answers"
        for now in (6.0, 7.0, 8.0):
            window.shrink(now)
        assert window.size == 4


class TestTruncation:
    @staticmethod
    def cut(query: dns.message.Message) -> list[Reply]:
        return [response(query, flags=dns.flags.AA | dns.flags.TC)]

    def test_tcp_has_the_whole(self) -> None:
        everybody = Expectation("workers.job.ml.test.", "A", tuple(f"10.0.0.{n}" for n in range(1, 101)), 30)
        with ScriptedDns(self.cut, tcp=lambda query: [response(query, *everybody.rrdatas)]) as server:
            report = survey_of([server.server()], [everybody])
        assert report.ok
        assert len(server.queries) == 1, "no more UDP once TCP is at work"

    def test_cut_in_the_middle_of_a_record(self) -> None:
        def torn(query: dns.message.Message) -> list[Reply]:
            whole = bytearray(response(query, "10.0.0.0", flags=dns.flags.AA | dns.flags.TC).to_wire())
            return [bytes(whole[:-20])]

        with ScriptedDns(torn, tcp=lambda query: [right(query)]) as server:
            assert survey_of([server.server()], expect(40)).ok

    def test_no_tcp_port(self) -> None:
        with ScriptedDns(self.cut) as server:
            (answer,) = ask([server.server()], expect(1)).values()
        assert answer.silence.startswith("truncated over UDP, and over TCP: ")
        assert "refused" in answer.silence.lower()

    @pytest.mark.parametrize(
        ("over_tcp", "why"),
        [
            (lambda query: [], "0 bytes read"),
            (lambda q: response(dns.message.make_query("w.test.", "A", id=q.id)), "not an answer to this question"),
            (lambda query: [b"\x00" * 5], "not an answer to this question"),
            (lambda q: [response(q, flags=dns.flags.AA | dns.flags.TC)], "truncated, too"),
        ],
    )  # fmt: skip
    def test_tcp_fails(self, over_tcp: object, why: str) -> None:
        with ScriptedDns(self.cut, tcp=over_tcp) as server:  # type: ignore[arg-type]
            (answer,) = ask([server.server()], expect(1)).values()
        assert answer.silence.startswith("truncated over UDP, and over TCP: ")
        assert why in answer.silence


class TestForgery:
    FORGED = ("10.66.66.66",)

    def forged(self, query: dns.message.Message, *, name: str | None = None, id: int | None = None) -> bytes:
        twin = dns.message.make_query(name or query.question[0].name, "A", id=query.id if id is None else id)
        return response(twin, *self.FORGED).to_wire()

    def test_wrong_id_is_ignored(self) -> None:
        with ScriptedDns(lambda q: [self.forged(q, id=q.id ^ 1), right(q)]) as server:
            assert survey_of([server.server()], expect(1)).ok

    def test_wrong_question_is_ignored(self) -> None:
        with ScriptedDns(lambda q: [self.forged(q, name="evil.test."), right(q)]) as server:
            assert survey_of([server.server()], expect(1)).ok

    def test_wrong_question_alone_is_no_answer(self) -> None:
        with ScriptedDns(lambda q: [self.forged(q, name="evil.test.")]) as server:
            (answer,) = ask([server.server()], expect(1), HASTE).values()
        assert answer.silence == "no answer in 3 tries; 3 answers to other questions ignored"

    def test_query_echoed_back_is_no_answer(self) -> None:
        with ScriptedDns(lambda q: [q]) as server:
            (answer,) = ask([server.server()], expect(1), HASTE).values()
        assert answer.silence.startswith("no answer in 3 tries")

    def test_answer_from_another_address_is_ignored(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
            attacker.bind(("127.0.0.2", 0))

            def answered_by_another(query: dns.message.Message) -> list[Reply]:
                attacker.sendto(right(query).to_wire(), server.clients[-1])
                return []

            with ScriptedDns(answered_by_another) as server:
                (answer,) = ask([server.server()], expect(1), HASTE).values()
        assert answer.silence == "no answer in 3 tries"

    def test_garbage_never_breaks_the_exchange(self) -> None:
        cuts: list[tuple[int, bytes]] = []

        def garbled(query: dns.message.Message) -> list[Reply]:
            wire = right(query).to_wire()
            return [*(wire[:at] + noise + wire[at + len(noise) :] for at, noise in cuts), wire]

        with ScriptedDns(garbled, tcp=right) as server:

            @settings(max_examples=100, deadline=None)
            @given(st.lists(st.tuples(st.integers(2, 80), st.binary(max_size=4)), min_size=1, max_size=3))
            def any_garbage(noises: list[tuple[int, bytes]]) -> None:
                cuts[:] = noises
                assert len(ask([server.server()], expect(2), Pace(timeout=0.1))) == 2

            any_garbage()


class TestLoop:
    def test_an_error_of_the_listener_is_raised(self) -> None:
        def broken(*_: object) -> None:
            raise LookupError("nobody knows this name")

        with ScriptedDns(right) as server, pytest.raises(ExceptionGroup) as caught:
            asyncio.run(exchange({server.server(): expect(3)}, broken, pace=HASTE))
        assert caught.group_contains(LookupError)

    def test_budget_ends_it_and_leaves_the_rest_open(self) -> None:
        survey: Survey
        with ScriptedDns(lambda query: []) as dead, ScriptedDns(right) as alive:
            survey = Survey(expect(5), [dead.server(), alive.server()], now=0)
            run_round_blocking(survey, pace=Pace(timeout=30), budget=0.3)
        report = survey.report(1)
        assert (report.ok, report.answers, report.waiting) == (False, 5, 5)

    def test_passes_follow_each_other_on_new_sockets(self) -> None:
        with ScriptedDns(right) as server, ScriptedDns(right) as resolver:
            survey = Survey(expect(10), [server.server(), resolver.server(ServerRole.RESOLVER)], now=0, passes=3)
            run_round_blocking(survey, pace=CALM)
        assert survey.finished
        assert (len(server.queries), len(resolver.queries)) == (30, 30)

    def test_resolver_never_hears_of_a_name_that_an_authority_lacks(self) -> None:
        lacking = dns.name.from_text("worker-3.job.ml.test.")

        def partial(query: dns.message.Message) -> list[Reply]:
            missing = query.question[0].name == lacking
            return [response(query, rcode="NXDOMAIN", authority=SOA) if missing else right(query)]

        with ScriptedDns(right) as one, ScriptedDns(partial) as two, ScriptedDns(right) as resolver:
            report = survey_of([one.server(), two.server(), resolver.server(ServerRole.RESOLVER)], expect(10))
        assert [(f.name, f.server) for f in report.failures] == [("worker-3.job.ml.test.", two.address)]
        assert len(resolver.queries) == 9
        assert lacking not in {query.question[0].name for query in resolver.queries}

    def test_event_loop_is_never_held(self) -> None:
        canary = Canary()

        async def run(questions: Mapping[Server, Iterable[Expectation]]) -> None:
            survey = Survey(expect(2000), tuple(questions), now=0)
            async with canary.watching():
                await run_round(survey, pace=HASTE)

        with ScriptedDns(right) as alive, ScriptedDns(lambda query: []) as dead:
            asyncio.run(run(dict.fromkeys([alive.server(), dead.server()], expect(2000))))
        canary.assert_never_held()

    def test_a_loop_that_is_held_is_seen(self) -> None:
        canary = Canary()

        async def run() -> None:
            async with canary.watching():
                await asyncio.sleep(0)
                until = time.thread_time() + MOST_CPU
                while time.thread_time() <= until:
                    pass

        asyncio.run(run())
        with pytest.raises(AssertionError, match="of work"):
            canary.assert_never_held()
