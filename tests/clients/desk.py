"""Owns a small web server beside the service: pictures and pages for its clients, and what the pages report. Never
a service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

TYPES = {".html": "text/html", ".js": "text/javascript", ".png": "image/png", ".jpg": "image/jpeg"}


class Desk:
    """Hands out `served` by path. A POST is put into `posted` as (path, body), and answered when the action of its
    path, if any, is done."""

    def __init__(self, served: Mapping[str, bytes], actions: Mapping[str, Callable[[], object]] | None = None) -> None:
        self.posted: Queue[tuple[str, bytes]] = Queue()
        self._served = dict(served)
        parts = {"served": self._served, "actions": dict(actions or {}), "posted": self.posted}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), parts))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, path: str, body: bytes) -> None:
        self._served[path] = body

    def __enter__(self) -> Desk:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Mapping[str, bytes]
    actions: Mapping[str, Callable[[], object]]
    posted: Queue[tuple[str, bytes]]

    def do_GET(self) -> None:
        body = self.served.get(urlsplit(self.path).path)
        self._answer(404 if body is None else 200, body or b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.posted.put((self.path, body))
        self.actions.get(self.path, bool)()
        self._answer(200, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(Path(urlsplit(self.path).path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
