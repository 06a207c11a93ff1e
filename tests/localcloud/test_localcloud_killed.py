"""`--data DIR` after a SIGKILL in the middle of writes: what was answered is kept, and nothing is kept by halves."""

from __future__ import annotations

import random
import threading
from itertools import pairwise
from pathlib import Path

import pytest
import requests

ZONE = "/dns/v1/projects/demo-project/managedZones/ml"
SEED = 7


class Writer(threading.Thread):
    """Makes one change after the other, each with a new pair of records for the last one, until nobody answers.

    `busy` is set when `enough` of them were answered.
    """

    def __init__(self, api: str, first: int, enough: int) -> None:
        super().__init__()
        self.api, self.tried, self.answered = api, first, first
        self.last_awaited, self.busy = first + enough, threading.Event()

    def run(self) -> None:
        with requests.Session() as http:
            while True:
                change = {"additions": pair(self.tried + 1), "deletions": pair(self.tried) if self.tried else []}
                self.tried += 1
                try:
                    assert http.post(f"{self.api}{ZONE}/changes", json=change, timeout=30).status_code == 200
                except requests.ConnectionError:
                    return
                self.answered = self.tried
                if self.answered == self.last_awaited:
                    self.busy.set()


def pair(number: int) -> list[dict]:
    names = ((f"{side}.ml.example.com.", f"10.{number // 65536}.{number // 256 % 256}.{number % 256}") for side in "ab")
    return [{"name": name, "type": "A", "ttl": 300, "rrdatas": [address]} for name, address in names]


def test_what_was_answered_survives_a_sigkill_and_nothing_survives_by_halves(start_cloud, tmp_path: Path) -> None:
    draw = random.Random(SEED)
    cloud = start_cloud("--data", str(tmp_path))
    port = cloud.api.rpartition(":")[2]
    body = {"name": "ml", "dnsName": "ml.example.com.", "description": "d"}
    requests.post(f"{cloud.api}/dns/v1/projects/demo-project/managedZones", json=body, timeout=30)
    stands = 0
    for _ in range(3):
        writer = Writer(cloud.api, stands, draw.randint(6, 40))
        writer.start()
        assert writer.busy.wait(30)
        cloud.process.kill()
        cloud.process.wait()
        writer.join(60)

        cloud = start_cloud("--data", str(tmp_path), "--api", f"127.0.0.1:{port}")
        found = requests.get(f"{cloud.api}{ZONE}/rrsets", timeout=30).json()["rrsets"]
        listed = [[record["name"], record["rrdatas"]] for record in found if record["type"] == "A"]
        (stands,) = {
            n for n in (writer.answered, writer.tried) if listed == [[r["name"], r["rrdatas"]] for r in pair(n)]
        }
        newest = requests.get(f"{cloud.api}{ZONE}/changes?sortOrder=descending", timeout=30).json()["changes"]
        assert newest[0]["id"] == str(stands)
        assert all(int(later["id"]) - int(earlier["id"]) == 1 for later, earlier in pairwise(newest))
    print(f"seed {SEED}: {stands} changes, three kills")


@pytest.mark.parametrize("reset", [False, True])
def test_a_policy_survives_a_sigkill_and_so_does_a_reset(start_cloud, tmp_path: Path, reset: bool) -> None:
    cloud = start_cloud("--data", str(tmp_path))
    policy = {"bindings": [{"role": "roles/viewer", "members": ["user:a@example.com"]}]}
    path = "/v3/projects/demo-project"
    requests.post(f"{cloud.api}{path}:setIamPolicy", json={"policy": policy}, timeout=30)
    if reset:
        cloud.reset()
    cloud.process.kill()
    cloud.process.wait()
    again = start_cloud("--data", str(tmp_path))
    found = requests.post(f"{again.api}{path}:getIamPolicy", json={}, timeout=30).json()
    assert found.get("bindings", []) == ([] if reset else policy["bindings"])
