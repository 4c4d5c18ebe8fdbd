"""Owns the promises about many callbacks at once: nobody waits for a receiver that hangs, and memory has its bounds."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sixpx.app import callback_body, now
from sixpx.core.delivery import Delivery, Fate
from sixpx.core.job import Job
from sixpx.store.base import Store
from sixpx.store.sqlite import SqliteStore
from tests.api.post_office import office
from tests.contract.jobs import ADA, BEN
from tests.servers.receiver import Receiver, receiver


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore.open(tmp_path / "store.db")
    yield made
    await made.close()


def outcome(one: Delivery) -> tuple[Fate, list[int | None]]:
    return one.fate, [each.status for each in one.attempts]


async def test_receivers_that_hang_hold_back_nobody_else(store: Store) -> None:
    """Two hundred callbacks to a host that hangs are due for longer than those of anybody else."""
    async with receiver() as hanging, receiver() as quick, office(store, seconds=5, grace=0) as post:
        await post.user(BEN, post.secret)
        for _ in range(200):
            await post.end(hanging.url("/hang"), tell=False)
        post.due.set()
        await hanging.until(lambda: len(hanging.came) == 4)
        mine = await post.end(quick.url("/ok/mine", host="localhost"))
        his = await post.end(quick.url("/ok/his", host="localhost"), user_id=BEN)
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert outcome(await post.over(mine)) == (Fate.DELIVERED, [200])
        assert outcome(await post.over(his)) == (Fate.DELIVERED, [200])
        assert loop.time() - began < 2
        assert len(hanging.came) == 4


async def test_names_whose_lookups_hang_hold_back_nobody_else(store: Store, there: Receiver) -> None:
    """All the slots that one user may have, each with a host whose name servers are silent."""
    go = threading.Event()

    def lookup(host: str, *asked: Any, **how: Any) -> list[Any]:
        if host.endswith(".silent.test"):
            go.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return socket.getaddrinfo(host, *asked, **how)

    try:
        async with office(store, seconds=0.5, schedule=(0, 60), grace=0, lookup=lookup) as post:
            await post.user(BEN, post.secret)
            silent = [await post.end(f"http://{number}.silent.test/", tell=False) for number in range(12)]
            post.due.set()
            for job in silent:
                await post.tried(job)  # in time; its lookup goes on
            his = await post.end(there.url("/ok/his", host="localhost"), user_id=BEN)
            assert outcome(await post.over(his)) == (Fate.DELIVERED, [200])
    finally:
        go.set()


async def test_many_callbacks_are_all_delivered_once_by_a_single_look(store: Store, there: Receiver) -> None:
    async with office(store, seconds=15, look=60) as post:
        await post.user(BEN, post.secret)
        jobs = [await post.end(there.url("/ok"), (ADA, BEN)[number % 2], tell=False) for number in range(100)]
        post.due.set()
        for job in jobs:
            assert outcome(await post.over(job)) == (Fate.DELIVERED, [200])
    assert sorted(one.id for one in there.came) == sorted(job.deliveries[0].id for job in jobs)


async def test_jobs_are_in_memory_one_after_another_however_many_are_due(store: Store, there: Receiver) -> None:
    """Each may be as large as a body, and takes many times that as values."""
    lock, together = threading.Lock(), []

    def body(job: Job) -> bytes:
        together.append(not lock.acquire(blocking=False))
        time.sleep(0.02)
        lock.release()
        return callback_body(job)

    async with office(store, body=body) as post:
        jobs = [await post.end(there.url("/ok"), tell=False) for _ in range(8)]
        post.due.set()
        for job in jobs:
            await post.over(job)
    assert together == [False] * 8


async def test_what_is_owed_is_claimed_and_recorded_without_the_job(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To unpack a job as large as a body takes seconds, in which nobody else can write to the file."""
    async with office(store) as post:
        job = await post.end("http://127.0.0.1:1/", tell=False)

    def unpacked(*_: object) -> None:
        raise AssertionError("a job was unpacked")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr("sixpx.store.sqlite.jobs.to_job", unpacked)
        (owed,) = await store.owed(now(), now() + timedelta(seconds=9), 9)
        noted = tuple(replace(one, due=None, fate=Fate.DELIVERED) for one in job.deliveries)
        assert await store.change_deliveries(ADA, owed.job_id, lambda before: noted) == noted
    assert (await post.delivery(job)).fate is Fate.DELIVERED


async def test_what_finds_no_slot_in_time_is_claimed_again_and_delivered(store: Store, there: Receiver) -> None:
    """One slot for the host, attempts of 0.4 s, a second to wait for the slot, and four that want it."""
    async with office(store, seconds=1, parallel=2) as post:
        jobs = [await post.end(there.url("/slow/400")) for _ in range(4)]
        for job in jobs:
            assert outcome(await post.over(job)) == (Fate.DELIVERED, [200])
    assert len({one.id for one in there.came}) == len(there.came) == 4


async def test_nothing_begins_when_its_claim_has_half_run_out(store: Store, there: Receiver) -> None:
    """Nobody looks again: the third one, whose turn comes after 1.6 s, would have had to begin within 1.5 s."""
    async with office(store, seconds=1.5, parallel=2, look=60) as post:
        for _ in range(3):
            await post.end(there.url("/slow/800"), tell=False)
        post.due.set()
        await there.first("/slow/800", 2)
        await post.quiet()
        assert len(there.came) == 2
