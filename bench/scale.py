"""Owns what a second process brings: jobs that wait, through one service and through two, on one MongoDB. Never a mark
for the database.

`python -m bench.scale` (or `make bench-scale`). The inputs take half a second to come, the pictures are tiny, each
process has one lane: what counts is how many jobs are waited for at once, and what the shared queue costs. Two users
post, whatever the number of processes. The mark is for a narrow window: through the usual one two processes can pass
more jobs than two processors work off, those of the database and of the load included; that ratio is told too.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from aiohttp import web

from bench.measure import machine
from bench.service import Service, for_another_user, running
from sixpx.credentials import new_key
from tests.acceptance.yard import picture
from tests.servers.mongo import Mongo

OUT = Path("bench-out")
LATENCY = 0.5
USERS = 2
"""One user gets three quarters of a process's window at most."""
WINDOWS = {8: 400, 32: 600}
"""Jobs in flight of each process, the narrow one and the usual one, and how many are posted in all."""
NARROW = 8
WARM = 60
ROUNDS = 3
LEAST = 1.8
POSTERS, WAITERS = 4, 16
"""Clients at once. More posters would have the processors for themselves for the first seconds."""


def main() -> int:
    OUT.mkdir(exist_ok=True)
    before = machine()
    with tempfile.TemporaryDirectory(prefix="scale-", dir=OUT) as folder, _mongo(Path(folder).resolve()) as mongo:
        figures = asyncio.run(_measured(mongo, Path(folder).resolve()))
    report = {"machine": before, "latency": LATENCY, "windows": figures}
    (OUT / "scale.json").write_text(json.dumps(report, indent=2) + "\n")
    for window, measured in figures.items():
        print(f"window of {window}:")
        for number, rates in measured["rates"].items():
            spread = ", ".join(f"{rate:.1f}" for rate in rates)
            print(f"  {number} process{'es' if number > 1 else '  '}: {median(rates):6.1f} jobs/s   ({spread})")
        print(f"  ratio {measured['ratio']:.2f}")
    passed = figures[NARROW]["ratio"] >= LEAST
    print(f"{'ok  ' if passed else 'MISS'} ratio with a window of {NARROW} (mark: at least {LEAST})")
    return 0 if passed else 1


@contextmanager
def _mongo(folder: Path) -> Iterator[Mongo]:
    server = Mongo(folder / "mongo")
    try:
        yield server
    finally:
        server.end()


async def _measured(mongo: Mongo, folder: Path) -> Mapping[int, Any]:
    """Jobs a second through each window, with one and with two processes, in turns, each time on an empty database."""
    figures = {}
    async with _pictures() as pictures:
        for window in WINDOWS:
            rates: dict[int, list[float]] = {1: [], 2: []}
            for turn in range(ROUNDS):
                for number in rates:
                    print(f"window of {window}, round {turn + 1}, {number} processes ...", file=sys.stderr, flush=True)
                    home = folder / f"{window}-{turn}-{number}"
                    rates[number].append(await _round(mongo.fresh(), home, number, window, pictures))
            figures[window] = {"rates": rates, "ratio": median(rates[2]) / median(rates[1])}
    return figures


async def _round(uri: str, folder: Path, processes: int, window: int, pictures: str) -> float:
    shared = {"SIXPX_STORE_URL": uri, "SIXPX_SECURITY_KEY": new_key(), "SIXPX_RUNNER_WINDOW": str(window)}
    with ExitStack() as stack:
        services = []
        for number in range(processes):
            (home := folder / str(number)).mkdir(parents=True)
            services.append(await asyncio.to_thread(stack.enter_context, running(home, 1, settings=shared)))
        users = list(services)  # all are known to all
        while len(users) < USERS:
            users.append(await asyncio.to_thread(for_another_user, services[0], folder / "0", shared))
        await _all(services, users, WARM, pictures)
        return await _all(services, users, WINDOWS[window], pictures)


async def _all(services: Sequence[Service], users: Sequence[Service], jobs: int, pictures: str) -> float:
    """Posts the jobs as fast as they are taken. Jobs that ended a second, from when all were posted until the last one
    ended: posts take their part of the processors, however many processes share the work."""
    numbers, ends = iter(range(jobs)), list[datetime]()
    ids: deque[tuple[Service, Service, str]] = deque()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=300)) as session:

        async def post() -> None:
            for number in numbers:
                # each user posts to each process, as through a load balancer
                service, user = services[number // USERS % len(services)], users[number % USERS]
                body = {
                    "input": {"main": f"{pictures}/{number}.png"},
                    "output": [{"ref": {"main": False}, "methods": [{"method": "resize", "options": {"width": 4}}]}],
                }
                async with session.post(f"{service.url}{user.jobs}?{user.credentials}", json=body) as reply:
                    ids.append((service, user, (await reply.json())["id"]))

        async def wait() -> None:
            while ids:
                service, user, id = ids.popleft()  # as they end: else all are looked at after the last one
                ends.append(await _ended(session, f"{service.url}{user.jobs}/{id}?wait=60&{user.credentials}"))

        await _by(POSTERS, post)
        posted = datetime.now(UTC)
        await _by(WAITERS, wait)
    left = [one for one in ends if one > posted]
    return len(left) / (max(left) - posted).total_seconds()


async def _by(clients: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(work())


async def _ended(session: aiohttp.ClientSession, url: str) -> datetime:
    for _ in range(5):
        async with session.get(url) as reply:
            job = await reply.json()
        if job["status"] == "complete":
            return datetime.fromisoformat(job["processed"][0]["data"]["duration"]["end"])
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
