"""A real HTTP server in front of localcloud that can refuse changes, as Google does when a quota runs out half-way."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

FLAKY_CONNECTION = "google_cloud_flaky"
_HOP_BY_HOP = {"host", "content-length", "transfer-encoding", "connection", "content-encoding"}


@dataclass(slots=True)
class FlakyApi:
    """`refuse_from` maps a zone to the first of its changes with new addresses that is refused (1 is the first)."""

    url: str = ""
    refuse_from: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    _seen: Counter[str] = field(default_factory=Counter)

    def refuses(self, method: str, path: str, body: bytes) -> bool:
        """Say whether this request is to be refused. Only changes that add addresses are: a release goes through."""
        *_, zone, collection = ["", *path.strip("/").split("/")]
        if method != "POST" or collection != "changes" or zone not in self.refuse_from:
            return False
        if not any(addition["type"] in {"A", "AAAA"} for addition in json.loads(body).get("additions", [])):
            return False
        self._seen[zone] += 1
        refused = self._seen[zone] >= self.refuse_from[zone]
        self.refused += refused
        return refused


# A quota that runs out between two batches of one job: nothing that planning could have known.
_REFUSAL_MESSAGE = "The change would exceed quota for resource record sets per managed zone."
_REFUSAL = {
    "error": {
        "code": 403,
        "message": _REFUSAL_MESSAGE,
        "errors": [{"domain": "global", "reason": "quotaExceeded", "message": _REFUSAL_MESSAGE}],
    }
}


@contextmanager
def flaky_api(upstream: str) -> Iterator[FlakyApi]:
    """Serve `upstream` through a FlakyApi on a free port of loopback."""
    api = FlakyApi()
    client = httpx.AsyncClient(base_url=upstream, timeout=60, trust_env=False)

    async def forward(request: Request) -> Response:
        body = await request.body()
        if api.refuses(request.method, request.url.path, body):
            return JSONResponse(_REFUSAL, status_code=403)
        answer = await client.request(
            request.method,
            request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            content=body,
            headers={name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP},
        )
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
        return Response(answer.content, answer.status_code, headers)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    application = Starlette(routes=[Route("/{path:path}", forward, methods=methods)])
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    api.url = f"http://127.0.0.1:{port}"
    yield api
    server.should_exit = True
    thread.join()
