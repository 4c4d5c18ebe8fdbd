"""`sixpx migrate` from outside: killed and run again, refused beside a service; and a service goes on elsewhere."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sixpx.core.job import Job
from sixpx.store import archive
from sixpx.store.base import Kind
from sixpx.store.mongo import MongoStore
from sixpx.store.sqlite.archive import SqliteArchive
from tests.acceptance.service import ROOT, Service
from tests.contract.jobs import ADA, after, ended, job_of, user_of
from tests.servers.mongo import Mongo

JOBS = 1_500
BODY = {"input": {"main": "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAAAAAAALAAAAAABAAEAAAIBRAA7"},
        "output": [{"tag": "one", "ref": {"main": "one"}}]}  # fmt: skip


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an empty MongoDB."""
    mongo = await asyncio.to_thread(Mongo.shared, tmp_path_factory.mktemp("mongo"))
    return mongo.fresh()


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[Any]:
    """Starts `sixpx migrate`; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}

    def start(source: str, target: str, told: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "sixpx", "migrate", "--from", source, "--to", target]
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        kept = {**environment, "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, env=kept, cwd=tmp_path, text=True, **pipes))
        if told:
            assert started[-1].stdin is not None
            started[-1].stdin.write(told)
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


async def fill(file: Path, count: int = JOBS) -> list[Job]:
    jobs = [job_of(number, ADA, ("one", "two"), after(number)) for number in range(1, count + 1)]
    jobs = [ended(one) if place % 3 else replace(one, data={"n": place}) for place, one in enumerate(jobs)]
    filled = SqliteArchive.open(file)
    await filled.put(Kind.USER, [archive.of_user(user_of(0xA))])
    await filled.put(Kind.JOB, list(map(archive.of_job, jobs)))
    await filled.close()
    return jobs


async def test_a_killed_migration_goes_on_and_loses_nothing(tmp_path: Path, server: str, migrated: Any) -> None:
    jobs = await fill(tmp_path / "store.db")
    url = f"sqlite:{tmp_path / 'store.db'}"
    first = migrated(url, server)
    for line in first.stderr:
        if line.startswith("carrying jobs"):
            break
    first.kill()
    assert first.wait(30) == -9
    second = migrated(url, server)
    told, shown = await asyncio.to_thread(second.communicate, timeout=120)
    assert second.returncode == 0, shown
    assert f"{JOBS:,} jobs; each was read from both stores" in told
    begun = int(
        next(line for line in shown.splitlines() if line.startswith("carrying jobs")).split()[2].replace(",", "")
    )
    assert begun > 500  # where the first had come to, and a page
    store = await MongoStore.open(server)
    try:
        assert [await store.job(ADA, one.id) for one in jobs[::100]] == jobs[::100]
        claimed = 0
        while claims := await store.claim("me", after(0), after(60), JOBS):
            claimed += len(claims)
        assert claimed == len([one for one in jobs if not one.status.ended])
    finally:
        await store.close()


@pytest.mark.long
async def test_a_migration_killed_again_and_again_ends_all_the_same(tmp_path: Path, server: str, migrated: Any) -> None:
    jobs = await fill(tmp_path / "store.db", 3 * JOBS)
    chance, killed = random.Random(6), 0
    while True:
        one = migrated(f"sqlite:{tmp_path / 'store.db'}", server)
        try:
            told, shown = await asyncio.to_thread(one.communicate, timeout=chance.uniform(1, 2 + killed))
            break
        except subprocess.TimeoutExpired:
            one.kill()
            killed += 1
    assert one.returncode == 0, shown
    assert killed >= 3
    assert f"{len(jobs):,} jobs; each was read from both stores" in told


@pytest.mark.long
def test_a_service_goes_on_with_what_was_carried(tmp_path: Path, server: str, migrated: Any) -> None:
    with Service.start(tmp_path) as service:
        id = service.post(BODY)
        before = service.job(id, wait=30)
        assert before["status"] == "complete"
        file = f"sqlite:{service.data / 'sixpx.db'}"
        refused = migrated(file, server)
        _, why = refused.communicate(timeout=60)
        assert refused.returncode == 2
        assert "another sixpx service works with" in why
        service.terminate()
        done = migrated("-", server, told=f"{file}\n")
        told, why = done.communicate(timeout=60)
        assert done.returncode == 0, why
        assert "secret.key in the data folder" in told
        assert "hosted pictures were not moved" in told
        service.environment["SIXPX_STORE_URL"] = server
        service.restart()
        assert service.job(id) == before
        assert service.get(before["processed"][0]["data"]["output"]["main"]["location"])
        assert service.job(service.post(BODY), wait=30)["status"] == "complete"


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://someone:hunter2@127.0.0.1:1/db?serverSelectionTimeoutMS=50",
        "mongodb://someone:hunter2/@127.0.0.1:1/db?serverSelectionTimeoutMS=50",
        "mongodb://someone:hun%ter2@127.0.0.1:1/hunter2?x=@hunter2",
        "postgres://someone:hunter2@127.0.0.1/db",
    ],
)
async def test_a_password_is_never_shown(tmp_path: Path, migrated: Any, url: str) -> None:
    await fill(tmp_path / "store.db", 1)
    refused = migrated(f"sqlite:{tmp_path / 'store.db'}", url)
    told, why = await asyncio.to_thread(refused.communicate, timeout=60)
    assert refused.returncode in (1, 2)
    assert "sixpx: " in why
    assert "hunter2" not in told + why
    assert "Traceback" not in why
