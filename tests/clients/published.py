"""Owns the way to the published Node client: the npm package as it is, but for the host names. Never what it sends.

`make servers` brings it from npm with what it needs; nothing of it lies here. Of the four clients it alone can be had.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.servers.base import ROOT, SERVERS, found, missing

HERE = Path(__file__).parent
VERSION = "0.1.6"
HOW = "make servers"
MODULES = (
    ROOT / ".venv-servers" / "clients" / "node_modules",
    Path(os.environ.get("SIXPX_TEST_SERVERS", "/nowhere")).parent / "clients" / "node_modules",
)
HTTP, SOCKET = "https://api.6px.io", "ws://socks.6px.io"
"""The hosts that stand in its source."""


def node() -> str:
    return found("node", HOW, *SERVERS)


def modules() -> Path:
    """The folder with the package and what it needs. Skips or fails without it."""
    for folder in MODULES:
        package = folder / "6px" / "package.json"
        if package.exists() and json.loads(package.read_text())["version"] == VERSION:
            return folder
    missing(f"the npm package 6px {VERSION}", HOW)
    raise AssertionError("`missing` does not return")


def moved(folder: Path, url: str) -> Path:
    """A copy of the package in `folder` that speaks with the service at `url`: two host names, and no byte beside."""
    copy = folder / "6px"
    shutil.copytree(modules() / "6px", copy)
    source = copy / "lib" / "px.js"
    text = source.read_text()
    assert (text.count(HTTP), text.count(SOCKET)) == (1, 1)
    source.write_text(text.replace(HTTP, url).replace(SOCKET, url.replace("http", "ws", 1)))
    return copy


def ran(folder: Path, url: str, user: Mapping[str, str], seconds: float = 90, **settings: str) -> dict[str, Any]:
    """What `node/program.js` printed: a result by name."""
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_PATH": str(modules()),
        "NODE_OPTIONS": "--no-deprecation",
        "CLIENT": str(moved(folder, url)),
        "CLOUD6_USER_ID": user["id"],
        "CLOUD6_API_KEY": user["key"],
        "CLOUD6_API_SECRET": user["secret"],
        **settings,
    }
    command = [node(), "-r", str(HERE / "node" / "era.js"), str(HERE / "node" / "program.js")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results
