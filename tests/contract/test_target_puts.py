"""Owns the contract of every destination: whole files under their names, or nothing to be seen. Never a double."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from sixpx.errors import PutFailed
from sixpx.targets import Parcel
from tests.contract.conftest import PICTURE, Sender
from tests.contract.places import Place

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES = ("a.png", "two words.png", "ü ñ 图.png", "100%.png", "a+b&c=d.png", "#1;x.png", "'quoted'.png", "a@2x.png")


async def test_a_file_arrives_whole(place: Place, sender: Sender) -> None:
    await sender.put("first", "a.png")
    assert await place.content("first/a.png") == PICTURE
    assert await place.type("first/a.png") in ("image/png", None)


async def test_a_second_put_takes_the_place_of_the_first(place: Place, sender: Sender) -> None:
    await sender.put("again", "a.png", b"first")
    await sender.put("again", "a.png", PICTURE)
    assert await place.content("again/a.png") == PICTURE
    assert await place.names("again") == {"a.png"}


async def test_folders_are_made(place: Place, sender: Sender) -> None:
    await sender.put("deep/er and/down", "a.png")
    assert await place.content("deep/er and/down/a.png") == PICTURE


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_is_kept_to_the_letter(place: Place, sender: Sender, name: str) -> None:
    await sender.put("names", name)
    assert await place.content(f"names/{name}") == PICTURE


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
async def test_any_size_arrives(place: Place, sender: Sender, size: int) -> None:
    body = os.urandom(size)
    await sender.put("sizes", f"{size}.png", body)
    assert await place.content(f"sizes/{size}.png") == body


async def test_many_at_once_arrive_in_one_new_folder(place: Place, sender: Sender) -> None:
    bodies = {f"{number}.png": os.urandom(20_000) for number in range(12)}
    async with asyncio.TaskGroup() as tasks:
        for name, body in bodies.items():
            tasks.create_task(sender.put("many/new", name, body))
    assert await place.names("many/new") == set(bodies)
    for name, body in bodies.items():
        assert await place.content(f"many/new/{name}") == body


async def test_the_location_is_a_url_without_the_secret(place: Place, sender: Sender) -> None:
    location = await sender.put("where", "a b.png")
    assert "://" in location
    assert location.endswith("/a%20b.png")
    assert not place.secret or place.secret not in location


async def test_a_put_that_is_cancelled_leaves_nothing_half(place: Place, sender: Sender) -> None:
    body = os.urandom(20_000_000)
    for seconds in (0.001, 0.02, 0.1):
        put = asyncio.create_task(sender.put("cut", "a.png", body))
        await asyncio.sleep(seconds)
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
        assert await place.content("cut/a.png") in (None, body)
    await sender.put("cut", "b.png")
    assert await place.content("cut/b.png") == PICTURE
    assert await place.names("cut") <= {"a.png", "b.png"}


async def test_a_wrong_secret_is_said_at_once_and_never_repeated(place: Place, sender: Sender, tmp_path: Path) -> None:
    if not place.secret:
        return
    file = tmp_path / "one"
    await asyncio.to_thread(file.write_bytes, PICTURE)
    to = place.wrong("wrong")
    with pytest.raises(PutFailed) as caught:
        await place.target.put(Parcel(file, "wrong", "a.png", "image/png", len(PICTURE)), to)
    assert (caught.value.retryable, caught.value.again) == (False, None)
    assert to.secret not in caught.value.detail
    assert place.secret not in caught.value.detail
    assert await place.names("wrong") == set()
