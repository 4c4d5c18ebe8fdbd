"""Owns what is MongoDB's own: how its documents read, what a process killed midway leaves, which indexes there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given
from hypothesis import strategies as st
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ReadPreference
from pymongo.database import Database
from pymongo.errors import (
    DuplicateKeyError,
    InvalidOperation,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from sixpx.core.delivery import with_owed
from sixpx.core.job import Picture, Span, Status, advance
from sixpx.core.query import Query
from sixpx.errors import BadSettings, Conflict, SixpxError, StoreDown, TooLarge
from sixpx.store.base import Once, Owed
from sixpx.store.mongo import MongoStore
from sixpx.store.mongo import jobs as mongo_jobs
from sixpx.store.mongo.claims import due_by
from sixpx.store.mongo.document import LARGEST_NEW, escaped, unescaped
from sixpx.store.mongo.server import answered
from tests.contract import changes, databases
from tests.contract.jobs import ADA, BEN, NOW, after, ended, job_of, user_of
from tests.contract.test_store_claims import claim_one
from tests.contract.test_store_jobs import fill
from tests.contract.test_store_meters import meter

ONCE = Once("key", "body", after(3600))
Made = Callable[[], Any]


@pytest.fixture
async def store(uri: str) -> AsyncIterator[MongoStore]:
    opened = await MongoStore.open(uri)
    yield opened
    await opened.close()


# --- how documents read -----------------------------------------------------------------------------


async def test_a_job_reads_as_the_editions_print_it(store: MongoStore, shell: Database[dict[str, Any]]) -> None:
    await fill(store, replace(job_of(1), data={"order": {"id": 7}}, callback={"url": "http://a.test/"}))
    claim = await claim_one(store)
    picture = Picture("main", 4, 3, "image/png", 120, (48.2, 16.37))
    done = replace(ended(claim.job), pictures=(picture,), total=Span(after(1), after(2), 3, 4))
    await store.save(claim, done, after(2))
    (raw,) = shell.jobs.find()
    assert list(raw)[:1] == ["_id"]
    assert set(raw) - {"sixpx"} == {
        *("_id", "user_id", "created", "modified", "status", "input", "output", "processed", "callback", "data"),
        *("images", "error", "totals"),
    }
    assert (raw["_id"], raw["user_id"]) == (ObjectId(done.id), ObjectId(ADA))
    assert (raw["created"], raw["modified"], raw["status"]) == (NOW, after(1), "complete")
    assert raw["input"] == {"main": "http://example.com/a.png"}
    assert raw["data"] == {"order": {"id": 7}}
    assert raw["totals"]["duration"]["start"] == after(1)
    (record,) = raw["processed"]
    assert (record["_id"], record["created"], record["name"]) == (ObjectId(done.processed[0].id), NOW, "one")
    assert raw["images"][0]["latlon"] == [48.2, 16.37]
    assert raw["images"][0]["position"] == {"type": "Point", "coordinates": [16.37, 48.2]}
    near = {"$geometry": {"type": "Point", "coordinates": [16.0, 48.0]}, "$maxDistance": 100_000}
    assert shell.jobs.find_one({"images.position": {"$near": near}, "modified": {"$gt": NOW}}, {"_id": 1})


async def test_nothing_of_bson_leaves_the_store(store: MongoStore) -> None:
    odd = {"whole": 2**40, "large": 2**63, "deep": {"a.b": [1]}}
    await fill(store, replace(job_of(1), data=odd))
    claim = await claim_one(store)
    job = await store.job(ADA, job_of(1).id)
    (listed,) = (await store.jobs(ADA, Query())).items
    for one in (claim.job, job, listed):
        assert one is not None
        kinds = {type(value) for value in (*one.data.values(), one.id, one.user_id, one.created, one.processed[0].id)}
        assert kinds == {int, dict, str, datetime}
        assert {type(one.data["whole"]), type(one.data["large"])} == {int}


@given(st.text(".$%\x0024E05a", max_size=6), st.text(".$%\x0024E05a", max_size=6))
def test_no_two_keys_become_one_and_each_comes_back(one: str, other: str) -> None:
    assert unescaped(escaped(one)) == one
    assert (escaped(one) == escaped(other)) == (one == other)
    assert escaped(one)
    assert not set(escaped(one)) & set(".$\x00")


async def test_odd_ids_find_nothing(store: MongoStore) -> None:
    await fill(store, job_of(0xABC))
    for id in ("", "x", "\x00", "$ne", "f" * 12, job_of(0xABC).id.upper(), "ü" * 24):
        assert await store.job(ADA, id) is None
        assert await store.job(id, job_of(1).id) is None
        assert await store.blob(id) is None
        assert await store.user(id) is None
        assert not await store.remove_job(ADA, id)


# --- what is too large ------------------------------------------------------------------------------


@pytest.mark.usefixtures("people")
async def test_a_job_that_no_document_can_hold_is_refused_and_leaves_nothing(store: MongoStore) -> None:
    large = replace(job_of(1), data={"text": "x" * LARGEST_NEW})
    with pytest.raises(TooLarge, match="12,000,000"):
        await store.add_job(large, {"b" * 24: b"bytes"}, ONCE, NOW, meter())
    assert await store.job(ADA, large.id) is None
    assert await store.first_with(ADA, replace(ONCE, fingerprint="other"), NOW) is None
    assert await store.blob("b" * 24) is None
    assert list(await store.counted(ADA, meter())) == [0, 0]


async def test_results_that_no_document_can_hold_are_refused_and_change_nothing(store: MongoStore) -> None:
    await fill(store, job_of(1))
    claim = await claim_one(store)
    with pytest.raises(TooLarge):
        await store.save(claim, replace(ended(claim.job), data={"text": "x" * 17_000_000}), after(1))
    assert await store.job(ADA, job_of(1).id) == claim.job
    await store.save(claim, ended(claim.job), after(1))


async def test_what_a_result_is_kept_with_counts_too(store: MongoStore) -> None:
    """Otherwise the server would refuse it, which looks like an outage, and the job would run again and again."""
    await fill(store, job_of(1))
    claim = await claim_one(store)
    large = replace(ended(claim.job), data={"text": "x" * 9_000_000}, callback_sealed="y" * 9_000_000)
    with pytest.raises(TooLarge, match="16,000,000"):
        await store.save(claim, large, after(1))
    assert await store.job(ADA, job_of(1).id) == claim.job


async def test_the_largest_job_keeps_room_for_its_results(store: MongoStore) -> None:
    await fill(store, replace(job_of(1), data={"text": "x" * (LARGEST_NEW - 10_000)}))
    claim = await claim_one(store)
    results = {"text": claim.job.data["text"] + "y" * 3_900_000}
    await store.save(claim, replace(ended(claim.job), data=results), after(1))
    job = await store.job(ADA, job_of(1).id)
    assert job is not None
    assert job.data == results


async def test_a_user_with_more_jobs_than_a_batch_is_removed_with_all_of_them(
    store: MongoStore, shell: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo_jobs, "BATCH", 2)
    await store.add_user(replace(user_of(1), id=ADA))
    await databases.crowd(store, [ended(job_of(number)) for number in range(1, 6)])
    await databases.crowd(store, [ended(job_of(6, BEN))])
    assert await store.remove_user(ADA)
    assert [str(one["_id"]) for one in shell.jobs.find()] == [job_of(6).id]
    assert await store.leftovers() == [f"{ADA}/{job_of(number).id}" for number in range(1, 6)]
    assert not await store.remove_user(ADA)


class Heard:
    """A collection that notes by which fields a single document is written to."""

    def __init__(self, table: Any) -> None:
        self._table, self.fields = table, list[set[str]]()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._table, name)
        if name not in ("update_one", "delete_one", "replace_one", "find_one_and_update"):
            return method

        def heard(where: dict[str, Any], *words: Any, **more: Any) -> Any:
            self.fields.append(set(where))
            return method(where, *words, **more)

        return heard


async def test_whoever_writes_to_a_job_names_its_user(store: MongoStore) -> None:
    """By whom jobs are sharded: else every shard is asked."""
    table: Any = Heard(store._server.jobs)
    heard = MongoStore(replace(store._server, jobs=table))
    await fill(heard, job_of(1))
    claim = await claim_one(heard)
    await heard.renew([claim], NOW, after(30))
    await heard.give_back(claim, advance(claim.job, Status.PENDING, after(1)), after(1))
    again = await claim_one(heard)
    await heard.save(again, ended(again.job, Status.FAILED), after(1))
    await changes.retry(heard, ADA, job_of(1).id, after(2))
    await changes.cancel(heard, ADA, job_of(1).id, after(3))
    await heard.remove_job(ADA, job_of(1).id)
    called = replace(ended(job_of(2)), callback_sealed="sealed", deliveries=with_owed((), job_of(2).id, NOW))
    await fill(heard, called)
    assert list(await heard.owed(NOW, after(30), 1)) == [Owed(called.id, ADA, "sealed")]
    assert await heard.change_deliveries(ADA, called.id, lambda there: ()) == ()
    assert len(table.fields) == 10
    assert all("user_id" in one for one in table.fields)


# --- opening ----------------------------------------------------------------------------------------


def names(shell: Database[dict[str, Any]], table: str = "jobs") -> set[str]:
    return set(shell[table].index_information())


async def test_many_processes_open_a_new_database_at_once(uri: str, shell: Database[dict[str, Any]]) -> None:
    for name in shell.list_collection_names():
        shell.drop_collection(name)
    for one in await asyncio.gather(*(MongoStore.open(uri, ["data.order"]) for _ in range(6))):
        await one.close()
    assert {"newest", "changed", "by_status", "by_data_id", "positions", "due", "leased", "search data.order"} <= names(
        shell
    )
    shell.jobs.drop_index("search data.order")


async def test_paths_of_the_configuration_get_their_indexes(uri: str, shell: Database[dict[str, Any]]) -> None:
    paths = ["data.order.id", "data.a$b", "data.id", "data.100%"]
    before = names(shell)
    for _ in range(2):
        await (await MongoStore.open(uri, paths)).close()
    made = shell.jobs.index_information()
    added = {name: [path for path, _ in made[name]["key"]] for name in set(made) - before}
    assert added == {
        "search data.order.id": ["user_id", "data.order.id"],
        "search data.a$b": ["user_id", "data.a%24b"],
        "search data.100%": ["user_id", "data.100%"],
    }
    for name in added:
        shell.jobs.drop_index(name)


USED = {
    "newest": ({"user_id": ObjectId(ADA)}, [("created", -1), ("_id", -1)]),
    "changed": ({"modified": {"$gte": after(300)}}, [("modified", 1), ("_id", 1)]),
    "changed_last": ({"user_id": ObjectId(ADA), "modified": {"$gte": after(300)}}, [("modified", 1), ("_id", 1)]),
    "by_status": ({"status": "pending", "user_id": ObjectId(ADA)}, [("created", 1), ("_id", 1)]),
    "leased": ({"status": "processing", "sixpx.lease": {"$lt": after(-5)}}, None),
    "due": (due_by(after(-5)), [("sixpx.due", 1)]),
    "by_data_id": ({"user_id": ObjectId(ADA), "data.id": 7}, None),
}


@pytest.mark.parametrize("name", USED)
async def test_each_query_of_the_service_has_its_index(
    store: MongoStore, shell: Database[dict[str, Any]], name: str
) -> None:
    half = [replace(job_of(number, ADA), created=after(number), modified=after(number)) for number in range(1, 301)]
    others = [replace(one, id=f"{int(one.id, 16) + 1000:024x}", user_id=BEN, status=Status.COMPLETE) for one in half]
    await databases.crowd(store, [*half, *others])
    where, sort = USED[name]
    found = shell.jobs.find(where).sort(sort) if sort else shell.jobs.find(where)
    # the wish alone is not enough: a partial index that does not hold what is asked for is refused
    assert f"'{name}'" in str(found.hint(name).explain())


@pytest.mark.parametrize("name", ["due", "leased"])
async def test_the_server_finds_by_itself_what_is_in_an_index_of_a_few_jobs(
    store: MongoStore, shell: Database[dict[str, Any]], name: str
) -> None:
    """It must see from the query alone that all it asks for is in there."""
    await databases.crowd(store, [job_of(number) for number in range(1, 301)])
    where, sort = USED[name]
    found = shell.jobs.find(where).sort(sort) if sort else shell.jobs.find(where)
    assert f"'{name}'" in str(found.explain())


@pytest.mark.parametrize(
    "url",
    ["mongodb://admin:sword@fish@host/db", "mongodb://admin:swordfish@host:port/db", "mongodb://swordfish:a/b@host/db",
     "mongodb://host/swordfish.$/?a=b", "mongodb://admin:swordfish@host/db?tls=maybe",
     "mongodb://host/db?passwort=swordfish", "mongodb+srv://admin:swordfish@two,hosts/db",
     "mongodb://admin:swordfish@host/?authMechanism=swordfish", "mongodb://admin:sword[fish@host/db",
     "mongodb://[admin:swordfish@host]/db", "mongodb://swordfish@host/admin", "mongodb://swordfish@host/local"],
)  # fmt: skip
async def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSettings) as refused:
        await MongoStore.open(url)
    (fault,) = refused.value.faults
    assert fault.startswith("store.url: ")
    assert not any(word in fault for word in ("sword", "fish", "admin:", "host", "nowhere"))


async def test_no_option_of_the_url_makes_writes_weaker_or_reads_older(uri: str) -> None:
    weak = "readPreference=secondary&readConcernLevel=available&w=1&journal=false"
    opened = await MongoStore.open(f"{uri}{'&' if '?' in uri else '?'}{weak}")
    tables = [one for one in vars_of(opened) if isinstance(one, AsyncIOMotorCollection)]
    assert len(tables) == 11
    for one in (*tables, opened._server.blobs.delegate._chunks, opened._server.blobs.delegate._files):
        assert one.write_concern.document == {"w": "majority", "wtimeout": 10_000, "j": True}
        assert one.read_preference == ReadPreference.PRIMARY
    assert {one.read_concern.level for one in tables} == {None}
    await opened.close()


def vars_of(store: MongoStore) -> list[Any]:
    return [getattr(store._server, one.name) for one in fields(store._server)]


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("mongodb://admin:swordfish@127.0.0.1:9/db?serverSelectionTimeoutMS=100", "the database does not answer"),
        (
            "mongodb+srv://admin:swordfish@sixpx.invalid/db?connectTimeoutMS=500",
            "the database is not found by its name",
        ),
    ],
)
async def test_where_nobody_answers_the_store_is_down_in_words_without_a_password(
    caplog: pytest.LogCaptureFixture, url: str, detail: str
) -> None:
    caplog.set_level(logging.WARNING)
    with pytest.raises(StoreDown) as down:
        await MongoStore.open(url)
    assert down.value.detail == detail
    assert "swordfish" not in caplog.text
    assert "swordfish" not in repr(down.value.__cause__)


@pytest.mark.parametrize(
    ("fault", "error", "detail"),
    [
        (DuplicateKeyError("E11000 {email: 'ada'}", 11000), Conflict, "what was to be added is there already"),
        (InvalidOperation("Cannot use MongoClient after close"), StoreDown, "the store is closed"),
        (ServerSelectionTimeoutError("db.example:27017: refused"), StoreDown, "the database does not answer"),
        (NetworkTimeout("db.example:27017: timed out"), StoreDown, "the database does not answer"),
        (NotPrimaryError("not primary"), StoreDown, "the database does not answer"),
        (
            OperationFailure("Authentication failed for ada", 18, {"codeName": "AuthenticationFailed"}),
            StoreDown,
            "the database refuses to work: AuthenticationFailed (18)",
        ),
        (OperationFailure("pq: no ada", 1), StoreDown, "the database refuses to work: OperationFailure (1)"),
        (PyMongoError("ada"), StoreDown, "the database cannot be used: PyMongoError"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else None,
)
async def test_each_fault_of_the_driver_has_words_of_ours(
    fault: PyMongoError, error: type[SixpxError], detail: str
) -> None:
    async def fail() -> None:
        raise fault

    with pytest.raises(SixpxError) as raised:
        await answered(fail())
    assert (type(raised.value), raised.value.detail) == (error, detail)


async def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with pytest.raises(StoreDown, match="does not answer in time"):
        await answered(asyncio.Event().wait(), within=0.01)


async def test_a_user_reads_in_a_shell_without_a_secret_in_the_clear(
    store: MongoStore, shell: Database[dict[str, Any]]
) -> None:
    await store.add_user(user_of(1, connections={"a.b": "sealed"}))
    (raw,) = shell.users.find()
    assert (raw["_id"], raw["created"], raw["connections"]) == (ObjectId(user_of(1).id), NOW, {"a%2Eb": "sealed"})
