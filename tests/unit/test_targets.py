"""Owns the promises of Targets: the right member, further tries where they help, an end to each. Never a server."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from sixpx import targets
from sixpx.credentials import Destination
from sixpx.errors import Again, NotSupported, PutFailed
from sixpx.targets import Parcel, Targets

PARCEL = Parcel(Path("made"), "user/job", "a.png", "image/png", 4)
CUT = PutFailed("cut", again=Again.BROKEN)
BUSY = PutFailed("busy", again=Again.BUSY, wait=2.0)
WRONG = PutFailed("no such bucket")


class Scripted:
    """A destination that fails as it is told, then takes the file."""

    def __init__(self, faults: Sequence[PutFailed], hangs: bool = False) -> None:
        self.faults = list(faults)
        self.hangs = hangs
        self.asked: list[Destination] = []

    async def put(self, parcel: Parcel, to: Destination) -> str:
        self.asked.append(to)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.faults:
            raise self.faults.pop(0)
        return "stored"

    async def close(self) -> None: ...


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, not waited."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(targets.asyncio, "sleep", sleep)
    return waits


async def test_what_may_pass_is_tried_again_with_growing_waits(slept: list[float]) -> None:
    target = Scripted([CUT, CUT])
    assert await Targets({"s3": lambda: target}, str).put(PARCEL, "s3", "s3://key:secret@bucket/path") == "stored"
    assert [to.host for to in target.asked] == ["bucket"] * 3
    assert slept[0] < slept[1]


async def test_a_wait_that_was_asked_for_is_kept(slept: list[float]) -> None:
    await Targets({"s3": lambda: Scripted([BUSY])}, str).put(PARCEL, "s3", "s3://key:secret@bucket/path")
    assert slept == [2.0]


async def test_what_will_not_pass_is_said_at_once(slept: list[float]) -> None:
    target = Scripted([WRONG, CUT])
    with pytest.raises(PutFailed, match="no such bucket") as caught:
        await Targets({"6px": lambda: target}, str).put(PARCEL, "6px", None)
    assert (slept, len(target.asked), caught.value.retryable) == ([], 1, False)


async def test_there_is_an_end_to_the_tries(slept: list[float]) -> None:
    target = Scripted([CUT] * 9)
    with pytest.raises(PutFailed, match="cut") as caught:
        await Targets({"6px": lambda: target}, str).put(PARCEL, "6px", None)
    assert caught.value.retryable
    assert len(target.asked) == 3


async def test_a_target_that_could_not_be_made_is_made_the_next_time_and_ends_in_peace() -> None:
    faults: list[Exception] = [ImportError("a library is missing")]

    def maker() -> Scripted:
        if faults:
            raise faults.pop()
        return Scripted([])

    family = Targets({"6px": maker}, str)
    with pytest.raises(ImportError):
        await family.put(PARCEL, "6px", None)
    await family.close()
    assert await family.put(PARCEL, "6px", None) == "stored"
    await family.close()


async def test_a_destination_that_hangs_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "PATIENCE_SECONDS", 0.05)
    with pytest.raises(PutFailed, match="within 0 s"):
        await Targets({"6px": lambda: Scripted([], hangs=True)}, str).put(PARCEL, "6px", None)


async def test_a_destination_without_member_is_not_supported() -> None:
    with pytest.raises(NotSupported, match="cf"):
        await Targets({}, str).put(PARCEL, "cf", None)
