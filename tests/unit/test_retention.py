"""Owns the end of hosted pictures by age: which folders go, which stay, and a look that comes again. Never a clock of
the machine: times of files are set, and `now` is an argument.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.credentials import Destination
from sixpx.errors import PutFailed
from sixpx.retention import expire_for_ever
from sixpx.targets import Parcel
from sixpx.targets.disk import Disk
from tests.unit.fakes import eventually

NOW = datetime(2014, 8, 16, 20, 41, 6, tzinfo=UTC)
DAY = timedelta(days=1)
AGES = st.dictionaries(
    st.tuples(st.sampled_from("uvw"), st.sampled_from("abcde")),
    st.lists(st.integers(0, 20), max_size=3),
    max_size=8,
)
"""Ages in days of the files of each job `user/job`."""


def aged(root: Path, job: str, ages: list[int], folder_age: int) -> None:
    home = root / job
    home.mkdir(parents=True)
    for number, age in enumerate(ages):
        (home / f"{number}.png").write_bytes(b"picture")
        set_age(home / f"{number}.png", age)
    set_age(home, folder_age)


def set_age(path: Path, days: float) -> None:
    moment = (NOW - days * DAY).timestamp()
    os.utime(path, (moment, moment))


def jobs_in(root: Path) -> dict[str, int]:
    """How many files each job still has."""
    found = {}
    for one in root.glob("*/*"):
        with suppress(FileNotFoundError):  # it went while we looked
            found[f"{one.parent.name}/{one.name}"] = len(list(one.iterdir()))
    return found


@given(ages=AGES, days=st.integers(0, 20))
def test_a_job_goes_whole_when_its_last_file_is_old_enough(
    ages: Mapping[tuple[str, str], list[int]], days: int
) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for (user, job), of_files in ages.items():
            aged(root, f"{user}/{job}", of_files, max(of_files, default=20))
        gone = asyncio.run(Disk(root, "").expire((NOW - days * DAY).timestamp()))
        youngest = {f"{user}/{job}": min(one, default=20) for (user, job), one in ages.items()}
        stays = {job: len(ages[job[0], job[2]]) for job, age in youngest.items() if age <= days}
        assert jobs_in(root) == stays
        assert gone == len(youngest) - len(stays)


async def test_a_picture_that_was_put_late_keeps_its_job(tmp_path: Path) -> None:
    """A retry: the folder has changed, though the file was rendered before it was moved there."""
    aged(tmp_path / "root", "user/job", [30], 30)
    disk, source = Disk(tmp_path / "root", ""), tmp_path / "late"
    source.write_bytes(b"late")
    set_age(source, 30)
    await disk.put(Parcel(source, "user/job", "late.png", "image/png", 4), Destination("6px"))
    assert await disk.expire((NOW - DAY).timestamp()) == 0
    assert jobs_in(tmp_path / "root") == {"user/job": 2}


async def test_what_is_no_job_stays(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "file").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "user" / "file", tmp_path / "file", tmp_path / "user"):
        set_age(path, 99)
    assert await Disk(tmp_path, "").expire(NOW.timestamp()) == 0
    assert await Disk(tmp_path / "missing", "").expire(NOW.timestamp()) == 0
    assert (tmp_path / "user" / "file").exists()


async def test_one_job_that_cannot_be_removed_keeps_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for job in ("user/a", "user/b", "user/c"):
        aged(tmp_path, job, [9], 9)
    real = shutil.rmtree

    def stuck(path: Path) -> None:
        if path.name == "a":
            raise PermissionError(1, "Operation not permitted")
        real(path)

    monkeypatch.setattr("sixpx.targets.disk.shutil.rmtree", stuck)
    with pytest.raises(PutFailed, match="Operation not permitted"):
        await Disk(tmp_path, "").expire(NOW.timestamp())
    assert set(jobs_in(tmp_path)) == {"user/a"}


# --- again and again ------------------------------------------------------------------------------


class Looking:
    """The loop over a disk, with a clock that is moved by hand."""

    def __init__(self, disk: Disk, days: int) -> None:
        self.now = NOW
        self.task = asyncio.create_task(expire_for_ever(disk, days * DAY, lambda: self.now, every=0.01))

    async def until(self, root: Path, jobs: set[str]) -> None:
        await eventually(lambda: set(jobs_in(root)) == jobs)

    async def end(self) -> None:
        assert not self.task.done()
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


async def test_jobs_go_as_they_grow_old(tmp_path: Path) -> None:
    for age in (0, 3, 6):
        aged(tmp_path, f"user/{age}", [age], age)
    looking = Looking(Disk(tmp_path, ""), days=5)
    await looking.until(tmp_path, {"user/0", "user/3"})
    looking.now += 3 * DAY
    await looking.until(tmp_path, {"user/0"})
    looking.now += 3 * DAY
    await looking.until(tmp_path, set())
    await looking.end()


async def test_a_disk_that_refuses_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    aged(tmp_path, "user/job", [9], 9)

    def refused(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr("sixpx.targets.disk.shutil.rmtree", refused)
        looking = Looking(Disk(tmp_path, ""), days=5)
        await eventually(lambda: "old pictures stay" in caplog.text)
        assert set(jobs_in(tmp_path)) == {"user/job"}
    await looking.until(tmp_path, set())
    await looking.end()
