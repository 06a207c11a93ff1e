"""Record data in presentation format: valid or not, and how the server writes it down.

dnspython knows the types; this module adds what Cloud DNS asks on top: absolute names, no RFC 3597 escapes, and
unquoted TXT strings split at white space and quoted.
"""

from __future__ import annotations

import re
from functools import lru_cache

import dns.exception
import dns.ipv4
import dns.ipv6
import dns.name
import dns.rdata

# https://cloud.google.com/dns/docs/records-overview, without ALIAS, which no DNS library and no name server knows.
TYPES = frozenset(
    {"A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "IPSECKEY", "MX", "NAPTR"}
    | {"NS", "PTR", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT"}
)
_TEXT_TYPES = frozenset({"TXT", "SPF"})
_TEXT_STRINGS = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)')


def quoted_strings(text: str) -> str:
    """TXT data with each of its strings in quotes; raises ValueError when a quote is left open."""
    strings: list[str] = []
    position = 0
    while text[position:].strip():
        match = _TEXT_STRINGS.match(text, position)
        if match is None:
            raise ValueError(f"unbalanced quotes in {text!r}")
        quoted, bare = match.groups()
        strings.append(f'"{bare if quoted is None else quoted}"')
        position = match.end()
    return " ".join(strings)


@lru_cache(maxsize=65_536)
def canonical_text(type_: str, text: str) -> str:
    """`text` as the server stores and lists it. Raises ValueError when it is no valid data for `type_`."""
    try:
        if type_ == "A":
            dns.ipv4.inet_aton(text)
            return text
        if type_ == "AAAA":
            return dns.ipv6.inet_ntoa(dns.ipv6.inet_aton(text))
        if type_ in _TEXT_TYPES:
            text = quoted_strings(text)
        if "\n" in text or text.lstrip().startswith("\\#"):
            raise ValueError(f"neither line breaks nor RFC 3597 data: {text!r}")
        rdata = dns.rdata.from_text("IN", type_, text)
        rdata.to_wire()  # a relative name has no wire format without an origin, and Cloud DNS refuses it too
        return rdata.to_text()
    except (dns.exception.DNSException, ValueError, UnicodeError) as error:
        raise ValueError(f"{text!r} is not valid {type_} data") from error
