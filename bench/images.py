"""Owns the image server: its own process, bytes from memory, an optional delay. Never makes a photograph.

`python -m bench.images FOLDER` prints its port and serves until its standard input ends, so that it cannot outlive
whoever started it. `/NAME?delay=100` answers after 100 ms; other parameters make addresses distinct.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvloop
from aiohttp import web

HOST = "127.0.0.1"


async def _serve(files: Mapping[str, bytes]) -> None:
    async def answer(request: web.Request) -> web.Response:
        content = files.get(request.match_info["name"])
        if content is None:
            raise web.HTTPNotFound
        if delay := float(request.query.get("delay", "0")):
            await asyncio.sleep(delay / 1000)
        return web.Response(body=content, content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a running image server, without a slash at the end."""
    command = [sys.executable, "-m", "bench.images", str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError("the image server did not start")
        yield f"http://{HOST}:{port}"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    uvloop.run(_serve({path.name: path.read_bytes() for path in Path(sys.argv[1]).glob("*.jpg")}))
