"""Owns reading the kernel's books: CPU seconds and memory of a process and all that descend from it. Never a clock."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]  # its types are a package of their own

SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of user and system time: of the service's process itself, and of everything below it (lanes, their
    fork server), those that have ended included."""

    server: float
    below: float

    @property
    def total(self) -> float:
        return self.server + self.below

    def __sub__(self, before: Cpu) -> Cpu:
        return Cpu(self.server - before.server, self.below - before.below)


def cpu_of(pid: int) -> Cpu:
    """An ended child's time is in its parent's books (cutime, cstime), so that no recycled lane is lost."""
    root = psutil.Process(pid)
    own = root.cpu_times()
    below = own.children_user + own.children_system
    for child in root.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        below += times.user + times.system + times.children_user + times.children_system
    return Cpu(own.user + own.system, below)


def peak_kb(pid: int) -> int:
    """The highest resident set since `reset_peak`, in kB; 0 where the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def reset_peak(pid: int) -> None:
    """See proc(5), clear_refs: 5 sets the peak back to what is used now."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return


@dataclass(slots=True)
class Peaks:
    """Resident sets in kB: the server's highest, and the highest of any one lane (pid -> its highest)."""

    server: int = 0
    lanes: dict[int, int] = field(default_factory=dict)

    @property
    def lane(self) -> int:
        return max(self.lanes.values(), default=0)


@contextmanager
def peaks_of(pid: int) -> Iterator[Peaks]:
    """Filled while the block runs: sampled, since a recycled lane takes its books with it."""
    peaks, over = Peaks(), threading.Event()
    for one in (pid, *_lanes(pid)):
        reset_peak(one)

    def sample() -> None:
        while True:
            peaks.server = peak_kb(pid)
            for lane in _lanes(pid):
                peaks.lanes[lane] = peak_kb(lane)
            if over.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _lanes(pid: int) -> Sequence[int]:
    """Grandchildren: lanes are children of the fork server."""
    try:
        children = psutil.Process(pid).children()
        return [lane.pid for child in children for lane in child.children()]
    except psutil.NoSuchProcess:
        return []


def percentiles(values: Sequence[float], shares: Sequence[int] = (50, 90, 99)) -> Mapping[str, float]:
    """By nearest rank: `p50`, `p90`, ..."""
    ranked = sorted(values)
    return {f"p{share}": ranked[min(len(ranked) - 1, len(ranked) * share // 100)] for share in shares}


def machine() -> Mapping[str, Any]:
    """What the figures depend on; `load` (1 minute) tells whether the machine had anything else to do."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
    }
