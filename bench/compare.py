"""Owns the comparison: service and loop take turns on the same inputs, in rounds. Never judges a figure.

Rounds, because a machine's speed drifts: a ratio is taken within a round, and the median of the rounds counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.drive import Drive, closed_loop
from bench.loop import Loop, Round
from bench.measure import Cpu, Peaks, cpu_of, peaks_of, percentiles
from bench.service import Service
from bench.workloads import Form, Workload

WARM_UP = 24


@dataclass(slots=True)
class Served:
    """One round of the service."""

    drive: Drive
    cpu: Cpu
    peaks: Peaks


@dataclass(slots=True)
class Comparison:
    """All rounds of one workload: the service's, and the loop's for each of its forms, in the same order."""

    workload: Workload
    served: list[Served] = field(default_factory=list)
    looped: list[list[Round]] = field(default_factory=list)

    def figures(self) -> Mapping[str, Any]:
        return {
            "jobs": sum(one.drive.jobs for one in self.served),
            "service": self._service(),
            "loop": [self._loop(place, form) for place, form in enumerate(self.workload.forms)],
        }

    def _service(self) -> Mapping[str, Any]:
        drives = [one.drive for one in self.served]
        return {
            "cpu_ms": median(_ms(one.cpu.total, one.drive.jobs) for one in self.served),
            "server_cpu_ms": median(_ms(one.cpu.server, one.drive.jobs) for one in self.served),
            "lanes_cpu_ms": median(_ms(one.cpu.below, one.drive.jobs) for one in self.served),
            "jobs_per_second": median(one.jobs / one.wall for one in drives),
            "post_ms": percentiles([ms for one in drives for ms in one.post_ms]),
            "post_server_ms": percentiles([ms for one in drives for ms in one.server_ms]),
            "peak_server_mb": max(one.peaks.server for one in self.served) / 1024,
            "peak_lane_mb": max(one.peaks.lane for one in self.served) / 1024,
        }

    def _loop(self, place: int, form: Form) -> Mapping[str, Any]:
        rounds = [one[place] for one in self.looped]
        pairs = list(zip(self.served, rounds, strict=True))
        return {
            "form": form.title,
            "cpu_ms": median(_ms(one.cpu, one.jobs) for one in rounds),
            "jobs_per_second": median(one.jobs / one.wall for one in rounds),
            "peak_mb": max(one.peak_kb for one in rounds) / 1024,
            "cpu_ratio": median(_ms(s.cpu.total, s.drive.jobs) / _ms(r.cpu, r.jobs) for s, r in pairs),
            "speed_ratio": median((s.drive.jobs / s.drive.wall) / (r.jobs / r.wall) for s, r in pairs),
        }


def _ms(seconds: float, jobs: int) -> float:
    return seconds * 1000 / jobs


def compare(workload: Workload, rounds: int, size: int, service: Service, loop: Loop, images: str) -> Comparison:
    """`size` jobs a round, after a warm-up of both."""
    numbers = _numbers(workload.name)
    _serve(workload, WARM_UP, service, images, numbers)
    comparison = Comparison(workload)
    for form in workload.forms:
        loop.run(form, _urls(workload, WARM_UP, images, numbers))
    for _ in range(rounds):
        comparison.looped.append([loop.run(form, _urls(workload, size, images, numbers)) for form in workload.forms])
        comparison.served.append(_serve(workload, size, service, images, numbers))
    return comparison


def _numbers(start: str) -> Iterator[int]:
    """Never the same twice, so that no address is."""
    number = sum(map(ord, start)) * 1_000_000
    while True:
        yield (number := number + 1)


def _urls(workload: Workload, count: int, images: str, numbers: Iterator[int]) -> Sequence[str]:
    return [workload.url(images, next(numbers)) for _ in range(count)]


def _serve(workload: Workload, jobs: int, service: Service, images: str, numbers: Iterator[int]) -> Served:
    bodies = [workload.job(url) for url in _urls(workload, jobs, images, numbers)]
    before = cpu_of(service.pid)
    with peaks_of(service.pid) as peaks:
        drive = closed_loop(service, bodies)
    return Served(drive, cpu_of(service.pid) - before, peaks)
