"""Lanes of the real service that crash, hang or run out of memory: each costs its own render alone."""

from __future__ import annotations

import copy
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.acceptance.photos import Photos
from tests.acceptance.service import Service

HEAVY = [
    {"method": "resize", "options": {"width": 4000}},
    {"method": "rotate", "options": {"degrees": 7}},
    {"method": "resize", "options": {"width": 100}},
]
MIDDLING = [{"method": "resize", "options": {"width": 2500}}, *HEAVY[1:]]
ENDLESS = [*HEAVY[:2] * 9, HEAVY[2]]
"""Seconds of work, many times the limit that it is put under, while the light ones take a tenth of it."""
LIGHT = [{"method": "resize", "options": {"width": 100}}]


def body(photos: str, *chains: list[dict[str, Any]]) -> dict[str, Any]:
    outputs = [{"tag": f"{n}", "ref": {"photo": False}, "methods": chain} for n, chain in enumerate(chains)]
    return {"input": {"photo": f"{photos}/photo.jpg"}, "output": outputs}


def busy_lane(service: Service) -> psutil.Process:
    """The lane that works; waits until one does."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        children = psutil.Process(service.process.pid).children(recursive=True)
        for child in children:
            child.cpu_percent()
        time.sleep(0.2)
        for child in children:
            if child.is_running() and child.cpu_percent() > 50:
                return child
    raise AssertionError("no lane is busy")


@pytest.mark.parametrize(
    "blow", [signal.SIGKILL, *(pytest.param(one, marks=pytest.mark.long) for one in (signal.SIGSEGV, signal.SIGSTOP))]
)
def test_a_lane_that_is_struck_down_costs_nothing_but_time(tmp_path: Path, blow: signal.Signals) -> None:
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_LIMITS_RENDER_SECONDS": "15"}
    with Photos() as photos, Service.start(tmp_path, **settings) as service:
        heavy = service.post(body(photos.url, LIGHT, HEAVY))
        os.kill(busy_lane(service).pid, blow)
        light = [service.post(body(photos.url, LIGHT)) for _ in range(6)]
        assert {service.job(id, wait=30)["status"] for id in light} == {"complete"}
        assert service.job(heavy, wait=60)["status"] == "complete"
        assert "1 of 2 outputs were done" in service.log.read_text()


@pytest.mark.long
def test_lanes_end_with_a_service_that_is_killed(tmp_path: Path) -> None:
    with Photos() as photos, Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
        id = service.post(body(photos.url, HEAVY))
        busy_lane(service)
        children = psutil.Process(service.process.pid).children(recursive=True)
        service.kill()
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
        service.restart()
        assert service.job(id, wait=60)["status"] == "complete"
        assert not list((service.data / "scratch").iterdir())


@pytest.mark.long
def test_a_single_job_does_not_wait_behind_all_of_another_user(tmp_path: Path) -> None:
    with Photos() as photos, Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8") as service:
        ben = copy.copy(service)
        made = json.loads(service.command("user", "add", "ben", "--json"))
        ben.user, ben.key, ben.secret = made["id"], made["key"], made["secret"]
        many = [service.post(body(photos.url, MIDDLING)) for _ in range(40)]
        one = ben.post(body(photos.url, LIGHT))
        assert ben.job(one, wait=60)["status"] == "complete"
        left = [id for id in many if service.job(id)["status"] in ("pending", "processing")]
        assert len(left) > len(many) / 2
        for id in many:
            service.call("DELETE", f"/{id}")


def test_an_output_that_is_too_slow_fails_alone_with_stage_and_code(tmp_path: Path) -> None:
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_LIMITS_RENDER_SECONDS": "1.5"}
    with Photos() as photos, Service.start(tmp_path, **settings) as service:
        job = service.job(service.post(body(photos.url, LIGHT, ENDLESS, LIGHT)), wait=30)
    assert [one["status"] for one in job["processed"]] == ["complete", "failed", "complete"]
    error = job["processed"][1]["error"]
    assert (error["stage"], error["code"], error["ref"]) == ("render", "time_limit", "photo")
    assert "1.5 s" in error["detail"]


def test_an_output_beyond_the_memory_of_a_lane_fails_alone_with_stage_and_code(tmp_path: Path) -> None:
    settings = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_LANES_MEMORY": str(440 * 1024**2)}
    with Photos() as photos, Service.start(tmp_path, **settings) as service:
        large = {"method": "resize", "options": {"width": 9000}}
        turned = [large, {"method": "rotate", "options": {"degrees": 90}}, HEAVY[2]]
        job = service.job(service.post(body(photos.url, LIGHT, turned, LIGHT)), wait=30)
    assert [one["status"] for one in job["processed"]] == ["complete", "failed", "complete"]
    error = job["processed"][1]["error"]
    assert error["code"] in ("out_of_memory", "lane_crashed")
    assert error["stage"] in ("apply", "encode", "render")
