"""Owns `make demo`: one job through a real service, from the command line to pictures on the disk. Leaves nothing up.

Everything goes the way a user's own job goes: `sixpx user add`, `sixpx serve`, `sixpx submit`, and the pictures come
from the addresses that the finished job names. They go to ./demo-out, or to the folder that is the argument. The exit
status is 0 only where every picture is whole.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

HERE = Path(__file__).resolve().parent
SIXPX = [sys.executable, "-m", "sixpx"]
START_WITHIN = 30.0
END_WITHIN = 30.0
LOG_TAIL = 30
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy in the environment has no business on the loopback."""


class Failed(Exception):
    """The demo did not come to its end; the sentence says where."""


def main(out: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="sixpx-demo-") as folder:
        log = Path(folder) / "service.log"
        try:
            show(Path(folder), log, out)
        except (Failed, OSError, subprocess.SubprocessError) as fault:
            print(f"\ndemo: failed: {fault}", file=sys.stderr)
            if log.exists():
                tail = log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
                print("\n".join(["demo: the end of the service's log:", *tail]), file=sys.stderr)
            return 1
    print(f"\nAll pictures are whole. Look at them: {out}/")
    return 0


def show(folder: Path, log: Path, out: Path) -> None:
    environment = settings(folder)
    user = json.loads(output([*SIXPX, "user", "add", "demo", "--json"], environment, folder))
    with service(environment, folder, log) as url:
        say(f"a service answers at {url}; posting demo/job.json: a photograph, a badge, seven pictures wanted")
        environment |= {"SIXPX_AT": url, "SIXPX_AS": f"{user['id']}:{user['key']}:{user['secret']}"}
        job = json.loads(output([*SIXPX, "submit", str(HERE / "job.json"), "--json"], environment, folder))
        say("the finished job:")
        print(json.dumps(shortened(job), indent=2))
        say("downloading every picture from the address that the job names:")
        download(job, out)
    say("the service has ended in good order")


def settings(folder: Path) -> dict[str, str]:
    """An environment of its own: no setting of whoever runs the demo reaches in, nor a ./sixpx.toml, since every
    command runs in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}
    return {**kept, "SIXPX_SERVER_PORT": str(port), "SIXPX_SERVER_DATA": "data", "PYTHONPATH": str(HERE.parent)}


def output(command: list[str], environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"`sixpx {' '.join(command[3:5])}` ended with {done.returncode}")
    return done.stdout


def shortened(job: Mapping[str, Any]) -> dict[str, Any]:
    """The job with the first of its outputs and what became of it; the others look alike."""
    short = {name: [job[name][0], f"... and {len(job[name]) - 1} more"] for name in ("output", "processed")}
    return {**job, **short}


@contextmanager
def service(environment: Mapping[str, str], folder: Path, log: Path) -> Iterator[str]:
    """A service that is ready; it is gone, and went in good order, when the block ends."""
    url = f"http://127.0.0.1:{environment['SIXPX_SERVER_PORT']}"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*SIXPX, "serve"], env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        await_ready(url, process)
        yield url
    finally:
        status = end(process)
    if status != 0:
        raise Failed(f"the service ended with {status} at SIGTERM")


def await_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_WITHIN
    while process.poll() is None and time.monotonic() < until:
        try:
            with DIRECT.open(f"{url}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise Failed("the service did not start")


def end(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, and its exit status; killed where it does not obey."""
    process.terminate()
    try:
        return process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def download(job: Mapping[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for processed in job["processed"]:
        for picture in processed["data"]["output"].values():
            location, info = picture["location"], picture["info"]
            with DIRECT.open(location, timeout=30) as reply:
                content, type = reply.read(), reply.headers["Content-Type"]
            if len(content) != info["bytes"] or type != info["type"]:
                came = f"{len(content)} bytes of {type}"
                raise Failed(f"{location}: expected {info['bytes']} bytes of {info['type']}, came {came}")
            (out / Path(unquote(urlsplit(location).path)).name).write_bytes(content)
            print(f"  {info['width']:4} x {info['height']:<4} {info['bytes']:8,} bytes  {type:10}  {location}")


def say(sentence: str) -> None:
    print(f"\n{sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out")))
