"""What 6px' Ruby client sends is answered as it expects: the readme's jobs and searches, by a stand-in."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from tests.clients.conftest import PASSWORD, PICTURE, Scene
from tests.clients.desk import Desk
from tests.clients.ruby import Ruby, output
from tests.conftest import LONG

IMG = {"img": False}
SHOWN: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "rotate": (output(IMG, ("rotate", {"degrees": 90}), tag="rotated_img"), (54, 72)),
    "resize": (output(IMG, ("resize", {"height": 40, "width": 40})), (40, 40)),
    "crop": (output(IMG, ("crop", {"height": 400, "width": 40, "x": 0, "y": 0})), (40, 54)),
    "filter": (output(IMG, ("filter", {"sepia": 70, "gama": 45})), (72, 54)),
    "layer": (output(IMG, ("layer", {"x": 0, "y": 0, "opacity": 0.5, "ref": "img2"})), (72, 54)),
    "analyze": (output(IMG, ("analyze", {"type": "color", "context": "palette"})), (72, 54)),
    "png": (output(IMG, ("rotate", {"degrees": 90}), type="image/png", url="6px"), (54, 72)),
    "gif": (output(IMG, type="image/gif"), (72, 54)),
    "a_chain": (
        output(
            IMG,
            ("rotate", {"degrees": 90}),
            ("resize", {"height": 40, "width": 40}),
            ("crop", {"height": 30, "width": 20, "x": 0, "y": 0}),
            ("filter", {"sepia": 70, "gama": 45}),
            tag="so_much_manipulation",
        ),
        (20, 30),
    ),
}
"""The readme's output blocks, at a smaller size, with the pixels that come of them."""


@pytest.fixture(scope="module")
def user(scene: Scene) -> dict[str, Any]:
    return scene.add_user("ruby", "2014-06")


@pytest.fixture(scope="module")
def px(scene: Scene, user: dict[str, Any]) -> Ruby:
    return Ruby(scene.service.url, user["id"], user["key"], user["secret"])


def photo_of_boulder(folder: Path) -> str:
    """A file whose EXIF says 40.0176, -105.2797."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (40.0, 1.0, 3.36), 3: "W", 4: (105.0, 16.0, 46.92)})
    Image.new("RGB", (8, 8)).save(folder / "boulder.jpg", exif=exif)
    return str(folder / "boulder.jpg")


def searcher(scene: Scene) -> Ruby:
    user = scene.add_user("searcher", "2014-06")
    return Ruby(scene.service.url, user["id"], user["key"], user["secret"])


@pytest.mark.parametrize("shown", SHOWN if LONG else list(SHOWN)[::4])
def test_what_the_readme_shows(scene: Scene, px: Ruby, shown: str) -> None:
    block, size = SHOWN[shown]
    reply = px.save({"img": str(PICTURE), "img2": scene.photo}, block)
    job = px.polled(reply["id"])
    made = job["processed"][block["tag"] or "output-1"]["output"]["img"]
    picture = Image.open(io.BytesIO(scene.service.get(made["location"])))
    assert picture.size == (made["info"]["width"], made["info"]["height"]) == size
    assert f"image/{picture.format}".lower() == block["type"]
    assert (job["status"], job["data"], job["callback"]) == ("complete", {}, {"url": ""})


def test_a_palette_is_in_the_job(scene: Scene, px: Ruby) -> None:
    job = px.polled(px.save({"img": scene.photo}, SHOWN["analyze"][0])["id"])
    assert job["processed"]["output-1"]["output"]["img"]["analysis"]["color"][0]["hex"].startswith("#")


def test_several_output_blocks_of_several_images_without_tags(scene: Scene, px: Ruby) -> None:
    images = {f"img{count}": scene.photo for count in range(1, 6)}
    turned = output({name: f"rotated_{name}" for name in images}, ("rotate", {"degrees": 90}), url="6px")
    small = output({name: f"resized_{name}" for name in images}, ("resize", {"width": 20}), url="6px")
    job = px.polled(px.save(images, turned, small)["id"])
    widths = {tag: {ref["info"]["width"] for ref in one["output"].values()} for tag, one in job["processed"].items()}
    assert widths == {"output-1": {54}, "output-2": {20}}
    assert all(set(one["output"]) == set(images) for one in job["processed"].values())


def test_a_running_job_is_pending_until_it_has_ended(scene: Scene, px: Ruby) -> None:
    """Its examples look once a second while a job is pending, and read the locations as soon as it is not."""
    slow = [output({"img": f"slow{count}"}, ("resize", {"width": 3000})) for count in range(4)]
    job = px.polled(px.save({"img": scene.photo}, *slow)["id"])
    assert all("location" in one["output"]["img"] for one in job["processed"].values())


def test_own_data_comes_back_and_is_found(scene: Scene, px: Ruby) -> None:
    id = px.save({"img": scene.photo}, output(IMG), data={"is": "sweet"})["id"]
    assert px.polled(id)["data"] == {"is": "sweet"}
    assert [one["_id"] for one in px.jobs(data_is="sweet")] == [id]


def test_a_callback_is_called_in_the_clients_version(scene: Scene, px: Ruby) -> None:
    with Desk({}) as desk:
        id = px.save({"img": scene.photo}, output(IMG, tag="told"), callback=f"{desk.url}/callback")["id"]
        path, body = desk.posted.get(timeout=30)
    told = json.loads(body)
    assert (path, told["_id"], told["status"]) == ("/callback", id, "complete")
    assert told["processed"]["told"]["output"]["img"]["info"]["width"] == 72


def test_a_destination_of_ones_own_receives_the_picture(scene: Scene, px: Ruby, stored: Any) -> None:
    block = output({"img": "ruby"}, url=scene.destination, tag="own")
    job = px.polled(px.save({"img": scene.photo}, block)["id"])
    assert (stored / "ruby.jpg").stat().st_size == job["processed"]["own"]["output"]["img"]["info"]["bytes"]
    assert PASSWORD not in json.dumps(job)


def test_the_readmes_searches(scene: Scene, tmp_path: Path) -> None:
    px = searcher(scene)
    large = px.save({"img": scene.photo}, output(IMG, type="image/png"))["id"]
    small = px.save({"img": photo_of_boulder(tmp_path)}, output(IMG, ("resize", {"width": 4})))["id"]
    broken = px.save({"img": "data:image/png;base64,AAAA"}, output(IMG))["id"]
    jobs = {id: px.polled(id) for id in (large, small, broken)}
    before = datetime.fromisoformat(jobs[small]["created"]) - timedelta(milliseconds=1)

    def found(**query: object) -> list[str]:
        return [one["_id"] for one in px.jobs(**query)]

    assert found() == [broken, small, large]
    assert found(page=2, per_page=1) == [small]
    assert found(page=1, per_page=100) == [broken, small, large]
    assert found(sort_by="created") == found(sort_by="created,asc") == [large, small, broken]
    assert found(sort_by="created,desc") == [broken, small, large]
    assert found(processed_bytes="{gt}2000") == [large]
    assert found(status="{not}failed") == [small, large]
    assert found(created="{gt}" + before.isoformat()) == [broken, small]
    assert found(processed_images_latlon="{near}40.0176,-105.2797") == [small]
    chained = {"page": 1, "per_page": 50, "sort_by": "status", "status": "{not}failed"}
    assert found(**chained, created="{gt}" + before.isoformat()) == [small]


def test_a_refusal_is_json_too(px: Ruby) -> None:
    assert px.save({"img": "http://example.com/a.png"}, output({"lorry": False}))["errors"]
    assert px.jobs("0" * 24)["status"] == 404
