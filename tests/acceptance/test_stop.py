"""SIGTERM: jobs in flight finish or go back within the grace time, and the next start makes what is left."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.photos import Photos
from tests.acceptance.service import Service

JOBS = 30


def body(photos: str, number: int, delay: int) -> dict[str, Any]:
    resize = {"method": "resize", "options": {"width": 300}}
    return {
        "input": {"photo": f"{photos}/{number}?delay={delay}"},
        "output": [{"ref": {"photo": f"photo-{number}"}, "methods": [resize]}],
    }


@pytest.mark.long
def test_what_is_in_flight_finishes_within_the_grace_time(tmp_path: Path) -> None:
    with Photos() as photos, Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
        ids = [service.post(body(photos.url, number, 1500)) for number in range(8)]
        until = time.monotonic() + 20
        while any(service.job(id)["status"] == "pending" for id in ids) and time.monotonic() < until:
            time.sleep(0.02)
        assert {service.job(id)["status"] for id in ids} == {"processing"}
        assert service.terminate() == 0
        service.restart()
        # the scratch folder is emptied at the start: whatever is complete now was finished before
        assert [service.job(id)["status"] for id in ids] == ["complete"] * 8
        assert "given back" not in service.log.read_text().replace("the rest is given back", "")


def test_what_cannot_finish_in_time_is_given_back_and_made_by_the_next_start(tmp_path: Path) -> None:
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_RUNNER_GRACE_SECONDS": "0.5"}
    with Photos() as photos, Service.start(tmp_path, **settings) as service:
        ids = [service.post(body(photos.url, number, 3000)) for number in range(JOBS)]
        began = time.monotonic()
        assert service.terminate() == 0
        assert time.monotonic() - began < 10
        assert "given back" in service.log.read_text().replace("the rest is given back", "")
        assert not list((service.data / "scratch").iterdir())
        service.restart()
        assert {service.job(id, wait=60)["status"] for id in ids} == {"complete"}


def test_who_waits_for_a_job_is_answered_when_the_service_stops(tmp_path: Path) -> None:
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_RUNNER_GRACE_SECONDS": "1"}
    with Photos() as photos, Service.start(tmp_path, **settings) as service, ThreadPoolExecutor(4) as clients:
        id = service.post(body(photos.url, 1, 8000))
        waiting = [clients.submit(service.job, id, 60) for _ in range(4)]
        time.sleep(0.5)
        began = time.monotonic()
        service.process.terminate()
        until = time.monotonic() + 5
        troubles = {}
        while not troubles and time.monotonic() < until:
            troubles = readiness(service)
        assert troubles["service"] == "is stopping"
        assert {one.result(timeout=10)["status"] for one in waiting} == {"pending"}
        assert service.process.wait(10) == 0
        assert time.monotonic() - began < 6


def readiness(service: Service) -> dict[str, str]:
    """What /readyz complains of."""
    try:
        with urllib.request.urlopen(f"{service.url}/readyz", timeout=5):
            return {}
    except urllib.error.HTTPError as unready:
        with unready:
            return dict(json.loads(unready.read()))
