"""Owns a lane that misbehaves on demand: the first step of a sheet says how. Everything else is the real worker."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict
from pathlib import Path

from sixpx.core.render import Made, Render, Report, Seen, journal_line
from sixpx.worker import set_up

__all__ = ["render", "set_up"]

SEEN = Seen(1, 1, "image/png", 1)


def render(asked: Render) -> Report:
    """Sheets in order: `make` writes a file, the others end or delay the process that runs them."""
    made = {}
    for sheet in asked.sheets:
        act, options = sheet.steps[0]
        _note(options.get("note"))
        if act == "crash":
            os.abort()
        elif act == "exit":
            os._exit(3)
        elif act == "hang":
            time.sleep(60)
        elif act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif act == "raise":
            raise ValueError("a mistake of the worker")
        elif act == "crash once" and _first_time(options["mark"]):
            os.abort()
        Path(sheet.path).write_bytes(b"x")
        made[sheet.key] = Made(1, 1, 1, "image/png")
        with open(asked.journal, "a", encoding="utf-8") as journal:
            journal.write(journal_line(sheet.key, made[sheet.key]))
    return Report(asked.id, SEEN, made, {}, 1.0)


def _first_time(mark: str) -> bool:
    seen = Path(mark).exists()
    Path(mark).touch()
    return not seen


def _note(path: str | None) -> None:
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"pid": os.getpid(), **asdict(SEEN)}) + "\n")
