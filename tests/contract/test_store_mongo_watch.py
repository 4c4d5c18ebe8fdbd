"""Owns what the MongoDB store hears of jobs: from a real server as far as it tells, from a stream by the book else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from bson import ObjectId
from pymongo.errors import AutoReconnect, OperationFailure

from sixpx.core.job import Status
from sixpx.errors import NotSupported, StoreDown
from sixpx.store.base import Changed
from sixpx.store.mongo import MongoStore
from sixpx.store.mongo.watch import changes
from tests.contract.jobs import ADA, after, job_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill

LOST = OperationFailure("the resume point is no longer in the oplog", 286, {"codeName": "ChangeStreamHistoryLost"})
"""Source: https://www.mongodb.com/docs/manual/changeStreams/#resume-a-change-stream"""


@pytest.fixture
async def store(uri: str) -> AsyncIterator[MongoStore]:
    opened = await MongoStore.open(uri)
    yield opened
    await opened.close()


async def test_a_server_tells_each_step_of_a_job_or_says_that_it_tells_nothing(store: MongoStore) -> None:
    heard: list[Changed | None] = []
    async with aclosing(changes(store._server)) as told:  # type: ignore[type-var]  # a generator, as `aclosing` needs it
        try:
            heard.append(await anext(told))
        except NotSupported:
            return
        await fill(store, job_of(1))
        await claim_one(store, now=1)
        heard += [await anext(told), await anext(told)]
    assert heard == [None, changed(Status.PENDING, 0), changed(Status.PROCESSING, 1)]


class Stream:
    """A change stream of jobs, with what it brings one after another; after the last it is invalidated."""

    def __init__(self, script: Sequence[Any]) -> None:
        self._script = list(script)

    def watch(self, *_: Any, **__: Any) -> Stream:
        return self

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *_: Any) -> None:
        """Closes nothing."""

    @property
    def alive(self) -> bool:
        return bool(self._script)

    async def try_next(self) -> Any:
        one = self._script.pop(0)
        if isinstance(one, Exception):
            raise one
        return one


def event(document: Any) -> Any:
    return {"documentKey": {"_id": ObjectId(job_of(1).id)}, "fullDocument": document}


def changed(status: Status, seconds: float) -> Changed:
    return Changed(job_of(1).id, ADA, status, after(seconds))


def document(status: Status, seconds: float) -> Any:
    return {"_id": ObjectId(job_of(1).id), "user_id": ObjectId(ADA), "status": str(status), "modified": after(seconds)}


async def heard(store: MongoStore, *script: Any) -> list[Changed | None]:
    jobs: Any = Stream(script)
    return [one async for one in changes(replace(store._server, jobs=jobs))]


async def test_what_is_told_comes_after_the_sign_that_the_stream_is_open(store: MongoStore) -> None:
    ended = event(document(Status.COMPLETE, 2))
    expected = [None, changed(Status.COMPLETE, 2)]
    assert await heard(store, None, ended, None) == expected
    assert await heard(store, ended) == expected


async def test_a_job_that_is_gone_when_it_is_told_of_is_left_out(store: MongoStore) -> None:
    assert await heard(store, None, event(None), {"documentKey": {"_id": ObjectId()}}) == [None]


async def test_a_stream_that_was_invalidated_ends_and_may_be_opened_again(store: MongoStore) -> None:
    assert await heard(store, None) == [None]


@pytest.mark.parametrize("fault", [LOST, AutoReconnect("connection closed")], ids=["history lost", "connection lost"])
async def test_a_stream_that_breaks_is_an_outage_and_not_the_lack_of_streams(store: MongoStore, fault: Any) -> None:
    with pytest.raises(StoreDown):
        await heard(store, event(document(Status.PENDING, 0)), fault)


async def test_a_stream_that_cannot_be_opened_is_no_stream_and_a_server_that_is_away_is_away(store: MongoStore) -> None:
    with pytest.raises(NotSupported):
        await heard(store, OperationFailure("The $changeStream stage is only supported on replica sets", 40573))
    with pytest.raises(StoreDown):
        await heard(store, AutoReconnect("connection closed"))
