"""The questions for one DNS server: UDP with a window, repeated when lost, TCP where an answer does not fit.

One connected socket a server, so that the kernel drops what comes from elsewhere; random ids; an answer counts only if
id, opcode and question are those of a question still open (RFC 5452). The event loop gets its turn after every few
messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from mldns.gate.expectations import Answer, Expectation
from mldns.gate.messages import TRUNCATED, Query, ResponseReader
from mldns.gate.servers import Server, ServerRole

OnAnswer = Callable[[Server, Expectation, Answer], object]


@dataclass(frozen=True, slots=True)
class Pace:
    """How hard one server is asked.

    :param timeout: seconds after which an unanswered question is sent again.
    :param tries: how often it is sent before it counts as unanswered.
    :param in_flight: questions open at one server at a time, at most; fewer while packets get lost.
    :param give_up: after that many unanswered questions in a row the server is silent: the rest is not sent.
    """

    timeout: float = 1.0
    tries: int = 3
    in_flight: int = 64
    give_up: int = 32


_FIRST_IN_FLIGHT, _LEAST_IN_FLIGHT = 16, 4
_BURST = 16  # messages between two returns to the event loop: about 2 ms
_TCP_CONNECTIONS = 8  # to one server at a time


@dataclass(slots=True, eq=False)
class _Question:
    expectation: Expectation
    query: Query
    number: int
    asked_at: float
    sent: int = 1
    strays: int = 0
    answered: bool = False


class _Window:
    """How many questions may be open: more while answers come quickly, half of it when one is lost.

    A slow server or a lossy path would only collect repetitions if it got all of them at once.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.size: float = min(_FIRST_IN_FLIGHT, pace.in_flight)
        self._lost = False
        self._shrunk_until = 0.0

    def grow(self, took: float) -> None:
        if took < self._pace.timeout / 4:
            self.size = min(self._pace.in_flight, self.size + (1 / self.size if self._lost else 1))

    def shrink(self, now: float) -> None:
        if now >= self._shrunk_until:  # once for all that was lost together
            self._lost = True
            self.size = max(_LEAST_IN_FLIGHT, self.size / 2)
            self._shrunk_until = now + self._pace.timeout


