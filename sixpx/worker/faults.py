"""Owns how a failure becomes a Flaw: one code, the stage, one sentence without file paths. Never hides which step."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import pyvips

from sixpx.core.render import Flaw
from sixpx.errors import OutputFault

log = logging.getLogger(__name__)

EXHAUSTED = ("out of memory", "cannot allocate memory", "unable to mmap", "insufficient memory")
NO_MEMORY = "the picture needs more memory than a lane may use"
NO_SPACE = "the service's disk is full; try again later"
SCANT = 4_000_000
"""Bytes free on a disk that counts as full when a file could not be written: libvips says it in many ways."""


class Failed(Exception):
    """One sheet, or all of them, cannot be made."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.detail)
        self.flaw = flaw


@contextmanager
def stage(name: str, where: str = "") -> Iterator[None]:
    """Whatever goes wrong inside is raised as Failed, with this stage; `where` begins the sentence."""
    try:
        yield
    except Failed:
        raise
    except OutputFault as fault:
        raise Failed(Flaw(fault.code, name, where + fault.detail, fault.retryable)) from fault
    except MemoryError as error:
        raise Failed(Flaw("out_of_memory", name, where + NO_MEMORY)) from error
    except pyvips.Error as error:
        raise Failed(_of_libvips(error, name, where)) from error
    except FileNotFoundError as error:
        # the job was cancelled and its files are gone: nobody reads this
        raise Failed(Flaw("cancelled", name, where + "the input is gone")) from error
    except Exception as error:
        log.exception("a render failed in the stage %s", name)
        detail = getattr(error, "strerror", None) or "sixpx met a fault of its own"
        raise Failed(Flaw("render_failed", name, where + detail)) from error


def _of_libvips(error: pyvips.Error, name: str, where: str) -> Flaw:
    if any(words in str(error).lower() for words in EXHAUSTED):
        return Flaw("out_of_memory", name, where + NO_MEMORY)
    if name == "encode" and _disk_is_full():
        return Flaw("scratch_full", name, where + NO_SPACE, True)
    if name == "load":
        return Flaw("bad_image", name, f"{where}the input is broken: {sentence(error)}")
    return Flaw("render_failed", name, where + sentence(error))


def _disk_is_full() -> bool:
    disk = os.statvfs(tempfile.gettempdir())
    return disk.f_bavail * disk.f_frsize < SCANT


def sentence(error: pyvips.Error) -> str:
    """libvips' last word on an error, without the paths and the part of libvips that it names."""
    lines = [line.strip() for line in str(error.detail or error.message).splitlines() if line.strip()]
    text = re.sub(r"^[\w-]+: ", "", lines[-1]) if lines else "no reason given"
    return re.sub(r"\S*/\S+", "the file", text)[:200]


@contextmanager
def noted(flaws: dict[str, Flaw], *keys: str) -> Iterator[None]:
    """A failure inside is noted for these sheets, and the others go on."""
    try:
        yield
    except Failed as failed:
        flaws.update(dict.fromkeys(keys, failed.flaw))
