"""API and name servers together: one store, and a lag of its own for the servers."""

from __future__ import annotations

import time

import dns.message
import dns.query
import dns.rcode
import requests


def ask(address: str, name: str) -> dns.message.Message:
    host, port = address.rsplit(":", 1)
    return dns.query.udp(dns.message.make_query(name, "A"), host, port=int(port), timeout=3)


def test_a_record_is_answered_as_soon_as_it_is_accepted_when_there_is_no_lag(api, cloud, record):
    api.zone()
    assert ask(cloud.dns[0], "a.ml.example.com.").rcode() == dns.rcode.NXDOMAIN
    api.change([record("a.ml.example.com.", "192.0.2.1", ttl=30)])
    assert ask(cloud.dns[0], "a.ml.example.com.").answer[0].to_text() == "a.ml.example.com. 30 IN A 192.0.2.1"


def test_a_private_zone_is_for_the_resolver_of_its_network(api, cloud, record):
    config = {"networks": [{"networkUrl": cloud.network}]}
    api.zone(visibility="private", privateVisibilityConfig=config)
    api.change([record("a.ml.example.com.", "10.0.0.1")])
    assert ask(cloud.dns[0], "a.ml.example.com.").rcode() == dns.rcode.REFUSED
    assert ask(cloud.resolver, "a.ml.example.com.").answer[0].to_text() == "a.ml.example.com. 300 IN A 10.0.0.1"
    api.call("PATCH", "managedZones/ml", {"privateVisibilityConfig": {"networks": []}})
    assert ask(cloud.resolver, "b.ml.example.com.").rcode() != dns.rcode.NOERROR


def test_reset_empties_the_resolver_s_cache(api, cloud, record):
    for _ in range(2):
        api.zone()
        assert ask(cloud.resolver, "a.ml.example.com.").rcode() == dns.rcode.NXDOMAIN
        api.change([record("a.ml.example.com.", "192.0.2.1")])
        assert ask(cloud.resolver, "a.ml.example.com.").rcode() == dns.rcode.NXDOMAIN  # for 300 seconds
        cloud.reset()


def test_done_is_not_proof(start_cloud, record):
    cloud = start_cloud("--done-ms", "0", "--serve-ms", "700")
    zones = f"{cloud.api}/dns/v1/projects/demo-project/managedZones"
    requests.post(zones, json={"name": "ml", "dnsName": "ml.example.com."}, timeout=5)
    added = {"additions": [record("a.ml.example.com.", "192.0.2.1")]}
    requests.post(f"{zones}/ml/changes", json=added, timeout=5)
    assert requests.get(f"{zones}/ml/changes/1", timeout=5).json()["status"] == "done"
    assert not ask(cloud.dns[0], "a.ml.example.com.").answer
    deadline = time.monotonic() + 5
    while not ask(cloud.dns[0], "a.ml.example.com.").answer:
        assert time.monotonic() < deadline
        time.sleep(0.02)
