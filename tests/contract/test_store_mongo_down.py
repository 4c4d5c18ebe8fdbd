"""Owns what the MongoDB store does while its connection breaks, or its database is slow. Never a killed process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from sixpx.core.delivery import with_owed
from sixpx.core.job import Job
from sixpx.core.query import Query
from sixpx.core.user import Plan
from sixpx.errors import StoreDown
from sixpx.store.base import Claim, Once
from sixpx.store.mongo import MongoStore, turns
from sixpx.store.mongo import claims as mongo_claims
from tests.contract.jobs import ADA, NOW, after, ended, job_of, user_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill, ids
from tests.contract.test_store_meters import meter

ONCE = Once("key", "body", after(3600))


@pytest.fixture
async def store(uri: str) -> AsyncIterator[MongoStore]:
    opened = await MongoStore.open(uri)
    yield opened
    await opened.close()


def called(number: int) -> Job:
    """An ended job whose callback is due, the lower number first."""
    job = ended(job_of(number))
    return replace(job, deliveries=with_owed((), job.id, after(number - 10)))


class Lossy:
    """A collection whose first insert is made, and its answer lost."""

    def __init__(self, table: Any) -> None:
        self._table, self.asked = table, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    async def insert_one(self, document: dict[str, Any]) -> Any:
        self.asked += 1
        answer = await self._table.insert_one(document)
        if self.asked == 1:
            raise AutoReconnect("connection closed")
        return answer


@pytest.mark.usefixtures("people")
async def test_a_job_whose_answer_was_lost_is_kept_once(store: MongoStore) -> None:
    lossy: Any = Lossy(store._server.jobs)
    broken = MongoStore(replace(store._server, jobs=lossy))
    assert await broken.add_job(job_of(1), {"b" * 24: b"x"}, ONCE, NOW, meter()) == job_of(1).id
    assert lossy.asked == 2
    assert ids((await store.jobs(ADA, Query())).items) == [job_of(1).id]
    assert list(await store.counted(ADA, meter())) == [1, 1]
    assert await store.blob("b" * 24) == b"x"
    assert (await claim_one(store)).job.id == job_of(1).id


async def test_what_was_claimed_before_the_connection_broke_is_worked_on(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, *(job_of(number) for number in range(1, 5)))
    take, taken = mongo_claims._take, []

    async def breaking(*asked: Any) -> Any:
        if len(taken) == 2:
            raise AutoReconnect("connection closed")
        taken.append(await take(*asked))
        return taken[-1]

    monkeypatch.setattr(mongo_claims, "_take", breaking)
    claims: list[Claim] = list(await store.claim("me", NOW, after(30), 4))
    assert [one.job.id for one in claims] == [job_of(1).id, job_of(2).id]
    with pytest.raises(StoreDown):
        await store.claim("me", NOW, after(30), 4)
    monkeypatch.undo()
    assert [one.job.id for one in await store.claim("me", NOW, after(30), 4)] == [job_of(3).id, job_of(4).id]


async def test_what_was_claimed_of_a_slow_database_is_worked_on_in_time(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller gives up after a while: what was claimed for him until then would wait for the ends of its leases."""
    await fill(store, called(8), called(9), *(job_of(number) for number in range(1, 5)))
    take, due = mongo_claims._take, mongo_claims._longest_due

    async def slow_take(*asked: Any) -> Any:
        await asyncio.sleep(0.3)
        return await take(*asked)

    async def slow_due(*asked: Any) -> Any:
        await asyncio.sleep(0.3)
        return await due(*asked)

    monkeypatch.setattr(mongo_claims, "_take", slow_take)
    monkeypatch.setattr(mongo_claims, "_longest_due", slow_due)
    assert [one.job.id for one in await store.claim("me", NOW, after(0.75), 4)] == [job_of(1).id]
    assert [one.job_id for one in await store.owed(NOW, after(0.75), 4)] == [job_of(8).id]
    monkeypatch.setattr(mongo_claims, "SECONDS", 0.5)
    assert [one.job.id for one in await store.claim("me", NOW, after(30), 4)] == [job_of(2).id]
    assert [one.job_id for one in await store.owed(NOW, after(30), 4)] == [job_of(9).id]


async def test_callbacks_that_were_claimed_before_the_connection_broke_are_sent(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, called(8), called(9))
    claim, claimed = mongo_claims._longest_due, []

    async def breaking(*asked: Any) -> Any:
        if claimed:
            raise AutoReconnect("connection closed")
        claimed.append(await claim(*asked))
        return claimed[-1]

    monkeypatch.setattr(mongo_claims, "_longest_due", breaking)
    assert [one.job_id for one in await store.owed(NOW, after(30), 4)] == [job_of(8).id]
    with pytest.raises(StoreDown):
        await store.owed(NOW, after(30), 4)


async def test_users_without_room_cost_a_claim_the_same_however_many_they_are(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, next_one = list[Any](), turns.next_one

    async def counted(*words: Any) -> Any:
        asked.append(words)
        return await next_one(*words)

    users = [f"{number:024x}" for number in range(0x100, 0x10C)]
    for place, user in enumerate(users, 1):
        await store.add_user(replace(user_of(place), id=user, plan=Plan(concurrent=1)))
        await fill(store, job_of(place, user), job_of(100 + place, user))
    assert len(await store.claim("me", NOW, after(30), 99)) == len(users)
    await fill(store, job_of(200))
    monkeypatch.setattr(turns, "next_one", counted)
    assert [one.job.id for one in await store.claim("me", NOW, after(30), 99)] == [job_of(200).id]
    assert len(asked) <= 4
