"""The same servers through another implementation's eyes: `dig`, of BIND."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from localcloud.dns.listener import DnsListener

DIG = shutil.which("dig")
pytestmark = pytest.mark.skipif(DIG is None, reason="dig is not installed (Debian: bind9-dnsutils)")

ZONE = "worker-0 60 A 192.0.2.10\n big 60 TXT " + " ".join(f'"{"x" * 250}"' for _ in range(16))


def dig(listener: DnsListener, *arguments: str) -> str:
    host, port = listener.address
    command = [str(DIG), f"@{host}", "-p", str(port), "+tries=1", "+time=30", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def status(output: str) -> tuple[str, set[str]]:
    """The rcode and the header flags that dig saw."""
    found = re.search(r"status: (\w+),.*\n;; flags: ([a-z ]*);", output)
    assert found, output
    return found[1], set(found[2].split())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["worker-0.ml.test.", "A", "+norecurse"], ("NOERROR", {"qr", "aa"})),
        (["WORKER-0.ml.TEST.", "A", "+tcp"], ("NOERROR", {"qr", "aa", "rd"})),
        (["worker-1.ml.test.", "A"], ("NXDOMAIN", {"qr", "aa", "rd"})),
        (["worker-0.ml.test.", "ANY"], ("NOERROR", {"qr", "aa", "rd"})),
        (["www.example.org.", "A"], ("REFUSED", {"qr", "rd"})),
        (["worker-0.ml.test.", "A", "+noedns"], ("NOERROR", {"qr", "aa", "rd"})),
        (["worker-0.ml.test.", "A", "+edns=1", "+noednsnegotiation"], ("BADVERS", {"qr", "rd"})),
        (["worker-0.ml.test.", "+ednsopt=65001:abcd", "+ednsflags=0x4000", "+dnssec"], ("NOERROR", {"qr", "aa", "rd"})),
        (["worker-0.ml.test.", "A", "+opcode=notify"], ("NOTIMP", {"qr", "rd"})),
        (["version.bind.", "TXT", "CH"], ("REFUSED", {"qr", "rd"})),
    ],
)
def test_dig_sees_no_fault_in_the_authoritative_server(book, authoritative, arguments, expected):
    book.create("ml.test.", ZONE)
    output = dig(authoritative, *arguments)
    assert status(output) == expected
    assert "WARNING" not in output.replace("WARNING: recursion requested but not available", "")
    assert "malformed" not in output.lower()


def test_dig_falls_back_to_tcp(book, authoritative):
    book.create("ml.test.", ZONE)
    output = dig(authoritative, "big.ml.test.", "TXT")
    assert "Truncated, retrying in TCP mode" in output
    assert output.count("x" * 250) == 16


def test_dig_keeps_a_tcp_connection_open(book, authoritative):
    book.create("ml.test.", ZONE)
    output = dig(authoritative, "+tcp", "+keepopen", "worker-0.ml.test.", "A", "big.ml.test.", "TXT", "ml.test.", "SOA")
    assert output.count("status: NOERROR") == 3


def test_dig_reads_why_the_resolver_gave_up(book, resolver_in):
    output = dig(resolver_in(), "www.example.org.", "A")
    assert status(output) == ("SERVFAIL", {"qr", "rd", "ra"})
    assert "EDE: 22 (No Reachable Authority): (no zone here holds www.example.org." in output
