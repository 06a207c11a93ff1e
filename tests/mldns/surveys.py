"""Servers, names and answers that tests of the survey are made of."""

from __future__ import annotations

from mldns.gate.expectations import Answer, Expectation
from mldns.gate.servers import Server, ServerRole
from mldns.gate.survey import Survey

AUTH, RESOLVER = ServerRole.AUTHORITATIVE, ServerRole.RESOLVER
NS1, NS2 = Server("ns1", 53, AUTH), Server("ns2", 53, AUTH)
RES = Server("10.0.0.2", 53, RESOLVER)

WRONG = Answer(rrdatas=("10.9.9.9",), ttl=20, authoritative=True, recursion_available=True)
SILENT = Answer(silence="no answer in 3 tries")


def expect(count: int) -> list[Expectation]:
    return [Expectation(f"worker-{rank}.job.ml.test.", "A", (f"10.0.0.{rank}",), 30) for rank in range(count)]


def right(expectation: Expectation) -> Answer:
    assert expectation.rrdatas is not None
    return Answer(rrdatas=expectation.rrdatas, ttl=30, authoritative=True, recursion_available=True)


def denied(negative_ttl: int | None = 300) -> Answer:
    return Answer(rcode="NXDOMAIN", authoritative=True, recursion_available=True, negative_ttl=negative_ttl)


def answer_all(survey: Survey, role: ServerRole, now: float) -> int:
    """Answer everything that is due rightly, and return how many questions that were."""
    asked = survey.due(role, now)
    for server, expectations in asked.items():
        for expectation in expectations:
            survey.record(server, expectation, right(expectation), now)
    return sum(map(len, asked.values()))
