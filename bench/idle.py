"""Owns how idle the lanes are while inputs take long to come: from the log, a line a render. Never the CPU's books."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.drive import closed_loop, flood
from bench.service import Service
from bench.workloads import Workload

DELAY_MS = 100


@dataclass(frozen=True, slots=True)
class Idle:
    """From the first render's start to the last one's end, in seconds; the time that lanes worked, summed."""

    renders: int
    lanes: int
    wall: float
    busy: float

    @property
    def share(self) -> float:
        return 1 - self.busy / (self.lanes * self.wall)

    def figures(self) -> Mapping[str, Any]:
        per_second = self.renders / self.wall
        return {"renders": self.renders, "delay_ms": DELAY_MS, "idle": self.share, "renders_per_second": per_second}


def idle_of(workload: Workload, jobs: int, service: Service, images: str, lanes: int) -> Idle:
    """`service` logs at debug level, as JSON."""
    closed_loop(service, [workload.job(workload.url(images, number)) for number in range(8)])
    begin = service.log.stat().st_size
    flood(service, [workload.job(workload.url(images, 100 + number, DELAY_MS)) for number in range(jobs)])
    return _read(service.log, begin, jobs, lanes)


def _read(log: Path, begin: int, jobs: int, lanes: int) -> Idle:
    with log.open("rb") as file:
        file.seek(begin)
        records = [json.loads(line) for line in file if line.startswith(b"{")]
    renders = [(_seconds(one["time"]), one["ms"] / 1000) for one in records if _is_render(one)]
    if len(renders) != jobs:
        raise RuntimeError(f"expected a log line for each of {jobs} renders, found {len(renders)}")
    wall = max(end for end, _ in renders) - min(end - busy for end, busy in renders)
    return Idle(jobs, lanes, wall, sum(busy for _, busy in renders))


def _is_render(record: Mapping[str, Any]) -> bool:
    return record["logger"] == "sixpx.pool" and record.get("stage") == "render" and "ms" in record


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
