"""Owns the way of a job to its destinations: an installed service and real servers, seen from outside. Never a member
by itself.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sixpx.credentials import Destination
from tests.acceptance.service import Refusal
from tests.acceptance.yard import HOSTED, Yard, errors, locations, output, picture, unique, written
from tests.contract.places import SftpPlace, SwiftS3Place, make_bucket
from tests.servers import swift

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOWHERE = "10.255.255.1"
"""A private address, outside of what the configuration allows."""


async def test_one_job_goes_to_every_destination_whole_and_the_same(all_destinations: Yard) -> None:
    yard, folder = all_destinations, unique("all")
    there = {name: written(place.to(f"{folder}/ü b")) for name, place in yard.places.items()}
    job = await yard.made(output(HOSTED, HOSTED), *(output(name, url) for name, url in there.items()))
    assert job["status"] == "complete", errors(job)
    assert set(locations(job)) == {HOSTED, *yard.places}
    rendered = await yard.hosted(locations(job)[HOSTED])
    assert rendered.startswith(b"\x89PNG")
    for name, place in yard.places.items():
        assert await place.content(f"{folder}/ü b/{name}.png") == rendered, name
        assert await place.names(f"{folder}/ü b") == {f"{name}.png"}, name
        assert await place.type(f"{folder}/ü b/{name}.png") in (None, "image/png"), name
        location = locations(job)[name]
        assert location.endswith(f"/{folder}/%C3%BC%20b/{name}.png")
        assert "@" not in location
        assert "?" not in location
    for one in job["processed"]:
        assert one["data"]["bytes"] == len(rendered)


async def test_a_job_of_several_pictures_writes_each_to_its_place(all_destinations: Yard) -> None:
    yard, folder = all_destinations, unique("several")
    types = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/tiff")
    outputs = [
        {"tag": f"{name}-{number}", "url": written(place.to(folder)), "ref": {"main": f"{number}"}, "type": type}
        for name, place in yard.places.items()
        for number, type in enumerate(types)
    ]
    job = await yard.made(*outputs)
    assert job["status"] == "complete", errors(job)
    ends = [location.rpartition("/")[2] for location in locations(job).values()][: len(types)]
    for name, place in yard.places.items():
        assert await place.names(folder) == set(ends), name


def wrong_ones(yard: Yard) -> dict[str, tuple[str, str, str]]:
    """What is wrong: its connection string, the code, and a word of its sentence."""
    found: dict[str, tuple[str, str, str]] = {}
    for name, place in yard.places.items():
        if place.secret:
            found[f"wrong secret at {name}"] = (written(place.wrong("x")), "put_failed", "")
        to = place.to("x")
        address = {"s3": "endpoint", "cf": "auth_url"}.get(to.scheme)
        away: Any = {"host": NOWHERE} if address is None else {"options": ((address, f"http://{NOWHERE}/v2.0"),)}
        found[f"refused address for {name}"] = (written(to, **away), "address_refused", "network.allow")
    s3 = yard.places.get("s3")
    if isinstance(s3, SwiftS3Place):
        found["no bucket"] = (written(s3.to("x"), host="no-such-bucket"), "put_failed", "no-such-bucket")
    sftp = yard.places.get("sftp")
    if isinstance(sftp, SftpPlace):
        found["no permission"] = (written(sftp.to(""), path="/proc/pictures"), "put_failed", "/proc/pictures")
        found["no host key"] = (written(sftp.to("x"), options=()), "host_key_unknown", sftp.server.fingerprint)
        pin = (("hostkey", "SHA256:" + "A" * 43),)
        found["another host key"] = (written(sftp.to("x"), options=pin), "host_key_unknown", "not the one")
    return found


async def test_every_output_fails_for_its_own_reason_and_the_others_keep_their_results(all_destinations: Yard) -> None:
    yard, folder = all_destinations, unique("mixed")
    wrong = wrong_ones(yard)
    good = {name: written(place.to(folder)) for name, place in yard.places.items()}
    outputs = [output(HOSTED, HOSTED), *(output(name, url) for name, url in good.items())]
    job = await yard.made(*(output(name, url) for name, (url, _, _) in wrong.items()), *outputs)
    assert job["status"] == "failed"
    assert set(locations(job)) == {HOSTED, *good}
    failed = errors(job)
    assert set(failed) == set(wrong)
    for name, (_, code, word) in wrong.items():
        error = failed[name]
        assert (error["code"], error["stage"], error.get("ref")) == (code, "put", "main"), (name, error)
        assert word in error["detail"], (name, error)
        assert error["retryable"] is False, (name, error)
        for place in yard.places.values():
            assert not place.secret or place.secret not in error["detail"]
    rendered = await yard.hosted(locations(job)[HOSTED])
    for name, place in yard.places.items():
        assert await place.content(f"{folder}/{name}.png") == rendered


@pytest.mark.long
async def test_a_job_whose_outputs_all_fail_has_failed(all_destinations: Yard) -> None:
    job = await all_destinations.made(*(output(n, url) for n, (url, _, _) in wrong_ones(all_destinations).items()))
    assert job["status"] == "failed"
    assert all(one["status"] == "failed" and not one["data"]["output"] for one in job["processed"])


@pytest.mark.long
async def test_nobody_at_home_is_said_after_further_tries(all_destinations: Yard) -> None:
    closed = written(Destination("ftp", None, "u", "p", "127.0.0.1", 1, "/x"))
    job = await all_destinations.made(output("closed", closed), output(HOSTED, HOSTED))
    error = errors(job)["closed"]
    assert (error["code"], error["retryable"]) == ("put_failed", True)
    assert set(locations(job)) == {HOSTED}


async def test_a_retry_completes_what_failed_and_does_not_make_anew_what_was_good(all_destinations: Yard) -> None:
    yard, bucket, folder = all_destinations, unique("later"), unique("retry")
    s3 = yard.places.get("s3")
    if not isinstance(s3, SwiftS3Place):
        pytest.skip("needs OpenStack Swift")
    outputs = (
        output("hosted", HOSTED, "good"),
        output("there", written(s3.to(folder)), "good"),
        output("later", written(s3.to(folder), host=bucket), "bad"),
    )
    job_id = await yard.posted(*outputs, input={"good": picture(), "bad": picture()})
    job = await yard.ended(job_id)
    assert set(errors(job)) == {"later"}
    # what is good is replaced behind the service's back: a second upload would write over it
    await asyncio.to_thread(s3.server.call, "PUT", f"sixpx-pictures/{folder}/there.png", b"untouched")
    await make_bucket(s3.server.url, swift.ACCESS_KEY, swift.SECRET, bucket)
    await asyncio.to_thread(yard.service.call, "POST", f"/{job_id}/retry")
    again = await yard.ended(job_id)
    assert again["status"] == "complete", errors(again)
    assert by_tag(again)["hosted"] == by_tag(job)["hosted"]
    assert by_tag(again)["there"] == by_tag(job)["there"]
    assert await s3.content(f"{folder}/there.png") == b"untouched"
    reply = await asyncio.to_thread(s3.server.call, "GET", f"{bucket}/{folder}/later.png")
    assert reply.body == await yard.hosted(locations(again)["hosted"])
    log = yard.service.log.read_text()
    assert log.count(f"{job_id}/good: rendered") == 1
    assert log.count(f"{job_id}/bad: rendered") == 2


def by_tag(job: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in job["processed"]}


async def test_a_job_of_every_destination_is_removed_with_what_is_hosted_and_nothing_else(
    all_destinations: Yard,
) -> None:
    yard, folder = all_destinations, unique("removed")
    job = await yard.made(
        output(HOSTED, HOSTED), *(output(name, written(place.to(folder))) for name, place in yard.places.items())
    )
    await asyncio.to_thread(yard.service.call, "DELETE", f"/{job['_id']}")
    assert not (yard.service.data / "hosted" / yard.service.user / job["_id"]).exists()
    for name, place in yard.places.items():
        assert await place.content(f"{folder}/{name}.png") is not None, name


# --- masks ----------------------------------------------------------------------------------------


async def connected(yard: Yard, mask: str, url: str) -> None:
    """The mask, as the service knows it: for two seconds a user is remembered as he was."""
    await asyncio.to_thread(yard.service.command, "user", "connect", yard.service.user, mask, told=url)
    await asyncio.sleep(2.1)


async def test_a_mask_stands_for_its_connection_string(all_destinations: Yard) -> None:
    yard, folder, mask = all_destinations, unique("masked"), unique("mask")
    if not yard.places:
        pytest.skip("no server of any destination is installed")
    name, place = next(iter(yard.places.items()))
    await connected(yard, mask, written(place.to(folder)))
    job = await yard.made(output("a", mask), output("b", HOSTED))
    assert job["status"] == "complete", errors(job)
    assert job["output"][0]["url"] == mask
    assert await place.content(f"{folder}/a.png") == await yard.hosted(locations(job)["b"]), name


@pytest.mark.long
async def test_a_mask_that_nobody_has_is_refused_where_it_stands(all_destinations: Yard) -> None:
    yard, mask = all_destinations, unique("mask")
    await connected(yard, mask, "ftp://u:p@127.0.0.1:1/x")
    await asyncio.to_thread(yard.service.command, "user", "disconnect", yard.service.user, mask)
    await asyncio.sleep(2.1)
    with pytest.raises(Refusal) as caught:
        await yard.posted(output("a", HOSTED), output("b", mask), output("c", "never-a-mask"))
    assert caught.value.status == 400
    assert [one["pointer"] for one in caught.value.problem["errors"]] == ["/output/1/url", "/output/2/url"]
    assert mask not in str(caught.value.problem)


@pytest.mark.long
async def test_a_job_goes_where_its_mask_led_when_it_was_posted(all_destinations: Yard) -> None:
    yard, folder, mask, bucket = all_destinations, unique("moved"), unique("mask"), unique("first")
    s3 = yard.places.get("s3")
    if not isinstance(s3, SwiftS3Place):
        pytest.skip("needs OpenStack Swift")
    await connected(yard, mask, written(s3.to(folder), host=bucket))
    job = await yard.made(output("a", mask))
    assert bucket in errors(job)["a"]["detail"]
    await connected(yard, mask, written(s3.to(folder)))
    await make_bucket(s3.server.url, swift.ACCESS_KEY, swift.SECRET, bucket)
    await asyncio.to_thread(yard.service.call, "POST", f"/{job['_id']}/retry")
    again = await yard.ended(job["_id"])
    assert f"/{bucket}/" in locations(again)["a"]
    assert await s3.content(f"{folder}/a.png") is None
    assert f"/{bucket}/" not in locations(await yard.made(output("a", mask)))["a"]
    assert await s3.content(f"{folder}/a.png") is not None


# --- without a service ----------------------------------------------------------------------------


async def test_a_local_render_goes_to_its_folder_whatever_destination_is_named(
    all_destinations: Yard, tmp_path: Path
) -> None:
    yard, folder = all_destinations, unique("local")
    strings = {name: written(place.to(folder)) for name, place in yard.places.items()}
    strings |= {"masked": "a-mask", HOSTED: HOSTED, "refused": f"ftp://u:p@{NOWHERE}/x"}
    job = {"input": {"main": picture()}, "output": [output(name, url) for name, url in strings.items()]}
    (tmp_path / "job.json").write_text(json.dumps(job))
    asked = ("render", str(tmp_path / "job.json"), "--out", str(tmp_path / "out"), "--json")
    said = json.loads(await asyncio.to_thread(yard.service.command, *asked))
    assert said["status"] == "complete"
    assert {one.name for one in (tmp_path / "out").iterdir()} == {f"{name}.png" for name in strings}
    assert locations(said) == {name: str(tmp_path / "out" / f"{name}.png") for name in strings}
    for place in yard.places.values():
        assert await place.names(folder) == set()
