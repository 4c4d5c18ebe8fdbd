"""Owns what a job says of its pictures: `analysis` beside a result, `latlon` beside an input. Never how it is found."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from sixpx.api.v1.versions import VERSIONS, seen_by
from tests.api.clients import Client, body_of, data_uri, only, step
from tests.golden.editions import bodies

pytestmark = pytest.mark.asyncio(loop_scope="session")


def photo(format: str = "JPEG", colour: str = "#0055a4", gps: bool = True) -> str:
    """A picture that knows who took it, and where if asked to."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x010F], exif[0x0132] = "Maker", "2014:08:16 20:41:06"
    if gps:
        exif.get_ifd(0x8825).update({1: "N", 2: (40.0, 1.0, 3.36), 3: "W", 4: (105.0, 16.0, 46.92)})
    Image.new("RGB", (40, 30), colour).save(out, format, exif=exif.tobytes())
    return data_uri(out.getvalue(), f"image/{format.lower()}")


async def test_the_findings_stand_beside_their_result(live: Client) -> None:
    steps = [step("analyze", exif=True, nudity=True), step("resize", width=20), step("analyze", type="color")]
    job = await live.run(body_of({"methods": steps}, {"tag": "plain"}, input={"main": photo("PNG")}))
    assert job["status"] == "complete", job
    found = only(job, "output-1")["analysis"]
    assert found["color"] == [{"hex": "#0055a4", "rgb": [0, 85, 164], "share": 1.0}]
    assert found["nudity"] == {"nude": False, "score": 0.0}
    assert found["exif"]["Make"] == "Maker"
    assert found["exif"]["DateTime"] == "2014-08-16T20:41:06"
    assert found["exif"]["latlon"] == [40.0176, -105.2797]
    assert only(job, "output-1")["info"]["width"] == 20
    assert "analysis" not in only(job, "plain")


async def test_every_result_has_findings_of_its_own(live: Client) -> None:
    inputs = {"a": photo("PNG", "#ff0000"), "b": photo("PNG", "#00ff00")}
    job = await live.run(body_of({"ref": ["a", "b"], "methods": [step("analyze", type="color")]}, input=inputs))
    made = job["processed"][0]["data"]["output"]
    assert {name: one["analysis"]["color"][0]["hex"] for name, one in made.items()} == {"a": "#ff0000", "b": "#00ff00"}


async def test_the_position_of_every_input_is_told_unasked_layers_included(live: Client) -> None:
    inputs = {"main": photo(), "logo": photo("PNG"), "nowhere": photo(gps=False)}
    job = await live.run(body_of({"methods": [step("layer", ref="logo")]}, {"ref": ["nowhere"]}, input=inputs))
    told = {one["name"]: one.get("latlon") for one in job["images"]}
    assert told == {"main": [40.0176, -105.2797], "logo": [40.0176, -105.2797], "nowhere": None}
    assert "latlon" not in job["images"][2]


async def test_the_store_and_every_version_keep_the_findings(live: Client) -> None:
    job = await live.run(body_of({"methods": [step("analyze", color=True)]}, input={"main": photo()}))
    kept = await live.store.job(live.user.id, job["_id"])
    assert kept is not None
    wanted: Any = only(job)["analysis"]
    for version in VERSIONS:
        assert str(wanted) in str(seen_by(kept, version))


@pytest.mark.parametrize(
    "example",
    [
        one
        for one in bodies()
        if any(each["method"] == "analyze" for each in one.body["output"][0].get("methods") or ())
    ],
    ids=lambda one: one.at,
)
async def test_the_editions_examples_do_what_their_text_says(live: Client, example: Any) -> None:
    job = await live.run({**example.body, "input": {"main": photo()}})
    (asked,) = example.body["output"][0]["methods"]
    assert set(only(job)["analysis"]) == {asked["options"]["type"]}


async def test_a_step_that_asks_for_nothing_fails_its_output(live: Client) -> None:
    job = await live.run(body_of({"methods": [step("analyze", exif=False)]}, input={"main": photo()}))
    assert job["processed"][0]["error"]["code"] == "bad_step"
