"""The lanes: one that crashes, hangs or runs out of memory costs its own sheet alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

import sixpx.pool
from sixpx.core.render import Limits, Render, Sheet
from sixpx.pool import Lanes, Pool
from tests.unit.fakes import eventually

LIMIT_MS = 1500


@pytest_asyncio.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    pool = Pool(Lanes(count=2, recycle=50, nice=0, worker="tests.pool.faulty"), tmp_path)
    await pool.start()
    yield pool
    await pool.close()


def asked(tmp_path: Path, *acts: str, **options: str) -> Render:
    folder = tmp_path / f"{'-'.join(acts)}-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    sheets = tuple(Sheet(f"{n}", str(folder / str(n)), ((act, options),)) for n, act in enumerate(acts))
    return Render("job/input", "none", str(folder / "journal"), sheets, limits=Limits(render_ms=LIMIT_MS))


def pids(note: Path) -> list[int]:
    return [json.loads(line)["pid"] for line in note.read_text().splitlines()]


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [("crash", "lane_crashed", "signal 6"), ("exit", "lane_crashed", "exit code 3"), ("hang", "time_limit", "1.5 s")],
)
async def test_a_lane_that_dies_costs_its_own_sheet_alone(
    pool: Pool, tmp_path: Path, act: str, code: str, words: str
) -> None:
    bad, *good = await asyncio.gather(
        pool.render(asked(tmp_path, "make", act, "make")),
        *(pool.render(asked(tmp_path, "make")) for _ in range(8)),
    )
    assert set(bad.made) == {"0", "2"}
    assert bad.flaws["1"].code == code
    assert bad.flaws["1"].stage == "render"
    assert words in bad.flaws["1"].detail
    assert all(set(report.made) == {"0"} and not report.flaws for report in good)


async def test_a_sheet_that_crashed_its_lane_runs_once_more_alone(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    report = await pool.render(asked(tmp_path, "crash once", mark=str(tmp_path / "mark"), note=str(note)))
    assert set(report.made) == {"0"}
    assert len(pids(note)) == 2


async def test_a_sheet_that_crashes_twice_is_final(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    report = await pool.render(asked(tmp_path, "crash", note=str(note)))
    assert report.flaws["0"].code == "lane_crashed"
    assert len(pids(note)) == 2


async def test_what_was_finished_before_the_crash_is_not_made_again(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    report = await pool.render(asked(tmp_path, "make", "crash", note=str(note)))
    assert set(report.made) == {"0"}
    assert len(pids(note)) == 3  # both sheets, then the second alone


async def test_a_stopped_process_is_killed_at_its_limit(pool: Pool, tmp_path: Path) -> None:
    report = await pool.render(asked(tmp_path, "stop"))
    assert report.flaws["0"].code == "time_limit"
    assert set((await pool.render(asked(tmp_path, "make"))).made) == {"0"}


async def test_lanes_that_are_killed_idle_are_replaced_and_nobody_is_blamed(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    await asyncio.gather(*(pool.render(asked(tmp_path, "make", note=str(note))) for _ in range(20)))
    for pid in set(pids(note)):
        os.kill(pid, signal.SIGKILL)
    reports = await asyncio.gather(*(pool.render(asked(tmp_path, "make")) for _ in range(20)))
    assert all(set(report.made) == {"0"} for report in reports)


async def test_lanes_that_die_idle_come_back_though_nobody_asks_for_one(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    await pool.render(asked(tmp_path, "make", note=str(note)))
    os.kill(pids(note)[0], signal.SIGKILL)
    await eventually(lambda: not pool.alive)
    await eventually(lambda: pool.alive)


async def test_a_rebuild_that_fails_is_tried_again(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built, failures = sixpx.pool._built, [BrokenProcessPool("no lane comes up")] * 2

    def sometimes(*arguments: object) -> object:
        if failures:
            raise failures.pop()
        return built(*arguments)

    note = tmp_path / "note"
    await asyncio.gather(*(pool.render(asked(tmp_path, "make", note=str(note))) for _ in range(20)))
    monkeypatch.setattr(sixpx.pool, "_built", sometimes)
    for pid in set(pids(note)):
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not failures)
    reports = await asyncio.gather(*(pool.render(asked(tmp_path, "make")) for _ in range(8)))
    assert [set(report.made) for report in reports] == [{"0"}] * 8


async def test_a_sigterm_to_the_whole_group_is_not_for_the_lanes(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    await asyncio.gather(*(pool.render(asked(tmp_path, "make", note=str(note))) for _ in range(20)))
    for pid in set(pids(note)):
        os.kill(pid, signal.SIGTERM)
    await pool.render(asked(tmp_path, "make", note=str(note)))
    assert pids(note)[-1] in pids(note)[:-1]


async def test_users_take_turns_at_the_lanes(tmp_path: Path) -> None:
    pool = Pool(Lanes(count=1, ahead=0, nice=0, worker="tests.pool.faulty"), tmp_path)
    await pool.start()
    ended: list[str] = []

    async def one(user: str) -> None:
        await pool.render(asked(tmp_path, "make"), user)
        ended.append(user)

    try:
        await asyncio.gather(*(one("ada") for _ in range(12)), one("ben"))
    finally:
        await pool.close()
    assert ended.index("ben") < 4


async def test_children_are_recycled(tmp_path: Path) -> None:
    pool = Pool(Lanes(count=1, recycle=3, nice=0, worker="tests.pool.faulty"), tmp_path)
    await pool.start()
    try:
        note = tmp_path / "note"
        for _ in range(9):
            await pool.render(asked(tmp_path, "make", note=str(note)))
        assert len(set(pids(note))) >= 3
    finally:
        await pool.close()


async def test_a_mistake_of_the_worker_is_reported_and_not_repeated(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    report = await pool.render(asked(tmp_path, "raise", note=str(note)))
    assert report.flaws["0"].code == "internal"
    assert len(pids(note)) == 1


async def test_a_cancelled_render_frees_its_lane(pool: Pool, tmp_path: Path) -> None:
    note = tmp_path / "note"
    hanging = [asyncio.create_task(pool.render(asked(tmp_path, "hang", note=str(note)))) for _ in range(2)]
    await eventually(lambda: note.exists() and len(pids(note)) == 2)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert not [pid for pid in pids(note) if psutil.pid_exists(pid)], "a lane works on behind its back"
    async with asyncio.timeout(LIMIT_MS / 1000):
        report = await pool.render(asked(tmp_path, "make"))
    assert set(report.made) == {"0"}


async def test_no_child_outlives_its_pool(tmp_path: Path) -> None:
    pool = Pool(Lanes(count=2, nice=0, worker="tests.pool.faulty"), tmp_path)
    await pool.start()
    note = tmp_path / "note"
    await asyncio.gather(*(pool.render(asked(tmp_path, "make", note=str(note))) for _ in range(10)))
    await pool.close()
    assert not [pid for pid in set(pids(note)) if psutil.pid_exists(pid)]


async def test_a_picture_beyond_the_memory_of_a_lane_fails_alone(tmp_path: Path) -> None:
    """The real worker in an address space too small for this picture, large enough for a small one."""
    import pyvips

    big, small = tmp_path / "big.png", tmp_path / "small.png"
    pyvips.Image.black(9000, 8000, bands=3).pngsave(str(big), compression=1)
    pyvips.Image.black(90, 80, bands=3).pngsave(str(small))
    # libvips, numpy and OpenCV take 290 MB of it before the first picture
    pool = Pool(Lanes(count=1, nice=0, memory=420 * 1024**2), tmp_path)
    await pool.start()
    try:
        # a picture that is turned is held whole: 216 MB
        turn = (("rotate", {"degrees": 90}),)
        whole = await pool.render(Render("a", str(big), f"{big}.journal", (Sheet("0", f"{big}.out", turn),)))
        fine = await pool.render(Render("b", str(small), f"{small}.journal", (Sheet("0", f"{small}.out", turn),)))
    finally:
        await pool.close()
    assert whole.flaws["0"].code in {"out_of_memory", "lane_crashed"}
    assert set(fine.made) == {"0"}
