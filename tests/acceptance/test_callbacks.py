"""`kill -9` of the real service between and within attempts loses no callback and changes no webhook-id."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sixpx.credentials import Vault
from sixpx.store.sqlite import SqliteStore
from tests.acceptance.service import Service
from tests.acceptance.yard import output, picture
from tests.servers.receiver import Came, receiver

WITHIN = 30.0
SLACK_SECONDS = 10.0
"""How late something may come on a machine that has other things to do."""


async def secret_of(service: Service) -> str:
    """What this installation signs with, read as the operator could."""
    store = SqliteStore.open(service.data / "sixpx.db")
    try:
        user = await store.user(service.user)
    finally:
        await store.close()
    assert user is not None
    return Vault((service.data / "secret.key").read_text().strip()).open(user.callback_secrets[0])


async def posted(service: Service, url: str) -> str:
    body = {"input": {"main": picture()}, "output": [output("one", "6px")], "callback": {"url": url}}
    return await asyncio.to_thread(service.post, body)


async def delivery(service: Service, id: str, true: Callable[[Any], object]) -> Any:
    """The only one of the job, once the condition holds for it."""
    async with asyncio.timeout(WITHIN):
        while True:
            (one,) = await asyncio.to_thread(service.call, "GET", f"/{id}/deliveries") or [None]
            if one is not None and true(one):
                return one
            await asyncio.sleep(0.05)


def tried(one: Any) -> bool:
    return bool(one["attempts"])


def delivered(one: Any) -> bool:
    return bool(one["status"] == "delivered")


async def killed(service: Service) -> None:
    await asyncio.to_thread(service.kill)
    await asyncio.to_thread(service.restart)


@pytest.mark.long
async def test_a_retry_that_is_due_after_a_kill_comes_when_it_is_due(tmp_path: Path) -> None:
    async with receiver() as there:
        with await asyncio.to_thread(Service.start, tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
            id = await posted(service, there.url("/status/500?times=1", userinfo="me:hush@"))
            before = await delivery(service, id, tried)
            await killed(service)
            done = await delivery(service, id, delivered)
            job, secret = await asyncio.to_thread(service.job, id), await secret_of(service)
            assert [one["status_code"] for one in done["attempts"]] == [500, 200]
            assert done["attempts"][0] == before["attempts"][0]
            assert 4.5 <= pause(done) <= 5.5 + SLACK_SECONDS
            assert [came.id for came in there.came] == [done["id"]] * 2
            assert [came.verified(secret) for came in there.came] == [job] * 2
            assert "hush" not in service.log.read_text()


async def test_attempts_that_a_kill_cuts_off_come_once_more(tmp_path: Path) -> None:
    """Those that were recorded do not: each job is delivered, with one id."""
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_CALLBACKS_SECONDS": "1"}
    async with receiver() as there:
        with await asyncio.to_thread(Service.start, tmp_path, **settings) as service:
            recorded = await posted(service, there.url("/ok/recorded"))
            await delivery(service, recorded, delivered)
            cut_off = [await posted(service, there.url(f"/hang/{number}?times=1")) for number in range(3)]
            await there.until(lambda: len(there.came) == 4)
            await killed(service)
            for id in cut_off:
                done = await delivery(service, id, delivered)
                assert [one["status_code"] for one in done["attempts"]] == [200]
            assert ids(there.came) == sorted([f"msg_{recorded}_1"] + [f"msg_{id}_1" for id in cut_off] * 2)


def ids(came: list[Came]) -> list[str]:
    return sorted(one.id for one in came)


def pause(one: Any) -> float:
    """Seconds between the end of the first attempt and the begin of the second."""
    first, second = one["attempts"]
    began, again = datetime.fromisoformat(first["started"]), datetime.fromisoformat(second["started"])
    return (again - began).total_seconds() - first["duration"] / 1000
