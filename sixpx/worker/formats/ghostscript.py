"""Owns the Ghostscript process that draws PostScript of strangers. Never lets it near a file, and never waits for long.

PostScript is a program. It gets the file as its standard input and gives the picture as its standard output, both
opened by us: it is told no path at all. `-dSAFER` denies it all files but temporary ones, in a folder of which it
would be free to read, list and fill; so its folder for those is one that cannot exist, and the page is kept in memory.
util-linux' `setpriv` and `prlimit` start it, for it must die with its lane, however that ends, and only the process
itself can ask for that: `preexec_fn` is not safe in a process with threads, as a lane is.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from sixpx.core.geometry import Size
from sixpx.errors import BadImage, OverLimit
from sixpx.worker.formats.postscript import BoundingBox

SECONDS = 20
"""Of the clock, and of the processor. A photograph of 8 megapixels takes half a second."""
MEMORY = 1024**3
"""Bytes of address space. A page of 75 megapixels takes 300 MB."""
ROOM = 1024**2
"""Bytes that a picture may take beside five for each pixel: PNG does not always make data smaller."""

LEAST_DPI = 4
"""Below 2 Ghostscript cannot make its screens."""
POINTS = 72
"""Points an inch."""

NOWHERE = "/dev/null"
"""A folder in which nothing can be made: it is none."""
ENVIRONMENT = {"TMPDIR": NOWHERE, "TEMP": NOWHERE, "TMP": NOWHERE}

PROGRAMS = {"gs": "ghostscript", "setpriv": "util-linux", "prlimit": "util-linux"}
"""What is run, with Debian's packages."""

SWITCHES = (
    *("-dSAFER", "-dBATCH", "-dNOPAUSE", "-q", "-P-", "-sDEVICE=pngalpha", "-dTextAlphaBits=4"),
    *("-dGraphicsAlphaBits=4", "-dFIXEDMEDIA", "-dMaxBitmap=2000000000", "-dLastPage=1"),
    *("-sstdout=%stderr", "-sOutputFile=-"),
)
"""Half-covered pixels at edges; our page, whatever the file asks for, in memory as a whole; the first page alone;
what the program prints does not get into the picture."""

SHOW_WHAT_WAS_DRAWN = "currentpagedevice /PageCount get 0 eq {showpage} if"
"""EPS files need not show their page themselves."""

REASON = re.compile(rb"Error: /(\w{1,40}) in (?:--)?([\w.]{1,40})?")
"""PostScript's name for what went wrong, and the operator or the name where it did."""


@dataclass(frozen=True, slots=True)
class Page:
    """What of a drawing comes onto a page, and the page's size in pixels."""

    box: BoundingBox
    size: Size

    @property
    def switches(self) -> tuple[str, ...]:
        across = self.size.width * POINTS / self.box.width
        down = self.size.height * POINTS / self.box.height
        # an offset, unlike a translation, outlasts an `initgraphics` in the file. Its y grows downward
        offset = f"<< /PageOffset [{-self.box.left:.6f} {self.box.bottom:.6f}] >> setpagedevice"
        return f"-g{self.size.width}x{self.size.height}", f"-r{across:.6f}x{down:.6f}", "-c", offset


def page(box: BoundingBox, size: Size) -> Page:
    """The page on which the box is drawn as large as wanted, or as small as Ghostscript can."""
    least = (int(side * LEAST_DPI / POINTS) + 1 for side in (box.width, box.height))
    return Page(box, Size(*map(max, (size.width, size.height), least)))


def missing() -> str | None:
    """What of PROGRAMS is not installed, in one sentence."""
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            return f"reading it needs {program}, which is not installed here (Debian: apt-get install {package})"
    return None


def draw(script: IO[bytes], page: Page, name: str) -> bytes:
    """The page as a PNG file (RGBA), drawn by the PostScript from where `script`, a real file, stands to its end.
    `name` is its format's, for sentences. Raises BadImage, OverLimit."""
    with tempfile.TemporaryFile() as picture, tempfile.TemporaryFile() as words:
        command = _command(page)
        script.flush()
        os.lseek(script.fileno(), script.tell(), os.SEEK_SET)
        process = subprocess.Popen(
            command, stdin=script, stdout=picture, stderr=words, env=ENVIRONMENT, cwd="/", start_new_session=True
        )
        outcome = _end(process)
        words.seek(0)
        _judge(outcome, words.read(4096), name)
        picture.seek(0)
        return picture.read()


def _command(page: Page) -> Sequence[str]:
    gs, setpriv, prlimit = (shutil.which(program) or program for program in PROGRAMS)
    bytes_written = page.size.pixels * 5 + ROOM
    return (
        *(setpriv, "--pdeathsig", "KILL", "--no-new-privs"),
        *(prlimit, f"--cpu={SECONDS}:{SECONDS + 1}", f"--as={MEMORY}", f"--fsize={bytes_written}", "--core=0"),
        *(gs, *SWITCHES, *page.switches, "-f", "-", "-c", SHOW_WHAT_WAS_DRAWN),
    )


def _end(process: subprocess.Popen[bytes]) -> int:
    """How the process ended: its exit status, or the negative number of the signal that killed it."""
    # `wait` with a time limit looks only every 50 ms, which is how long a drawing takes
    watched = os.pidfd_open(process.pid)
    try:
        poll = select.poll()
        poll.register(watched, select.POLLIN)
        ended = poll.poll(SECONDS * 1000)
        return process.wait() if ended else -signal.SIGXCPU
    finally:
        os.close(watched)
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _judge(outcome: int, words: bytes, name: str) -> None:
    """Raises BadImage or OverLimit unless the page was drawn."""
    if outcome == 0:
        return
    reason = REASON.search(words)
    if outcome in (-signal.SIGXCPU, -signal.SIGKILL):
        raise OverLimit(f"the {name} file takes more than {SECONDS} seconds to draw")
    if outcome == -signal.SIGXFSZ:
        raise OverLimit(f"the {name} file writes more than a picture of its size can have")
    if reason is not None and reason[1] == b"VMerror":
        raise OverLimit(f"the {name} file needs more than {MEMORY:,} bytes of memory to draw")
    if reason is not None and reason[1] == b"invalidfileaccess":
        raise BadImage(f"the {name} file asks for files outside of itself, which is not allowed")
    told = b" in ".join(part for part in reason.groups() if part).decode() if reason is not None else "no reason given"
    raise BadImage(f"the {name} file cannot be drawn; Ghostscript stopped: {told}")
