"""Owns what is served of default hosting: the files of a job, and nothing else on the disk."""

from __future__ import annotations

import asyncio

import pytest
import pytest_asyncio

from sixpx.core.media import ENDINGS
from sixpx.credentials import Destination
from sixpx.targets import Parcel
from sixpx.targets.disk import Disk
from tests.api.clients import PUBLIC, Client, body_of, data_uri, picture

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOB = "a" * 24
PICTURE = picture(33, 22)


@pytest_asyncio.fixture(loop_scope="session")
async def folder(idle: Client) -> str:
    """The address of a job's folder that holds `a.png`, with files around it that nobody may read."""

    def plant() -> None:
        home = idle.data / "hosted" / idle.user.id / JOB
        home.mkdir(parents=True)
        (home / "a.png").write_bytes(PICTURE)
        (home / ".a.png.part").write_bytes(b"half")
        (home / "notes.txt").write_bytes(b"text")
        (home / "deep").mkdir()
        (home / "deep" / "b.png").write_bytes(b"deep")
        for place in (home.parent, home.parents[1], idle.data):
            (place / "secret.png").write_bytes(b"secret")

    await asyncio.to_thread(plant)
    return f"/{idle.user.id}/{JOB}"


async def test_a_file_is_served_to_anyone_for_ever(idle: Client, folder: str) -> None:
    reply = await idle.file(f"{folder}/a.png")
    assert (reply.status, reply.body) == (200, PICTURE)
    assert reply.headers["Content-Type"] == "image/png"
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["ETag"]


NAMES = [
    "{x}", "{", "}}", "a{b}c", "100%", "%41", "%2e", "%2F", "%25", "a#b", "a?b=c", "a b", " ", "ü~", "~", "\u1f98a",
    ".hidden", "..a", "...", "+", "a+b", "a&b", "a;b", "a:b", "[1]", "'\"", "<x>", "|", "*", "$x", "@", "a@2x",
    "#", "\u3000",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_of_any_name_is_found_at_its_location(idle: Client, name: str) -> None:
    source = idle.data / "one"
    await asyncio.to_thread(source.write_bytes, PICTURE)
    parcel = Parcel(source, f"{idle.user.id}/{JOB}", f"{name}.png", "image/png", len(PICTURE))
    location = await Disk(idle.data / "hosted", PUBLIC).put(parcel, Destination("6px"))
    reply = await idle.file(location)
    assert (reply.status, reply.body) == (200, PICTURE)


async def test_a_job_may_name_its_file_so(live: Client) -> None:
    names = {f"i{place}": name for place, name in enumerate(["{x}", "100% ü~", ".#?"])}
    inputs = dict.fromkeys(names, data_uri(PICTURE))
    job = await live.run(body_of({"ref": names}, input=inputs))
    assert job["status"] == "complete"
    for made in job["processed"][0]["data"]["output"].values():
        assert (await live.file(made["location"])).status == 200


async def test_a_head_tells_the_size_and_sends_nothing(idle: Client, folder: str) -> None:
    reply = await idle.ask("HEAD", f"{folder}/a.png", auth=None)
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["Content-Length"] == str(len(PICTURE))


@pytest.mark.parametrize(
    ("range", "part"), [("bytes=0-9", PICTURE[:10]), ("bytes=5-", PICTURE[5:]), ("bytes=-4", PICTURE[-4:])]
)
async def test_a_part_of_a_file_can_be_asked_for(idle: Client, folder: str, range: str, part: bytes) -> None:
    reply = await idle.file(f"{folder}/a.png", headers={"Range": range})
    assert (reply.status, reply.body) == (206, part)
    assert reply.headers["Content-Range"].endswith(f"/{len(PICTURE)}")


async def test_a_range_beyond_the_end_is_416(idle: Client, folder: str) -> None:
    reply = await idle.file(f"{folder}/a.png", headers={"Range": "bytes=99999-"})
    assert (reply.status, reply.body) == (416, b"")
    assert reply.headers["Content-Range"] == f"bytes */{len(PICTURE)}"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_another_file_than_the_one_that_was_meant_is_412(idle: Client, folder: str, method: str) -> None:
    reply = await idle.ask(method, f"{folder}/a.png", auth=None, headers={"If-Match": '"another"'})
    assert (reply.status, reply.body) == (412, b"")
    assert reply.headers["Cache-Control"] == "no-store"


async def test_a_part_is_sent_only_of_the_file_that_is_meant(idle: Client, folder: str) -> None:
    etag = (await idle.file(f"{folder}/a.png")).headers["ETag"]
    part = await idle.file(f"{folder}/a.png", headers={"Range": "bytes=0-9", "If-Match": etag})
    assert (part.status, part.body) == (206, PICTURE[:10])
    assert part.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(("type", "ending"), ENDINGS.items())
async def test_every_type_is_served_as_what_it_is(live: Client, type: str, ending: str) -> None:
    job = await live.run(body_of({"type": type}, input={"main": data_uri(PICTURE)}))
    [made] = job["processed"][0]["data"]["output"].values()
    assert made["location"].endswith(f".{ending}")
    reply = await live.file(made["location"])
    assert (reply.status, reply.headers["Content-Type"], len(reply.body)) == (200, type, made["info"]["bytes"])
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_that_the_client_has_is_not_sent_again(idle: Client, folder: str) -> None:
    etag = (await idle.file(f"{folder}/a.png")).headers["ETag"]
    reply = await idle.file(f"{folder}/a.png", headers={"If-None-Match": etag})
    assert (reply.status, reply.body) == (304, b"")
    assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/missing.png",
        "/notes.txt",
        "/.a.png.part",
        "/deep/b.png",
        "/deep%2fb.png",
        "/../secret.png",
        "/%2e%2e/secret.png",
        "/..%2fsecret.png",
        "/%2e%2e%2fsecret.png",
        "/..%2f..%2fsecret.png",
        "/..%2f..%2f..%2fsecret.png",
        "/..%5csecret.png",
        "/..%252fsecret.png",
        "/%00.png",
        "/a.png%00.png",
        "/" + "a" * 300 + ".png",
        "/" + "%C3%BC" * 200 + ".png",
        "/%ff.png",
        "/deep",
        "/",
        "",
        "/a.PNG",
        "//a.png",
    ],
)
async def test_nothing_else_is_served(idle: Client, folder: str, path: str) -> None:
    reply = await idle.file(folder + path)
    assert reply.status == 404
    assert reply.headers["Content-Type"].startswith("application/problem+json")
    assert b"secret" not in reply.body
    assert "immutable" not in reply.headers.get("Cache-Control", "")


@pytest.mark.parametrize("where", ["/sixpx.db", "/secret.png", "/hosted/secret.png", "/..%2fsixpx.db"])
async def test_the_data_folder_itself_is_not_served(idle: Client, folder: str, where: str) -> None:
    assert (await idle.file(where)).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_files_can_only_be_read(idle: Client, folder: str, method: str) -> None:
    assert (await idle.ask(method, f"{folder}/a.png", b"x")).status == 405
    assert (await idle.file(f"{folder}/a.png")).body == PICTURE
