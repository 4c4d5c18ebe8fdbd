"""Owns the service under test: a real process on a free port with a data folder of its own. Never posts a job."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 30.0
STOP_SECONDS = 30.0
SIXPX = (sys.executable, "-m", "sixpx")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: where it answers, its process id, the user whose jobs these are, the file of its log."""

    url: str
    pid: int
    jobs: str
    """path of the user's jobs"""
    credentials: str
    """the query that says who asks"""
    log: Path


@contextmanager
def running(
    folder: Path, lanes: int, log_level: str = "info", settings: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Started in an empty folder; ended in order, else by force."""
    port = _free_port()
    environment = {**_environment(folder, port, lanes, log_level), **(settings or {})}
    jobs, credentials = _new_user(environment)
    log = folder / "service.log"
    with log.open("w") as errors:
        process = subprocess.Popen([*SIXPX, "serve"], env=environment, stdout=errors, stderr=errors)
    url = f"http://{HOST}:{port}"
    try:
        _wait_until_ready(url, process, log)
        yield Service(url, process.pid, jobs, credentials, log)
    finally:
        _end(process)


def for_another_user(service: Service, folder: Path, settings: Mapping[str, str]) -> Service:
    """The same service, asked in the name of a further user of its store."""
    jobs, credentials = _new_user({**_environment(folder, _free_port(), 1, "info"), **settings})
    return replace(service, jobs=jobs, credentials=credentials)


def _new_user(environment: Mapping[str, str]) -> tuple[str, str]:
    """The path of his jobs, and the query that says who asks."""
    user = json.loads(subprocess.check_output([*SIXPX, "user", "add", "bench", "--json"], env=environment))
    return f"/v1/users/{user['id']}/jobs", f"key={user['key']}&secret={user['secret']}"


def _environment(folder: Path, port: int, lanes: int, log_level: str) -> Mapping[str, str]:
    """Ours, without settings of sixpx that happen to stand in it."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}
    return {
        **outside,
        "SIXPX_SERVER_HOST": HOST,
        "SIXPX_SERVER_PORT": str(port),
        "SIXPX_SERVER_DATA": str(folder),
        "SIXPX_LANES_COUNT": str(lanes),
        "SIXPX_NETWORK_ALLOW": "127.0.0.0/8",
        "SIXPX_LOG_LEVEL": log_level,
        "SIXPX_LOG_FORMAT": "json",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as reply:
                if reply.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the service did not start; its log ends: {log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
