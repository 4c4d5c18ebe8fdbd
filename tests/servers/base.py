"""Owns a server process of the tests: its port, its log, the wait until it answers, its end. Never its protocol."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
START_SECONDS = 30.0
END_SECONDS = 5.0
PASSIVE = 100
"""Ports for FTP's data connections."""

SERVERS = (ROOT / ".venv-servers" / "bin", Path(os.environ.get("SIXPX_TEST_SERVERS", "/nowhere")))
"""Where servers from PyPI are looked for: `make servers` puts them into the first one."""


def missing(what: str, how: str) -> None:
    """A server that is not installed: the tests that need it are skipped on a laptop and fail in CI, where `.ci/run`
    has to install it."""
    reason = f"{what} is not installed: {how}"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def found(program: str, how: str, *folders: Path) -> str:
    """The path of a program, looked for in these folders first, then as the shell does. Skips or fails without it."""
    places = [str(folder / program) for folder in (*folders, Path("/usr/sbin")) if (folder / program).exists()]
    path = places[0] if places else shutil.which(program)
    if path is None:
        missing(program, how)
    return str(path)


def from_pypi(program: str) -> str:
    """A server that `make servers` installs."""
    return found(program, "make servers", *SERVERS)


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind((HOST, 0))
        return int(one.getsockname()[1])


def free_ports(count: int) -> range:
    """So many free ports in a row, below those that the system gives out by itself."""
    while True:
        ports = range(start := random.randrange(20_000, 32_000 - count), start + count)
        with ExitStack() as held, suppress(OSError):
            for port in ports:
                held.enter_context(closing(socket.socket())).bind((HOST, port))
            return ports


class Process:
    """One running program. `end` ends it and waits; what it said stands in `log`."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"], "HOME": str(log.parent), **(environment or {})},
                cwd=log.parent,
                start_new_session=True,
            )

    def wait_for(self, port: int) -> None:
        """Returns when something listens on the port. Raises RuntimeError, with the end of the log."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with closing(socket.socket()) as one:
                if one.connect_ex((HOST, port)) == 0:
                    return
            time.sleep(0.05)
        self.end()
        raise RuntimeError(f"{self.log.stem} did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
