"""Owns how figures are judged and shown: the marks, the table, the JSON file. Never measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench import encoders, faces, filters, search, sockets, uploads
from bench.workloads import WORKLOADS

POST_MS = 5.0
IDLE = 0.10
IDLE_MARKED = "photo-12mp-jpeg"
"""The one whose lanes must be busy; the others' idle time is for information."""

Figures = Mapping[str, Any]
HEAD = "workload           loop            CPU ms/job: server + lanes = sum    loop  ratio   jobs/s  loop  ratio"
HEAD_POST = "workload           POST p50 / p90 / p99 ms    in the server p50 / p90 / p99    peak MB: server  lane  loop"


@dataclass(frozen=True, slots=True)
class Mark:
    """A promise, and what was measured; both in the same unit. `most`, or `least` in its place, is the promise."""

    name: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def passed(self) -> bool:
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def promise(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"

    def figures(self) -> Figures:
        return {**asdict(self), "passed": self.passed}


def marks_of(
    compared: Mapping[str, Figures],
    idle: Mapping[str, Figures],
    engine: Mapping[str, Figures],
    uploaded: Mapping[str, Figures],
) -> Sequence[Mark]:
    marks = []
    for name, figures in compared.items():
        if (most := WORKLOADS[name].mark) is not None:
            marks.append(Mark(f"{name}: CPU time over the loop's", figures["loop"][0]["cpu_ratio"], most))
    for name, figures in compared.items():
        median = figures["service"]["post_server_ms"]["p50"]
        marks.append(Mark(f"{name}: server time of a POST, median ms", median, POST_MS))
    if IDLE_MARKED in idle:
        marks.append(Mark(f"{IDLE_MARKED}: share of lane time idle", idle[IDLE_MARKED]["idle"], IDLE))
    if "filters" in engine:
        ratio = engine["filters"]["cpu_ratio"]
        marks.append(Mark("filters: CPU time with sepia and sharpen over the resize's", ratio, filters.MOST))
    if "sockets" in engine:
        marks.append(
            Mark("sockets: an event's way to its client, p99 ms", engine["sockets"]["p99_ms"], sockets.MOST_MS)
        )
    if "search" in engine:
        marks += [Mark(*promise) for promise in search.promises(engine["search"])]
    if "faces" in engine:
        marks.append(Mark("faces: detection on 24 MP, median CPU ms", engine["faces"]["cpu_ms"], faces.MOST_MS))
    for name, figures in uploaded.items():
        if "ratio" in figures:
            marks.append(Mark(f"{name}: files per second over the loop's", figures["ratio"], least=uploads.LEAST))
    return marks


def lines(report: Figures, marks: Sequence[Mark]) -> Iterator[str]:
    compared, idle = report["workloads"], report["idle"]
    if compared:
        yield HEAD
        for name, figures in compared.items():
            yield from _costs(name, figures)
        yield ""
        yield HEAD_POST
        for name, figures in compared.items():
            yield _posts(name, figures)
        yield ""
    for name, figures in idle.items():
        rate = f"{figures['renders_per_second']:.1f} renders/s"
        yield f"{name:18} lanes idle {figures['idle']:6.1%} with {figures['delay_ms']} ms of latency a job, {rate}"
    yield from _engine(report["engine"])
    yield from uploads.lines(report["uploads"])
    yield ""
    for mark in marks:
        yield f"{'PASS' if mark.passed else 'FAIL'}  {mark.name}: {mark.value:.3f} ({mark.promise})"


def _engine(engine: Mapping[str, Figures]) -> Iterator[str]:
    if one := engine.get("filters"):
        yield f"filters            resize {one['resize_ms']:.1f} CPU ms, with filters {one['filtered_ms']:.1f}"
    if one := engine.get("sockets"):
        spent = f"{one['kb_a_socket']:.0f} kB each, {one['cpu_share']:.1%} of a processor"
        delay = f"{one['p50_ms']:.1f} ms, p99 {one['p99_ms']:.1f} ms"
        yield f"sockets            {one['sockets']} and {one['rate']} events/s: {spent}; median {delay}"
    if one := engine.get("faces"):
        yield f"faces              detection {one['cpu_ms']:.1f} CPU ms, {one['found']} of {one['there']} faces found"
    if one := engine.get("search"):
        yield from search.lines(one)
    if one := engine.get("encoders"):
        yield from encoders.lines(one)


def _costs(name: str, figures: Figures) -> Iterator[str]:
    service = figures["service"]
    sides = f"{service['server_cpu_ms']:6.2f} + {service['lanes_cpu_ms']:6.2f} = {service['cpu_ms']:6.2f}"
    for loop in figures["loop"]:
        speed = f"{service['jobs_per_second']:6.1f} {loop['jobs_per_second']:6.1f} {loop['speed_ratio']:6.2f}"
        ratio = f"{loop['cpu_ms']:6.2f} {loop['cpu_ratio']:6.2f}"
        yield f"{name:18} {loop['form']:15} {sides:>35} {ratio}   {speed}"


def _posts(name: str, figures: Figures) -> str:
    service = figures["service"]
    seen, inside = (" / ".join(f"{ms:5.1f}" for ms in service[key].values()) for key in ("post_ms", "post_server_ms"))
    peaks = f"{service['peak_server_mb']:6.0f} {service['peak_lane_mb']:5.0f} {figures['loop'][0]['peak_mb']:5.0f}"
    return f"{name:18} {seen:>25} {inside:>31} {peaks:>30}"
