"""Owns the jobs that the tests of a store are made of: plain ones by number, and random ones. Never a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sixpx.core.job import Input, Job, Output, Picture, Processed, Span, Status, Stored, Trouble
from sixpx.core.user import Access, User
from sixpx.store.document import steps_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA, BEN, CY = (f"{number:024x}" for number in (0xA, 0xB, 0xC))


def after(seconds: float) -> datetime:
    """The moment so many seconds after NOW."""
    return NOW + timedelta(seconds=seconds)


def job_of(number: int, user: str = ADA, tags: tuple[str, ...] = ("one",), created: datetime = NOW) -> Job:
    """A pending job; ids grow with `number`, an output for each tag."""
    outputs = tuple(Output(tag, {"ref": {"main": tag}, "tag": tag}, {"main": tag}) for tag in tags)
    records = tuple(
        Processed(f"{number * 100 + place:024x}", tag, created, created) for place, tag in enumerate(tags, 1)
    )
    inputs = (Input("main", "http://example.com/a.png"),)
    return Job(f"{number:024x}", user, created, created, inputs, outputs, records)


def user_of(number: int, name: str = "ada", connections: Mapping[str, str] | None = None) -> User:
    return User(f"{number:024x}", name, (Access(f"{number:032x}", "d" * 64),), NOW, connections or {})


def ended(job: Job, status: Status = Status.COMPLETE, tags: frozenset[str] | None = None) -> Job:
    """The job with its outputs (or those of `tags`) ended; the job itself too where none is left."""
    stored = {"main": Stored(4, 3, 120, "image/png", "http://files.test/one.png")}
    trouble = Trouble("bad_image", "load", "no image", ref="main")
    records = tuple(
        replace(one, status=status, modified=after(1), **_outcome(status, stored, trouble))
        if tags is None or one.tag in tags
        else one
        for one in job.processed
    )
    job = replace(job, processed=records, modified=after(1))
    whole = all(one.status.ended for one in records)
    worst = Status.FAILED if any(one.status is Status.FAILED for one in records) else Status.COMPLETE
    return replace(job, status=worst) if whole else job


def _outcome(status: Status, stored: Mapping[str, Stored], trouble: Trouble) -> dict[str, Any]:
    return {"stored": stored} if status is Status.COMPLETE else {"trouble": trouble}


# --- random jobs ----------------------------------------------------------------------------------

WHOLE = st.integers(0, 2**40)
NAMES = st.from_regex(r"\A[A-Za-z0-9_-]{1,20}\Z")
TEXTS = st.text(max_size=20)
IDS = st.from_regex(r"\A[0-9a-f]{24}\Z")
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
"""Whole numbers beyond these come out of a body as fractions."""
KEYS = (
    TEXTS | st.text(".$%\x0024E5", max_size=5) | st.sampled_from(("", "_id", "a.b", "$set", "$ref", "%2E", "__proto__"))
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=3)
MOMENTS = st.integers(0, 4_000_000_000_000).map(lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms))
"""Whole milliseconds, which is what the API shows and the stores keep."""

troubles = st.builds(Trouble, TEXTS, TEXTS, TEXTS, st.booleans(), st.none() | NAMES)
pictures = st.builds(
    Picture, NAMES, WHOLE, WHOLE, TEXTS, WHOLE, st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180))
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    if draw(st.booleans()):
        return Span()
    return Span(draw(MOMENTS), draw(st.none() | MOMENTS), draw(WHOLE), draw(WHOLE))


@st.composite
def stored(draw: st.DrawFn) -> Stored:
    looked = draw(st.booleans())
    face = draw(st.none() | OBJECTS) if looked else None
    analysis = draw(st.none() | OBJECTS)
    return Stored(draw(WHOLE), draw(WHOLE), draw(WHOLE), draw(TEXTS), draw(TEXTS), analysis, face, looked)


@st.composite
def outputs(draw: st.DrawFn, tag: str) -> Output:
    steps = st.fixed_dictionaries({"method": NAMES}, optional={"options": OBJECTS})
    asked = {"ref": {}, "tag": tag, "methods": draw(st.lists(steps, max_size=3))}
    return Output(
        tag,
        asked,
        draw(st.dictionaries(NAMES, TEXTS, max_size=3)),
        steps_of(asked),
        draw(st.none() | TEXTS),
        draw(st.none() | st.integers(1, 100)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(TEXTS),
        draw(st.none() | TEXTS),
    )


@st.composite
def processed(draw: st.DrawFn, tag: str) -> Processed:
    results = draw(st.dictionaries(NAMES, stored(), max_size=2))
    status = draw(st.sampled_from(Status))
    trouble = draw(st.none() | troubles)
    return Processed(draw(IDS), tag, draw(MOMENTS), draw(MOMENTS), status, results, draw(spans()), trouble)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """Any job at all, in any state."""
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    tags = draw(st.lists(TEXTS, max_size=3, unique=True))
    inputs = [Input(name, draw(TEXTS), draw(st.none() | TEXTS), draw(st.none() | IDS), draw(WHOLE)) for name in names]
    return Job(
        id=draw(IDS),
        user_id=draw(IDS),
        created=draw(MOMENTS),
        modified=draw(MOMENTS),
        inputs=tuple(inputs),
        outputs=tuple(draw(outputs(tag)) for tag in tags),
        processed=tuple(draw(processed(tag)) for tag in tags),
        status=draw(st.sampled_from(Status)),
        callback=draw(JSON),
        callback_sealed=draw(st.none() | TEXTS),
        data=draw(OBJECTS),
        pictures=tuple(draw(st.lists(pictures, max_size=2))),
        trouble=draw(st.none() | troubles),
        total=draw(spans()),
        version=draw(st.sampled_from(("2014-08", "2014-06", "2014-04"))),
    )
