"""Owns the making of the triples: a request, the stored job that became of it, its reply in every API version.

python tests/golden/versions/make.py

Never draws an id, reads a clock or seals: the same code makes the same bytes. What became of a job is told here by the
moves of core.job, as a runner makes them.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2]))

from sixpx.api.v1 import mistakes, read, versions  # noqa: E402  (run as a script, the project is found only now)
from sixpx.core import job as core  # noqa: E402
from sixpx.core.job import Job, Picture, Span, Status, Stored, Trouble  # noqa: E402
from sixpx.core.user import User  # noqa: E402
from sixpx.credentials import Vault, new_key  # noqa: E402
from sixpx.store.document import from_job, iso  # noqa: E402

BEGAN = datetime(2014, 8, 16, 20, 41, 4, 706000, UTC)
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
HOST = "http://127.0.0.1:8666"


class Glass(Vault):
    """Seals nothing, so that the triples are the same each time."""

    def seal(self, text: str) -> str:
        return f"sealed:{text}"

    def open(self, token: str) -> str:
        return token.removeprefix("sealed:")


USER = User(
    id="535702ffed81710200aa471d",
    name="golden",
    accesses=(),
    created=BEGAN,
    connections={"prod": "sealed:s3://key:secret@bucket/path"},
)


@dataclass(frozen=True, slots=True)
class Case:
    """What is posted, in which version, and what becomes of it."""

    request: Mapping[str, Any]
    became: Callable[[Job], Job] = lambda job: job
    version: str = versions.DEFAULT


def after(ms: int) -> datetime:
    return BEGAN + timedelta(milliseconds=ms)


def span(start: int, end: int, download: int = 436, upload: int = 107) -> Span:
    return Span(after(start), after(end), download, upload)


# --- what becomes of a job -----------------------------------------------------------------------------


def running(job: Job) -> Job:
    return core.advance(job, Status.PROCESSING, after(105))


def stored(job: Job, ref: str, width: int, height: int, size: int, **more: Any) -> Stored:
    return Stored(width, height, size, "image/png", f"{HOST}/{job.user_id}/{job.id}/{ref}.png", **more)


def made(job: Job, tag: str, when: int, **pictures: Stored) -> Job:
    """An output is ready, `when` ms after the POST."""
    one = next(one for one in job.processed if one.tag == tag)
    ready = replace(one, status=Status.COMPLETE, stored=pictures, span=span(105, when), modified=after(when))
    return core.with_processed(job, ready, after(when))


def lost(job: Job, tag: str, when: int, trouble: Trouble) -> Job:
    one = next(one for one in job.processed if one.tag == tag)
    broken = replace(one, status=Status.FAILED, span=span(105, when, 436, 0), trouble=trouble, modified=after(when))
    return core.with_processed(job, broken, after(when))


def seen(job: Job, name: str, **more: Any) -> Job:
    return core.with_picture(job, Picture(name, 1200, 800, "image/jpeg", 322_345, **more))


def sample(job: Job) -> Job:
    job = made(seen(running(job), "taxi"), "raw", 1428, taxi=stored(job, "unsplashed_taxi", 400, 400, 322_345))
    return core.conclude(job, span(105, 1428), after(1637))


def three_inputs(job: Job) -> Job:
    pictures = {
        "farm": stored(job, "farm", 4608, 3456, 16_033_211),
        "forest": stored(job, "forest", 2300, 1533, 6_814_070),
        "bus": stored(job, "bus", 250, 166, 88_202),
    }
    job = made(running(job), "output-1", 42_000, **pictures)
    return core.conclude(job, span(70, 42_000, 8424, 19_842), after(42_050))


def overlapping(job: Job) -> Job:
    job = made(running(job), "small", 900, a=stored(job, "small-a", 40, 30, 900), b=stored(job, "small-b", 40, 40, 800))
    job = made(job, "large", 1500, a=stored(job, "large-a", 400, 300, 9000))
    return core.conclude(job, span(105, 1500, 436, 214), after(1501))


def half_failed(job: Job) -> Job:
    trouble = Trouble("fetch_failed", "fetch", "the server of the input answered 404", False, "gone")
    job = lost(made(running(job), "good", 900, main=stored(job, "good", 10, 10, 100)), "bad", 950, trouble)
    return core.conclude(job, span(105, 950), after(951))


def analysed(job: Job) -> Job:
    analysis = {"color": [{"hex": "#ff0000", "rgb": [255, 0, 0], "share": 1.0}], "exif": {"Make": "Nikon"}}
    face = {"x": 10, "y": 20, "width": 100, "height": 100}
    picture = stored(job, "portrait", 120, 120, 5000, analysis=analysis, face=face, looked_for_face=True)
    nobody = stored(job, "nobody", 120, 120, 4000, face=None, looked_for_face=True)
    job = seen(running(job), "main", latlon=(40.0176, -105.2797))
    return core.conclude(made(job, "faces", 800, main=picture, other=nobody), span(105, 800), after(801))


def cancelled(job: Job) -> Job:
    return core.cancel(running(job), after(300))


# --- the cases -----------------------------------------------------------------------------------------

TAXI = "https://s3.amazonaws.com/ooomf-com-files/mtNrf7oxS4uSxTzMBWfQ_DSC_0043.jpg"
RESIZE = {"method": "resize", "options": {"width": 400, "height": 400}}
FACE = {"method": "crop", "options": {"face": True, "width": 120, "height": 120}}
WEB = "http://example.com"

CASES: Mapping[str, Case] = {
    "edition-3": Case(
        {
            "input": {"taxi": TAXI},
            "output": [
                {
                    "ref": {"taxi": "unsplashed_taxi"},
                    "type": "image/png",
                    "tag": "raw",
                    "methods": [RESIZE],
                    "url": "6px",
                }
            ],
            "callback": {"url": f"{WEB}/callback"},
            "data": {},
        },
        sample,
    ),
    "edition-1": Case(
        {
            "input": {name: f"{WEB}/{name}.jpg" for name in ("bus", "forest", "farm")},
            "output": [
                {
                    "methods": [{"method": "resize", "options": {"width": 250}}],
                    "url": "6px",
                    "type": "image/png",
                    "ref": {"bus": False, "forest": False, "farm": False},
                }
            ],
            "callback": {"url": ""},
            "data": {},
        },
        three_inputs,
        "2014-04",
    ),
    "overlapping": Case(
        {
            "input": {"a": f"{WEB}/a.jpg", "b": f"{WEB}/b.jpg"},
            "output": [
                {"ref": {"a": "small-a", "b": "small-b"}, "tag": "small", "methods": [RESIZE]},
                {"ref": {"a": "large-a"}, "tag": "large", "methods": []},
            ],
            "data": {"order": 7},
        },
        overlapping,
        "2014-06",
    ),
    "half-failed": Case(
        {
            "input": {"main": f"{WEB}/main.jpg", "gone": f"{WEB}/gone.jpg"},
            "output": [
                {"ref": {"main": "good"}, "tag": "good", "url": "prod"},
                {"ref": {"gone": "bad"}, "tag": "bad", "url": "s3://key:secret@bucket/path"},
            ],
            "callback": {"url": "https://user:password@example.com/callback"},
        },
        half_failed,
    ),
    "analysed": Case(
        {
            "input": {"main": DOT, "other": f"{WEB}/other.png"},
            "output": [{"ref": ["main", "other"], "tag": "faces", "methods": [FACE]}],
        },
        analysed,
    ),
    "pending": Case({"input": {"main": DOT}, "output": [{"ref": {"main": False}, "url": "", "tag": "", "type": ""}]}),
    "processing": Case({"input": {"main": DOT}, "output": [{"ref": {"main": "one"}, "tag": None}]}, running, "2014-06"),
    "cancelled": Case({"input": {"main": DOT}, "output": [{"ref": {"main": "one"}}]}, cancelled),
}


# --- the triples ---------------------------------------------------------------------------------------


def posted(case: Case) -> Job:
    """The job that the request asks for; its ids and names are counted."""
    ids = (f"53f257b72eeb9052131d{count:04x}" for count in itertools.count(1))
    names = (f"random-{count}" for count in itertools.count(1))
    maker = read.Maker(ids.__next__, names.__next__, Glass(new_key()), mistakes.Counts())
    return read.posted(case.request, USER, BEGAN, maker, case.version).job


def triple(case: Case) -> dict[str, Any]:
    job = case.became(posted(case))
    columns = {"user_id": job.user_id, "status": str(job.status)}
    moments = {"created": iso(job.created), "modified": iso(job.modified)}
    return {
        "request": case.request,
        "stored": {**columns, **moments, "document": from_job(job)},
        "replies": {version: versions.seen_by(job, version) for version in versions.VERSIONS},
    }


def files() -> Iterator[tuple[str, str]]:
    """Name and text of every triple's file."""
    for name, case in CASES.items():
        yield f"{name}.json", json.dumps(triple(case), indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    for name, text in files():
        (HERE / name).write_text(text, "utf-8")
    print(f"{len(CASES)} triples")


if __name__ == "__main__":
    main()
