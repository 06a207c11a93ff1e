"""API and name servers together: what only a resolver shows, and lags that are a server's own."""

from __future__ import annotations

import dns.message
import dns.query
import dns.rcode
import requests


def ask(address: str, name: str) -> dns.message.Message:
    host, port = address.rsplit(":", 1)
    return dns.query.udp(dns.message.make_query(name, "A"), host, port=int(port), timeout=30)


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


def test_each_name_server_lags_by_its_own_time_and_all_by_serve_ms(start_cloud, record):
    free = "127.0.0.1:0"
    zones = "/dns/v1/projects/demo-project/managedZones"
    for serve_ms, expected in (("0", [True, False]), ("60000", [False, False])):
        cloud = start_cloud("--serve-ms", serve_ms, "--dns", free, "--dns", f"{free}+60000")
        requests.post(cloud.api + zones, json={"name": "ml", "dnsName": "ml.example.com."}, timeout=30)
        added = {"additions": [record("a.ml.example.com.", "192.0.2.1")]}
        assert requests.post(f"{cloud.api}{zones}/ml/changes", json=added, timeout=30).status_code == 200
        assert [bool(ask(server, "a.ml.example.com.").answer) for server in cloud.dns] == expected
