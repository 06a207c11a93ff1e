"""`make bench-gate`: what it costs to prove all names once at four name servers and a resolver.

10,000 names of localcloud, as many as a zone holds, and where NSD is installed 65,000 names of its: answers of a server
that none of us wrote, with authority and additional records. The client's CPU time per answer stands beside the floor:
dnspython alone making the same question and reading the same answer, without a socket. Both run in one process, in
turns; the server runs in another one on the same cores. dnsperf, where it is installed, asks the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.message
import httpx

from benchmarks import nsd
from mldns.gate import exchange
from mldns.gate.servers import servers_to_ask
from mldns.gate.spec import GateSpec
from mldns.inventory.job_records import DesiredRecords
from mldns.inventory.workers import Worker

RESULTS = Path(__file__).with_name("gate.md")
NAMES, NSD_NAMES, NAME_SERVERS = 10_000, 65_000, 4
GOAL_LOOP_MS = 50.0
GOALS = {"localcloud": (30.0, 0.5, 120.0), "NSD": (60.0, 0.1, 150.0)}  # seconds, ratio, MB
ZONE = "ml.bench.test."

_ROOT = Path(__file__).resolve().parent.parent
_READY = re.compile(r"localcloud ready api=(\S+) dns=(\S+) resolver=(\S+)\n")
_BATCH = 1_000  # additions of one change


@dataclass(frozen=True, slots=True)
class Round:
    """One proof of everything. CPU is the client's, user and system."""

    answers: int
    seconds: float
    cpu_seconds: float
    floor_us: float
    loop_ms: float

    @property
    def us(self) -> float:
        """CPU per answer."""
        return self.cpu_seconds / self.answers * 1e6

    @property
    def ratio(self) -> float:
        return self.us / self.floor_us


