"""`kill -9` of the real service at random moments loses no accepted job, and makes none twice."""

from __future__ import annotations

import io
import os
import random
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.acceptance.photos import Photos
from tests.acceptance.service import Refusal, Service

GONE = (urllib.error.URLError, ConnectionError, TimeoutError, OSError)
END_WITHIN = 240.0


def body(photos: str, number: int) -> dict[str, Any]:
    """Several outputs, so that a job can be interrupted in its middle."""
    return {
        "input": {"photo": f"{photos}/{number}.jpg?delay=20"},
        "data": {"number": number},
        "output": [
            {"tag": "small", "ref": {"photo": f"small-{number}"}, "type": "image/png", "methods": [resize(120)]},
            {"tag": "large", "ref": {"photo": f"large-{number}"}, "methods": [resize(640)]},
            {"tag": "whole", "ref": {"photo": False}, "type": "image/webp"},
        ],
    }


def resize(width: int) -> dict[str, Any]:
    return {"method": "resize", "options": {"width": width}}


def post(service: Service, photos: str, number: int) -> str:
    """Posts until somebody answers; the key makes the repetitions one job."""
    while True:
        try:
            return service.post(body(photos, number), **{"Idempotency-Key": f"job-{number}"})
        except Refusal:
            raise
        except GONE:
            time.sleep(0.05)


def kill_and_restart(service: Service, chance: random.Random, times: int, over: threading.Event) -> None:
    for _ in range(times):
        time.sleep(chance.uniform(0.05, 0.9))
        service.kill()
        service.restart()
    over.set()


def finished(service: Service, id: str) -> dict[str, Any]:
    until = time.monotonic() + END_WITHIN
    job: dict[str, Any] = {"status": "unknown"}
    while time.monotonic() < until and job["status"] not in ("complete", "failed"):
        job = service.job(id, wait=20)
    return job


def listed(service: Service) -> list[str]:
    ids: list[str] = []
    while page := service.jobs(per_page=100, page=len(ids) // 100 + 1):
        ids += [job["_id"] for job in page]
        if len(page) < 100:
            break
    return ids


def survives(tmp_path: Path, jobs: int, kills: int) -> None:
    seed = int(os.environ.get("SIXPX_KILL_SEED", time.time_ns() % 1_000_000))
    print(f"seed {seed}")  # shown by pytest when the test fails
    over = threading.Event()
    with Photos() as photos, Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
        killer = threading.Thread(target=kill_and_restart, args=(service, random.Random(seed), kills, over))
        killer.start()
        with ThreadPoolExecutor(4) as posters:
            ids = list(posters.map(lambda number: post(service, photos.url, number), range(jobs)))
        killer.join()
        assert over.is_set()
        ended = [finished(service, id) for id in ids]
        assert {job["status"] for job in ended} == {"complete"}
        assert [job["data"]["number"] for job in ended] == list(range(jobs))
        assert sorted(listed(service)) == sorted(set(ids))
        assert len(set(ids)) == jobs
        for job in ended:
            check_files(service, job)
        assert not list((service.data / "hosted").rglob("*.part"))
        assert not list((service.data / "scratch").iterdir())


def check_files(service: Service, job: dict[str, Any]) -> None:
    assert [one["status"] for one in job["processed"]] == ["complete"] * 3
    for one in job["processed"]:
        result = one["data"]["output"]["photo"]
        content = service.get(result["location"])
        assert len(content) == result["info"]["bytes"]
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            assert picture.size == (result["info"]["width"], result["info"]["height"])


def test_a_few_kills_lose_nothing(tmp_path: Path) -> None:
    survives(tmp_path, jobs=24, kills=3)


@pytest.mark.long
def test_twenty_kills_while_200_jobs_run_lose_nothing(tmp_path: Path) -> None:
    survives(tmp_path, jobs=200, kills=20)
