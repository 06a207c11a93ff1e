"""Facts that no run of this suite tries, each with what it would take. They are rows of the table all the same.

They stand here and not as skipped tests because no target, stand-in or real, can make them pass or fail from this side.
"""

from __future__ import annotations

from tests.contract.facts import Fact, Finding, Verdict

_UNTRIED: tuple[tuple[Fact, str], ...] = (
    (
        Fact(
            "iam.zone.dns_admin_cannot_set",
            "U",
            "roles/dns.admin on a zone allows to get its IAM policy but not to set it",
            "two operators measured it; one page of Google's documentation says otherwise",
        ),
        "needs a second identity that holds nothing but roles/dns.admin on the zone",
    ),
    (
        Fact(
            "iam.grant_lag",
            "D",
            "a grant is visible at once and enforced about two minutes later, sometimes seven or more",
            "Google's page 'Access change propagation'",
        ),
        "needs a second identity to use the grant",
    ),
    (
        Fact(
            "requests.rate_limit",
            "Q",
            "too many requests in a minute answer 429 rateLimitExceeded",
            "error bodies quoted in public issue threads",
        ),
        "would spend the project's request quota",
    ),
    (
        Fact(
            "requests.rate_limit_amount",
            "U",
            "how many requests a minute are allowed",
            "nobody has measured it; the stand-in has no limit",
        ),
        "would spend the project's request quota",
    ),
    (
        Fact(
            "zones.namesakes_at_most",
            "U",
            "five public zones may share one dnsName, one for each set of name servers",
            "the stand-in's guess; documented is only that the sets run out",
        ),
        "would use up the name servers for a name",
    ),
    (
        Fact(
            "serving.private_network",
            "D",
            "a private zone resolves inside its networks through the metadata resolver, and nowhere else",
            "Google's page 'Cloud DNS overview'",
        ),
        "needs a machine inside the network; the stand-in's own tests ask its resolver",
    ),
    (
        Fact(
            "serving.negative_cache",
            "D",
            "a resolver remembers a name's absence for min(SOA ttl, SOA minimum) = 300 seconds",
            "RFC 2308 with the SOA that Cloud DNS writes",
        ),
        "needs a delegated domain and five minutes; the stand-in's own tests ask its resolver",
    ),
)


def untried() -> tuple[Finding, ...]:
    """One finding, never tried, for each of them."""
    return tuple(Finding(fact, Verdict.NOT_TRIED, why) for fact, why in _UNTRIED)
