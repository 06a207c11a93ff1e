"""Many processes that bind and unbind at once: a program that forks them from one parent which has imported everything.

On its standard input a JSON list of what each process does, one after the other: `[[["bind", OWNER, [MEMBER, …]], …]]`;
OWNER may be null. On its output `{"seconds": 4.2, "failures": ["…"]}`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials

from mldns.iam.grants import Grant
from mldns.providers.base import Zone
from mldns.providers.editor import ZoneEditor
from mldns.providers.gcp.client import DNSClient
from mldns.providers.gcp.iam.grants import bind, unbind
from mldns.providers.gcp.iam.ledger import GrantBook
from mldns.providers.gcp.iam.policy_store import PolicyStore, ZonePolicy
from mldns.providers.gcp.iam.project_policy import ProjectPolicy
from mldns.providers.gcp.provider import CloudDNSProvider

Act = tuple[str, str | None, list[str]]
ZONE = Zone("ml-zone", "ml.example.com.")


def main(api: str, project: str, scope: str, role: str) -> None:
    crowd: list[list[Act]] = json.load(sys.stdin)
    options = ClientOptions(api_endpoint=api)

    def work(acts: list[Act]) -> None:
        client = DNSClient(project, AnonymousCredentials(), client_options=options)
        store: PolicyStore = ZonePolicy(client, ZONE.name)
        if scope == "project":
            store = ProjectPolicy(project, AnonymousCredentials(), client_options=options)
        for verb, owner, members in acts:
            book = GrantBook(ZoneEditor(CloudDNSProvider(client), ZONE), owner) if owner else None
            act: Callable[..., object] = bind if verb == "bind" else unbind
            act(store, Grant(scope, role, tuple(members)), book)

    _read_policy_once(project, options)
    ready, start = os.pipe()
    failed, report = os.pipe()
    processes = [_fork(lambda acts=acts: work(acts), ready, start, report) for acts in crowd]  # type: ignore[misc]
    os.close(ready)
    os.close(report)
    started = time.monotonic()
    os.close(start)
    for process in processes:
        os.waitpid(process, 0)
    seconds = time.monotonic() - started
    with os.fdopen(failed) as failures:
        print(json.dumps({"seconds": round(seconds, 1), "failures": failures.read().splitlines()}))


def _read_policy_once(project: str, options: ClientOptions) -> None:
    """Import what the first call imports, and leave no connection behind."""
    client = DNSClient(project, AnonymousCredentials(), client_options=options)
    client.get_zone_policy(ZONE.name)
    client.close()
    ProjectPolicy(project, AnonymousCredentials(), client_options=options).read()


def _fork(work: Callable[[], None], ready: int, start: int, report: int) -> int:
    """A process that works when `start` is closed, and writes one line to `report` where it fails."""
    if process := os.fork():
        return process
    os.close(start)
    os.read(ready, 1)
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent has to know
        os.write(report, f"{type(error).__name__}: {error}\n".encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
