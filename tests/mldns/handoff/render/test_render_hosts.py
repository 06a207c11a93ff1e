"""A fragment of `/etc/hosts`."""

from __future__ import annotations

import pytest

from mldns.handoff.reader import HandOff
from mldns.handoff.render.hosts import hosts_fragment


def test_each_host_and_the_masters_alias(two: HandOff) -> None:
    assert hosts_fragment(two, ["10.0.0.1", "10.0.0.2"]) == (
        f"# job bert of zone ml: 2 hosts, inventory {two.digest}\n"
        "10.0.0.1 worker-0.bert.ml.example.com master.bert.ml.example.com\n"
        "10.0.0.2 worker-1.bert.ml.example.com\n"
    )


def test_an_address_for_each_host_or_none(two: HandOff) -> None:
    with pytest.raises(ValueError, match="shorter"):
        hosts_fragment(two, ["10.0.0.1"])
