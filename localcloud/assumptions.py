"""What localcloud takes for granted although nobody here has seen Google do it.

Each line is a question that `make verify-google` should settle. Change it here and nowhere else. What follows from how
the code is built, rather than from a constant or a text, is listed here and done in the module named:

- rrsets: names, and AAAA, TXT and CAA data, come back normalised (lower case, RFC 5952, quoted); the same data twice
  in one set is refused; a missing ttl is `required`.
- changes: rrdata size is counted as text, of both sides of a change. Of several things wrong, all those of the first
  failing check (form, quota, deletions, additions, rules of DNS) are reported. A path tells a position, as Google's
  page of errors has it; bodies quoted since 2023 tell name and type, `additions[n.][A]`.
- routes.changes: a zone's creation is change "0"; a call on one record set (`rrsets.create` …) is a change with an id.
- routes.managed_zones: zones are listed by name.
- filters: `has_suffix` matches whole labels; field and function names may stand in backticks; names end with a dot.
- iam: a policy lists bindings by role, e-mail members in lower case; a zone's policy errors look like a project's.
- zones: a description may be missing, although that page wants one; any network exists.
- projects: any well-formed project id exists.
"""

from __future__ import annotations

from typing import Any, Final

from localcloud.errors import Problem

MAX_PAGE_SIZE: Final = 1000
"""Page size when the caller names none, and the most it gets; Google documents only "the server decides", and a user
tells of 990."""

SHARDS: Final = "abcde"
"""The public name server sets. Two public zones of one DNS name never share a set, so the sixth is refused."""

EMPTY_ETAG: Final = "ACAB"
"""Etag of an IAM policy that nobody has set."""

NO_SUCH_ACCOUNT_PREFIX: Final = "does-not-exist"
"""localcloud has no accounts. By convention a user, group or service account whose name starts so is unknown."""

MAX_TTL: Final = 2**31 - 1
"""RFC 2181 section 8."""

RESERVED_DNS_NAMES: Final = frozenset({"com.", "org.", "net.", "co.uk.", "arpa.", "googleapis.com."})
"""A sample of what is refused for public zones; Google's list is long and not published."""

MAX_COMPUTE_PAGE: Final = 500
"""The most instances in one page of Compute Engine, as documented; what more is answered with is not."""


def bad_compute_page_size(value: str) -> Problem:
    """Compute Engine's refusal of a `maxResults` beyond 500."""
    return Problem(
        "invalid",
        f"Invalid value for field 'maxResults': '{value}'. Values must be within the range: [0, {MAX_COMPUTE_PAGE}]",
    )


def empty_scope(zone: str, unreachable: bool) -> dict[str, Any]:
    """What an aggregated list has for a zone without instances on this page; the words are a guess."""
    why = (
        f"Zone '{zone}' is unreachable."
        if unreachable
        else f"There are no results for scope 'zones/{zone}' on this page."
    )
    return {
        "warning": {
            "code": "UNREACHABLE" if unreachable else "NO_RESULTS_ON_PAGE",
            "message": why,
            "data": [{"key": "scope", "value": f"zones/{zone}"}],
        }
    }


def quota_exceeded(what: str) -> Problem:
    """Google's text is known for `additions per change` alone; the others are written after its pattern."""
    return Problem("quotaExceeded", f"The change would exceed quota for {what}.")


def cname_at_apex(path: str) -> Problem:
    return Problem(
        "recordTypeDisallowedAtZoneApex",
        f"The resource record set '{path}' is invalid because a resource record set of type 'CNAME' is not allowed"
        " at the zone apex.",
    )


def wildcard_not_allowed(path: str, type_: str) -> Problem:
    return Problem(
        "wildcardNotAllowed",
        f"The resource record set '{path}' is invalid because a resource record set of type '{type_}' must not be"
        " a wildcard.",
    )


def network_taken(network: str, dns_name: str) -> Problem:
    """One network sees one private zone of a DNS name."""
    return Problem(
        "networkAlreadyBound",
        f"The network '{network}' cannot be bound to this zone because another zone with the DNS name '{dns_name}'"
        " is bound to it already.",
    )
