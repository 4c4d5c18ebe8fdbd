"""Owns the tests of EPS programs that try what they must not: files, folders, time, memory. Never how EPS looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sixpx.worker.formats import ghostscript

from .conftest import Studio
from .drawings import SHAPES, array, dos, eps, file, is_shapes, needs_gs, resized


@pytest.fixture
def secret(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that Ghostscript could read if it were a temporary one, in the folder of those and of the work."""
    path = studio.folder / "secret"
    path.write_text("0 1 0 setrgbcolor 0 0 999 999 rectfill")
    monkeypatch.setenv("TMPDIR", str(studio.folder))
    monkeypatch.chdir(studio.folder)
    return path


@needs_gs
@pytest.mark.parametrize(
    "body",
    [
        "(/etc/passwd) (r) file",
        "({secret}) (r) file",
        "(secret) (r) file",
        "({secret}) run",
        "({secret}) (r+) file",
        "(/proc/self/environ) (r) file",
        "(/proc/self/fd/0) (r) file",
        "({folder}/made) (w) file",
        "(made) (w) file",
        "(/dev/null/made) (w) file",
        "null (w) .tempfile",
        "({folder}/made) (w) .tempfile",
        "({secret}) deletefile",
        "({secret}) (made) renamefile",
        "(%pipe%touch {folder}/made) (w) file",
        "(%pipe%touch {folder}/made) (r) file",
        "<< /OutputFile (%pipe%touch {folder}/made) >> setpagedevice showpage",
        "<< /OutputFile ({folder}/made) >> setpagedevice showpage",
        "<< /OutputDevice /png16m /OutputFile ({folder}/made) >> setpagedevice showpage",
        "mark /OutputFile ({folder}/made) currentdevice putdeviceprops showpage",
        "(%os%{secret}) (r) file",
        "(%rom%lib/gs_init.ps) (w) file",
    ],
)
def test_it_reads_and_writes_no_file(studio: Studio, secret: Path, body: str) -> None:
    before = sorted(studio.folder.iterdir())
    body = body.replace("{secret}", str(secret)).replace("{folder}", str(studio.folder))
    source = file(studio, eps(f"{body} 0 1 0 setrgbcolor 0 0 999 999 rectfill showpage"))
    flaw = studio.flaw(source)
    assert flaw.code == "bad_image"
    assert "asks for files outside of itself" in flaw.detail or "Ghostscript stopped: " in flaw.detail
    assert sorted(studio.folder.iterdir()) == sorted([*before, source])
    assert secret.read_text().startswith("0 1 0")


@needs_gs
@pytest.mark.parametrize("what", ["{folder}/*", "{secret}", "/etc/p*", "%os%/etc/p*", "/dev/null/*"])
def test_it_lists_no_folder(studio: Studio, secret: Path, what: str) -> None:
    """What it finds it would paint the page green for."""
    what = what.replace("{secret}", str(secret)).replace("{folder}", str(studio.folder))
    body = f"({what}) {{pop 0 1 0 setrgbcolor 0 0 999 999 rectfill}} 256 string filenameforall\n"
    made = array(studio.picture(file(studio, eps(SHAPES + body)), resized(width=200)))
    assert is_shapes(made)


@needs_gs
def test_it_learns_nothing_of_its_surroundings(studio: Studio, secret: Path) -> None:
    tests = ("(/etc/passwd) status", f"({secret}) status", "systemdict /getenv known {(HOME) getenv} {false} ifelse")
    body = " ".join(test + " {0 1 0 setrgbcolor 0 0 999 999 rectfill} if" for test in tests)
    made = array(studio.picture(file(studio, eps(SHAPES + body)), resized(width=200)))
    assert is_shapes(made)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ghostscript, "SECONDS", 1)


@needs_gs
@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("body", ["{} loop", "{(words) print} loop", "{(*) {pop} 9 string filenameforall} loop"])
def test_a_program_without_end_is_ended(studio: Studio, body: str) -> None:
    began = time.monotonic()
    flaw = studio.flaw(file(studio, eps(body)))
    assert flaw.code == "over_limit"
    assert "takes more than 1 seconds to draw" in flaw.detail or "writes more than a picture" in flaw.detail
    assert time.monotonic() - began < 10


@needs_gs
def test_a_program_that_takes_memory_without_end_is_ended(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ghostscript, "MEMORY", 256 * 1024**2)
    body = "/kept [ ] def { /kept [ kept 65000 string 65000 string 65000 string ] def } loop"
    flaw = studio.flaw(file(studio, eps(body)))
    assert flaw.code == "over_limit"
    assert "needs more than 268,435,456 bytes of memory" in flaw.detail


@needs_gs
def test_a_program_that_draws_page_after_page_gives_the_first(studio: Studio) -> None:
    made = studio.picture(file(studio, eps(SHAPES + "showpage 1000 {showpage} repeat")), resized(width=200))
    assert is_shapes(array(made))


LANE = """
import sys
from sixpx.core.render import Limits, Render, Saving, Sheet
from sixpx.worker import render, set_up
set_up(scratch=sys.argv[2])
render(Render("r", sys.argv[1], None, (Sheet("one", sys.argv[2] + "/one", (), Saving("image/png")),)))
"""


@needs_gs
def test_it_dies_with_its_lane(studio: Studio, tmp_path: Path) -> None:
    source = file(studio, eps("{} loop"))
    lane = subprocess.Popen([sys.executable, "-c", LANE, str(source), str(tmp_path)])
    try:
        child = _within(20, lambda: _ghostscript_of(lane.pid))
        lane.send_signal(signal.SIGKILL)
        lane.wait()
        assert _within(5, lambda: not _lives(child))
    finally:
        lane.kill()
        lane.wait()
    assert list(tmp_path.iterdir()) == []


def _within(seconds: float, look: Any) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def _ghostscript_of(parent: int) -> int | None:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return next((int(one) for one in children if Path(f"/proc/{one}/comm").read_text().strip() == "gs"), None)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_gs
@pytest.mark.usefixtures("hurried")
def test_nothing_is_left_over(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for content in (eps(), dos(eps()), eps("{"), eps("{} loop")):
        studio.report(file(studio, content), ((), None))
    assert list(tmp_path.iterdir()) == []
    assert _ghostscript_of(os.getpid()) is None
