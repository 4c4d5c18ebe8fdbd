"""Owns running mutants in real lanes, and what counts as a finding. Never makes a mutant."""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sixpx.core.render import Report
from sixpx.pool import Lanes, Pool
from tests.fuzz.mutants import Mutant, mutant

LANES = 2
KNOWN = frozenset({"bad_image", "over_limit", "not_supported", "bad_step", "out_of_memory"})
"""Codes that a broken file may end with."""
OURS = ("a fault of its own", "the service made a mistake")
CLEAR = re.compile(r"[a-z].{8,300}", re.DOTALL)
"""One sentence, in lower case at its start."""
PRIVATE = re.compile(r"/tmp|/work|/usr|/home|Traceback|0x[0-9a-f]{6}|NoneType|<class|\n")
"""What no sentence may hold: paths and insides."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: codes of its sheets (`made`), the faults that count, and the seconds that it took."""

    mutant: Mutant
    codes: tuple[str, ...]
    findings: tuple[str, ...]
    seconds: float


@asynccontextmanager
async def lanes() -> AsyncIterator[tuple[Pool, Path]]:
    """Running lanes with the limits of a service, and their scratch folder."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        pool = Pool(Lanes(count=LANES), Path(folder))
        await pool.start()
        try:
            yield pool, Path(folder)
        finally:
            await pool.close()


async def outcomes(seed: int, indices: Iterable[int]) -> AsyncIterator[Outcome]:
    """Of each mutant, in order; a few are under way at a time."""
    async with lanes() as (pool, folder):
        under_way: list[asyncio.Task[Outcome]] = []
        for index in indices:
            under_way.append(asyncio.create_task(outcome(pool, folder, mutant(seed, index))))
            if len(under_way) > LANES + 1:
                yield await under_way.pop(0)
        for task in under_way:
            yield await task


async def outcome(pool: Pool, scratch: Path, one: Mutant) -> Outcome:
    folder = scratch / f"{one.seed}-{one.index}"
    folder.mkdir()
    began = time.perf_counter()
    report = await pool.render(one.render(folder))
    seconds = time.perf_counter() - began
    findings = (*faults(report), *_unlike_pictures(report, folder), *_left(folder))
    shutil.rmtree(folder)
    codes = (*("made" for _ in report.made), *(flaw.code for flaw in report.flaws.values()))
    return Outcome(one, codes, findings, seconds)


def faults(report: Report) -> list[str]:
    """Flaws that are not the file's own, or that nobody would understand."""
    return [
        f"{flaw.code} in {flaw.stage}: {flaw.detail}"
        for flaw in report.flaws.values()
        if flaw.code not in KNOWN
        or any(words in flaw.detail for words in OURS)
        or not CLEAR.fullmatch(flaw.detail)
        or PRIVATE.search(flaw.detail)
    ]


def _unlike_pictures(report: Report, folder: Path) -> list[str]:
    """Results that are not what the Report says."""
    found = []
    for key, made in report.made.items():
        try:
            with Image.open(folder / key) as picture:
                if picture.size != (made.width, made.height):
                    found.append(f"made: {picture.size} instead of {made.width} x {made.height}")
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            found.append(f"made: {type(error).__name__}")
    return found


def _left(folder: Path) -> list[str]:
    """Files of a Render that lie somewhere else, or are none of its results."""
    known = {"input", "journal", *(str(number) for number in range(9))}
    strays = [one.name for one in folder.iterdir() if one.name not in known]
    return [f"left behind: {name}" for name in strays]
