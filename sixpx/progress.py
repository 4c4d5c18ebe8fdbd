"""Owns the progress bar: how much of something is done, on a terminal or in lines. Never asks how much it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TextIO

WIDTH = 30
ENDED = ("complete", "failed")


class Bar:
    """One line that is drawn over on a terminal; elsewhere (a log, a pipe) a line for each change."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._drawn = ""

    def show(self, job: Mapping[str, Any]) -> None:
        """The job as the API shows it, ended or not."""
        ended = sum(one["status"] in ENDED for one in job["processed"])
        total = len(job["processed"])
        self.draw(ended, total, f"{ended} of {total} outputs ended, the job is {job['status']}")

    @property
    def live(self) -> bool:
        """Whether it is drawn over, so that it may be drawn as often as one likes."""
        return self._stream.isatty()

    def draw(self, done: int, total: int, line: str) -> None:
        """The line, and a bar that is filled as far as it is done."""
        if line == self._drawn:
            return
        if self.live:
            filled = WIDTH * done // max(total, 1)
            # \x1b[K erases what a longer line left behind
            print(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {line}\x1b[K", end="", file=self._stream, flush=True)
        else:
            print(line, file=self._stream, flush=True)
        self._drawn = line

    def close(self) -> None:
        """Leaves the bar as it is and goes to the next line."""
        if self._drawn and self._stream.isatty():
            print(file=self._stream, flush=True)
