"""What 6px' Python client sends and waits for is answered: the readme's and the example's programs, by a stand-in."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from PIL import Image

from tests.clients.conftest import PASSWORD, PICTURE, Scene
from tests.clients.python2 import Python2, output

DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
GREEN = {"colorize": {"hex": "#00FF00", "strength": 80}}

SHOWN: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "raw": ({}, (72, 54)),
    "vintage": ({"filters": {"sepia": 70}}, (72, 54)),
    "vintage_thumb": ({"filters": {"sepia": 70}, "resize": {"width": 75}}, (75, 56)),
    "green": ({"filters": GREEN}, (72, 54)),
    "green_blur": ({"filters": {**GREEN, "stackBlur": 20}}, (72, 54)),
    "cropped": ({"crop": {"x": 10, "y": 10, "width": 20, "height": 30}}, (20, 30)),
    "turned": ({"rotate": {"degrees": 90}}, (54, 72)),
}
"""The readme's outputs by tag, with the pixels that come of them."""


@pytest.fixture(scope="module")
def user(scene: Scene) -> dict[str, Any]:
    return scene.add_user("python", "2014-08")


async def size_at(scene: Scene, location: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(await asyncio.to_thread(scene.service.get, location))).size


@pytest.mark.parametrize("tag", SHOWN)
async def test_what_the_readme_shows(scene: Scene, user: dict[str, Any], tag: str) -> None:
    parts, size = SHOWN[tag]
    async with Python2.opened(scene.service.url, user) as px:
        made = await px.save({"taxi": scene.photo}, output({"taxi": "unsplashed_taxi"}, tag, "6px", **parts))
    taxi = made[tag]["taxi"]
    assert (taxi["info"]["width"], taxi["info"]["height"]) == size == await size_at(scene, taxi["location"])
    assert taxi["location"].endswith("/unsplashed_taxi.png")


async def test_the_example_resizes_a_file_and_then_a_second_client_asks_for_its_size(
    scene: Scene, user: dict[str, Any]
) -> None:
    """The second listens while the first one's job is long over: what is told twice must not reach it."""
    async with Python2.opened(scene.service.url, user) as px:
        inputs = {"taxi": str(PICTURE), "logo": scene.photo}
        made = await px.save(inputs, output({"taxi": False}, "taxi", "6px", resize={"width": 250}))
    assert made["taxi"]["taxi"]["info"]["width"] == 250
    async with Python2.opened(scene.service.url, user) as px:
        await asyncio.sleep(1.2)  # the time in which the end of the first job would be told again
        assert (await px.info({"taxi": str(PICTURE)}))["taxi"]["width"] == 72


async def test_a_job_that_ends_before_its_reply_is_read_is_not_missed(scene: Scene, user: dict[str, Any]) -> None:
    for _ in range(10):
        async with Python2.opened(scene.service.url, user) as px:
            assert (await px.info({"dot": DOT}))["dot"]["width"] == 1


async def test_an_output_without_a_tag_has_a_name(scene: Scene, user: dict[str, Any]) -> None:
    async with Python2.opened(scene.service.url, user) as px:
        assert list(await px.save({"taxi": DOT}, output({"taxi": False}))) == ["output-1"]


async def test_a_destination_of_ones_own_receives_the_picture(scene: Scene, user: dict[str, Any], stored: Any) -> None:
    async with Python2.opened(scene.service.url, user) as px:
        made = await px.save({"taxi": DOT}, output({"taxi": "python"}, "own", scene.destination))
    assert (stored / "python.png").stat().st_size == made["own"]["taxi"]["info"]["bytes"]
    assert PASSWORD not in made["own"]["taxi"]["location"]
