"""Record data: what is valid for each type, and how it comes back."""

from __future__ import annotations

import pytest

from localcloud.rdata import TYPES, canonical_text

# type, sent, as the server lists it
VALID = [
    ("A", "192.0.2.1", "192.0.2.1"),
    ("AAAA", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("CAA", "0 issue letsencrypt.org", '0 issue "letsencrypt.org"'),
    ("CNAME", "Target.example.com.", "Target.example.com."),
    ("DNSKEY", "257 3 8 AQAB", "257 3 8 AQAB"),
    ("DS", "1 8 2 " + "ab" * 32, "1 8 2 " + "ab" * 32),
    ("HTTPS", "1 . alpn=h2", '1 . alpn="h2"'),
    ("IPSECKEY", "10 0 2 . AQAB", "10 0 2 . AQAB"),
    ("MX", "10   mail.example.com.", "10 mail.example.com."),
    ("NAPTR", '100 10 "u" "sip+E2U" "!^.*$!sip:x@example.com!" .', '100 10 "u" "sip+E2U" "!^.*$!sip:x@example.com!" .'),
    ("NS", "ns1.example.com.", "ns1.example.com."),
    ("PTR", "worker-0.job.ml.example.com.", "worker-0.job.ml.example.com."),
    ("SOA", "ns. root. 1 2 3 4 5", "ns. root. 1 2 3 4 5"),
    ("SPF", "v=spf1 -all", '"v=spf1" "-all"'),
    ("SRV", "0 0 29500 worker-0.ml.example.com.", "0 0 29500 worker-0.ml.example.com."),
    ("SSHFP", "1 1 " + "ab" * 20, "1 1 " + "ab" * 20),
    ("SVCB", "1 svc.example.com. port=53", '1 svc.example.com. port="53"'),
    ("TLSA", "3 1 1 " + "ab" * 32, "3 1 1 " + "ab" * 32),
    ("TXT", "plain", '"plain"'),
    ("TXT", '"in quotes"', '"in quotes"'),
    ("TXT", "two words", '"two" "words"'),
    ("TXT", 'one "and two"', '"one" "and two"'),
    ("TXT", "v=DKIM1; k=rsa; p=AQAB", '"v=DKIM1;" "k=rsa;" "p=AQAB"'),
    ("TXT", r'"a \"quoted\" word"', r'"a \"quoted\" word"'),
    ("TXT", '""', '""'),
]

INVALID = [
    ("A", "999.1.1.1"),
    ("A", "1.2.3"),
    ("A", "2001:db8::1"),
    ("A", "192.0.2.1 "),
    ("A", "\\# 4 0A000001"),
    ("AAAA", "192.0.2.1"),
    ("AAAA", "fe80::1%eth0"),
    ("CNAME", "relative.example.com"),
    ("CNAME", "a..example.com."),
    ("CNAME", "x" * 64 + ".example.com."),
    ("CNAME", "two names.example.com."),
    ("MX", "mail.example.com."),
    ("MX", "10 mail.example.com"),
    ("SRV", "0 0 70000 a.example.com."),
    ("SRV", "0 0 80 relative"),
    ("TXT", ""),
    ("TXT", "x" * 256),
    ("TXT", '"never closed'),
    ("TXT", 'glued"together"'),
    ("CAA", '0 issue "x"\n'),
    ("SSHFP", "1 1 xyz"),
]


def test_every_type_has_an_example():
    assert {type_ for type_, _, _ in VALID} == TYPES


@pytest.mark.parametrize(("type_", "sent", "listed"), VALID)
def test_valid_data(type_, sent, listed):
    assert canonical_text(type_, sent) == listed
    assert canonical_text(type_, listed) == listed


@pytest.mark.parametrize(("type_", "sent"), INVALID)
def test_invalid_data(type_, sent):
    with pytest.raises(ValueError, match="not valid"):
        canonical_text(type_, sent)
