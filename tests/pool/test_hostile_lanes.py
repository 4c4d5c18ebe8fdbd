"""Owns the proof that attacks stay within a real lane and its limits, and that the lane works on. Never how a file was
made."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from sixpx.core.render import Limits, Render, Report, Saving, Sheet
from sixpx.pool import Lanes, Pool
from tests.fuzz.attack import FILM, STILL, Attack
from tests.fuzz.attacks import ATTACKS, QUICK, SLOW
from tests.fuzz.reaching import REACHING
from tests.fuzz.runner import OURS, PRIVATE
from tests.fuzz.seeds import film, seed
from tests.fuzz.watch import Watch

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUICK_MS = 30_000
LATE_MS = 15_000
"""For those that may run until they are stopped."""
MEMORY = 700 * 2**20
"""Bytes that a file which comes to nothing may take; the slow ones are held to the lane's own limit."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One lane with a service's limits, and a folder; `others` are processes that were there before."""

    pool: Pool
    folder: Path
    others: frozenset[int]

    async def run(self, content: bytes, attack: Attack, limits: Limits) -> Report:
        """The folder then holds the input, the journal and the results."""
        work = self.folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        (work / "input").write_bytes(content)
        sheets = [Sheet(str(n), str(work / str(n)), steps, Saving(type, keep_metadata=True))
                  for n, (steps, type) in enumerate(attack.chains)]  # fmt: skip
        return await self.pool.render(
            Render("attack", str(work / "input"), str(work / "journal"), tuple(sheets), limits=limits)
        )

    async def works(self) -> bool:
        """Whether an ordinary picture is made."""
        report = await self.run(seed("JPEG", "baseline"), Attack(bytes), Limits())
        return len(report.made) == len(STILL)

    def lanes(self) -> dict[int, psutil.Process]:
        """The processes that have libvips loaded and a limit of memory: no fork server has one."""
        children = psutil.Process().children(recursive=True)
        return {one.pid: one for one in children if one.pid not in self.others and _limit(one) == Lanes().memory}


def _limit(process: psutil.Process) -> int:
    try:
        soft: int = process.rlimit(psutil.RLIMIT_AS)[0]
    except psutil.Error:
        return -1
    return soft


def forget_most_memory(process: psutil.Process) -> None:
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def most_memory(process: psutil.Process) -> int:
    """Bytes, since it was forgotten (VmHWM in proc(5))."""
    words = Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()
    return int(words[0]) * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    folder = tmp_path_factory.mktemp("lane")
    others = frozenset(one.pid for one in psutil.Process().children(recursive=True))
    pool = Pool(Lanes(count=1, recycle=0), folder)
    await pool.start()
    try:
        yield Bench(pool, folder, others)
    finally:
        await pool.close()


async def assert_held(bench: Bench, name: str, limits: Limits) -> None:
    """What became of an attack is one of what may, told well, and the lane works on."""
    attack = ATTACKS[name]
    report = await bench.run(attack.make(), attack, limits)
    codes = {flaw.code for flaw in report.flaws.values()} | ({"made"} if report.made else set())
    assert codes <= set(attack.codes), report.flaws
    for flaw in report.flaws.values():
        assert attack.words in flaw.detail
        assert not any(words in flaw.detail for words in OURS)
        assert not PRIVATE.search(flaw.detail)
    names = set(os.listdir(bench.folder / "work"))
    assert names - {"input", "journal"} == set(report.made)
    assert await bench.works()


@pytest.mark.parametrize("name", QUICK)
async def test_an_attack_ends_at_once_in_little_memory_and_its_lane_lives(bench: Bench, name: str) -> None:
    assert await bench.works()
    ((pid, lane),) = bench.lanes().items()
    forget_most_memory(lane)
    await assert_held(bench, name, Limits(render_ms=QUICK_MS))
    assert set(bench.lanes()) == {pid}
    assert most_memory(lane) < MEMORY


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(SLOW))
async def test_an_attack_at_the_edge_ends_within_the_limits(bench: Bench, name: str) -> None:
    late = "time_limit" in ATTACKS[name].codes
    await assert_held(bench, name, Limits(render_ms=LATE_MS) if late else Limits())


async def test_every_attack_is_quick_or_slow() -> None:
    assert set(ATTACKS) >= SLOW
    assert set(ATTACKS) == SLOW | set(QUICK)


@pytest.mark.parametrize("name", sorted(REACHING))
async def test_nothing_outside_of_the_input_is_opened(bench: Bench, tmp_path: Path, name: str) -> None:
    assert await bench.works()  # and what is read once, at the first use, was read
    canary, content = tmp_path / "canary", seed("PNG", "rgb")
    canary.write_bytes(content)
    with Watch(tmp_path) as watch:
        await bench.run(REACHING[name](str(canary)), Attack(bytes), Limits(render_ms=QUICK_MS))
        # Ghostscript looks through a folder for names, and gives them to no program (tests/worker/test_hostile.py)
        assert watch.opened() - {""} == set()
    assert sorted(os.listdir(tmp_path)) == ["canary"]
    assert canary.read_bytes() == content


async def test_a_watch_sees_what_is_opened(tmp_path: Path) -> None:
    (tmp_path / "canary").write_bytes(b"x")
    with Watch(tmp_path) as watch:
        assert watch.opened() == set()
        (tmp_path / "canary").read_bytes()
        assert watch.opened() == {"canary"}


async def test_a_film_that_is_one_is_made(bench: Bench) -> None:
    """What the attacks on films are told apart from."""
    report = await bench.run(film("GIF"), Attack(bytes, chains=FILM), Limits())
    assert not report.flaws
