"""Owns jobs that go the whole way: over HTTP, through a real lane, to their files. Never the pixels' exact values."""

from __future__ import annotations

import asyncio
import io
import re
from typing import Any

import pytest
from PIL import Image

from tests.api.clients import PUBLIC, Client, body_of, data_uri, only, picture, step
from tests.api.conftest import Pictures

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHAINS: dict[str, tuple[list[Any], tuple[int, int]]] = {
    "nothing": ([], (40, 30)),
    "resize": ([step("resize", width=20)], (20, 15)),
    "resize to both": ([step("resize", width=10, height=10)], (10, 10)),
    "crop": ([step("crop", x=5, y=5, width=10, height=8)], (10, 8)),
    "rotate": ([step("rotate", degrees=90)], (30, 40)),
    "layer": ([step("layer", ref="logo", x=2, y=2)], (40, 30)),
    "a chain": ([step("rotate", degrees=90), step("resize", width=60), step("crop", width=20, height=20)], (20, 20)),
}


async def opened(client: Client, location: str) -> Image.Image:
    reply = await client.file(location)
    assert reply.status == 200
    return Image.open(io.BytesIO(reply.body))


@pytest.mark.parametrize("name", CHAINS)
async def test_each_method_makes_a_picture_of_the_right_size(live: Client, pictures: Pictures, name: str) -> None:
    steps, size = CHAINS[name]
    inputs = {"main": f"{pictures.url}/40x30.png", "logo": f"{pictures.url}/8x8.png"}
    job = await live.run(body_of({"methods": steps}, input=inputs))
    assert job["status"] == "complete", job
    info = only(job)["info"]
    assert (info["width"], info["height"], info["type"]) == (*size, "image/png")
    image = await opened(live, only(job)["location"])
    assert (image.size, image.format) == (size, "PNG")


async def test_a_job_says_what_was_made_of_what_and_how_long_it_took(live: Client, pictures: Pictures) -> None:
    body = body_of({"tag": "small", "methods": [step("resize", width=20)]}, data={"a.b": {"$x": [1]}})
    job = await live.run({**body, "input": {"main": f"{pictures.url}/40x30.jpg"}})
    (one,) = job["processed"]
    size = len((await live.file(only(job)["location"])).body)
    assert only(job)["info"] == {"width": 20, "height": 15, "bytes": size, "type": "image/jpeg"}
    assert (one["name"], one["status"], one["data"]["bytes"]) == ("small", "complete", size)
    assert set(one["data"]["duration"]) == {"start", "end", "total", "download", "upload"}
    assert set(one["data"]["output"]) == {"main"}
    assert job["images"] == [
        {"name": "main", "width": 40, "height": 30, "type": "image/jpeg", "bytes": len(picture(40, 30, "JPEG"))}
    ]
    assert job["data"] == {"a.b": {"$x": [1]}}
    assert "error" not in job


@pytest.mark.parametrize(
    ("asked", "given", "made", "ending"),
    [
        ("image/jpg", "png", "image/jpeg", "jpg"),
        ("image/gif", "png", "image/gif", "gif"),
        (None, "png", "image/png", "png"),
        (None, "jpg", "image/jpeg", "jpg"),
        (None, "gif", "image/gif", "gif"),
        ("image/webp", "jpg", "image/webp", "webp"),
    ],
)
async def test_the_type_is_the_one_asked_for_or_the_inputs_own(
    live: Client, pictures: Pictures, asked: str | None, given: str, made: str, ending: str
) -> None:
    wish = {"type": asked} if asked else {}
    job = await live.run(body_of({"ref": {"main": "n"}, **wish}, input={"main": f"{pictures.url}/9x9.{given}"}))
    result = only(job)
    assert (result["info"]["type"], result["location"].rpartition("/")[2]) == (made, f"n.{ending}")
    reply = await live.file(result["location"])
    assert (reply.status, reply.headers["Content-Type"]) == (200, made)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photo", r"photo\.jpg"),
        ("photo.png", r"photo\.jpg"),
        ("v1.2", r"v1\.2\.jpg"),
        ("two words ü&?#%", r"two%20words%20%C3%BC%26%3F%23%25\.jpg"),
        (".dotted", r"\.dotted\.jpg"),
        (False, r"[0-9a-f]{24}\.jpg"),
        ("", r"[0-9a-f]{24}\.jpg"),
    ],
)
async def test_a_file_is_named_as_asked_with_the_ending_of_its_type(
    live: Client, pictures: Pictures, name: Any, expected: str
) -> None:
    body = body_of({"ref": {"main": name}, "type": "image/jpeg"}, input={"main": f"{pictures.url}/9x9.png"})
    if name == "":
        assert (await live.post(body)).status == 400  # false is the word for a random name
        return
    job = await live.run(body)
    location = only(job)["location"]
    folder, _, file = location.rpartition("/")
    assert folder == f"{PUBLIC}/{live.user.id}/{job['_id']}"
    assert re.fullmatch(expected, file)
    assert (await opened(live, location)).size == (9, 9)


async def test_random_names_are_not_the_same_twice(live: Client, pictures: Pictures) -> None:
    job = await live.run(body_of({}, {}, {}, input={"main": f"{pictures.url}/9x9.png"}))
    assert len({only(job, f"output-{number}")["location"] for number in (1, 2, 3)}) == 3


