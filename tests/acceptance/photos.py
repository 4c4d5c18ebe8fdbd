"""Owns a small picture server on the loopback, and what it was asked for. Never imports sixpx."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

PHOTO = Path(__file__).parents[2] / "demo" / "raccoon.jpg"


class Photos:
    """Answers every path with the sample photograph (or another picture), after `?delay=` milliseconds."""

    def __init__(self, photo: bytes | None = None) -> None:
        handler = type("Handler", (_Handler,), {"photo": photo or PHOTO.read_bytes()})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Photos:
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
    photo = b""

    def do_GET(self) -> None:
        time.sleep(float(parse_qs(urlsplit(self.path).query).get("delay", ["0"])[0]) / 1000)
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(self.photo)))
        self.end_headers()
        self.wfile.write(self.photo)

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            """The service on the other side was killed; that is what this is for."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
