"""Owns default hosting in a store of the operator's: the same promises for every store that it can be on, and through a
whole service. Never hosting on this disk.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from sixpx import destinations
from sixpx.credentials import parse
from sixpx.errors import PutFailed, Refused
from sixpx.guard import Guard
from sixpx.hosting import Hosted
from sixpx.settings import Cf, Hosting, Server, Settings
from sixpx.store.sqlite import SqliteStore
from sixpx.targets.base import Clearing, Parcel
from sixpx.targets.disk import Disk
from tests.acceptance.service import Refusal, Service
from tests.acceptance.yard import HOSTED, errors, locations, output, picture, settings_for, unique, written
from tests.contract.places import PLACES, Place

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLIC = "https://cdn.test/pictures"
BODY = os.urandom(5000)
STORES = ("s3", "cf", "cf-v1")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=STORES)
async def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    opened = await PLACES[request.param](tmp_path_factory.mktemp(request.param))
    yield opened
    await opened.close()


Put = Callable[..., Awaitable[str]]


@pytest.fixture
def root() -> str:
    """A path of this test's own below the bucket."""
    return unique("ü b")


@pytest.fixture
def hosted(shop: Place, root: str, tmp_path: Path) -> Hosted:
    return Hosted(
        cast(Clearing, shop.target), shop.to(root), PUBLIC + "/", Disk(tmp_path / "hosted", "http://here.test")
    )


@pytest.fixture
def put(hosted: Hosted, tmp_path: Path) -> Put:
    async def put(folder: str, name: str, body: bytes = BODY) -> str:
        source = tmp_path / os.urandom(4).hex()
        await asyncio.to_thread(source.write_bytes, body)
        return await hosted.put(Parcel(source, folder, name, "image/png", len(body)), parse("6px"))

    return put


async def test_a_picture_lies_in_its_jobs_folder_and_is_shown_at_the_public_address(
    shop: Place, root: str, put: Put
) -> None:
    assert await put("user/job", "a ü%.png") == f"{PUBLIC}/user/job/a%20%C3%BC%25.png"
    assert await shop.content(f"{root}/user/job/a ü%.png") == BODY
    assert await shop.type(f"{root}/user/job/a ü%.png") == "image/png"


async def test_the_pictures_of_a_job_are_removed_and_no_others(
    shop: Place, root: str, hosted: Hosted, put: Put
) -> None:
    for folder in ("user/job", "user/job2", "user/jo", "user2/job", "user"):
        await put(folder, "a.png")
    for number in range(3):
        await put("user/job", f"b&<ü {number}.png")
    await hosted.remove("user/job")
    assert await shop.names(f"{root}/user/job") == set()
    for folder in ("user/job2", "user/jo", "user2/job", "user"):
        assert await shop.content(f"{root}/{folder}/a.png") == BODY, folder


async def test_there_may_be_no_pictures_to_remove(hosted: Hosted) -> None:
    for _ in range(2):
        await hosted.remove("user/never")


@pytest.mark.long
async def test_a_job_has_more_pictures_than_a_page_of_the_store_lists(
    shop: Place, root: str, hosted: Hosted, put: Put
) -> None:
    """50 outputs of 20 inputs make 1,000, which is what S3 lists at once; a rerun may have left more."""
    names = [f"{number}.png" for number in range(1003)]
    for start in range(0, len(names), 60):
        await asyncio.gather(*(put("many/job", name, b"x") for name in names[start : start + 60]))
    assert len(await shop.names(f"{root}/many/job")) == 1003
    await hosted.remove("many/job")
    assert await shop.names(f"{root}/many/job") == set()


async def test_pictures_hosted_on_this_disk_before_end_with_their_job_too(hosted: Hosted, tmp_path: Path) -> None:
    old = tmp_path / "hosted" / "user" / "job"
    old.mkdir(parents=True)
    (old / "a.png").write_bytes(BODY)
    await hosted.remove("user/job")
    assert not old.exists()


async def test_what_cannot_be_removed_is_said(shop: Place, root: str, tmp_path: Path) -> None:
    wrong = Hosted(cast(Clearing, shop.target), shop.wrong(root), PUBLIC, Disk(tmp_path, ""))
    with pytest.raises(PutFailed) as caught:
        await wrong.remove("user/job")
    assert shop.secret not in caught.value.detail


