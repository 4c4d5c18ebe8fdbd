"""Owns the clients of the service: connections that post jobs and wait for them. Never reads a process's books."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.service import Service

CONNECTIONS = 16
DURATION = re.compile(r"app;dur=([\d.]+)")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Timing:
    """One POST in ms: as the client saw it, and in the server's own words."""

    seen: float
    inside: float


@dataclass(slots=True)
class Drive:
    """What the clients saw. Each POST in ms: from the client's side, and the server's own word (Server-Timing). The
    first POST of each connection does not count: they come all at once, while the lanes have nothing to do yet."""

    jobs: int
    wall: float = 0.0
    post_ms: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)

    def note(self, timing: Timing) -> None:
        self.post_ms.append(timing.seen)
        self.server_ms.append(timing.inside)


def closed_loop(service: Service, bodies: Sequence[Body]) -> Drive:
    """Each connection posts a job, waits for its end, and takes the next."""
    return asyncio.run(_drive(service, bodies, flood=False))


def flood(service: Service, bodies: Sequence[Body]) -> Drive:
    """All jobs are posted first, and then waited for."""
    return asyncio.run(_drive(service, bodies, flood=True))


async def _drive(service: Service, bodies: Sequence[Body], flood: bool) -> Drive:
    drive = Drive(len(bodies))
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(service.url, connector=connector, timeout=timeout) as session:
        left = iter([json.dumps(body).encode() for body in bodies])
        posted: list[str] = []

        async def post_and_wait() -> None:
            for turn, body in enumerate(left):
                job, timing = await _post(session, service, body)
                if turn or len(bodies) <= CONNECTIONS:
                    drive.note(timing)
                if flood:
                    posted.append(job)
                else:
                    await _wait(session, service, job)

        async def wait() -> None:
            while posted:
                await _wait(session, service, posted.pop(0))

        began = time.perf_counter()
        await _together(post_and_wait)
        await _together(wait)
        drive.wall = time.perf_counter() - began
    return drive


async def _together(work: Any) -> None:
    async with asyncio.TaskGroup() as clients:
        for _ in range(CONNECTIONS):
            clients.create_task(work())


async def _post(session: aiohttp.ClientSession, service: Service, body: bytes) -> tuple[str, Timing]:
    began = time.perf_counter()
    headers = {"Content-Type": "application/json"}
    async with session.post(f"{service.jobs}?{service.credentials}", data=body, headers=headers) as reply:
        answer = await reply.json(content_type=None)
        seen = (time.perf_counter() - began) * 1000
        if reply.status != 200:
            raise RuntimeError(f"a job was refused with {reply.status}: {answer}")
        taken = DURATION.search(reply.headers.get("Server-Timing", ""))
    if taken is None:
        raise RuntimeError("the service does not tell the time that it took (Server-Timing)")
    return str(answer["id"]), Timing(seen, float(taken[1]))


async def _wait(session: aiohttp.ClientSession, service: Service, job: str) -> None:
    path = f"{service.jobs}/{job}?wait=60&{service.credentials}"
    for _ in range(4):
        async with session.get(path) as reply:
            answer = await reply.json(content_type=None)
        if answer["status"] == "complete":
            return
        if answer["status"] == "failed":
            raise RuntimeError(f"job {job} failed: {json.dumps(answer)[:1000]}")
    raise RuntimeError(f"job {job} did not end in time")
