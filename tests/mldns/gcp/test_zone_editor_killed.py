"""An apply that is killed between two changes, or within one, and made again: a real process, a real SIGKILL."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mldns.batching import Change
from mldns.gcp.zone_editor import ZoneEditor
from mldns.gcp.zone_reader import ZoneFacts
from tests.cloud_fixture import PROJECT, Cloud
from tests.mldns.gcp.conftest import QUICK, MakeClient
from tests.mldns.gcp.job_zone import DNS_NAME, FIRST, a, keyed, workers, zone_content

ROOT = Path(__file__).resolve().parents[3]

_APPLY = """
import sys
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from mldns.gcp.dns import DNSClient
from mldns.gcp.zone_editor import ZoneEditor
from mldns.gcp.zone_reader import ZoneFacts
from tests.mldns.gcp.job_zone import DNS_NAME, FIRST, workers

api, project, network = sys.argv[1:]
client = DNSClient(project, AnonymousCredentials(), client_options=ClientOptions(api_endpoint=api))
editor = ZoneEditor(client, ZoneFacts("ml-zone", DNS_NAME, public=False))
desired = workers(3_000, network=network)
print("begin", flush=True)
editor.upsert(desired, FIRST, "sync")
"""


def apply_and_kill(cloud: Cloud, network: str, after: float) -> None:
    environment = {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "PATH": ""}
    process = subprocess.Popen(
        [sys.executable, "-c", _APPLY, cloud.api, PROJECT, network], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begin\n"
    time.sleep(after)
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_a_killed_apply_made_again_ends_as_asked_and_touches_nobody_else(
    start_cloud: Callable[..., Cloud], make_client: MakeClient
) -> None:
    cloud = start_cloud("--latency-ms", "60", "--done-ms", "10")
    client = make_client(cloud.api)
    client.create_zone({"name": "ml-zone", "dnsName": DNS_NAME, "visibility": "public", "description": "d"})
    editor = ZoneEditor(client, ZoneFacts("ml-zone", DNS_NAME, public=False), retrying=QUICK)
    foreign = [a("theirs"), a("worker-3000.job")]
    client.create_change("ml-zone", Change(additions=tuple(foreign)))
    for number, after in enumerate((0.05, 0.15, 0.25, 0.35, 0.45, 0.6, 0.8)):
        network = f"10.{number}"
        apply_and_kill(cloud, network, after)
        wanted = workers(3_000, network=network)
        editor.upsert(wanted, FIRST, "sync")
        assert zone_content(client) == keyed([*wanted, *foreign])
        assert editor.upsert(wanted, FIRST, "sync").progress.changes == 0
    apply_and_kill(cloud, "10.99", 0.3)
    editor.release("job", "run-1")
    assert zone_content(client) == keyed(foreign)
