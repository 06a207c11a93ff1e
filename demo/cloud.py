"""localcloud, the stand-in for Google, as a process of its own, and what it holds."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from demo.processes import Crew, Managed, ProcessDied
from demo.standalone import REPOSITORY

PROJECT = "demo-project"
NETWORK = f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/global/networks/training"
_READY = "localcloud ready "
_TIMEOUT = 60.0

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running localcloud: the URL of its API, its authoritative servers, and a resolver inside `NETWORK`."""

    api: str
    dns: tuple[str, ...]
    resolver: str
    process: Managed

    def connection(self, api: str | None = None) -> dict[str, object]:
        """The Airflow connection that points Google's hooks at it, in the JSON form of AIRFLOW_CONN_*.

        :param api: URL of a server in front of it
        """
        return {
            "conn_type": "google_cloud_platform",
            "extra": {
                "project": PROJECT,
                "is_anonymous": True,
                "dns_api_endpoint": api or self.api,
                "resource_manager_api_endpoint": api or self.api,
                "name_server_addresses": list(self.dns),
                "resolver_addresses": [self.resolver],
            },
        }

    def calls(self) -> dict[str, dict[str, int]]:
        """Return API method to HTTP status to how often, since the start."""
        calls: dict[str, dict[str, int]] = self._get("/_localcloud/stats")["calls"]
        return calls

    def zones(self) -> list[Record]:
        zones: list[Record] = self._get(f"/dns/v1/projects/{PROJECT}/managedZones")["managedZones"]
        return zones

    def records(self, zone: str, suffix: str = "") -> list[Record]:
        """Return the zone's record sets whose name is `suffix` or ends in `.suffix`; none if there is no such zone."""
        path = f"/dns/v1/projects/{PROJECT}/managedZones/{zone}/rrsets"
        found: list[Record] = []
        token: str | None = ""
        while token is not None:
            answer = httpx.get(f"{self.api}{path}", params={"pageToken": token} if token else {}, trust_env=False)
            if answer.status_code == httpx.codes.NOT_FOUND:
                return []
            page = answer.raise_for_status().json()
            found += page["rrsets"]
            token = page.get("nextPageToken")
        return [one for one in found if f".{one['name']}".endswith(f".{suffix}")]

    def project_bindings(self) -> list[Record]:
        """Return the bindings of the project's IAM policy."""
        answer = httpx.post(f"{self.api}/v3/projects/{PROJECT}:getIamPolicy", json={}, trust_env=False)
        bindings: list[Record] = answer.raise_for_status().json().get("bindings", [])
        return bindings

    def zone_bindings(self, zone: str) -> list[Record]:
        """Return the bindings of the zone's own IAM policy."""
        path = f"/dns/v1/projects/{PROJECT}/managedZones/{zone}:getIamPolicy"
        answer = httpx.post(f"{self.api}{path}", json={}, trust_env=False)
        bindings: list[Record] = answer.raise_for_status().json().get("bindings", [])
        return bindings

    def _get(self, path: str) -> Any:
        return httpx.get(f"{self.api}{path}", trust_env=False).raise_for_status().json()


@contextmanager
def local_cloud(
    home: Path, arguments: Sequence[str] = (), *, seen_as: type[LocalCloud] | None = None, network: str = NETWORK
) -> Iterator[LocalCloud]:
    """Run localcloud on free ports, its log under `home`, for the length of a `with` block.

    :param arguments: further options of `python -m localcloud`, such as ("--serve-ms", "1500")
    :param seen_as: through which cloud's API to look at it; Google's unless said
    :param network: that the resolver is in, as that cloud spells it
    :raises ProcessDied: it ended, or was not ready within a minute; with the end of its log
    """
    free = "127.0.0.1:0"
    listeners = ["--api", free, "--dns", free, "--dns", free, "--resolver", f"{free}={network}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with Crew() as crew:
        process = crew.start(
            "localcloud",
            [sys.executable, "-m", "localcloud", *listeners, *arguments],
            env=environment,
            cwd=REPOSITORY,
            log=home / "localcloud.log",
        )
        ready = ready_line(process)
        yield (seen_as or LocalCloud)(ready["api"], tuple(ready["dns"].split(",")), ready["resolver"], process)


def ready_line(process: Managed) -> dict[str, str]:
    """Wait for the line that says where localcloud listens, and return it: `api`, `dns`, `resolver`."""
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        for line in process.log.read_text(errors="replace").splitlines():
            if line.startswith(_READY):
                return dict(part.split("=", 1) for part in line.removeprefix(_READY).split())
        process.check()
        time.sleep(0.05)
    raise ProcessDied(f"localcloud is not ready after {_TIMEOUT:.0f} s\n{process.tail()}")