async def test_the_guard_stands_before_the_store_too(shop: Place, tmp_path: Path) -> None:
    """The operator's own store at a private address needs network.allow as every other does."""
    given = settings_for({"shop": shop}, tmp_path)
    settings = Settings(
        server=Server(data=str(tmp_path)),
        hosting=Hosting(url=written(shop.to("x")), public_url=PUBLIC),
        cf=Cf(identity_url=given.get("SIXPX_CF_IDENTITY_URL", Cf.identity_url)),
    )
    hosting = destinations.hosting_of(settings, Guard(()))
    with pytest.raises(Refused):
        await hosting.remove("user/job")
    await hosting.close()


# --- through a service ----------------------------------------------------------------------------


SHELF = "service/ü b"
"""Where the service hosts its pictures."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def service(shop: Place, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    elsewhere = {"SIXPX_HOSTING_URL": written(shop.to(SHELF)), "SIXPX_HOSTING_PUBLIC_URL": PUBLIC}
    with await asyncio.to_thread(Service.start, folder, **settings_for({"shop": shop}, folder), **elsewhere) as started:
        yield started


async def made(service: Service) -> dict[str, Any]:
    body = {"input": {"main": picture()}, "output": [output("a", HOSTED), output("b", "")]}
    id = await asyncio.to_thread(service.post, body)
    return await asyncio.to_thread(service.job, id, 60)


async def test_a_job_is_hosted_in_the_store_until_it_is_removed(shop: Place, service: Service) -> None:
    job = await made(service)
    assert job["status"] == "complete", errors(job)
    folder = f"{service.user}/{job['_id']}"
    assert locations(job) == {tag: f"{PUBLIC}/{folder}/{tag}.png" for tag in "ab"}
    content = await shop.content(f"{SHELF}/{folder}/a.png")
    assert content is not None
    assert content.startswith(b"\x89PNG")
    assert content == await shop.content(f"{SHELF}/{folder}/b.png")
    assert not (service.data / "hosted").exists()
    await asyncio.to_thread(service.call, "DELETE", f"/{job['_id']}")
    assert await shop.names(f"{SHELF}/{folder}") == set()
    with pytest.raises(Refusal, match="404"):
        await asyncio.to_thread(service.job, job["_id"])


@pytest.mark.long
async def test_what_a_killed_service_did_not_remove_goes_at_the_next_start_that_reaches_the_store(
    shop: Place, service: Service
) -> None:
    job = await made(service)
    folder = f"{service.user}/{job['_id']}"
    service.kill()
    # as far as a DELETE has come when its process is killed between the row and the files
    store = SqliteStore.open(service.data / "sixpx.db")
    assert await store.remove_job(service.user, job["_id"])
    await store.close()
    assert await shop.names(f"{SHELF}/{folder}") == {"a.png", "b.png"}

    service.environment["SIXPX_HOSTING_URL"] = written(shop.wrong(SHELF))
    await asyncio.to_thread(service.restart)
    failed = errors(await made(service))
    assert {one["code"] for one in failed.values()} == {"put_failed"}
    assert shop.secret not in str(failed)
    assert await shop.names(f"{SHELF}/{folder}") == {"a.png", "b.png"}
    assert "the pictures of a removed job stay" in service.log.read_text()

    service.environment["SIXPX_HOSTING_URL"] = written(shop.to(SHELF))
    await asyncio.to_thread(service.restart)
    for _ in range(100):
        if not await shop.names(f"{SHELF}/{folder}"):
            break
        await asyncio.sleep(0.1)
    assert await shop.names(f"{SHELF}/{folder}") == set()


async def test_the_configuration_is_shown_without_the_secret(shop: Place, service: Service) -> None:
    shown = await asyncio.to_thread(service.command, "check-config")
    assert shop.secret not in shown
    assert ":***@" in shown


async def test_what_the_service_does_not_host_itself_is_not_saved(service: Service, tmp_path: Path) -> None:
    body = {"input": {"main": picture()}, "output": [output("a", HOSTED)]}
    await asyncio.to_thread((tmp_path / "job.json").write_text, json.dumps(body))
    asked = ("submit", str(tmp_path / "job.json"), "--at", service.url, "--as", service.credentials)
    said = await asyncio.to_thread(service.command, *asked, "--save", str(tmp_path / "saved"))
    assert f"{PUBLIC}/{service.user}/" in said
    assert list((tmp_path / "saved").iterdir()) == []
