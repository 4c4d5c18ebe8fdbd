"""Holds a migration to its word, from every store to every other: everything arrives once, whenever it is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from hypothesis import given

from sixpx import migration
from sixpx.core import job as core
from sixpx.core.job import Job, Status
from sixpx.core.meter import Window, windows
from sixpx.core.user import Plan
from sixpx.errors import BadSettings, Conflict, KeyReused
from sixpx.migration import Unequal, migrate
from sixpx.store import archive
from sixpx.store.base import Archive, Kind, Once, Row, Store
from sixpx.store.mongo import archive as mongo_archive
from sixpx.store.mongo.archive import MongoArchive
from sixpx.store.mongo.server import CODEC
from sixpx.store.sqlite import SqliteStore
from sixpx.store.sqlite.archive import SqliteArchive
from tests.contract import databases
from tests.contract.conftest import MEMBERS
from tests.contract.jobs import ADA, BEN, CY, NOW, after, ended, job_of, jobs, user_of
from tests.contract.queries import jobs as odd_jobs

PAIRS = [("sqlite", "mongo"), ("mongo", "sqlite"), ("sqlite", "sqlite")]
BLOBS = {f"{number:024x}": bytes([number]) * 5_000_000 * (number % 2) for number in range(3)}
"""Empty ones, and one of more than a chunk."""
ONCE = Once("a key/with a slash", "f" * 64, after(86_400))
METER: Sequence[Window] = windows(Plan(), NOW)


async def _sqlite(folder: Path) -> Archive:
    return SqliteArchive.open(folder / "store.db")


async def _mongo(folder: Path) -> Archive:
    return await MongoArchive.open(databases.uri_of(folder), after(5))


ARCHIVES: Mapping[str, Callable[[Path], Awaitable[Archive]]] = {"sqlite": _sqlite, "mongo": _mongo}


@dataclass(frozen=True, slots=True)
class Place:
    """A store by its name, as a service opens it and as a migration does."""

    name: str
    folder: Path

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        opened = await MEMBERS[self.name](self.folder)
        try:
            yield opened
        finally:
            await opened.close()

    @asynccontextmanager
    async def archive(self) -> AsyncIterator[Archive]:
        opened = await ARCHIVES[self.name](self.folder)
        try:
            yield opened
        finally:
            await opened.close()


@pytest.fixture(params=PAIRS, ids="-".join)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    """Where to carry from, and where to: both are empty."""
    places = []
    for which, name in zip(("from", "to"), request.param, strict=True):
        folder = tmp_path / which
        await asyncio.to_thread(folder.mkdir)
        places.append(Place(name, folder))
    yield places[0], places[1]
    for one in places:
        await asyncio.to_thread(databases.give_back, one.folder)


def nobody(what: str, done: int, total: int) -> None:
    """Looks at no progress."""


async def carried(source: Place, target: Place) -> Mapping[Kind, int]:
    async with source.archive() as one, target.archive() as other:
        return await migrate(one, other, "here", nobody)


async def fill(store: Store) -> list[Job]:
    """Something of every kind; the jobs as they are to arrive."""
    for user in (user_of(0xA), user_of(0xB, "ben", {"mask": "sealed"}), user_of(0xC, "cy")):
        await store.add_user(user)
    made = [one if one.status.ended else replace(one, status=Status.COMPLETE) for one in odd_jobs()]
    await asyncio.gather(*(store.add_job(one, {}, None, NOW) for one in made))
    await store.agree("security.key", "first")
    await store.add_job(job_of(501, BEN), BLOBS, ONCE, NOW, METER)
    await store.add_job(job_of(502, BEN), {}, None, NOW, METER)
    await store.add_job(ended(job_of(503, CY)), {f"{9:024x}": b"gone"}, None, NOW)
    await store.remove_job(CY, job_of(503, CY).id)
    called = replace(job_of(504, CY), callback="https://example.com", callback_sealed="sealed")
    await store.add_job(called, {}, None, NOW)
    done = await store.change_job(CY, called.id, lambda job: core.cancel(job, after(1)))
    (claim,) = await store.claim("me", NOW, after(0), 1)
    working = replace(claim.job, status=Status.PENDING)
    others = {job.id: job for job in (job_of(501, BEN), job_of(502, BEN))} | {working.id: working}
    assert done is not None
    return [*made, *others.values(), done]


# --- everything arrives ---------------------------------------------------------------------------


async def test_everything_arrives_and_a_service_goes_on_with_it(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        made = await fill(store)
        users, counts = await store.users(), await store.counted(BEN, METER)
    verified = await carried(source, target)
    assert list(verified.items()) == list(zip(Kind, (3, 2, 1, 1, 1, 3, len(made)), strict=True))
    async with target.store() as store:
        assert [await store.job(one.user_id, one.id) for one in made] == made
        assert await store.users() == users
        assert await store.counted(BEN, METER) == counts == [2, 2]
        assert {id: await store.blob(id) for id in BLOBS} == BLOBS
        assert await store.leftovers() == [f"{CY}/{job_of(503).id}"]
        assert await store.first_with(BEN, ONCE, NOW) == job_of(501).id
        assert await store.agree("security.key", "other") == "first"
        with pytest.raises(KeyReused):
            await store.first_with(BEN, replace(ONCE, fingerprint="e" * 64), NOW)
        assert [one.job_id for one in await store.owed(after(2), after(60), 9)] == [job_of(504).id]
        claims = await store.claim("me", after(2), after(60), 9)
        assert sorted(one.job.id for one in claims) == [job_of(501).id, job_of(502).id]


@given(jobs())
def test_a_job_in_any_state_keeps_its_shape(job: Job) -> None:
    row = archive.of_job(job)
    expected = replace(job, status=Status.PENDING) if job.status is Status.PROCESSING else job
    assert archive.job_of(row) == expected
    written = bson.decode(mongo_archive.WRITE[Kind.JOB](row), CODEC)
    assert archive.digest(mongo_archive.READ[Kind.JOB](written)) == archive.digest(row)


def test_the_order_of_options_is_part_of_what_is_compared() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert archive.digest(Row("k", {"data": one})) != archive.digest(Row("k", {"data": other}))


# --- killed and resumed ---------------------------------------------------------------------------


class Killed(Exception):
    """Stands for kill -9: nothing is tidied up after it."""


class Dying:
    """The target, in whose way a killer stands: before or after the write with this number."""

    def __init__(self, target: Archive, at: int) -> None:
        self._target, self._left = target, at
        for name in ("count", "after", "among", "mark", "close"):
            setattr(self, name, getattr(target, name))

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        self._strike()
        await self._target.put(kind, rows)
        self._strike()

    async def note(self, mark: Mapping[str, Any]) -> None:
        self._strike()
        await self._target.note(mark)

    def _strike(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


async def test_a_migration_that_is_killed_at_any_write_goes_on_where_it_was(
    pair: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    monkeypatch.setattr(migration, "PAGE", 25)
    async with source.store() as store:
        made = await fill(store)
    written: list[int] = []
    async with source.archive() as one, target.archive() as other:
        for step in range(1, 100):
            before = await other.mark()
            try:
                verified = await migrate(one, Dying(other, step % 11), "here", nobody)  # type: ignore[arg-type]  # its methods are set one by one
                break
            except Killed:
                written.append(await other.count(Kind.JOB))
                assert before is None or (await other.mark()) is not None
    assert verified[Kind.JOB] == len(made)
    assert len(written) > 10  # killed as often
    assert written == sorted(written)
    async with target.store() as store:
        assert [await store.job(one.user_id, one.id) for one in made] == made


async def test_what_arrived_before_is_not_carried_again(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        await fill(store)
    carried_kinds: list[Kind] = []

    class Watched(Dying):
        async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
            carried_kinds.append(kind)
            await super().put(kind, rows)

    async with source.archive() as one, target.archive() as other:
        with pytest.raises(Killed):
            await migrate(one, Watched(other, 7), "here", nobody)  # type: ignore[arg-type]  # as above
        assert carried_kinds == [Kind.USER, Kind.COUNT, Kind.ONCE]
        await migrate(one, Watched(other, 1_000), "here", nobody)  # type: ignore[arg-type]  # as above
    assert carried_kinds[3:] == [Kind.ONCE, Kind.LEFTOVER, Kind.AGREED, Kind.BLOB, Kind.JOB]


class Late(Dying):
    """A target that keeps the first page of jobs only when the two after it are kept, and is killed then."""

    def __init__(self, target: Archive) -> None:
        super().__init__(target, 1_000)
        self.kept: list[str] = []
        self._ahead = asyncio.Event()

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        first = not self.kept
        self.kept.append(rows[0].key)
        if first:
            async with asyncio.timeout(30):
                await self._ahead.wait()
            raise Killed
        await super().put(kind, rows)
        if len(self.kept) == migration.AHEAD:
            self._ahead.set()


async def test_what_is_kept_ahead_of_a_page_that_is_not_is_not_taken_for_all(
    pair: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    made = [ended(job_of(number)) for number in range(1, 51)]
    async with source.store() as store:
        await asyncio.gather(*(store.add_job(one, {}, None, NOW) for one in made))
    monkeypatch.setattr(migration, "PAGE", 10)
    async with source.archive() as one, target.archive() as other:
        late = Late(other)
        with pytest.raises(Killed):
            await migrate(one, late, "here", nobody)  # type: ignore[arg-type]  # as above
        assert late.kept == [made[place].id for place in (0, 10, 20)]
        assert await other.count(Kind.JOB) == 20
        assert (await other.mark() or {})["key"] == ""
        assert (await migrate(one, other, "here", nobody))[Kind.JOB] == len(made)
    async with target.store() as store:
        assert [await store.job(one.user_id, one.id) for one in made] == made


# --- verified -------------------------------------------------------------------------------------


class Forgetful(Dying):
    """A target that loses a job, and changes another."""

    async def put(self, kind: Kind, rows: Sequence[Row]) -> None:
        if kind is Kind.JOB:
            rows = [replace(rows[1], content={**rows[1].content, "data": {"odd": 1}}), *rows[2:]]
        await super().put(kind, rows)


async def test_what_did_not_arrive_is_found_and_the_next_run_mends_it(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        made = await fill(store)
    first, second, *_ = sorted(one.id for one in made)
    async with source.archive() as one, target.archive() as other:
        with pytest.raises(Unequal, match=rf"2 of {len(made)} jobs .*{first}, {second}"):
            await migrate(one, Forgetful(other, 1_000), "here", nobody)  # type: ignore[arg-type]  # as above
        assert (await migrate(one, other, "here", nobody))[Kind.JOB] == len(made)


async def test_what_only_the_target_has_is_found(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        await store.add_user(user_of(0xA))
    async with source.archive() as one, target.archive() as other:
        with pytest.raises(Killed):
            await migrate(one, Dying(other, 3), "here", nobody)  # type: ignore[arg-type]  # as above
        await other.put(Kind.JOB, [archive.of_job(job_of(1))])
        with pytest.raises(Unequal, match="the target holds 1 jobs, the source 0"):
            await migrate(one, other, "here", nobody)


# --- refused --------------------------------------------------------------------------------------


async def test_a_target_with_other_data_is_refused_and_left_as_it_is(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store, target.store() as full:
        await store.add_job(job_of(1), {}, None, NOW)
        await full.add_user(user_of(0xB, "ben"))
    with pytest.raises(Conflict, match=r"other data already \(1 users\)"):
        await carried(source, target)
    async with target.store() as full:
        assert await full.job(ADA, job_of(1).id) is None


async def test_a_target_takes_one_migration_from_one_source(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        await store.add_user(user_of(0xA))
    async with source.archive() as one, target.archive() as other:
        with pytest.raises(Killed):
            await migrate(one, Dying(other, 2), "here", nobody)  # type: ignore[arg-type]  # as above
        with pytest.raises(Conflict, match="is being filled from here"):
            await migrate(one, other, "elsewhere", nobody)
        await migrate(one, other, "here", nobody)
        with pytest.raises(Conflict, match="is being filled from here"):
            await migrate(one, other, "elsewhere", nobody)


async def test_what_is_verified_is_compared_once_more_and_not_written_to(pair: tuple[Place, Place]) -> None:
    """A migration killed between its last note and its last word is run again by whoever saw it die."""
    source, target = pair
    async with source.store() as store:
        await fill(store)
    verified = await carried(source, target)
    async with source.archive() as one, target.archive() as other:
        assert await migrate(one, Dying(other, 0), "here", nobody) == verified  # type: ignore[arg-type]  # as above


async def test_what_a_service_wrote_since_is_left_to_its_operator(pair: tuple[Place, Place]) -> None:
    source, target = pair
    async with source.store() as store:
        await store.add_job(ended(job_of(1)), {}, None, NOW)
    await carried(source, target)
    later = job_of(2)
    async with target.store() as store:
        await store.add_job(later, {}, None, NOW)
    for _ in range(2):
        with pytest.raises(
            Conflict, match="written to since: the target holds 2 jobs, the source 1; nothing was changed"
        ):
            await carried(source, target)
    async with target.store() as store:
        assert await store.job(ADA, later.id) == later


async def test_an_empty_source_is_a_mistake(pair: tuple[Place, Place]) -> None:
    with pytest.raises(Conflict, match="the source holds nothing"):
        await carried(*pair)


def test_a_file_that_a_service_works_with_is_refused(tmp_path: Path) -> None:
    held = SqliteStore.open(tmp_path / "store.db", alone=True)
    with pytest.raises(BadSettings, match="another sixpx service works with"):
        SqliteArchive.open(tmp_path / "store.db")
    asyncio.run(held.close())


async def test_a_mongodb_that_a_service_works_on_is_refused(tmp_path: Path) -> None:
    place = Place("mongo", tmp_path)
    async with place.store() as store:
        await store.add_job(job_of(1), {}, None, NOW)
        await store.claim("me", NOW, datetime.now(UTC).replace(year=2999), 1)
    with pytest.raises(Conflict, match="a service works on jobs of this MongoDB"):
        await ARCHIVES["mongo"](tmp_path)
    await asyncio.to_thread(databases.give_back, tmp_path)