class ServerClient:
    """The questions for one server; `run` asks them all, and returns when each has its answer, or its silence.

    :param expectations: what is asked, in this order.
    :param on_answer: gets server, expectation and answer, once for each question.
    :param pace: how hard it is asked.
    :param encoder: `messages.encode`, or the same with a cache.
    """

    def __init__(
        self,
        server: Server,
        expectations: Iterable[Expectation],
        on_answer: OnAnswer,
        pace: Pace,
        encoder: Callable[[str, str, bool], Query],
    ) -> None:
        self._server = server
        self._encode = encoder
        self._reader = ResponseReader()
        self._left = iter(expectations)
        self._on_answer = on_answer
        self._pace = pace
        self._window = _Window(pace)
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = self._loop.create_future()
        self._open: dict[int, _Question] = {}  # by id
        self._deadlines: deque[tuple[float, _Question]] = deque()  # one timeout for all: in order of sending
        self._timer: asyncio.TimerHandle | None = None
        self._tcp: set[asyncio.Task[None]] = set()
        self._tcp_slots = asyncio.Semaphore(_TCP_CONNECTIONS)
        self._unanswered = 0  # questions in a row
        self._silent = ""  # why nothing is sent any more
        self._last_error = ""
        self._filling = False
        self._family = socket.AF_INET
        self._address: Any = None  # as the socket module takes it
        self._socket: socket.socket

    async def run(self) -> None:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(await self._connect())
                self._loop.add_reader(self._socket, self._receive)
                stack.callback(self._loop.remove_reader, self._socket)
            except (OSError, UnicodeError) as error:  # the latter for a host name that IDNA cannot write
                self._silent = f"cannot be reached: {_reason(error)}"
            try:
                self._fill()
                await self._finished
            finally:
                if self._timer is not None:
                    self._timer.cancel()
                for task in self._tcp:
                    task.cancel()

    async def _connect(self) -> socket.socket:
        """Open the socket to the server's first address, in the order that the system prefers (RFC 6724)."""
        found = await self._loop.getaddrinfo(self._server.host, self._server.port, type=socket.SOCK_DGRAM)
        self._family, self._address = found[0][0], found[0][4]
        self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(self._address)
        return self._socket

    # -- sending

    def _fill(self) -> None:
        """Send until the window is full, a few at a time; finish when nothing is left."""
        self._filling = False
        for _ in range(_BURST):
            if self._finished.done() or (not self._silent and len(self._open) >= self._window.size):
                return
            expectation = next(self._left, None)
            if expectation is None:
                if not self._open:
                    self._finished.set_result(None)
                return
            if self._silent:
                self._deliver(expectation, Answer(silence=self._silent))
            else:
                self._ask(expectation)
        self._fill_soon()

    def _fill_soon(self) -> None:
        if not self._filling:
            self._filling = True
            self._loop.call_soon(self._fill)

    def _ask(self, expectation: Expectation) -> None:
        number = secrets.randbits(16)
        while number in self._open:
            number = secrets.randbits(16)
        query = self._encode(expectation.name, expectation.type, self._server.role is ServerRole.RESOLVER)
        question = _Question(expectation, query, number, self._loop.time())
        self._open[number] = question
        self._send(question)

    def _send(self, question: _Question) -> None:
        try:
            self._socket.send(question.query.wire(question.number))
        except OSError as error:  # an earlier question's ICMP error, or no room: this one counts as lost
            self._last_error = _reason(error)
        self._deadlines.append((self._loop.time() + self._pace.timeout, question))
        if self._timer is None:
            self._timer = self._loop.call_at(self._deadlines[0][0], self._expire)

    def _expire(self) -> None:
        """Send again what was not answered in time, or let it go."""
        now = self._loop.time()
        while self._deadlines and (self._deadlines[0][0] <= now or self._deadlines[0][1].answered):
            _, question = self._deadlines.popleft()
            if question.answered:
                continue
            self._window.shrink(now)
            if question.sent < self._pace.tries:
                question.sent += 1
                self._send(question)
            else:
                self._give_up(question)
        # After the loop, for `_send` within it must not start a second timer.
        self._timer = self._loop.call_at(self._deadlines[0][0], self._expire) if self._deadlines else None

    def _give_up(self, question: _Question) -> None:
        self._unanswered += 1
        if self._unanswered >= self._pace.give_up and not self._silent:
            self._silent = f"the server is silent: {self._unanswered} questions in a row unanswered{self._hint()}"
        strays = f"; {question.strays} answers to other questions ignored" if question.strays else ""
        self._close(question, Answer(silence=f"no answer in {question.sent} tries{self._hint()}{strays}"))

    def _hint(self) -> str:
        return f" ({self._last_error})" if self._last_error else ""

    # -- receiving

    def _receive(self) -> None:
        """Read what has come, a few messages at a time."""
        for _ in range(_BURST):
            try:
                data = self._socket.recv(65_535)
            except BlockingIOError:
                return
            except OSError as error:  # ICMP's tells no question; the address may be up again by the next try
                self._last_error = _reason(error)
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        question = self._open.get(int.from_bytes(data[:2], "big"))
        if question is None or question.answered:
            return  # a stray: late, or forged
        answer = self._reader.read(question.query, question.number, data)
        if answer is None:
            question.strays += 1
            return
        self._unanswered = 0
        self._window.grow(self._loop.time() - question.asked_at)
        if answer is TRUNCATED:
            question.answered = True  # over UDP
            task = self._loop.create_task(self._ask_over_tcp(question))
            self._tcp.add(task)
            task.add_done_callback(self._tcp_done)
        else:
            self._close(question, answer)

    async def _ask_over_tcp(self, question: _Question) -> None:
        try:
            async with self._tcp_slots, asyncio.timeout(self._pace.timeout * self._pace.tries):
                answer = await self._exchange_over_tcp(question)
        except (OSError, EOFError) as error:  # TimeoutError is an OSError
            answer = Answer(silence=f"truncated over UDP, and over TCP: {_reason(error)}")
        self._close(question, answer)

    async def _exchange_over_tcp(self, question: _Question) -> Answer:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.socket(self._family, socket.SOCK_STREAM))
            connection.setblocking(False)
            await self._loop.sock_connect(connection, self._address)
            reader, writer = await asyncio.open_connection(sock=connection)
            stack.pop_all()
        try:
            wire = question.query.wire(question.number)
            writer.write(len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(await reader.readexactly(2), "big")
            answer = self._reader.read(question.query, question.number, await reader.readexactly(length))
        finally:
            writer.close()
        if answer is None or answer is TRUNCATED:
            raise EOFError("truncated, too" if answer else "not an answer to this question")
        return answer

    def _tcp_done(self, task: asyncio.Task[None]) -> None:
        self._tcp.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._fail(error)

    def _close(self, question: _Question, answer: Answer) -> None:
        question.answered = True
        del self._open[question.number]
        self._deliver(question.expectation, answer)
        self._fill_soon()

    def _deliver(self, expectation: Expectation, answer: Answer) -> None:
        try:
            self._on_answer(self._server, expectation, answer)
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Hand an error to whoever waits for `run`."""
        if not self._finished.done():
            self._finished.set_exception(error)


def _reason(error: Exception) -> str:
    code = getattr(error, "errno", None)
    if isinstance(code, int) and code > 0:  # a gaierror counts below 0
        return os.strerror(code)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
