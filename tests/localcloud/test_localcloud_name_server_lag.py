"""Several name servers, each with its own lag, as the name servers of a zone have."""

from __future__ import annotations

import time

import dns.message
import dns.query
import requests

ZONES = "/dns/v1/projects/demo-project/managedZones"
RECORD = {"name": "a.ml.example.com.", "type": "A", "ttl": 300, "rrdatas": ["192.0.2.1"]}


def knows(server: str) -> bool:
    host, port = server.rsplit(":", 1)
    answer = dns.query.udp(dns.message.make_query("a.ml.example.com.", "A"), host, port=int(port), timeout=5)
    return bool(answer.answer)


def test_each_name_server_learns_of_a_change_after_its_own_lag(start_cloud):
    free = "127.0.0.1:0"
    cloud = start_cloud("--serve-ms", "0", "--dns", free, "--dns", f"{free}+1200", "--dns", f"{free}+60000")
    assert len(set(cloud.dns)) == 3
    requests.post(cloud.api + ZONES, json={"name": "ml", "dnsName": "ml.example.com."}, timeout=5)
    sent = time.monotonic()
    requests.post(f"{cloud.api}{ZONES}/ml/changes", json={"additions": [RECORD]}, timeout=5)
    accepted = time.monotonic()
    first, second, third = cloud.dns
    assert knows(first)
    assert not knows(second)
    while not knows(second):
        assert time.monotonic() - accepted < 5
        time.sleep(0.02)
    assert time.monotonic() - sent >= 1.2
    assert not knows(third)


def test_serve_ms_holds_for_all_of_them(start_cloud):
    cloud = start_cloud("--serve-ms", "60000", "--dns", "127.0.0.1:0+100", "--dns", "127.0.0.1:0")
    requests.post(cloud.api + ZONES, json={"name": "ml", "dnsName": "ml.example.com."}, timeout=5)
    time.sleep(0.3)
    assert not any(knows(server) for server in cloud.dns)
