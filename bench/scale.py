"""Owns what a second process brings: jobs that wait, through one service and through two, on one MongoDB. Never a mark
for the database.

`python -m bench.scale` (or `make bench-scale`). The inputs take half a second to come, the pictures are tiny, each
process has one lane: what counts is how many jobs are waited for at once, and what the shared queue costs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from aiohttp import web

from bench.measure import machine
from bench.service import Service, running
from sixpx.credentials import new_key
from tests.acceptance.yard import picture
from tests.servers.mongo import Mongo

OUT = Path("bench-out")
LATENCY = 0.5
USERS = 2
"""One user gets three quarters of a process's window at most."""
JOBS = 600
WARM = 60
ROUNDS = 3
LEAST = 1.8
POSTERS = 16


def main() -> int:
    OUT.mkdir(exist_ok=True)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="scale-", dir=OUT) as folder, _mongo(Path(folder).resolve()) as mongo:
        figures = asyncio.run(_measured(mongo, Path(folder).resolve()))
    report = {"machine": before, "jobs": JOBS, "latency": LATENCY, **figures}
    (OUT / "scale.json").write_text(json.dumps(report, indent=2) + "\n")
    for number, rates in figures["rates"].items():
        spread = ", ".join(f"{rate:.1f}" for rate in rates)
        print(f"{number} process{'es' if number > 1 else ''}: {median(rates):6.1f} jobs/s   ({spread})")
    passed = figures["ratio"] >= LEAST
    print(f"{'ok  ' if passed else 'MISS'} ratio {figures['ratio']:.2f} (mark: at least {LEAST})")
    return 0 if passed else 1


@contextmanager
def _mongo(folder: Path) -> Iterator[Mongo]:
    server = Mongo(folder / "mongo")
    try:
        yield server
    finally:
        server.end()


async def _measured(mongo: Mongo, folder: Path) -> Mapping[str, Any]:
    """Jobs a second with one and with two processes, in turns, each time on an empty database."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    async with _pictures() as pictures:
        for turn in range(ROUNDS):
            for number in rates:
                print(f"round {turn + 1}, {number} processes ...", file=sys.stderr, flush=True)
                rates[number].append(await _round(mongo.fresh(), folder / f"{turn}-{number}", number, pictures))
    return {"rates": rates, "ratio": median(rates[2]) / median(rates[1])}


async def _round(uri: str, folder: Path, processes: int, pictures: str) -> float:
    key = new_key()
    with ExitStack() as stack:
        services = []
        for number in range(processes):
            (home := folder / str(number)).mkdir(parents=True)
            shared = {"SIXPX_STORE_URL": uri, "SIXPX_SECURITY_KEY": key}
            services.append(await asyncio.to_thread(stack.enter_context, running(home, 1, settings=shared)))
        # a user of each process: all are known to all
        users = [services[number % processes] for number in range(USERS)] if processes > 1 else services * USERS
        await _all(services, users, WARM, pictures)
        began = time.perf_counter()
        await _all(services, users, JOBS, pictures)
        return JOBS / (time.perf_counter() - began)


async def _all(services: Sequence[Service], users: Sequence[Service], jobs: int, pictures: str) -> None:
    """Posts the jobs as fast as they are taken, and returns when the last one has ended."""
    numbers = iter(range(jobs))
    ids: list[tuple[Service, Service, str]] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)) as session:

        async def post() -> None:
            for number in numbers:
                service, user = services[number % len(services)], users[number % len(users)]
                body = {
                    "input": {"main": f"{pictures}/{number}.png"},
                    "output": [{"ref": {"main": False}, "methods": [{"method": "resize", "options": {"width": 4}}]}],
                }
                async with session.post(f"{service.url}{user.jobs}?{user.credentials}", json=body) as reply:
                    ids.append((service, user, (await reply.json())["id"]))

        async def wait() -> None:
            while ids:
                service, user, id = ids.pop()
                await _ended(session, f"{service.url}{user.jobs}/{id}?wait=60&{user.credentials}")

        for work in (post, wait):
            async with asyncio.TaskGroup() as clients:
                for _ in range(POSTERS):
                    clients.create_task(work())


async def _ended(session: aiohttp.ClientSession, url: str) -> None:
    for _ in range(5):
        async with session.get(url) as reply:
            job = await reply.json()
        if job["status"] == "complete":
            return
        if job["status"] == "failed":
            raise RuntimeError(f"a job failed: {json.dumps(job)[:1000]}")
    raise RuntimeError("a job did not end in time")


@asynccontextmanager
async def _pictures() -> AsyncIterator[str]:
    """The address of a server that thinks for half a second before each picture."""
    content = base64.b64decode(picture().partition(",")[2])

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(LATENCY)
        return web.Response(body=content, content_type="image/png")

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


if __name__ == "__main__":
    sys.exit(main())
