"""Owns moto's server, an S3 double that checks no signature. Never the only proof: OpenStack Swift is stricter."""

from __future__ import annotations

from pathlib import Path

from tests.servers.base import HOST, Process, free_port, from_pypi


class Moto:
    """The running server; any key and secret will do."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        program = from_pypi("moto_server")
        self._process = Process([program, "-H", HOST, "-p", str(self.port)], folder / "moto.log")
        self._process.wait_for(self.port)

    def end(self) -> None:
        self._process.end()
