"""Owns what Cloud Files promises beyond the contract: tokens, regions, the CDN, names. Never a stubbed client: the
store is a real Swift.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from sixpx.credentials import parse
from sixpx.errors import PutFailed
from sixpx.guard import Guard
from sixpx.targets.cf import CloudFiles
from tests.contract.cloud_files import CONTAINER, LOOPBACK, PICTURE, Cloud
from tests.servers import swift
from tests.servers.rackspace import Rackspace
from tests.servers.swift import Swift

pytestmark = pytest.mark.asyncio(loop_scope="session")


# --- tokens ---------------------------------------------------------------------------------------


async def test_one_token_serves_all_files_and_regions(cloud: Cloud, rackspace: Rackspace) -> None:
    for scheme in ("cf", "cf+ord", "cf+iad", "cf+dfw", "cf+hkg", "cf+syd"):
        await cloud.put(f"{scheme}.png", scheme)
        assert await cloud.stored(f"{scheme}.png") == PICTURE
    assert rackspace.asked == ["us"]


async def test_files_that_begin_together_ask_for_one_token(cloud: Cloud, rackspace: Rackspace) -> None:
    await asyncio.gather(*(cloud.put(f"together-{number}.png") for number in range(8)))
    assert rackspace.asked == ["us"]


async def test_a_token_that_ended_is_renewed_once_for_all_files_under_way(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.stale = 1  # Swift does not know it, which is what it says of one that has ended
    await asyncio.gather(*(cloud.put(f"ended-{number}.png") for number in range(8)))
    assert rackspace.asked == ["us", "us"]
    assert [await cloud.stored(f"ended-{number}.png") for number in range(8)] == [PICTURE] * 8


async def test_a_token_is_renewed_before_its_end(objects: Swift, tmp_path: Path, rackspace: Rackspace) -> None:
    passed = [0.0]
    target = CloudFiles(Guard(LOOPBACK), rackspace.us, now=lambda: time.time() + passed[0])
    cloud = Cloud(tmp_path, objects, target)
    rackspace.life = 3600
    for moment, asked in ((0, 1), (3290, 1), (3310, 2), (3310, 2)):
        passed[0] = moment
        rackspace.life = 3600 + moment
        await cloud.put("early.png")
        assert len(rackspace.asked) == asked
    await target.close()


async def test_a_token_that_is_never_good_is_said(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.stale = 2
    fault = await cloud.failed("never.png")
    assert "does not accept the token" in fault.detail
    assert not fault.retryable
    assert rackspace.asked == ["us", "us"]
    await cloud.put("never.png")  # nor is it kept


async def test_a_wrong_key_is_a_sentence(cloud: Cloud) -> None:
    fault = await cloud.failed("wrong.png", user="nobody")
    assert "does not accept the user name and key" in fault.detail
    assert not fault.retryable


# --- regions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["cf+uk", "cf+lon"])
async def test_london_is_asked_for_where_the_other_service_does_not_know_it(
    cloud: Cloud, rackspace: Rackspace, scheme: str
) -> None:
    await cloud.put("lon.png", scheme)
    await cloud.put("lon.png", scheme)
    assert rackspace.asked == ["us", "uk"]


async def test_london_is_asked_for_where_the_other_service_refuses_the_key(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.users["us"] = set()
    await cloud.put("lon.png", "cf+uk")
    assert rackspace.asked == ["us", "uk"]


async def test_london_is_not_asked_for_where_the_first_service_has_it(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.regions["us"] = ("DFW", "LON")
    await cloud.put("lon.png", "cf+uk")
    assert rackspace.asked == ["us"]


async def test_an_account_without_london_is_told_its_regions(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.users["uk"] = set()
    fault = await cloud.failed("lon.png", "cf+uk")
    assert fault.detail == "the account has no region LON; there are: DFW, HKG, IAD, ORD, SYD"


async def test_an_unknown_region_is_told_with_those_that_there_are(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.regions["us"] = ("DFW", "ORD")
    fault = await cloud.failed("iad.png", "cf+iad")
    assert fault.detail == "the account has no region IAD; there are: DFW, ORD"
    assert not fault.retryable


async def test_no_region_is_the_accounts_own_where_there_is_no_dfw(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.regions["us"] = ("ORD", "IAD")
    await cloud.put("own.png")
    assert await cloud.stored("own.png") == PICTURE


# --- every OpenStack ------------------------------------------------------------------------------


async def test_keystone_v3_by_password(cloud: Cloud, rackspace: Rackspace) -> None:
    user = f"{swift.ACCOUNT}:{swift.USER}"
    location = await cloud.put("v3.png", user=user, query=f"?auth_url={rackspace.keystone}")
    assert location == f"{rackspace.storage}/{CONTAINER}/more/v3.png"
    assert await cloud.stored("v3.png") == PICTURE
    await cloud.put("v3.png", user=f"Default/{user}", query=f"?auth_url={rackspace.keystone}/&region=regionone")
    fault = await cloud.failed("v3.png", user=user, query=f"?auth_url={rackspace.keystone}&region=elsewhere")
    assert fault.detail == "the account has no region ELSEWHERE; there are: RegionOne"
    fault = await cloud.failed("v3.png", user=f"Other/{user}", query=f"?auth_url={rackspace.keystone}")
    assert "does not accept the user name and key" in fault.detail


@pytest.mark.parametrize("user", [swift.USER, f"{swift.ACCOUNT}:{swift.USER}"])
async def test_identity_v2_elsewhere_by_key_or_password(cloud: Cloud, rackspace: Rackspace, user: str) -> None:
    await cloud.put("v2.png", user=user, query=f"?auth_url={rackspace.uk}")
    await cloud.put("v2.png", user=user, query=f"?auth_url={rackspace.uk.removesuffix('/v2.0')}")
    assert rackspace.asked == ["uk", "uk"]
    assert await cloud.stored("v2.png") == PICTURE


# --- the address ----------------------------------------------------------------------------------


async def test_the_location_is_the_cdns_where_the_container_is_on_it(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.published[CONTAINER] = True
    locations = await asyncio.gather(*(cloud.put(f"a b{number}.png") for number in range(4)))
    assert locations[0] == "https://081e40d3.ssl.cf6.rackcdn.com/more/a%20b0.png"
    assert rackspace.cdn_asked == [CONTAINER]


async def test_the_location_is_the_stores_where_the_cdn_is_off_or_absent_or_broken(
    cloud: Cloud, rackspace: Rackspace
) -> None:
    own = f"{rackspace.storage}/{CONTAINER}/more/x.png"
    rackspace.published[CONTAINER] = False
    assert await cloud.put("x.png", "cf+ord") == own
    rackspace.cdn, whole = "http://127.0.0.1:9/v1/x", rackspace.cdn
    assert await cloud.put("x.png", "cf+uk") == own
    rackspace.cdn = f"{whole}/no/such"
    assert await cloud.put("x.png", user=f"{swift.ACCOUNT}:{swift.USER}", query=f"?auth_url={rackspace.us}") == own


async def test_a_cdn_that_did_not_answer_is_asked_again(cloud: Cloud, rackspace: Rackspace) -> None:
    rackspace.published[CONTAINER] = True
    rackspace.cdn_status = 503
    assert (await cloud.put("x.png")).startswith(rackspace.storage)
    rackspace.cdn_status = None
    assert (await cloud.put("x.png")).startswith("https://081e40d3.ssl")


# --- names ----------------------------------------------------------------------------------------


async def test_a_container_that_is_not_there_is_a_sentence(cloud: Cloud) -> None:
    cloud.container = "nowhere"
    fault = await cloud.failed("x.png")
    assert fault.detail.startswith('there is no container "nowhere" at 127.0.0.1:')
    assert not fault.retryable


async def test_names_that_swift_does_not_take_are_said_before_anything_is_sent(
    cloud: Cloud, rackspace: Rackspace
) -> None:
    fault = await cloud.failed("ü" * 600)
    assert fault.detail == "the object's name has 1,205 bytes, its folders included; the most is 1,024"
    cloud.container = quote("ü" * 130)
    assert "260 bytes; the most is 256" in (await cloud.failed("x.png")).detail
    cloud.container = f"{CONTAINER}/../nowhere"
    assert "URLs cannot name" in (await cloud.failed("x.png")).detail
    assert rackspace.asked == []


async def test_a_file_over_the_size_of_an_object_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    with pytest.raises(PutFailed, match=r"the most that one object takes is 5,368,709,120"):
        await cloud.put_file(tmp_path / "none", 5 * 1024**3 + 1, "x.png", cloud.to())


# --- clearing -------------------------------------------------------------------------------------


async def test_a_folder_is_cleared_and_nothing_beside_it(cloud: Cloud, rackspace: Rackspace) -> None:
    at = {name: parse(f"cf://{swift.USER}:{swift.SECRET}@{CONTAINER}/clear/{name}") for name in ("a%20b", "a%20bc")}
    for place in at.values():
        for name in ("1 ü.png", "2.png"):
            await cloud.put_file(await cloud.written(PICTURE), len(PICTURE), name, place)
    await cloud.target.clear(at["a%20b"])
    await cloud.target.clear(at["a%20b"])
    listed = await asyncio.to_thread(cloud._objects.call, "GET", f"{CONTAINER}?prefix=clear/")
    assert listed.body.decode().splitlines() == ["clear/a bc/1 ü.png", "clear/a bc/2.png"]
