"""Owns one real service for a test: its process, its data folder, a user, and HTTP to it. Never imports sixpx.

The process is ended by its id, and only the process that was started here.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

START_WITHIN = 30.0
END_WITHIN = 40.0
ROOT = Path(__file__).resolve().parents[2]
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy in the environment has no business on the loopback."""


class Refusal(Exception):
    """A reply of 400 and above: its status, and the problem as JSON."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status}: {problem.get('detail')}")
        self.status = status
        self.problem = problem


class Service:
    """A service on a free port of the loopback. `url` has no slash at the end; `data` outlives `kill` and `restart`."""

    def __init__(self, folder: Path, environment: dict[str, str], beside: Service | None = None) -> None:
        self.data = folder / "data"
        self.log = folder / "service.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")},
            "SIXPX_SERVER_PORT": str(self.port),
            "SIXPX_SERVER_DATA": str(self.data),
            "SIXPX_LANES_COUNT": "2",
            # every command runs in the test's folder, so that no ./sixpx.toml of a developer is read
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        self._folder = folder
        if beside is None:
            made = json.loads(self.command("user", "add", "tester", "--json"))
            self.user, self.key, self.secret = made["id"], made["key"], made["secret"]
        else:
            self.user, self.key, self.secret = beside.user, beside.key, beside.secret
        self.process = self._launch()

    @classmethod
    def start(cls, tmp_path: Path, beside: Service | None = None, **environment: str) -> Service:
        """Ready to take jobs. `environment` holds settings such as SIXPX_LANES_COUNT="1"; `beside`: another service on
        the same store, whose user this one knows already."""
        service = cls(tmp_path, environment, beside)
        service._await_ready()
        return service

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.terminate()

    # --- the process -----------------------------------------------------------------------------

    def _launch(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sixpx", "serve"],
                env=self.environment,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _await_ready(self) -> None:
        until = time.monotonic() + START_WITHIN
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise AssertionError(f"the service ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                with DIRECT.open(f"{self.url}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the service was not ready within {START_WITHIN:g} s:\n{self.log.read_text()}")

    def kill(self) -> None:
        """SIGKILL: no farewell."""
        self.process.kill()
        self.process.wait(END_WITHIN)

    def terminate(self) -> int:
        """SIGTERM: the exit status of an orderly end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def restart(self) -> None:
        """The same data folder, port and user in a new process, ready again; ends the old one where it still runs."""
        if self.process.poll() is None:
            self.terminate()
        self.process = self._launch()
        self._await_ready()

    def command(self, *arguments: str, told: str = "") -> str:
        """What a `sixpx` command prints on this service's configuration; `told` is its standard input."""
        asked = [sys.executable, "-m", "sixpx", *arguments]
        kept: dict[str, Any] = {"env": self.environment, "cwd": self._folder, "input": told}
        return subprocess.run(asked, **kept, capture_output=True, text=True, check=True).stdout

    # --- HTTP ------------------------------------------------------------------------------------

    @property
    def credentials(self) -> str:
        """What SIXPX_AS takes."""
        return f"{self.user}:{self.key}:{self.secret}"

    def post(self, body: Any, **headers: str) -> str:
        """The id of the new job. Raises Refusal."""
        return str(self.call("POST", "", json.dumps(body).encode(), headers)["id"])

    def job(self, id: str, wait: float = 0) -> dict[str, Any]:
        """The job, at its end or after `wait` seconds."""
        reply: dict[str, Any] = self.call("GET", f"/{id}" + (f"?wait={wait:g}" if wait else ""))
        return reply

    def jobs(self, **query: str | int) -> list[dict[str, Any]]:
        reply: list[dict[str, Any]] = self.call("GET", f"?{urlencode(query)}")
        return reply

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """The JSON of a reply under /v1/users/USER/jobs, None where it is empty. Raises Refusal."""
        pair = base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        asked = urllib.request.Request(
            f"{self.url}/v1/users/{self.user}/jobs{path}",
            data=body,
            method=method,
            headers={"Authorization": f"Basic {pair}", "Content-Type": "application/json", **(headers or {})},
        )
        try:
            with DIRECT.open(asked, timeout=90) as reply:
                return json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as refused:
            with refused:
                raise Refusal(refused.code, json.loads(refused.read())) from None

    def get(self, location: str) -> bytes:
        """The bytes at an address that a job names."""
        with DIRECT.open(location, timeout=30) as reply:
            return bytes(reply.read())


def refused(folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """How a service ends that does not want to start, and what it says."""
    asked = [sys.executable, "-m", "sixpx", "serve"]
    done = subprocess.run(
        asked,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_WITHIN,
    )
    return done.returncode, done.stdout + done.stderr


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
