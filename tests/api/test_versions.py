"""Owns which version of the API a reply speaks: the header's, else the user's, else the configured one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api.clients import Client, body_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

SHAPES = {"2014-08": list, "2014-06": dict, "2014-04": dict}


async def in_version(idle: Client, version: str | None) -> Client:
    user = await idle.as_new_user()
    changed = await user.store.change_user(user.user.id, lambda one: replace(one, api_version=version))
    assert changed is not None
    return user


def shape(job: dict[str, Any]) -> str:
    """The version that `processed` is of."""
    processed = job["processed"]
    if isinstance(processed, list):
        return "2014-08"
    return "2014-04" if "duration" in processed else "2014-06"


@pytest.mark.parametrize("version", SHAPES)
async def test_a_user_hears_his_own_version_wherever_a_job_is_shown(idle: Client, version: str) -> None:
    user = await in_version(idle, version)
    id = await user.posted(body_of())
    shown = [(await user.get(f"/{id}")).json, *(await user.get()).json, (await user.get(f"/{id}?wait=0.01")).json]
    assert [shape(job) for job in shown] == [version] * 3


@pytest.mark.parametrize("header", SHAPES)
async def test_the_header_comes_before_the_users_version(idle: Client, header: str) -> None:
    user = await in_version(idle, "2014-06")
    id = await user.posted(body_of())
    one = await user.get(f"/{id}", headers={"6px-Version": header})
    many = await user.get(headers={"6px-Version": header})
    assert (shape(one.json), shape(many.json[0])) == (header, header)


async def test_without_either_it_is_the_configured_one(idle: Client) -> None:
    user = await in_version(idle, None)
    assert shape((await user.get(f"/{await user.posted(body_of())}")).json) == "2014-08"


async def test_a_job_keeps_the_version_of_its_post(idle: Client) -> None:
    """Its callback speaks it."""
    user = await in_version(idle, "2014-06")
    by_user = await user.posted(body_of())
    by_header = await user.posted(body_of(), headers={"6px-Version": "2014-04"})
    kept = [await user.store.job(user.user.id, id) for id in (by_user, by_header)]
    assert [job and job.version for job in kept] == ["2014-06", "2014-04"]


@pytest.mark.parametrize("version", ["tomorrow", "2014-07", "2014-08,2014-06"])
async def test_an_unknown_version_is_400_and_told_the_list(idle: Client, version: str) -> None:
    asked = {"6px-Version": version}
    for reply in (await idle.get(headers=asked), await idle.post(body_of(), headers=asked)):
        assert (reply.status, reply.json["type"]) == (400, "urn:sixpx:error:not_supported")
        assert all(known in reply.json["detail"] for known in SHAPES)
