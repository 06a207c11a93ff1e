"""A real HTTP proxy in front of localcloud that loses answers, cuts connections, and turns calls away."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Fault:
    """What happens to the next `count` calls whose `METHOD path` matches `pattern`, after `skip` that pass.

    "cut-before" closes the connection unheard, "cut-after" applies the call and then closes it, "status" answers with
    `status` in its place, "status-after" applies the call and answers with `status` all the same.
    """

    pattern: str
    kind: Literal["cut-before", "cut-after", "status", "status-after"]
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    count: int = 1
    skip: int = 0
    message: str = "injected"

    def strikes(self, call: str) -> bool:
        if not re.search(self.pattern, call) or not self.count:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.count -= 1
        return True


@dataclass
class FaultyProxy:
    """`url` speaks to the server behind it; `calls` are the ones that came in, as `METHOD path`."""

    url: str
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, pattern: str) -> int:
        return sum(1 for call in self.calls if re.search(pattern, call))

    def fault_for(self, call: str) -> Fault | None:
        with self.lock:
            self.calls.append(call)
            return next((fault for fault in self.faults if fault.strikes(call)), None)


@contextlib.contextmanager
def faulty_proxy(upstream: str, port: int = 0) -> Iterator[FaultyProxy]:
    """Run a proxy in front of `upstream` (a base URL); port 0 takes a free one."""
    target = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_call(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.fault_for(f"{self.command} {self.path}")
            if fault and fault.kind == "cut-before":
                self.close_connection = True
                return
            if fault and fault.kind == "status":
                self.answer(fault.status, fault.headers, _error(fault))
                return
            status, headers, content = self.forward(body)
            if fault and fault.kind == "cut-after":
                self.close_connection = True
            elif fault:
                self.answer(fault.status, fault.headers, _error(fault))
            else:
                self.answer(status, headers, content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_call

        def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(target, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                response = connection.getresponse()
                return response.status, dict(response.getheaders()), response.read()
            finally:
                connection.close()

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    proxy = FaultyProxy(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _error(fault: Fault) -> bytes:
    problem = {"message": fault.message, "domain": "global", "reason": "injected"}
    return json.dumps({"error": {"code": fault.status, "message": fault.message, "errors": [problem]}}).encode()
