"""Owns what SQLite's file must survive, and which files are refused. Never what is in a job."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from sixpx.errors import BadSettings, StoreDown
from sixpx.store.sqlite import SqliteStore, file
from sixpx.store.sqlite.claims import NEXT_USER
from sixpx.store.sqlite.file import SCHEMA_VERSION, STEPS
from tests.contract.jobs import ADA, NOW, job_of

ADDING = """
import asyncio, sys
from pathlib import Path
from sixpx.store.base import Once
from sixpx.store.sqlite import SqliteStore
from tests.contract.jobs import NOW, after, job_of

async def add(store, start):
    for number in range(start, 1_000_000, 8):
        blobs = {f"{number:024x}": b"bytes"}
        print(await store.add_job(job_of(number), blobs, Once(str(number), "f", after(60)), NOW), flush=True)

async def main():
    store = SqliteStore.open(Path(sys.argv[1]), alone=True)
    await asyncio.gather(*(add(store, int(sys.argv[2]) + lane) for lane in range(8)))

asyncio.run(main())
"""


def acknowledged_before_a_kill(path: Path, start: int, count: int) -> list[str]:
    """The ids that a process said were kept, until SIGKILL met it after so many."""
    command = [sys.executable, "-c", ADDING, str(path), str(start)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        ids = [process.stdout.readline() for _ in range(count)]
        os.kill(process.pid, signal.SIGKILL)
        ids += process.stdout.readlines()
    return [line.strip() for line in ids if line.endswith("\n")]


async def rounds(path: Path, number: int) -> None:
    acknowledged: list[str] = []
    for turn in range(number):
        acknowledged += acknowledged_before_a_kill(path, 1 + turn * 1_000_000, random.randint(1, 400))
        store = SqliteStore.open(path, alone=True)
        try:
            for job_id in acknowledged[-400:]:
                assert await store.job(ADA, job_id) == job_of(int(job_id, 16))
                assert await store.blob(job_id) == b"bytes"
        finally:
            await store.close()
    check = apsw.Connection(str(path))
    assert check.execute("PRAGMA integrity_check").get == "ok"
    kept = {row[0] for row in check.execute("SELECT id FROM job")}
    check.close()
    assert set(acknowledged) <= kept


async def test_every_acknowledged_job_survives_a_killed_process(tmp_path: Path) -> None:
    await rounds(tmp_path / "store.db", 3)


@pytest.mark.long
async def test_every_acknowledged_job_survives_a_hundred_kills(tmp_path: Path) -> None:
    await rounds(tmp_path / "store.db", 100)


async def test_every_connection_writes_ahead_and_syncs_at_each_commit(tmp_path: Path) -> None:
    def pragmas(db: apsw.Connection) -> tuple[object, object]:
        return db.execute("PRAGMA journal_mode").get, db.execute("PRAGMA synchronous").get

    store = SqliteStore.open(tmp_path / "store.db")
    full = 2
    assert await store._writer.write(pragmas) == ("wal", full)
    assert await store._read(pragmas) == ("wal", full)
    await store.close()


async def test_a_store_opens_again_with_what_was_in_it(tmp_path: Path) -> None:
    for number in (1, 2):
        store = SqliteStore.open(tmp_path / "deep" / "store.db", alone=True)
        await store.add_job(job_of(number), {}, None, NOW)
        await store.close()
    store = SqliteStore.open(tmp_path / "deep" / "store.db")
    assert [await store.job(ADA, job_of(number).id) for number in (1, 2)] == [job_of(1), job_of(2)]
    await store.close()


async def test_a_new_file_can_be_opened_by_several_at_once(tmp_path: Path) -> None:
    for turn in range(10):
        together = threading.Barrier(4)

        def open(path: Path, together: threading.Barrier = together) -> SqliteStore:
            together.wait()
            return SqliteStore.open(path)

        path = tmp_path / f"{turn}.db"
        for store in await asyncio.gather(*(asyncio.to_thread(open, path) for _ in range(4))):
            await store.close()


async def test_a_second_service_on_the_same_file_is_refused(tmp_path: Path) -> None:
    first = SqliteStore.open(tmp_path / "store.db", alone=True)
    with pytest.raises(BadSettings, match="another sixpx service"):
        SqliteStore.open(tmp_path / "store.db", alone=True)
    beside = SqliteStore.open(tmp_path / "store.db")
    await beside.close()
    await first.close()
    last = SqliteStore.open(tmp_path / "store.db", alone=True)
    await last.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("shopping list\n" * 500)
    with pytest.raises(BadSettings, match="is not a usable SQLite file"):
        SqliteStore.open(path, alone=True)
    assert path.read_text() == "shopping list\n" * 500


def test_a_file_that_another_program_has_locked_is_no_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "BUSY_MS", 20)
    path = tmp_path / "store.db"
    _made_by(path, "CREATE TABLE user (id)", 0)
    shell = apsw.Connection(str(path))
    shell.execute("BEGIN EXCLUSIVE")
    with pytest.raises(BadSettings, match=r"store\.url: .*store\.db is locked by another program"):
        SqliteStore.open(path, alone=True)
    shell.close()


@pytest.mark.parametrize("version", [0, 1])
def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, version: int) -> None:
    path = tmp_path / "other.db"
    _made_by(path, "CREATE TABLE recipe (name TEXT)", version)
    with pytest.raises(BadSettings):
        SqliteStore.open(path, alone=True)
    check = apsw.Connection(str(path))
    assert check.execute("SELECT name FROM sqlite_schema").fetchall() == [("recipe",)]
    check.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    _made_by(tmp_path / "store.db", "CREATE TABLE job (id TEXT)", SCHEMA_VERSION + 1)
    with pytest.raises(BadSettings, match="made by a newer sixpx"):
        SqliteStore.open(tmp_path / "store.db")


async def test_a_refusal_leaves_no_lock_behind(tmp_path: Path) -> None:
    _made_by(tmp_path / "store.db", "CREATE TABLE job (id TEXT)", SCHEMA_VERSION + 1)
    with pytest.raises(BadSettings):
        SqliteStore.open(tmp_path / "store.db", alone=True)
    (tmp_path / "store.db").unlink()
    store = SqliteStore.open(tmp_path / "store.db", alone=True)
    await store.close()


async def test_a_database_that_another_process_locks_is_down_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sixpx.store.sqlite.file.BUSY_MS", 20)
    store = SqliteStore.open(tmp_path / "store.db")
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreDown):
        await store.add_job(job_of(1), {}, None, NOW)
    assert await store.job(ADA, job_of(1).id) is None
    other.execute("ROLLBACK")
    await store.add_job(job_of(1), {}, None, NOW)
    other.close()
    await store.close()


async def test_a_file_of_the_first_version_is_brought_up_to_date_with_what_is_in_it(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "store.db")
    await store.add_job(job_of(1), {}, None, NOW)
    doc = await store._read(lambda db: db.execute("SELECT doc FROM job").get)
    await store.close()
    _made_by(tmp_path / "old.db", STEPS[0], 1)
    old = apsw.Connection(str(tmp_path / "old.db"))
    old.execute("INSERT INTO job VALUES (?, ?, 'pending', ?, ?, NULL, NULL, 0, ?)",
                (job_of(1).id, ADA, NOW.timestamp() * 1000, NOW.timestamp() * 1000, doc))  # fmt: skip
    old.execute("INSERT INTO turn VALUES (?, 7)", (ADA,))
    old.close()
    for _ in range(2):
        store = SqliteStore.open(tmp_path / "old.db")
        assert await store.job(ADA, job_of(1).id) == job_of(1)
        assert list(await store.leftovers()) == []
        await store.close()
    store = SqliteStore.open(tmp_path / "old.db")
    assert [one.job.id for one in await store.claim("me", NOW, NOW, 9)] == [job_of(1).id]
    await store.close()


async def cost_of_a_claim(folder: Path, users: int) -> tuple[int, str]:
    """Steps of SQLite's machine for a claim where one user of so many has a job, and how the user is found."""
    store, steps = SqliteStore.open(folder / f"{users}.db"), []

    def many(db: apsw.Connection) -> None:
        for number in range(users):
            db.execute("INSERT INTO turn VALUES (?, ?, 0)", (f"{number:024x}", number))

    await store._writer.write(many)
    await store.add_job(job_of(1, f"{users:024x}"), {}, None, NOW)
    await store._writer.write(lambda db: db.set_progress_handler(lambda: bool(steps.append(1)), 1))
    assert len(await store.claim("me", NOW, NOW, 32)) == 1
    await store._writer.write(lambda db: db.set_progress_handler(None))
    plan = await store._read(lambda db: str(db.execute(f"EXPLAIN QUERY PLAN {NEXT_USER}", ("[]",)).fetchall()))
    await store.close()
    return len(steps), plan


async def test_a_claim_does_not_look_at_users_without_pending_jobs(tmp_path: Path) -> None:
    few, _ = await cost_of_a_claim(tmp_path, 10)
    many, plan = await cost_of_a_claim(tmp_path, 5000)
    assert many <= few + 50  # 5,000 users that were looked at would be 10,000 steps and more
    assert "USING INDEX turn_waiting" in plan or "USING COVERING INDEX turn_waiting" in plan


def _made_by(path: Path, schema: str, version: int) -> None:
    made = apsw.Connection(str(path))
    made.execute(schema)
    made.execute(f"PRAGMA user_version = {version}")
    made.close()
