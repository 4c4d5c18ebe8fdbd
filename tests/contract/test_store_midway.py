"""Owns what is left by a process that is killed in the middle of a step. Never a whole step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo.database import Database

from sixpx.core.job import Job, Status
from sixpx.core.query import Query
from sixpx.core.user import Plan
from sixpx.errors import Conflict, KeyReused
from sixpx.migration import migrate
from sixpx.store.base import Claim, Once
from sixpx.store.mongo import MongoStore, turns
from sixpx.store.mongo import claims as mongo_claims
from sixpx.store.mongo import jobs as mongo_jobs
from sixpx.store.mongo.archive import MongoArchive
from sixpx.store.mongo.blobs import PATIENCE
from sixpx.store.mongo.once import GRACE
from sixpx.store.sqlite import SqliteStore
from sixpx.store.sqlite.archive import SqliteArchive
from tests.contract import changes
from tests.contract.jobs import ADA, NOW, after, ended, job_of, user_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill
from tests.contract.test_store_meters import meter

ONCE = Once("key", "body", after(3600))


@pytest.fixture
async def store(uri: str) -> AsyncIterator[MongoStore]:
    opened = await MongoStore.open(uri)
    yield opened
    await opened.close()


# --- what a process killed midway leaves ------------------------------------------------------------


class Killed(BaseException):
    """In place of SIGKILL: nothing after it is done, no clearing up either."""


def killed_at(monkeypatch: pytest.MonkeyPatch, *places: str) -> None:
    async def die(*_: object, **__: object) -> None:
        raise Killed

    for place in places:
        monkeypatch.setattr(f"sixpx.store.mongo.{place}", die)


INSERT = "jobs._insert"
AFTERWARDS = ("jobs.turns.mark", "jobs.bytes_of.kept")


async def post_and_die(store: MongoStore, monkeypatch: pytest.MonkeyPatch, job: Job, *places: str) -> None:
    with monkeypatch.context() as during:
        killed_at(during, *places)
        with pytest.raises(Killed):
            await store.add_job(job, {f"{int(job.id, 16):024x}": b"bytes"}, ONCE, NOW, meter())


@pytest.mark.usefixtures("impatient", "people")
async def test_a_key_without_its_job_gives_nobody_its_id(store: MongoStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await post_and_die(store, monkeypatch, job_of(1), INSERT)
    assert await store.first_with(ADA, ONCE, NOW) is None
    assert await store.first_with(ADA, replace(ONCE, fingerprint="other"), NOW) is None
    made = await store.add_job(job_of(2), {"c" * 24: b"again"}, ONCE, after(1))
    job = await store.job(ADA, made)
    assert job == replace(job_of(2), id=made)
    assert await store.first_with(ADA, ONCE, after(2)) == made
    assert await store.add_job(job_of(3), {}, ONCE, after(2)) == made
    assert (await store.jobs(ADA, Query())).total == 1
    assert (await claim_one(store, now=3)).job.id == made


@pytest.mark.usefixtures("people")
async def test_a_post_gives_another_one_with_its_key_a_moment_to_be_first(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    insert = mongo_jobs._insert

    async def slow(*asked: Any) -> None:
        begun.set()
        await asyncio.sleep(0.1)
        await insert(*asked)

    monkeypatch.setattr(mongo_jobs, "_insert", slow)
    first = asyncio.create_task(store.add_job(job_of(1), {}, ONCE, NOW, meter(Plan(per_minute=1))))
    async with asyncio.timeout(30):
        await begun.wait()
    assert await store.add_job(job_of(2), {}, ONCE, NOW, meter(Plan(per_minute=1))) == job_of(1).id
    assert await first == job_of(1).id
    assert await store.job(ADA, job_of(1).id) == job_of(1)
    assert list(await store.counted(ADA, meter())) == [1, 1]


@pytest.mark.usefixtures("impatient", "people")
async def test_a_key_without_its_job_is_free_for_another_body_after_a_while(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_and_die(store, monkeypatch, job_of(1), INSERT)
    other = replace(ONCE, fingerprint="other")
    with pytest.raises(KeyReused):
        await store.add_job(job_of(2), {}, other, NOW + GRACE - timedelta(seconds=1))
    assert await store.add_job(job_of(2), {}, other, NOW + GRACE) == job_of(2).id
    with pytest.raises(KeyReused):
        await store.add_job(job_of(3), {}, ONCE, NOW + GRACE)


@pytest.mark.usefixtures("people")
async def test_a_key_without_its_job_is_free_where_it_is_carried_to(
    store: MongoStore, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_and_die(store, monkeypatch, job_of(1), INSERT)
    source, target = await MongoArchive.open(uri, NOW), SqliteArchive.open(tmp_path / "store.db")
    await migrate(source, target, "here", lambda *_: None)
    await source.close()
    await target.close()
    carried = SqliteStore.open(tmp_path / "store.db")
    assert await carried.first_with(ADA, replace(ONCE, fingerprint="other"), NOW) is None
    assert await carried.add_job(job_of(2), {}, ONCE, NOW) == job_of(2).id
    assert await carried.first_with(ADA, ONCE, NOW) == job_of(2).id
    await carried.close()


@pytest.mark.usefixtures("impatient", "people")
async def test_blobs_of_a_post_that_died_are_swept_and_those_of_jobs_are_not(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_and_die(store, monkeypatch, job_of(1), INSERT)
    made = await store.add_job(job_of(2), {"c" * 24: b"again"}, ONCE, after(1))  # the job of the same key
    await store.add_job(job_of(3), {"d" * 24: b"other"}, None, after(1))
    monkeypatch.setattr("sixpx.store.mongo.jobs.bytes_of.kept", _nothing)
    await store.add_job(job_of(4), {"e" * 24: b"kept"}, None, after(1))
    assert await store.blob(job_of(1).id) == b"bytes"
    await store.release(NOW + PATIENCE - timedelta(seconds=1))
    assert await store.blob(job_of(1).id) == b"bytes"
    await store.release(after(1) + PATIENCE)
    assert await store.blob(job_of(1).id) is None
    assert [await store.blob(letter * 24) for letter in "cde"] == [b"again", b"other", b"kept"]
    assert await store.job(ADA, made) is not None
    assert shell.uploads.count_documents({}) == 0
    assert shell["blobs.chunks"].count_documents({}) == 3


async def _nothing(*_: object) -> None:
    """A step that was not reached."""


@pytest.mark.usefixtures("people")
async def test_a_blob_that_was_half_stored_is_swept(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_and_die(store, monkeypatch, job_of(1), INSERT)
    shell["blobs.files"].delete_many({})  # GridFS writes it last
    await store.release(NOW + PATIENCE)
    assert shell["blobs.chunks"].count_documents({}) == 0


@pytest.mark.usefixtures("people")
async def test_a_job_of_a_process_that_died_before_it_said_so_is_claimed_after_the_next_sweep(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post_and_die(store, monkeypatch, job_of(1), *AFTERWARDS)
    assert await store.job(ADA, job_of(1).id) == job_of(1)
    assert list(await store.claim("me", after(1), after(30), 9)) == []
    assert await store.release(after(1)) == 0
    assert [one.job.id for one in await store.claim("me", after(1), after(30), 9)] == [job_of(1).id]


async def test_a_removal_that_died_is_seen_to_its_end(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add_job(job_of(1), {"b" * 24: b"mine"}, ONCE, NOW)
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job), after(1))
    with monkeypatch.context() as during:
        killed_at(during, "jobs._forget_what_was_with")
        with pytest.raises(Killed):
            await store.remove_job(ADA, job_of(1).id)
    assert await store.job(ADA, job_of(1).id) is None
    assert list(await store.leftovers()) == [f"{ADA}/{job_of(1).id}"]
    await store.release(after(1))
    assert await store.blob("b" * 24) is None
    assert shell.once.count_documents({}) == 0
    assert list(await store.leftovers()) == [f"{ADA}/{job_of(1).id}"]


async def test_a_removal_that_died_is_seen_to_its_end_by_whoever_clears_the_files_first(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add_job(ended(job_of(1)), {"b" * 24: b"mine"}, ONCE, NOW)
    with monkeypatch.context() as during:
        killed_at(during, "jobs._forget_what_was_with")
        with pytest.raises(Killed):
            await store.remove_job(ADA, job_of(1).id)
    await store.cleared(f"{ADA}/{job_of(1).id}")
    assert await store.blob("b" * 24) is None
    assert shell.once.count_documents({}) == shell.leftovers.count_documents({}) == 0


async def test_removals_that_did_not_happen_do_not_hide_those_that_did(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_jobs, "BATCH", 2)
    for number in range(1, 6):
        await store.add_job(ended(job_of(number)), {f"{number:024x}": b"mine"}, None, NOW)
        note = {"_id": f"{ADA}/{job_of(number).id}", "job_id": ObjectId(job_of(number).id), "swept": False}
        shell.leftovers.insert_one(note)
    shell.jobs.delete_many({"_id": {"$in": [ObjectId(job_of(number).id) for number in (3, 4, 5)]}})
    await store.release(NOW)
    assert [await store.blob(f"{number:024x}") for number in range(1, 6)] == [b"mine", b"mine", None, None, None]


async def test_a_job_that_is_retried_while_its_user_is_removed_keeps_its_blobs(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.add_user(replace(user_of(1), id=ADA))
    await store.add_job(ended(job_of(1), Status.FAILED), {"b" * 24: b"mine"}, None, NOW)
    note = mongo_jobs._note_leftovers

    async def late(*asked: Any) -> None:
        monkeypatch.setattr(mongo_jobs, "_note_leftovers", note)
        await changes.retry(store, ADA, job_of(1).id, after(2))
        await note(*asked)

    monkeypatch.setattr(mongo_jobs, "_note_leftovers", late)
    with pytest.raises(Conflict):
        await store.remove_user(ADA)
    assert await store.blob("b" * 24) == b"mine"
    assert list(await store.leftovers()) == []


async def test_a_removal_that_died_before_it_happened_did_not_happen(
    store: MongoStore, shell: Database[dict[str, Any]]
) -> None:
    await store.add_job(job_of(1), {"b" * 24: b"mine"}, None, NOW)
    claim = await claim_one(store)
    await store.save(claim, ended(claim.job), after(1))
    shell.leftovers.insert_one({"_id": f"{ADA}/{job_of(1).id}", "job_id": ObjectId(job_of(1).id), "swept": False})
    assert list(await store.leftovers()) == []
    await store.release(after(1))
    assert await store.blob("b" * 24) == b"mine"


@pytest.mark.usefixtures("people")
async def test_keys_and_counts_of_the_past_are_swept(store: MongoStore, shell: Database[dict[str, Any]]) -> None:
    await store.add_job(job_of(1), {}, ONCE, NOW, meter())
    await store.release(after(3600) + GRACE)
    assert shell.once.count_documents({}) == 0
    assert [one["name"] for one in shell.posted.find()] == ["2026-03"]


# --- another process in between ---------------------------------------------------------------------


async def test_of_two_that_take_the_last_room_at_the_same_moment_one_puts_his_job_back(
    store: MongoStore, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, take = await MongoStore.open(uri), mongo_claims._take
    theirs: list[Claim] = []
    await store.add_user(replace(user_of(int(ADA, 16)), plan=Plan(concurrent=1)))
    await fill(store, job_of(1), job_of(2))

    async def late(*asked: Any) -> Any:
        if not theirs:
            monkeypatch.setattr(mongo_claims, "_take", take)
            theirs.extend(await other.claim("you", after(1), after(30), 1))
        return await take(*asked)

    monkeypatch.setattr(mongo_claims, "_take", late)
    assert list(await store.claim("me", after(2), after(30), 2)) == []
    assert [one.job.id for one in theirs] == [job_of(1).id]
    assert await store.job(ADA, job_of(2).id) == job_of(2)
    await other.save(theirs[0], ended(theirs[0].job), after(3))
    assert (await claim_one(store, now=4)).job.id == job_of(2).id
    await other.close()


async def test_a_job_posted_while_somebody_finds_none_is_not_overlooked(
    store: MongoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store, job_of(1))
    await claim_one(store)
    over = turns.not_served

    async def late(*asked: Any, **more: Any) -> None:
        monkeypatch.setattr(turns, "not_served", over)
        await fill(store, job_of(2))
        await over(*asked, **more)

    monkeypatch.setattr(turns, "not_served", late)
    assert (await claim_one(store)).job.id == job_of(2).id