@dataclass(frozen=True, slots=True)
class Measured:
    """What all rounds against one server gave.

    :param memory: MB above what was there before anything was measured, at the peak.
    :param dnsperf_us: CPU of dnsperf for an answer, in microseconds; None where it is not installed.
    """

    server: str
    names: int
    rounds: Sequence[Round]
    memory: float
    dnsperf_us: float | None = None

    def goals(self) -> list[tuple[str, str, bool]]:
        """What was measured, beside the goal, and whether that is met."""
        seconds = statistics.median(one.seconds for one in self.rounds)
        ratio = statistics.median(one.ratio for one in self.rounds)
        seconds_goal, ratio_goal, mb_goal = GOALS[self.server]
        loop_ms = max(one.loop_ms for one in self.rounds)
        us, floor = (
            statistics.median(part) for part in zip(*((one.us, one.floor_us) for one in self.rounds), strict=True)
        )
        dnsperf = [("dnsperf, CPU per answer", f"{self.dnsperf_us:.0f} µs", True)] if self.dnsperf_us else []
        return [
            (
                "Wall time of one proof, median",
                f"{seconds:.1f} s (goal: {seconds_goal:.0f} s)",
                seconds <= seconds_goal,
            ),
            ("Client CPU per answer, median", f"{us:.0f} µs", True),
            ("dnspython encode + decode, median", f"{floor:.0f} µs", True),
            ("The former over the latter, median", f"{ratio:.2f} x (goal: {ratio_goal} x)", ratio <= ratio_goal),
            *dnsperf,
            ("Memory above import, peak", f"{self.memory:.0f} MB (goal: {mb_goal:.0f} MB)", self.memory <= mb_goal),
            (
                "Longest turn of the event loop, CPU, worst round",
                f"{loop_ms:.0f} ms (goal: {GOAL_LOOP_MS:.0f} ms)",
                loop_ms <= GOAL_LOOP_MS,
            ),
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the tables; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench-gate", description=__doc__)
    parser.add_argument("--names", type=int, default=NAMES)
    parser.add_argument("--nsd-names", type=int, default=NSD_NAMES, help="0 leaves NSD out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, help=f"where the tables go ({RESULTS.name} for a whole run)")
    options = parser.parse_args(arguments)
    before = _peak_mb()
    found = [_of_localcloud(options.names, options.rounds, before)]
    if nsd.NSD and options.nsd_names:
        found.append(_of_nsd(options.nsd_names, options.rounds, before))
    text = _text(found)
    print(text)
    output = options.output or (RESULTS if options.names == NAMES else None)
    if output is not None:
        output.write_text(text + "\n")
    return 0 if all(met for one in found for _, _, met in one.goals()) else 1


def _of_localcloud(names: int, rounds: int, before: float) -> Measured:
    desired = _desired(names)
    with _localcloud() as (api, servers, resolver):
        _write(api, desired)
        return Measured("localcloud", names, _rounds(desired, servers, resolver, rounds), _peak_mb() - before)


def _of_nsd(names: int, rounds: int, before: float) -> Measured:
    desired = _desired(names)
    with nsd.serving(ZONE, desired.rrsets, NAME_SERVERS + 1) as servers:
        done = _rounds(desired, servers[:-1], servers[-1], rounds)
        return Measured("NSD", names, done, _peak_mb() - before, nsd.dnsperf_us(servers[0], desired.rrsets))


def _rounds(desired: DesiredRecords, servers: Sequence[str], resolver: str, rounds: int) -> list[Round]:
    spec = GateSpec(desired, servers_to_ask(visibility="public", name_servers=servers, resolvers=[resolver]))
    return [asyncio.run(_round(spec, servers[0])) for _ in range(rounds)]


@contextmanager
def _localcloud() -> Iterator[tuple[str, list[str], str]]:
    flags = ["--api", "127.0.0.1:0", "--resolver", "127.0.0.1:0", "--serve-ms", "0", "--done-ms", "0"]
    flags += ["--quota", "rrsetsPerManagedZone=20000", *(["--dns", "127.0.0.1:0"] * NAME_SERVERS)]
    process = subprocess.Popen(  # noqa: S603 - this repository's own program
        [sys.executable, "-m", "localcloud", *flags], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        ready = _READY.fullmatch(process.stdout.readline() if process.stdout else "")
        if ready is None:
            raise SystemExit("localcloud did not start")
        yield ready[1], ready[2].split(","), ready[3]
    finally:
        process.terminate()
        process.wait(10)


def _desired(names: int) -> DesiredRecords:
    """`names` names in all: the workers and `master`."""
    hosts = (f"10.{rank >> 16}.{rank >> 8 & 255}.{rank & 255}" for rank in range(1, names))
    return DesiredRecords("bench", ZONE, 300, tuple(Worker(rank, host) for rank, host in enumerate(hosts)))


def _write(api: str, desired: DesiredRecords) -> None:
    base = f"{api}/dns/v1/projects/bench/managedZones"
    _post(base, {"name": "ml", "dnsName": ZONE, "description": "", "visibility": "public"})
    rrsets = [rrset.to_api() for rrset in desired.rrsets]
    for start in range(0, len(rrsets), _BATCH):
        _post(f"{base}/ml/changes", {"additions": rrsets[start : start + _BATCH]})


def _post(url: str, body: object) -> None:
    httpx.post(url, json=body, timeout=60, trust_env=False).raise_for_status()


async def _round(spec: GateSpec, server: str) -> Round:
    """Prove everything once, with the floor measured before and after: the machine may change its pace."""
    samples = await _answers(spec, server)
    survey = spec.survey(time.monotonic())
    floor = [_floor_us(samples)]
    longest = [0.0]
    canary = asyncio.create_task(_canary(longest))
    await asyncio.sleep(0)
    began, cpu = time.perf_counter(), time.process_time()
    await exchange.run_round(survey)
    report = await exchange.report(survey)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    canary.cancel()
    floor.append(_floor_us(samples))
    if not report.ok:
        raise SystemExit(f"not proven: {report.summary()}")
    return Round(report.answers, seconds, cpu, statistics.mean(floor), longest[0] * 1000)


async def _canary(longest: list[float]) -> None:
    """CPU time between two turns of the loop; a look every 5 ms, so that it costs nothing itself."""
    while True:
        before = time.thread_time()
        await asyncio.sleep(0.005)
        longest[0] = max(longest[0], time.thread_time() - before)


async def _answers(spec: GateSpec, server: str) -> list[tuple[str, str, bytes]]:
    """Real answers of a name server: name, type, wire."""
    host, _, port = server.partition(":")
    loop, found = asyncio.get_running_loop(), []

    class One(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.answer: asyncio.Future[bytes] = loop.create_future()

        def datagram_received(self, data: bytes, _addr: object) -> None:
            self.answer.set_result(data)
            self.answer = loop.create_future()

    transport, protocol = await loop.create_datagram_endpoint(One, remote_addr=(host, int(port)))
    for rrset in spec.desired.rrsets[:2_000]:
        answer = protocol.answer
        transport.sendto(dns.message.make_query(rrset.name, rrset.type, use_edns=0, payload=1232).to_wire())
        found.append((rrset.name, rrset.type, await answer))
    transport.close()
    return found


def _floor_us(samples: Sequence[tuple[str, str, bytes]]) -> float:
    """Microseconds of CPU that dnspython takes for one question and its answer."""
    began = time.process_time()
    for name, kind, wire in samples:
        dns.message.make_query(name, kind, use_edns=0, payload=1232).to_wire()
        dns.message.from_wire(wire)
    return (time.process_time() - began) / len(samples) * 1e6


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _text(found: Sequence[Measured]) -> str:
    load = " ".join(f"{value:.1f}" for value in os.getloadavg()[:2])
    lines = [
        "# What the gate costs",
        "",
        f"`make bench-gate`: both sides on {os.cpu_count()} cores, Python {sys.version.split()[0]}, load {load}.",
    ]
    for one in found:
        asked = f"{one.names:,} names x ({NAME_SERVERS} name servers + 1 resolver) of {one.server}"
        rows = (f"| {what} | {measured} | {'yes' if met else 'no'} |" for what, measured, met in one.goals())
        lines += ["", f"| {asked}, {len(one.rounds)} rounds | measured | met |", "|---|---|---|", *rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
