"""Owns how quick searches are in a file of 200,000 jobs, and what the indexes cost whoever posts. Never a verdict.

Each question is put many times, with other operands each time, to `Store.jobs`: the page of ten jobs and the count of
all that match. The plan is SQLite's own, of the last one.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import apsw

from bench.many_jobs import APART, FIRST, TOWNS, USER, fill, jobs
from bench.measure import percentiles
from sixpx.core.job import Job, Processed, Span, Status
from sixpx.core.query import And, Contains, In, Near, Or, Order, Query, Sort, Than
from sixpx.store.sqlite import SqliteStore
from sixpx.store.sqlite import file as sqlite_file
from sixpx.store.sqlite import jobs as sqlite_jobs
from sixpx.store.sqlite.functions import register
from sixpx.store.sqlite.index import paths
from sixpx.store.sqlite.search import Search, rows_of

JOBS, QUICK_JOBS = 200_000, 20_000
TIMES, QUICK_TIMES = 60, 10
INDEXED_MS, REST_MS = 20.0, 500.0
"""The marks: p95 with all of the jobs."""
INSERT_RATIO, ADDS_LEAST = 5.0, 5000.0
MILE = 1609.344

Ask = Callable[[random.Random, int], Query]


@dataclass(frozen=True, slots=True)
class Question:
    """`ask` makes it, for so many jobs. `indexed`: by the default indexes."""

    name: str
    indexed: bool
    ask: Ask


def _at(dice: random.Random, count: int) -> datetime:
    return FIRST + APART * dice.randrange(count * 95 // 100)


def _dates(dice: random.Random, count: int) -> Query:
    since = _at(dice, count)
    between = And((Than("created", Order.GTE, since), Than("created", Order.LT, since + APART * (count // 40))))
    return Query(between, Sort("created", descending=dice.random() < 0.5))


def _digits(dice: random.Random, count: int) -> Query:
    number = dice.randrange(count // 10) * 10
    return Query(Or((In("data.id", (number,)), In("data.id", (str(number),)))))


def _item(dice: random.Random, count: int) -> Query:
    return Query(In("data.id", (f"item-{dice.randrange(count // 10) * 10 + 3:06d}",)))


def _near(dice: random.Random, metres: float | None) -> Query:
    latitude, longitude = dice.choice(TOWNS[:3])
    return Query(near=Near(latitude + dice.gauss(0, 0.1), longitude + dice.gauss(0, 0.1), metres))


def _anywhere(dice: random.Random) -> Query:
    return Query(near=Near(dice.uniform(-80, 80), dice.uniform(-180, 180)))


def _bytes(dice: random.Random) -> Query:
    return Query(Than("totals.bytes", Order.GT, dice.choice((10_000, 100_000, 300_000, 1_000_000, 5_000_000))))


def _order(dice: random.Random) -> Query:
    return Query(In("data.order", (f"A-{dice.randrange(1_000_000):06d}",)))


def _title(dice: random.Random) -> Query:
    return Query(Contains("data.title", dice.choice(("ZÜRICH 1", "lantern 12", "orchard 77", "velvet 0", "quince"))))


QUESTIONS = (
    Question("the list page", True, lambda dice, count: Query()),
    Question("data.id={exact}, a string", True, _item),
    Question("data.id=1230, digits", True, _digits),
    Question("status=failed", True, lambda dice, count: Query(In("status", ("failed",)))),
    Question("a range of dates, sorted", True, _dates),
    Question("processed.bytes={gt}", True, lambda dice, count: _bytes(dice)),
    Question("sort_by=processed.duration.total", True, lambda dice, count: Query(sort=Sort("totals.duration.total"))),
    Question("{near} within 5 miles", True, lambda dice, count: _near(dice, 5 * MILE)),
    Question("{near} without radius", True, lambda dice, count: _near(dice, None)),
    Question("{near} without radius, far from all", False, lambda dice, count: _anywhere(dice)),
    Question("data.order={exact}, undeclared", False, lambda dice, count: _order(dice)),
    Question("data.title=part of it, undeclared", False, lambda dice, count: _title(dice)),
    Question("data.tags={exact}, a list", False, lambda dice, count: Query(In("data.tags", ("violet",)))),
    Question("processed.error.code={exact}", False, lambda dice, count: Query(In("processed.error.code", ("?",)))),
    Question("sort_by=data.title, undeclared", False, lambda dice, count: Query(sort=Sort("data.title", False))),
)


def search_of(photos: Path, folder: Path, rounds: int) -> Mapping[str, Any]:
    """The figures; `photos` are not needed."""
    quick = rounds < TIMES // 6
    count = QUICK_JOBS if quick else JOBS
    figures = asyncio.run(_searched(folder / "many.db", count, QUICK_TIMES if quick else TIMES))
    return {"jobs": count, **figures, **_costs(folder), "adds_per_second": asyncio.run(_adds(folder / "adds.db"))}


# --- searches -------------------------------------------------------------------------------------


async def _searched(path: Path, count: int, times: int) -> Mapping[str, Any]:
    store = SqliteStore.open(path)
    await fill(store, count)
    dice = random.Random(11)
    asked = [await _asked(store, path, one, dice, count, times) for one in QUESTIONS]
    await store.close()
    return {"questions": asked, "file_mb": await asyncio.to_thread(_megabytes, path)}


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


async def _asked(
    store: SqliteStore, path: Path, one: Question, dice: random.Random, count: int, times: int
) -> Mapping[str, Any]:
    wall, cpu, total = [], [], 0
    for _ in range(times):
        query = one.ask(dice, count)
        began, spent = time.perf_counter(), time.process_time()
        total = (await store.jobs(USER, query, 60)).total
        wall.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - spent) * 1000)
    shares = (50, 95)
    return {
        "name": one.name,
        "indexed": one.indexed,
        "total": total,
        "plan": _plan(path, query),
        "ms": percentiles(wall, shares),
        "cpu_ms": percentiles(cpu, shares),
    }


def _plan(path: Path, query: Query) -> Sequence[str]:
    db = apsw.Connection(str(path))
    register(db)
    search = Search(db, query, paths(db), USER, plans=[])
    rows_of(search)
    plans = [line for line in search.plans or () if " job" in line or " place" in line]
    db.close()
    return list(dict.fromkeys(plans))


# --- what the indexes cost ------------------------------------------------------------------------

GROUPS, GROUP = 24, 256
BARE = (
    "SELECT type, name FROM sqlite_schema WHERE tbl_name = 'job' AND type IN ('index', 'trigger') AND sql IS NOT NULL"
)
SEARCHED = f"{BARE} AND (name LIKE 'search:%' OR name IN ('job_status', 'job_placed', 'job_moved', 'job_gone'))"


def _costs(folder: Path) -> Mapping[str, float]:
    """CPU time of the writer, microseconds a job: to a table with nothing but its key, to one without what searches
    need, and to one with all of it; group by group in turns."""
    files = {}
    for name, dropped in (("bare", BARE), ("unsearched", SEARCHED), ("indexed", None)):
        sqlite_file.prepare(folder / f"{name}.db")
        files[name] = sqlite_file.connect(folder / f"{name}.db")
        for kind, thing in files[name].execute(dropped).fetchall() if dropped else ():
            files[name].execute(f'DROP {kind} "{thing}"')
    posted, ended = _groups(posted=True), _groups(posted=False)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in files}
    for first, last in zip(posted, ended, strict=True):
        for name, db in files.items():
            spent[name].append((_written(db, first, _add), _written(db, last, _end)))
    for db in files.values():
        db.close()
    return {
        f"{what}_{name}_us": sorted(one[place] for one in times)[len(times) // 2]
        for name, times in spent.items()
        for place, what in enumerate(("insert", "end"))
    }


def _groups(posted: bool) -> Iterator[Sequence[Job]]:
    """The same jobs as they are posted, or as they end."""
    coming = jobs(GROUPS * GROUP)
    for _ in range(GROUPS):
        group = [one for _, one in zip(range(GROUP), coming, strict=False)]
        yield [_posted(one) for one in group] if posted else group


def _posted(job: Job) -> Job:
    records = tuple(Processed(one.id, one.tag, job.created, job.created) for one in job.processed)
    return replace(
        job, status=Status.PENDING, modified=job.created, processed=records, pictures=(), total=Span(), trouble=None
    )


def _written(db: apsw.Connection, group: Sequence[Job], write: Callable[[apsw.Connection, Job], None]) -> float:
    began = time.thread_time()
    db.execute("BEGIN IMMEDIATE")
    for one in group:
        write(db, one)
    db.execute("COMMIT")
    return (time.thread_time() - began) / len(group) * 1e6


def _add(db: apsw.Connection, job: Job) -> None:
    sqlite_jobs.add(db, job, {}, None, job.created, ())


def _end(db: apsw.Connection, job: Job) -> None:
    sqlite_jobs.change(db, job.user_id, job.id, lambda before: job)


CALLERS = 32


async def _adds(path: Path) -> float:
    """Durable `add_job` calls a second from so many callers, of jobs as they are posted, made beforehand."""
    store = SqliteStore.open(path, alone=True)
    coming = iter([one for group in _groups(posted=True) for one in group])

    async def caller() -> None:
        for one in coming:
            await store.add_job(one, {}, None, one.created)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    spent = time.perf_counter() - began
    await store.close()
    return GROUPS * GROUP / spent


def promises(figures: Mapping[str, Any]) -> Iterator[tuple[str, float, float | None, float | None]]:
    """What, its value, at most, at least."""
    for one in figures["questions"]:
        yield f"search: {one['name']}, p95 ms", one["ms"]["p95"], INDEXED_MS if one["indexed"] else REST_MS, None
    ratio = figures["insert_indexed_us"] / figures["insert_bare_us"]
    yield "search: an insert with all indexes over one with none", ratio, INSERT_RATIO, None
    yield "search: durable add_job a second from 32 callers", figures["adds_per_second"], None, ADDS_LEAST


# --- shown ----------------------------------------------------------------------------------------


def lines(figures: Mapping[str, Any]) -> Iterator[str]:
    size = f"search in {figures['jobs']} jobs, {figures['file_mb']:.0f} MB"
    yield f"{size:38} p50 / p95 ms         CPU p50 / p95 ms     matches"
    for one in figures["questions"]:
        wall, cpu = (f"{one[key]['p50']:7.1f} {one[key]['p95']:7.1f}" for key in ("ms", "cpu_ms"))
        yield f"  {one['name']:36} {wall}      {cpu}    {one['total']:6}"
        yield from (f"      {line}" for line in one["plan"])
    for what in ("insert", "end"):
        bare, unsearched, indexed = (figures[f"{what}_{name}_us"] for name in ("bare", "unsearched", "indexed"))
        yield (
            f"  {what}: {bare:.0f} us bare, {unsearched:.0f} without what searches need, {indexed:.0f} with it:"
            f" {indexed / bare:.1f} times"
        )
    yield f"  {figures['adds_per_second']:.0f} durable add_job a second from {CALLERS} callers"
