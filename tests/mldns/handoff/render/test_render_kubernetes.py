"""A pod's DNS settings."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mldns.exceptions import InvalidInput
from mldns.handoff.reader import HandOff
from mldns.handoff.render import kubernetes
from tests.mldns.handoff.render.conftest import handed_over

NDOTS = {"options": [{"name": "ndots", "value": "1"}]}
WORKERS = ["10.0.0.1", "10.0.0.2"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"dnsConfig": NDOTS}),
        ({"short_names": True}, {"dnsConfig": {**NDOTS, "searches": ["bert.ml.example.com"]}}),
        (
            {"own_resolvers": True},
            {"dnsPolicy": "None", "dnsConfig": {**NDOTS, "nameservers": ["169.254.169.254", "fd00::53"]}},
        ),
    ],
)
def test_the_settings_are_the_same_as_yaml(options: dict[str, Any], expected: dict[str, Any]) -> None:
    handoff = handed_over(WORKERS, resolvers=["169.254.169.254:53", "[fd00::53]:53"])
    settings = kubernetes.dns_settings(handoff, **options)
    assert settings == expected
    assert yaml.safe_load(kubernetes.yaml(settings)) == expected


@pytest.mark.parametrize(
    ("resolvers", "message"),
    [
        ([], "takes 1 to 3 name servers, the hand-off has 0"),
        (["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], "takes 1 to 3 name servers, the hand-off has 4"),
        (["10.0.0.1:5353"], "on port 53 only, not 10.0.0.1:5353"),
        (["fe80::1%eth0"], "not the link-local 'fe80::1%eth0' of one interface"),
        (["resolver.example.com"], "takes addresses of name servers, not the name 'resolver.example.com'"),
    ],
)
def test_resolvers_that_a_pod_cannot_ask_are_refused(resolvers: list[str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        kubernetes.dns_settings(handed_over(WORKERS, resolvers=resolvers), own_resolvers=True)


def test_the_clusters_own_resolver_stays_unless_asked_for(two: HandOff) -> None:
    assert "dnsPolicy" not in kubernetes.dns_settings(two)
