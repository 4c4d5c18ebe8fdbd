"""Owns the Job, its parts and its legal moves. Never the JSON names of an API version; `now` is an argument.

A job is pending until a runner claims it, processing while it is worked on, and ends complete or failed. It goes back
to pending when its runner gives it up, or when somebody asks for the failed outputs again. There is no other move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sixpx.core import delivery
from sixpx.core.delivery import Delivery, Fate
from sixpx.errors import Conflict


class Status(StrEnum):
    """A job's or an output's state, in the editions' words."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (Status.COMPLETE, Status.FAILED)


MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING, Status.FAILED}),
    Status.PROCESSING: frozenset({Status.COMPLETE, Status.FAILED, Status.PENDING}),
    Status.COMPLETE: frozenset(),
    Status.FAILED: frozenset({Status.PENDING}),
}


class IllegalMove(ValueError):
    """A move that MOVES does not know: a mistake of ours, never of a client."""


@dataclass(frozen=True, slots=True)
class Step:
    """One method with its options, as asked; the order of the options counts (filters run in it)."""

    method: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Input:
    """A picture to read. `shown` is its URL as anyone may see it; the URL itself is `sealed` where it carries
    userinfo; a data URI's bytes lie in the store's blob `blob`. `download`: how long it took to fetch, in ms."""

    name: str
    shown: str
    sealed: str | None = None
    blob: str | None = None
    download: int = 0

    @property
    def address(self) -> str:
        """What two inputs share when one download serves both."""
        return self.sealed or self.blob or self.shown


@dataclass(frozen=True, slots=True)
class Output:
    """What to make of one or more inputs. `asked` is the request's own object, redacted, for the echo. `names` maps
    each input to the file name without extension, fixed when the job was posted. `destination` is a scheme for which
    `sealed` holds the connection string, or `6px`."""

    tag: str
    asked: Mapping[str, Any]
    names: Mapping[str, str]
    steps: tuple[Step, ...] = ()
    type: str | None = None
    quality: int | None = None
    progressive: bool = False
    keep_metadata: bool = False
    destination: str = "6px"
    sealed: str | None = None

    @property
    def layers(self) -> frozenset[str]:
        """The inputs that layer steps put on top."""
        return frozenset(str(s.options["ref"]) for s in self.steps if s.method == "layer" and s.options.get("ref"))


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an output failed: a code of `errors`, the stage (`fetch load plan apply encode render put run`), a sentence,
    whether the same request may work later, and the input it happened on."""

    code: str
    stage: str
    detail: str
    retryable: bool = False
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A finished picture and where it went. Pixels and bytes; `location` is its public URL."""

    width: int
    height: int
    bytes: int
    type: str
    location: str
    analysis: Mapping[str, Any] | None = None
    face: Mapping[str, Any] | None = None
    looked_for_face: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """When work was done and how long its parts took: datetimes and milliseconds."""

    start: datetime | None = None
    end: datetime | None = None
    download: int = 0
    upload: int = 0

    @property
    def total(self) -> int:
        """Milliseconds from start to end (SPEC section 9, Totals)."""
        if self.start is None or self.end is None:
            return 0
        return round((self.end - self.start).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of one output; `stored` by input name."""

    id: str
    tag: str
    created: datetime
    modified: datetime
    status: Status = Status.PENDING
    stored: Mapping[str, Stored] = field(default_factory=dict)
    span: Span = Span()
    trouble: Trouble | None = None

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.stored.values())


@dataclass(frozen=True, slots=True)
class Picture:
    """What was seen in an input: pixels, MIME type, bytes, its GPS position as (latitude, longitude), and one sentence
    about damage that was read over."""

    name: str
    width: int
    height: int
    type: str
    bytes: int
    latlon: tuple[float, float] | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One POST and all that became of it. `callback` and `data` are echoed as sent, redacted; the URL to call is
    `callback_sealed`. `version` is the API version that the POST spoke; `total` spans the whole job, a download counted
    once for each URL. `deliveries`: a callback for each of its ends, the newest ones."""

    id: str
    user_id: str
    created: datetime
    modified: datetime
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    processed: tuple[Processed, ...]
    status: Status = Status.PENDING
    callback: Any = None
    callback_sealed: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    trouble: Trouble | None = None
    total: Span = Span()
    version: str = "2014-08"
    deliveries: tuple[Delivery, ...] = ()

    @property
    def due(self) -> datetime | None:
        """When the next attempt to deliver a callback may begin, if any is owed."""
        return delivery.due_at(self.deliveries)

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.processed)

    def input(self, name: str) -> Input:
        """The input of this name; `main` is the only one where none is called so (SPEC section 1, Request body)."""
        return next((one for one in self.inputs if one.name == name), self.inputs[0])


