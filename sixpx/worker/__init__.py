"""Owns the doors of a lane: `set_up` of a new child, `render`, `catalogue`. Never imports the server, never awaits.

Runs only in a child process, whose environment is `core.render.LANE_ENVIRONMENT` from its exec on.
"""

from __future__ import annotations

import os
import resource
import tempfile

import cv2
import pyvips

from sixpx.worker import faces
from sixpx.worker.catalogue import catalogue
from sixpx.worker.pipeline import render

__all__ = ["catalogue", "render", "set_up"]

LOADERS = ("Jpeg", "Png", "Nsgif", "Webp", "Tiff", "Heif", "SvgBuffer")
"""libvips' classes of the loaders that `formats` names; every other one is blocked. Of SVG that from bytes alone: one
that knows a path follows links to the files beside it."""


def set_up(memory: int = 4 * 1024**3, nice: int = 0, scratch: str | None = None, face_model: str = "") -> None:
    """Readies this process, once: an address space of `memory` bytes at most, a niceness that is `nice` higher,
    temporary files of libvips and Python in the folder `scratch`, faces found by the YuNet model file `face_model` if
    any, OpenCV and libvips with one thread, and libvips with no cache of operations (no Render repeats one; a path
    whose file was replaced would give the old picture) and no loaders that are unfit for the files of strangers."""
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if nice:
        os.nice(nice)
    if scratch is not None:
        os.environ["TMPDIR"] = scratch
        tempfile.tempdir = scratch
    faces.model = face_model
    cv2.setNumThreads(1)
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in LOADERS:
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)
