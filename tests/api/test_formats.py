"""Owns what the service says of the formats it reads and writes, through a real lane. Never what a format can do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sixpx.errors import Busy
from sixpx.pool import Lanes, Pool
from tests.api.clients import Client, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_formats_are_published_without_a_key(live: Client) -> None:
    reply = await live.ask("GET", "/v1/formats", auth=None)
    assert reply.status == 200
    assert set(reply.json) == {"input", "output", "aliases"}
    jpeg = {"type": "image/jpeg", "name": "JPEG", "available": True, "missing": None, "animated": False, "drawn": False}
    assert jpeg in reply.json["input"]
    written = {one["type"]: one for one in reply.json["output"]}
    assert written["image/jpeg"] == {
        "type": "image/jpeg",
        "extension": "jpg",
        "available": True,
        "missing": None,
        "animated": False,
        "alpha": False,
        "longest_side": 65500,
        "quality": {"default": 80},
    }
    assert written["image/gif"]["animated"]
    assert reply.json["aliases"] == {"image/jpg": "image/jpeg"}


async def test_the_second_answer_asks_no_lane(live: Client) -> None:
    first = await live.ask("GET", "/v1/formats", auth=None)
    replies = await asyncio.gather(*(live.ask("GET", "/v1/formats", auth=None) for _ in range(5)))
    assert all(reply.json == first.json for reply in replies)


async def test_every_type_that_is_listed_is_accepted_by_a_post(idle: Client, live: Client) -> None:
    listed = (await live.ask("GET", "/v1/formats", auth=None)).json
    for type in [*(one["type"] for one in listed["output"]), *listed["aliases"]]:
        assert (await idle.post(body_of({"type": type}))).status == 200


async def test_lanes_that_are_gone_are_busy_and_not_a_mistake_of_ours(tmp_path: Path) -> None:
    pool = Pool(Lanes(count=1), tmp_path)
    with pytest.raises(Busy, match="try again"):
        await pool.formats()
