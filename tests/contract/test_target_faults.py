"""Owns the law under faults: what was reported stored is there whole, byte for byte, and nothing half stands under a
name. Never a double: a proxy that cuts, delays, corrupts and goes silent stands before the real servers.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from sixpx.credentials import Destination
from sixpx.errors import Again, PutFailed
from sixpx.targets import Parcel
from tests.contract.places import Place, spare_time
from tests.servers.base import HOST
from tests.servers.proxy import AT, Fault, Harm, Proxy, Way

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONNECT_SECONDS, SILENCE_SECONDS = 3.0, 1.5
"""How long a member waits here for a server that says nothing."""
MOST_SECONDS = 8.0
"""The longest that a put may last that fails: it finds out, and clears away what it began."""

BODY = random.Random(0).randbytes(700_000)
OLD = b"what stood there before"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def proxy(place: Place) -> AsyncIterator[Proxy]:
    if not place.ports:
        pytest.skip("no server, no network to fail")
    spare_time(place)
    opened = await Proxy.open(place.ports)
    yield opened
    await opened.close()
    gc.collect()  # a connection that nobody closed says so now


@contextmanager
def impatient(place: Place) -> Iterator[None]:
    """The waits of the member are short."""
    module = sys.modules[type(place.target).__module__]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CONNECT_SECONDS", CONNECT_SECONDS)
        patch.setattr(module, "SILENCE_SECONDS", SILENCE_SECONDS)
        yield


def through_proxy(to: Destination) -> Destination:
    """The same place by way of the proxy."""
    options = tuple((name, value.replace(HOST, AT)) for name, value in to.options)
    return replace(to, host=to.host.replace(HOST, AT), options=options)


class Line:
    """Puts bytes through the proxy, and looks behind its back at what came of it."""

    def __init__(self, place: Place, proxy: Proxy, measured: dict[bool, Mapping[Way, int]], scratch: Path) -> None:
        self.place, self.proxy, self.measured, self.scratch = place, proxy, measured, scratch
        self.folder = f"faults-{os.urandom(4).hex()}"

    async def put(self, name: str, body: bytes = BODY) -> str:
        file = self.scratch / os.urandom(4).hex()
        await asyncio.to_thread(file.write_bytes, body)
        to = through_proxy(self.place.to(self.folder))
        return await self.place.target.put(Parcel(file, self.folder, name, "image/png", len(body)), to)

    async def tried(self, name: str, body: bytes = BODY) -> tuple[PutFailed | None, float]:
        """How a put failed, if it did, and after how many seconds."""
        began = time.monotonic()
        try:
            assert await self.put(name, body)
        except PutFailed as fault:
            return fault, time.monotonic() - began
        return None, time.monotonic() - began

    async def whole(self, kept: bool) -> Mapping[Way, int]:
        """What passes each way in a put of BODY over a new connection, or over one that was kept. Afterwards there is
        one that is kept, or none."""
        if kept not in self.measured:
            await self.put("b.png") if kept else await self.place.target.close()
            self.proxy.arm(None)
            await self.put("b.png")
            self.measured[kept] = dict(self.proxy.passed)
        await self.put("b.png") if kept else await self.place.target.close()
        return self.measured[kept]

    async def content(self, name: str) -> bytes | None:
        return await self.place.content(f"{self.folder}/{name}")

    async def names(self) -> set[str]:
        return await self.place.names(self.folder)


@pytest.fixture(scope="session")
def measured(place: Place) -> dict[bool, Mapping[Way, int]]:
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def line(
    place: Place, proxy: Proxy, measured: dict[bool, Mapping[Way, int]], tmp_path: Path
) -> AsyncIterator[Line]:
    proxy.arm(None)
    yield Line(place, proxy, measured, tmp_path)
    proxy.arm(None)
    await place.target.close()
    proxy.drop()


# --- the table of faults --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A fault after this share of what a put sends (or is answered) from the first connection on, or over one that was
    kept from a put before."""

    harm: Harm
    way: Way
    share: float
    kept: bool
    lasting: bool = False

    def __str__(self) -> str:
        words = (self.harm, self.way, f"{self.share:.4f}", "kept" * self.kept, "lasting" * self.lasting)
        return "-".join(filter(None, words))

    @property
    def in_the_body(self) -> bool:
        return self.way is Way.UP and 0.1 < self.share < 0.9


