"""Owns what many web sockets cost: idle ones, and events published into the hub. Never a rendered picture.

`python -m bench.sockets serve FOLDER` is the process that is measured, `python -m bench.sockets listen PORT SOCKETS`
the one that holds the other ends; each event carries the moment of its publication, by the clock that both share.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

SOCKETS = 1000
RATE = 200
"""Events a second, each of another user than the one before."""
SECONDS = 10
MOST_MS = 50.0
"""What the slowest hundredth of the events may take from the hub to the client's program."""
OPEN_AT_ONCE = 50


def sockets_of(photos: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """Memory of an idle socket, CPU share and delays of the events, in ms."""
    command = [sys.executable, "-m", "bench.sockets", "serve", str(folder)]
    told: Mapping[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=120).stdout)
    return told


# --- the service's side -----------------------------------------------------------------------------


async def serve(folder: Path) -> Mapping[str, Any]:
    import psutil
    from aiohttp import web

    from sixpx.api.auth import Auth
    from sixpx.api.v1.socket import Sockets
    from sixpx.core.job import Status
    from sixpx.core.user import Access, SocketAuth, User
    from sixpx.feed import Feed
    from sixpx.hub import Hub, JobEvent
    from sixpx.store.sqlite import SqliteStore

    now = datetime.now(UTC)
    store, hub = SqliteStore.open(folder / "sockets.db"), Hub()
    ada = User("0" * 24, "ada", (Access("key", "digest"),), now, socket_auth=SocketAuth.USER_ID)
    users = [replace(ada, id=f"{number:024x}") for number in range(SOCKETS)]
    await asyncio.gather(*(store.add_user(one) for one in users))
    feed, app = Feed(hub), web.Application()
    Sockets(Auth(store, lambda: now), feed, asyncio.get_running_loop().create_future()).add_to(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    me = psutil.Process()
    before = me.memory_info().rss
    listener = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.sockets", "listen", str(port), str(SOCKETS), stdout=subprocess.PIPE
    )
    assert listener.stdout is not None
    assert await listener.stdout.readline() == b"all are open\n"
    idle = me.memory_info().rss - before
    cpu = time.process_time()
    began = asyncio.get_running_loop().time()
    for number in range(RATE * SECONDS):
        await asyncio.sleep(max(0.0, began + number / RATE - asyncio.get_running_loop().time()))
        event = JobEvent(f"{time.monotonic_ns():024x}", users[number * 7 % SOCKETS].id, Status.PROCESSING)
        hub.publish(event)
    share = (time.process_time() - cpu) / SECONDS
    delays = json.loads(await asyncio.wait_for(listener.stdout.readline(), 30))
    await listener.wait()
    await runner.cleanup()
    await feed.close()
    await store.close()
    cut = quantiles(delays, n=100)
    return {
        "sockets": SOCKETS,
        "rate": RATE,
        "heard": len(delays) / (RATE * SECONDS),
        "kb_a_socket": idle / SOCKETS / 1000,
        "cpu_share": share,
        "p50_ms": cut[49],
        "p99_ms": cut[98],
    }


# --- the listeners' side ----------------------------------------------------------------------------


async def listen(port: int, sockets: int) -> None:
    import aiohttp

    delays: list[float] = []
    gate = asyncio.Semaphore(OPEN_AT_ONCE)
    done = asyncio.Event()

    async def one(session: aiohttp.ClientSession, number: int) -> None:
        async with gate:
            socket = await session.ws_connect(f"http://127.0.0.1:{port}/")
            await socket.send_json({"auth": {"user_id": f"{number:024x}"}})
            assert await socket.receive_json() == {"auth": True}
        hearing.append(asyncio.create_task(hear(socket)))

    async def hear(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            sent = int(json.loads(message.data)["job_id"], 16)
            delays.append((time.monotonic_ns() - sent) / 1e6)
            if len(delays) == RATE * SECONDS:
                done.set()

    hearing: list[asyncio.Task[None]] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(one(session, number) for number in range(sockets)))
        print("all are open", flush=True)
        try:
            await asyncio.wait_for(done.wait(), SECONDS * 2 + 10)
        except TimeoutError:
            print("not every event came", file=sys.stderr)
        print(json.dumps(delays), flush=True)
        for task in hearing:
            task.cancel()
        await asyncio.gather(*hearing, return_exceptions=True)


if __name__ == "__main__":
    import uvloop

    if sys.argv[1] == "serve":
        print(json.dumps(uvloop.run(serve(Path(sys.argv[2])))))
    else:
        uvloop.run(listen(int(sys.argv[2]), int(sys.argv[3])))
