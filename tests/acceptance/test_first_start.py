"""The first start of a fresh installation: a user is made, and what is printed works when it is pasted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import ROOT, free_port

NO_CURL = "curl is not installed (Debian: apt-get install curl)"


def paste(command: str) -> Any:
    """What a shell makes of the line."""
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not shutil.which("curl") and not os.environ.get("CI"), reason=NO_CURL)
def test_the_printed_lines_work_when_pasted(tmp_path: Path) -> None:
    assert shutil.which("curl"), NO_CURL
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")},
        "SIXPX_SERVER_PORT": str(free_port()),
        "PYTHONPATH": str(ROOT),
        "no_proxy": "127.0.0.1",
    }
    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(
            [sys.executable, "-m", "sixpx", "serve"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert service.stdout is not None
        lines = []
        while not lines or "export SIXPX_AS=" not in lines[-1]:
            line = service.stdout.readline()
            assert line, (tmp_path / "log").read_text()
            lines.append(line)
        # another port than the default: what is pasted says so
        assert lines[-1].strip().endswith(f" SIXPX_AT=http://127.0.0.1:{environment['SIXPX_SERVER_PORT']}")
        create, show = [line.strip() for line in lines if line.strip().startswith("curl ")]
        id = paste(create)["id"]
        until = time.monotonic() + 20
        while (job := paste(show)[0])["status"] not in ("complete", "failed") and time.monotonic() < until:
            time.sleep(0.1)
    finally:
        service.terminate()
        service.communicate(timeout=40)
    assert (job["_id"], job["status"]) == (id, "complete")
    assert (tmp_path / "data" / "hosted" / job["user_id"] / id / "first.png").stat().st_size > 0
    assert service.returncode == 0
