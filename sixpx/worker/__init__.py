"""Owns the two doors of a lane: `set_up` of a new child and `render`. Never imports the server's side, never awaits.

Runs only in a child process, whose environment is `core.render.LANE_ENVIRONMENT` from its exec on.
"""

from __future__ import annotations

import os
import resource
import tempfile

import pyvips

from sixpx.worker.pipeline import render

__all__ = ["render", "set_up"]


def set_up(memory: int = 4 * 1024**3, nice: int = 0, scratch: str | None = None) -> None:
    """Readies this process, once: an address space of `memory` bytes at most, a niceness that is `nice` higher,
    temporary files of libvips and Python in the folder `scratch`, and libvips with one thread, no cache of
    operations (no Render repeats one; a path whose file was replaced would give the old picture), and no loaders
    that are unfit for the files of strangers."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if nice:
        os.nice(nice)
    if scratch is not None:
        os.environ["TMPDIR"] = scratch
        tempfile.tempdir = scratch
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
