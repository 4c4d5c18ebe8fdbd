"""A lane in a process of its own: limits, libvips' switches, and no part of the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from sixpx.core.render import LANE_ENVIRONMENT

from .conftest import PHOTO

CODE = """
import json, os, resource, sys, tempfile
from sixpx.worker import set_up
set_up(memory=3 << 30, nice=3, scratch=sys.argv[1])
import pyvips
def blocked(loader, source):
    try:
        pyvips.Operation.call(loader, source)
        return False
    except pyvips.Error as error:
        return "operation is blocked" in str(error)
svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="5" height="5"/>'
with open(sys.argv[1] + "/drawing", "wb") as file:
    file.write(svg)
print(json.dumps({
    "memory": resource.getrlimit(resource.RLIMIT_AS)[0], "nice": os.nice(0), "scratch": tempfile.gettempdir(),
    "threads": pyvips.concurrency_get(), "cache": pyvips.cache_get_max(),
    "blocked": [blocked("svgload", file.name), blocked("csvload", file.name), blocked("svgload_buffer", svg)],
    "strangers": [name for name in ("asyncio", "aiohttp", "sixpx.pool", "apsw") if name in sys.modules],
}))
"""

HUNGRY = """
import json, sys
from sixpx.core.render import Render, Sheet, Saving
from sixpx.worker import set_up, render
pages = int(open("/proc/self/statm").read().split()[0])
set_up(memory=pages * 4096 + (100 << 20))
big = (("resize", {"width": 9900}), ("rotate", {"degrees": 90}))
small = (("resize", {"width": 9}),)
sheets = tuple(Sheet(k, f"{sys.argv[2]}/{k}", v, Saving("image/png")) for k, v in (("big", big), ("small", small)))
print(json.dumps(render(Render("r", sys.argv[1], f"{sys.argv[2]}/journal", sheets)).to_json()))
"""


def run(code: str, *arguments: str) -> str:
    environment = {**os.environ, **LANE_ENVIRONMENT}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def test_a_child_is_made_ready(tmp_path: Path) -> None:
    lane = json.loads(run(CODE, str(tmp_path)))
    assert lane == {
        "memory": 3 << 30,
        "nice": os.nice(0) + 3,
        "scratch": str(tmp_path),
        "threads": 1,
        "cache": 0,
        "blocked": [True, True, False],
        "strangers": [],
    }


def test_a_picture_larger_than_the_lanes_memory_fails_alone(tmp_path: Path) -> None:
    report = json.loads(run(HUNGRY, str(PHOTO), str(tmp_path)))
    assert report["flaws"]["big"]["code"] == "out_of_memory"
    assert list(report["made"]) == ["small"]
