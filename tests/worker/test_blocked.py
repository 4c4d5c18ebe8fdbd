"""Owns the proof that a lane reaches no loader but those that formats name, and that those work there. Never a
picture's values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from sixpx.core.render import LANE_ENVIRONMENT

from . import samples

CODE = """
import json, sys
from sixpx.worker import render, set_up
from sixpx.core.render import Render, Saving, Sheet
folder = sys.argv[1]
set_up(scratch=folder)
import pyvips

def below(type):
    pyvips.type_map(type, lambda one, *rest: (names.append(pyvips.nickname_find(one)), below(one), pyvips.ffi.NULL)[2])

def blocked(name):
    source = pyvips.Source.new_from_memory(b"junk") if name.endswith("_source") else folder + "/junk"
    arguments = [b"junk"] if name.endswith("_buffer") else [source]
    try:
        pyvips.Operation.call(name, *arguments, *([1, 1, 1] if name == "rawload" else []))
    except pyvips.Error as error:
        return "operation is blocked" in str(error)
    return False

names = []
below(pyvips.type_from_name("VipsForeignLoad"))
loaders = [name for name in names if not name.endswith("_base")]
made = {}
for name in sys.argv[2:]:
    sheet = Sheet("one", f"{folder}/{name}.png", (("resize", {"width": 20}),), Saving("image/png"))
    made[name] = render(Render("r", f"{folder}/{name}", None, (sheet,))).to_json()["flaws"]
print(json.dumps({"open": [name for name in loaders if not blocked(name)], "all": loaders, "flaws": made}))
"""


def test_a_lane_reaches_the_loaders_of_the_formats_alone(tmp_path: Path) -> None:
    files = {
        "jpeg": samples.JPEGS["cmyk"],
        "png": samples.PNGS["16 bit"],
        "gif": samples.GIFS["plain"],
        "webp": samples.WEBPS["animated"],
        "tiff": samples.TIFFS["tiles"],
        "tiff-by-pillow": samples.TIFFS["planes in tiles"],
        "avif": samples.AVIFS["alpha"],
        "heic": samples.HEICS["alpha"],
    }
    for name, make in files.items():
        (tmp_path / name).write_bytes(make())
    (tmp_path / "junk").write_bytes(b"width 1 height 1\n1,2\n" * 9)
    command = [sys.executable, "-c", CODE, str(tmp_path), *files]
    lane = subprocess.run(command, env={**os.environ, **LANE_ENVIRONMENT}, check=True, capture_output=True, text=True)
    found = json.loads(lane.stdout)
    assert found["flaws"] == {name: {} for name in files}
    assert {"csvload", "matrixload", "rawload", "vipsload", "uhdrload", "svgload"} <= set(found["all"])
    families = {name.partition("load")[0] for name in found["open"]}
    assert families <= {"jpeg", "png", "gif", "webp", "tiff", "heif", "svg"}
    assert "svgload" not in found["open"]
