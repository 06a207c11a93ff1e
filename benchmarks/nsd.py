"""NSD and dnsperf, where a Debian package has put them: a name server and a client that none of us wrote."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from mldns.records.rrset import RRset

NSD = shutil.which("nsd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
DNSPERF = shutil.which("dnsperf")
_CONFIGURATION = """
server:
    server-count: 1
    database: ""
    zonesdir: "{folder}"
    pidfile: "{folder}/nsd.pid"
    logfile: "{folder}/nsd.log"
    xfrdfile: "{folder}/xfrd.state"
    xfrdir: "{folder}"
    username: ""
    chroot: ""
{addresses}
remote-control:
    control-enable: no
zone:
    name: "{zone}"
    zonefile: "zone"
"""
_HEAD = """$ORIGIN {zone}
@ 300 IN SOA ns1 hostmaster 1 21600 3600 259200 300
@ 300 IN NS ns1
@ 300 IN NS ns2
ns1 300 IN A 198.51.100.1
ns2 300 IN A 198.51.100.2
"""


@contextlib.contextmanager
def serving(zone: str, rrsets: Sequence[RRset], servers: int) -> Iterator[list[str]]:
    """Have NSD serve a zone on some ports of loopback.

    :param zone: its DNS name.
    :param rrsets: its records.
    :param servers: how many ports.
    :return: `HOST:PORT` of each.
    :raises SystemExit: it does not answer.
    """
    ports = _free_ports(servers)
    with tempfile.TemporaryDirectory(prefix="mldns-nsd-") as name:
        folder = Path(name)
        records = (f"{rrset.name} {rrset.ttl} IN {rrset.type} {text}\n" for rrset in rrsets for text in rrset.rrdatas)
        (folder / "zone").write_text(_HEAD.format(zone=zone) + "".join(records))
        addresses = "\n".join(f"    ip-address: 127.0.0.1@{port}" for port in ports)
        (folder / "nsd.conf").write_text(_CONFIGURATION.format(folder=folder, zone=zone, addresses=addresses))
        process = subprocess.Popen([str(NSD), "-d", "-c", str(folder / "nsd.conf")])  # noqa: S603 - the system's own
        try:
            for port in ports:
                _wait_for(zone, port, process)
            yield [f"127.0.0.1:{port}" for port in ports]
        finally:
            process.terminate()
            process.wait(10)


def dnsperf_us(server: str, rrsets: Sequence[RRset]) -> float | None:
    """Return microseconds of CPU that dnsperf takes for one question and its answer; None where it is not there.

    :param server: `HOST:PORT`.
    :param rrsets: what it asks for, each once.
    """
    if DNSPERF is None:
        return None
    host, _, port = server.partition(":")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as questions:
        questions.writelines(f"{rrset.name} {rrset.type}\n" for rrset in rrsets)
        questions.flush()
        command = [DNSPERF, "-s", host, "-p", port, "-d", questions.name, "-n", "1", "-q", "64"]
        before = _cpu_of_children()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the system's own
        return (_cpu_of_children() - before) / len(rrsets) * 1e6


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        taken = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]


def _wait_for(zone: str, port: int, process: subprocess.Popen[bytes]) -> None:
    question = dns.message.make_query(zone, "SOA")
    for _ in range(60):
        with contextlib.suppress(OSError, dns.exception.Timeout):
            if dns.query.udp(question, "127.0.0.1", port=port, timeout=1).answer:
                return
        if process.poll() is not None:
            break
    raise SystemExit("NSD does not answer for the zone")