def advance(job: Job, status: Status, now: datetime) -> Job:
    """The job in its next state. Raises IllegalMove where MOVES has no such move."""
    if status not in MOVES[job.status]:
        raise IllegalMove(f"a job cannot go from {job.status} to {status}")
    return replace(job, status=status, modified=now)


def with_processed(job: Job, changed: Processed, now: datetime) -> Job:
    """The job with one output's record replaced, matched by tag."""
    records = tuple(changed if one.tag == changed.tag else one for one in job.processed)
    return replace(job, processed=records, modified=now)


def conclude(job: Job, total: Span, now: datetime) -> Job:
    """The job at its end: failed when any output failed (SPEC section 1), complete otherwise."""
    failed = any(one.status is Status.FAILED for one in job.processed)
    return _ended(replace(job, total=total), Status.FAILED if failed else Status.COMPLETE, now)


def fail_unfinished(job: Job, trouble: Trouble, now: datetime) -> Job:
    """The job at its end: what is stored stays, every output that has not ended fails with `trouble`."""
    records = tuple(
        one if one.status.ended else replace(one, status=Status.FAILED, trouble=trouble, modified=now)
        for one in job.processed
    )
    return _ended(replace(job, processed=records, trouble=trouble), Status.FAILED, now)


def _ended(job: Job, status: Status, now: datetime) -> Job:
    """The job at its end, which is owed to its callback in the same write."""
    job = advance(job, status, now)
    if job.callback_sealed is None:
        return job
    return replace(job, deliveries=delivery.with_owed(job.deliveries, job.id, now))


def cancel(job: Job, now: datetime) -> Job:
    """The job ended by its owner (SPEC section 9, Cancel and retry); one that has ended stays as it is."""
    if job.status.ended:
        return job
    return fail_unfinished(job, Trouble("cancelled", "run", "the job was cancelled by its owner"), now)


def again(job: Job, now: datetime) -> Job:
    """The job back in the queue with its failed outputs to be made anew (SPEC section 9, Cancel and retry). Raises
    Conflict where nothing failed, or it has not ended."""
    if job.status is not Status.FAILED:
        raise Conflict(f"only a failed job can be retried; this one is {job.status}")
    records = tuple(
        Processed(one.id, one.tag, one.created, now) if one.status is Status.FAILED else one for one in job.processed
    )
    job = replace(job, processed=records, trouble=None, deliveries=tuple(map(_dropped, job.deliveries)))
    return advance(job, Status.PENDING, now)


def _dropped(one: Delivery) -> Delivery:
    """An end that was not told in time is told by the next one."""
    return replace(one, fate=Fate.DROPPED, due=None) if one.due is not None else one


def with_download(job: Job, address: str, ms: int) -> Job:
    """The job with the time of one download noted at every input that it serves."""
    return replace(
        job, inputs=tuple(replace(one, download=ms) if one.address == address else one for one in job.inputs)
    )


def download_ms(inputs: Iterable[Input]) -> int:
    """The time of their downloads, each counted once (SPEC section 9, Totals)."""
    return sum({one.address: one.download for one in inputs}.values())


def with_picture(job: Job, picture: Picture) -> Job:
    """The job with what was seen in one input, in the order of its inputs."""
    seen = {one.name: one for one in (*job.pictures, picture)}
    return replace(job, pictures=tuple(seen[one.name] for one in job.inputs if one.name in seen))


def unfinished(job: Job) -> tuple[Output, ...]:
    """The outputs that still have to be made, in the order of the request."""
    open_tags = {one.tag for one in job.processed if not one.status.ended}
    return tuple(output for output in job.outputs if output.tag in open_tags)


def sources_of(outputs: Iterable[Output]) -> tuple[str, ...]:
    """The inputs that these outputs are made of, each once, in order of first use."""
    return tuple(dict.fromkeys(name for output in outputs for name in output.names))


def needs_of(output: Output) -> tuple[str, ...]:
    """All inputs that an output needs, layers included."""
    return tuple(dict.fromkeys((*output.names, *sorted(output.layers))))