@pytest.mark.parametrize("ref", [{"main": False}, ["main"]])
async def test_main_means_the_only_input(live: Client, pictures: Pictures, ref: Any) -> None:
    layered = {"ref": ref, "methods": [step("layer", ref="main", x=1)], "tag": "layered"}
    job = await live.run(body_of({"ref": ref}, layered, input={"hobbit": f"{pictures.url}/9x9.png"}))
    assert job["status"] == "complete", job
    assert set(job["processed"][0]["data"]["output"]) == {"main"}
    assert only(job, "layered")["info"]["width"] == 9
    assert [one["name"] for one in job["images"]] == ["hobbit"]


async def test_one_output_may_be_made_of_several_inputs(live: Client, pictures: Pictures) -> None:
    inputs = {name: f"{pictures.url}/{size}.png" for name, size in (("a", "10x10"), ("b", "20x10"))}
    job = await live.run(body_of({"ref": {"a": "x", "b": "y"}, "methods": [step("resize", width=5)]}, input=inputs))
    made = job["processed"][0]["data"]["output"]
    assert {name: (one["info"]["width"], one["info"]["height"]) for name, one in made.items()} == {
        "a": (5, 5),
        "b": (5, 3),  # 2.5, rounded up
    }


async def test_a_data_uri_is_read_and_echoed_as_its_size(live: Client) -> None:
    content = picture(12, 9)
    job = await live.run(body_of({"methods": [step("resize", width=4)]}, input={"main": data_uri(content)}))
    assert job["input"] == {"main": f"data:image/png;base64,... ({len(content)} bytes)"}
    assert only(job)["info"]["height"] == 3


async def test_each_url_is_downloaded_once_whatever_it_carries(live: Client, pictures: Pictures) -> None:
    url = f"{pictures.host('ada:pw')}/once/9x9.png"
    inputs = {"a": url, "b": url, "c": f"{pictures.url}/plain/9x9.png", "d": f"{pictures.url}/plain/9x9.png"}
    job = await live.run(body_of({"ref": list(inputs)}, input=inputs))
    assert job["status"] == "complete"
    assert (pictures.hits["/plain/9x9.png"], pictures.hits["/once/9x9.png"]) == (1, 1)


# --- what fails -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "code", "stage", "retryable"),
    [("/missing", "fetch_failed", "fetch", False), ("/broken", "bad_image", "load", False)],
)
async def test_an_input_that_is_no_picture_fails_its_output(
    live: Client, pictures: Pictures, path: str, code: str, stage: str, retryable: bool
) -> None:
    inputs = {"bad": pictures.url + path, "good": f"{pictures.url}/9x9.png"}
    job = await live.run(body_of({"ref": ["bad"]}, {"ref": ["good"]}, input=inputs))
    assert [one["status"] for one in job["processed"]] == ["failed", "complete"]
    error = job["processed"][0]["error"]
    assert (error["code"], error["stage"], error["retryable"], error["ref"]) == (code, stage, retryable, "bad")


async def test_a_step_that_cannot_be_applied_fails_its_output(live: Client, pictures: Pictures) -> None:
    outside = {"methods": [step("crop", x=500, y=500, width=5, height=5)]}
    job = await live.run(body_of(outside, {}, input={"main": f"{pictures.url}/9x9.png"}))
    assert [one["status"] for one in job["processed"]] == ["failed", "complete"]
    assert job["processed"][0]["error"]["code"] == "bad_step"


async def test_an_address_that_is_not_allowed_is_refused(live: Client) -> None:
    job = await live.run(body_of(input={"main": "http://169.254.169.254/latest/meta-data"}))
    assert job["processed"][0]["error"]["code"] == "address_refused"


async def test_a_failed_output_is_fetched_anew_by_a_retry(live: Client, pictures: Pictures) -> None:
    inputs = {"main": f"{pictures.url}/missing", "good": f"{pictures.url}/retry/9x9.png"}
    job = await live.run(body_of({}, {"ref": ["good"]}, input=inputs))
    before, kept = pictures.hits["/missing"], only(job, "output-2")
    assert (await live.ask("POST", f"{live.jobs}/{job['_id']}/retry")).status == 200
    again = (await live.get(f"/{job['_id']}?wait=30")).json
    assert (again["status"], only(again, "output-2")) == ("failed", kept)
    assert pictures.hits["/missing"] > before
    assert pictures.hits["/retry/9x9.png"] == 1


async def test_a_running_job_is_cancelled_and_then_removed_with_its_files(live: Client, pictures: Pictures) -> None:
    pictures.go.clear()
    inputs = {"main": f"{pictures.url}/slow/9x9.png", "good": f"{pictures.url}/9x9.png"}
    job_id = await live.posted(body_of({}, {"ref": ["good"], "tag": "good"}, input=inputs))
    async with asyncio.timeout(20):
        while (await live.get(f"/{job_id}")).json["processed"][1]["status"] != "complete":  # noqa: ASYNC110 - HTTP has no event
            await asyncio.sleep(0.01)
    assert (await live.ask("DELETE", f"{live.jobs}/{job_id}")).status == 202
    pictures.go.set()
    job = (await live.get(f"/{job_id}")).json
    assert [job["status"], job["error"]["code"]] == ["failed", "cancelled"]
    location = only(job, "good")["location"]
    assert (await live.file(location)).status == 200
    assert (await live.ask("DELETE", f"{live.jobs}/{job_id}")).status == 204
    assert (await live.file(location)).status == 404


async def test_jobs_leave_nothing_in_the_scratch_folder(live: Client, pictures: Pictures) -> None:
    job_id = await live.posted(body_of(input={"main": f"{pictures.url}/9x9.png"}))
    await live.get(f"/{job_id}?wait=30")
    scratch = live.data / "scratch"
    assert await asyncio.to_thread(lambda: [one.name for one in scratch.glob("*") if job_id in one.name]) == []