def cases(count: int) -> Iterator[Case]:
    """So many faults of each kind, at the edges and in between: the beginning and the end hold the most words."""
    chance = random.Random(4)
    for harm in (Harm.CUT, Harm.RESET, Harm.CORRUPT):
        for way in Way:
            for number in range(count):
                share = chance.choice((chance.random(), chance.random() ** 4, 1 - chance.random() ** 4))
                yield Case(harm, way, share, chance.random() < 0.5, number % 4 == 3 and harm is not Harm.CORRUPT)
    for number in range(max(1, count // 4)):
        for way in Way if count > 1 else (Way.DOWN,):  # one up there is below, and each takes its time
            yield Case(Harm.SILENT, way, chance.random(), chance.random() < 0.5, number % 2 == 1)
            yield Case(Harm.DELAY, way, chance.random(), chance.random() < 0.5)


@pytest.mark.parametrize("case", list(cases(1)), ids=str)
async def test_a_put_is_whole_or_it_fails_in_time(line: Line, case: Case) -> None:
    await holds(line, case)


@pytest.mark.long
@pytest.mark.parametrize("harm", Harm)
@pytest.mark.parametrize("way", Way)
async def test_so_it_is_wherever_the_fault_comes(line: Line, harm: Harm, way: Way) -> None:
    for case in cases(16):
        if (case.harm, case.way) == (harm, way):
            try:
                await holds(line, case)
            except BaseException as fault:
                fault.add_note(str(case))
                raise


async def holds(line: Line, case: Case) -> None:
    """The law, in one case."""
    line.folder = f"faults-{os.urandom(4).hex()}"
    await line.place.target.close()  # what it made before has the patience of that time
    with nullcontext() if case.harm is Harm.DELAY else impatient(line.place):
        await line.put("a.png", OLD)
        passed = await line.whole(case.kept)
        line.proxy.arm(Fault(case.harm, case.way, int(case.share * passed[case.way]), case.lasting))
        fault, seconds = await line.tried("a.png")
    found = await line.content("a.png")
    assert line.proxy.struck or (fault is None and case.share > 0.9)  # not every put says quite as much
    if fault is None:
        assert found == BODY
    else:
        assert found in (OLD, BODY, None)
        assert seconds < MOST_SECONDS
        assert case.harm is not Harm.DELAY
        assert fault.again is not None or (case.harm is Harm.CORRUPT and not case.in_the_body), fault.detail
        assert not line.place.secret or line.place.secret not in fault.detail
    line.proxy.arm(None)
    await line.put("b.png")
    assert await line.content("b.png") == BODY
    if not case.lasting:
        assert await line.names() <= {"a.png", "b.png"}


LARGE = random.Random(1).randbytes(24_000_000)
"""More than the system takes from one who sends while the other does not read."""


async def test_a_server_that_reads_no_further_is_left(line: Line) -> None:
    await line.place.target.close()
    with impatient(line.place):
        await line.put("b.png")
        line.proxy.arm(Fault(Harm.SILENT, after=2_000_000))
        fault, seconds = await line.tried("a.png", LARGE)
    assert fault is not None
    assert fault.again is Again.BROKEN
    assert seconds < MOST_SECONDS
    assert await line.content("a.png") is None


@pytest.mark.long
async def test_a_slow_line_is_no_silence(line: Line) -> None:
    """It takes longer than a server may be silent."""
    await line.place.target.close()
    line.proxy.pace = 0.003
    with impatient(line.place):
        began = time.monotonic()
        await line.put("a.png", LARGE)
    line.proxy.pace = 0.0
    assert time.monotonic() - began > 2 * SILENCE_SECONDS
    assert await line.content("a.png") == LARGE


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_a_server_that_is_gone_is_said_and_found_again_when_it_is_back(line: Line, kept: bool) -> None:
    await line.whole(kept)
    await line.proxy.refuse()
    fault, seconds = await line.tried("a.png")
    assert fault is not None
    assert fault.again is Again.BROKEN
    assert seconds < MOST_SECONDS
    await line.proxy.listen()
    await line.put("a.png")
    assert await line.content("a.png") == BODY


async def test_many_at_once_are_whole_or_fail_each_for_itself(line: Line) -> None:
    await line.put("b.png")
    line.proxy.arm(Fault(Harm.RESET, after=len(BODY) * 3, lasting=True))
    names = [f"{number}.png" for number in range(8)]
    faults = dict(zip(names, await asyncio.gather(*(line.tried(name) for name in names)), strict=True))
    line.proxy.arm(None)
    assert any(fault for fault, _ in faults.values())
    for name, (fault, _) in faults.items():
        assert await line.content(name) in ((None, BODY) if fault else (BODY,))
    await line.put("b.png")
