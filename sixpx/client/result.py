"""Owns a job as a client sees it: typed, with the reply itself beside it. Never asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sixpx.errors import NotFound, SixpxError

ENDED = ("complete", "failed")
INFO = ("width", "height", "bytes", "type")


@dataclass(frozen=True, slots=True)
class Picture:
    """One result: pixels, bytes, MIME type, where it is, and what was found out about it."""

    tag: str
    ref: str
    location: str
    width: int
    height: int
    bytes: int
    type: str
    analysis: Mapping[str, Any] | None = None
    face: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an output failed: a code for programs, a sentence for people, and whether trying again may help."""

    tag: str
    code: str
    stage: str
    detail: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Result:
    """A job of API version 2014-08; `raw` is the whole reply."""

    id: str
    status: str
    pictures: tuple[Picture, ...]
    troubles: tuple[Trouble, ...]
    data: Mapping[str, Any]
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Result:
        """Raises SixpxError where the reply is no job."""
        try:
            return cls(
                id=raw["_id"],
                status=raw["status"],
                pictures=tuple(_pictures(raw)),
                troubles=tuple(_troubles(raw)),
                data=raw.get("data") or {},
                raw=raw,
            )
        except (KeyError, TypeError, AttributeError) as fault:
            raise SixpxError("the service answered with something that is no job of version 2014-08") from fault

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def picture(self, tag: str | None = None, ref: str | None = None) -> Picture:
        """The only picture of this output and input; without them: of all. Raises NotFound."""
        found = [one for one in self.pictures if tag in (None, one.tag) and ref in (None, one.ref)]
        if len(found) != 1:
            have = ", ".join(f"{one.tag}/{one.ref}" for one in self.pictures) or "none"
            raise NotFound(f"expected one picture of {tag or 'any tag'}/{ref or 'any input'}, there are: {have}")
        return found[0]


class JobFailed(SixpxError):
    """A job whose outputs were not all made; those that were are in its `job`."""

    code = "job_failed"

    def __init__(self, job: Result) -> None:
        why = "; ".join(f"{one.tag}: {one.detail}" for one in job.troubles) or "its reply says no more"
        super().__init__(f"job {job.id} failed: {why}")
        self.job = job
        self.retryable = any(one.retryable for one in job.troubles)


def _pictures(raw: Mapping[str, Any]) -> Iterator[Picture]:
    for one in raw["processed"]:
        for ref, made in one["data"]["output"].items():
            info = {name: made["info"][name] for name in INFO}  # a later service may say more
            found = (made.get("analysis"), made.get("face"))
            yield Picture(one["name"], ref, made["location"], **info, analysis=found[0], face=found[1])


def _troubles(raw: Mapping[str, Any]) -> Iterator[Trouble]:
    for one in raw["processed"]:
        if error := one.get("error"):
            yield Trouble(one["name"], error["code"], error["stage"], error["detail"], bool(error.get("retryable")))
