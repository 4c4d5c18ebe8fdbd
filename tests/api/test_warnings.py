"""Owns what a job says of an input that is damaged and was read all the same. Never the pixels."""

from __future__ import annotations

import pytest

from tests.api.clients import Client, body_of, data_uri, only, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_job_warns_of_a_jpeg_that_is_cut_short(live: Client) -> None:
    whole = picture(200, 150, "JPEG")
    inputs = {"main": data_uri(whole[: len(whole) - 300], "image/jpeg")}
    job = await live.run(body_of({"tag": "one"}, {"tag": "two", "type": "image/png"}, input=inputs))
    assert job["status"] == "complete", job
    assert "error" not in job
    (image,) = job["images"]
    assert (image["width"], image["height"], image["type"]) == (200, 150, "image/jpeg")
    assert image["warning"] == "the JPEG file is cut short; the part that is missing is grey or blurred"
    assert only(job, "two")["info"]["width"] == 200


async def test_a_whole_input_has_no_warning(live: Client) -> None:
    job = await live.run(body_of(input={"main": data_uri(picture(20, 15, "JPEG"), "image/jpeg")}))
    (image,) = job["images"]
    assert "warning" not in image


async def test_a_jpeg_without_pixels_fails_its_output(live: Client) -> None:
    whole = picture(200, 150, "JPEG")
    job = await live.run(body_of(input={"main": data_uri(whole[:200], "image/jpeg")}))
    assert job["status"] == "failed"
    error = job["processed"][0]["error"]
    assert (error["code"], error["stage"]) == ("bad_image", "load")
    assert error["detail"] == "the JPEG file is cut short before its picture begins"
