"""Owns jobs with hostile inputs among good ones, through a whole service. Never which attack ends how."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import psutil
import pytest

from tests.api.clients import Client, body_of, data_uri, picture, step
from tests.fuzz.attacks import ATTACKS
from tests.fuzz.mutants import mutant

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = (
    "PNG of 2^31 by 2^31",
    "PNG of 30,000 by 30,000, flat",
    "PNG one pixel high",
    "JPEG of 65,000 by 65,000",
    "JPEG of 20,000 scans",
    "GIF of 10,000 frames",
    "WebP with a canvas of 16,383 by 16,383",
    "TIFF of 2^32 by 2^32",
    "TIFF in tiles of 2^31",
    "AVIF of tiles that are itself",
    "HEIC that says 65,535 by 65,535",
    "SVG of an entity a thousandfold",
    "PDF of dictionaries",
    "EPS that starts a program",
)
"""Those that can be no picture, of every format."""
JOBS = 30
STEPS = [step("resize", width=20), step("filter", sepia=40)]


def asked(content: bytes) -> dict[str, Any]:
    return body_of({"methods": STEPS, "tag": "one"}, {"methods": STEPS[:1]}, input={"main": data_uri(content)})


def lanes() -> list[psutil.Process]:
    """The processes with a limit of memory, which are the lanes."""
    found = []
    for one in psutil.Process().children(recursive=True):
        try:
            if one.rlimit(psutil.RLIMIT_AS)[0] == 4 * 1024**3:
                found.append(one)
        except psutil.Error:
            continue
    return found


async def strike() -> None:
    """Kills every lane, once, in the midst of it: what dies twice is to blame (SPEC section 9, Attempts)."""
    await asyncio.sleep(0.4)
    for lane in lanes():
        os.kill(lane.pid, signal.SIGKILL)


async def test_hostile_jobs_fail_alone_and_good_ones_complete(live: Client) -> None:
    bad = [ATTACKS[name].make() for name in HOSTILE]
    bad = [bad[number % len(bad)] for number in range(JOBS // 2)]
    good = [picture(40 + number, 30, ("PNG", "JPEG", "GIF")[number % 3]) for number in range(JOBS // 2)]
    jobs = [asked(content) for pair in zip(bad, good, strict=True) for content in pair]
    ended, _ = await asyncio.gather(asyncio.gather(*(live.run(job, wait=60) for job in jobs)), strike())
    for job in ended[1::2]:
        assert job["status"] == "complete", job
        assert [one["data"]["output"]["main"]["info"]["width"] for one in job["processed"]] == [20, 20]
    for job in ended[::2]:
        assert job["status"] == "failed", job
        for one in job["processed"]:
            assert one["status"] == "failed"
            assert one["error"]["code"] in ("bad_image", "over_limit", "not_supported")
            assert {"code", "detail", "stage", "retryable"} <= set(one["error"])
    for path in ("/livez", "/readyz"):
        assert (await live.ask("GET", path, auth=None)).status == 200


async def test_the_service_works_on_after_mutants(live: Client) -> None:
    jobs = [asked(mutant(3, index).content) for index in range(12)]
    ended = await asyncio.gather(*(live.run(job, wait=60) for job in jobs))
    codes = {one["error"]["code"] for job in ended for one in job["processed"] if one["status"] == "failed"}
    assert codes <= {"bad_image", "over_limit", "not_supported", "bad_step", "fetch_failed"}
    assert (await live.run(asked(picture())))["status"] == "complete"
