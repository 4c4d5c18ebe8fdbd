"""Owns the stored shape of a job: edition 3's fields, and what is private to us under `sixpx`. Never SQL or BSON.

`user_id created modified status` are left out: they are columns in SQL and fields in MongoDB, which each store adds.
Dates are ISO 8601 strings in UTC with milliseconds, as the API prints them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sixpx.core.delivery import Attempt, Delivery, Fate
from sixpx.core.job import Input, Job, Output, Picture, Processed, Span, Status, Step, Stored, Trouble
from sixpx.core.user import Access, Plan, SocketAuth, User

Document = dict[str, Any]


@lru_cache(4096)
def iso(when: datetime) -> str:
    """`2014-08-16T20:41:06.343Z` (SPEC section 1). Remembered: a job's few moments are written many times."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds")[:23] + "Z"


def when(text: str) -> datetime:
    """The inverse of `iso`."""
    return datetime.fromisoformat(text)


def from_job(job: Job) -> Document:
    """The document that `to_job` reads back into an equal job."""
    return {
        "_id": job.id,
        "input": {one.name: one.shown for one in job.inputs},
        "output": [dict(one.asked) for one in job.outputs],
        "processed": [_from_processed(one) for one in job.processed],
        "callback": job.callback,
        "data": dict(job.data),
        "images": [_without_none(asdict(one)) for one in job.pictures],
        "error": None if job.trouble is None else _without_none(asdict(job.trouble)),
        "totals": {"bytes": job.bytes, "duration": _from_span(job.total)},
        "sixpx": {
            "version": job.version,
            "input": {one.name: _from_input(one) for one in job.inputs},
            "output": [_from_output(one) for one in job.outputs],
            **_without_none({"callback": job.callback_sealed}),
            "deliveries": from_deliveries(job.deliveries),
        },
    }


TOPS = frozenset(
    (
        *("_id", "user_id", "created", "modified", "status", "data", "callback"),
        *("input", "output", "processed", "images", "error", "totals"),
    )
)
"""The fields of what `searchable` gives; there is nothing to be searched at any other."""


def searchable(job: Job) -> Document:
    """The document as searches see it (`core.matching`): with what stores keep beside it, without what is private."""
    document = from_job(job)
    del document["sixpx"]
    moments = {"created": iso(job.created), "modified": iso(job.modified)}
    return {**document, "user_id": job.user_id, "status": str(job.status), **moments}


def to_job(raw: Mapping[str, Any], user_id: str, status: str, created: datetime, modified: datetime) -> Job:
    """The job of a stored document and its columns."""
    private = raw["sixpx"]
    return Job(
        id=raw["_id"],
        user_id=user_id,
        created=created,
        modified=modified,
        inputs=tuple(Input(name, shown, **private["input"][name]) for name, shown in raw["input"].items()),
        outputs=tuple(_to_output(a, p) for a, p in zip(raw["output"], private["output"], strict=True)),
        processed=tuple(_to_processed(one) for one in raw["processed"]),
        status=Status(status),
        callback=raw["callback"],
        callback_sealed=private.get("callback"),
        data=raw["data"],
        pictures=tuple(_to_picture(one) for one in raw["images"]),
        trouble=None if raw["error"] is None else Trouble(**raw["error"]),
        total=_to_span(raw["totals"]["duration"]),
        version=private["version"],
        deliveries=to_deliveries(private.get("deliveries", ())),
    )


def _from_input(one: Input) -> Document:
    """What `input` does not show."""
    return _without_none({"sealed": one.sealed, "blob": one.blob, "download": one.download})


def _from_output(output: Output) -> Document:
    saving = {"quality": output.quality, "progressive": output.progressive, "keep_metadata": output.keep_metadata}
    return _without_none(
        {
            "tag": output.tag,
            "names": dict(output.names),
            "type": output.type,
            "destination": output.destination,
            "sealed": output.sealed,
            **saving,
        }
    )


def _to_output(asked: Mapping[str, Any], private: Mapping[str, Any]) -> Output:
    return Output(asked=asked, steps=steps_of(asked), **private)


def steps_of(asked: Mapping[str, Any]) -> tuple[Step, ...]:
    """The chain of an output as edition 3 writes it; it is kept once, as asked."""
    return tuple(Step(one["method"], one.get("options") or {}) for one in asked.get("methods") or ())


def _from_processed(one: Processed) -> Document:
    return {
        "_id": one.id,
        "created": iso(one.created),
        "modified": iso(one.modified),
        "name": one.tag,
        "status": str(one.status),
        "data": {
            "bytes": one.bytes,
            "output": {name: _from_stored(stored) for name, stored in one.stored.items()},
            "duration": _from_span(one.span),
        },
        **({} if one.trouble is None else {"error": _without_none(asdict(one.trouble))}),
    }


def _to_processed(raw: Mapping[str, Any]) -> Processed:
    data = raw["data"]
    return Processed(
        id=raw["_id"],
        tag=raw["name"],
        created=when(raw["created"]),
        modified=when(raw["modified"]),
        status=Status(raw["status"]),
        stored={name: _to_stored(one) for name, one in data["output"].items()},
        span=_to_span(data["duration"]),
        trouble=Trouble(**raw["error"]) if "error" in raw else None,
    )


def _from_stored(stored: Stored) -> Document:
    info = {"width": stored.width, "height": stored.height, "bytes": stored.bytes, "type": stored.type}
    document: Document = {"info": info, "location": stored.location}
    if stored.analysis is not None:
        document["analysis"] = dict(stored.analysis)
    if stored.looked_for_face:
        document["face"] = None if stored.face is None else dict(stored.face)
    return document


def _to_stored(raw: Mapping[str, Any]) -> Stored:
    face = raw.get("face")
    return Stored(
        **raw["info"], location=raw["location"], analysis=raw.get("analysis"), face=face, looked_for_face="face" in raw
    )


def _to_picture(raw: Mapping[str, Any]) -> Picture:
    latlon = raw.get("latlon")
    return Picture(**{**raw, "latlon": tuple(latlon) if latlon else None})


def _from_span(span: Span) -> Document:
    if span.start is None:
        return {}
    ends = {} if span.end is None else {"end": iso(span.end), "total": span.total}
    return {"start": iso(span.start), **ends, "download": span.download, "upload": span.upload}


def _to_span(raw: Mapping[str, Any]) -> Span:
    if not raw:
        return Span()
    end = when(raw["end"]) if "end" in raw else None
    return Span(when(raw["start"]), end, raw["download"], raw["upload"])


def _without_none(raw: Mapping[str, Any]) -> Document:
    return {key: value for key, value in raw.items() if value is not None}


def from_deliveries(deliveries: Iterable[Delivery]) -> list[Document]:
    """As they stand at `sixpx.deliveries`."""
    return [_from_delivery(one) for one in deliveries]


def to_deliveries(raw: Iterable[Mapping[str, Any]]) -> tuple[Delivery, ...]:
    return tuple(_to_delivery(one) for one in raw)


def _from_delivery(one: Delivery) -> Document:
    return _without_none(
        {
            "id": one.id,
            "created": iso(one.created),
            "fate": str(one.fate),
            "due": iso(one.due) if one.due else None,
            "tries": one.tries,
            "attempts": [{**asdict(attempt), "at": iso(attempt.at)} for attempt in one.attempts],
        }
    )


def _to_delivery(raw: Mapping[str, Any]) -> Delivery:
    return Delivery(
        id=raw["id"],
        created=when(raw["created"]),
        fate=Fate(raw["fate"]),
        due=when(raw["due"]) if "due" in raw else None,
        tries=raw["tries"],
        attempts=tuple(Attempt(**{**one, "at": when(one["at"])}) for one in raw["attempts"]),
    )


# --- users ----------------------------------------------------------------------------------------


def from_user(user: User) -> Document:
    """The document that `to_user` reads back into an equal user."""
    accesses = [{**asdict(one), "until": one.until and iso(one.until)} for one in user.accesses]
    return {
        "id": user.id,
        "name": user.name,
        "created": iso(user.created),
        "accesses": [_without_none(one) for one in accesses],
        "connections": dict(user.connections),
        "domains": list(user.domains),
        "api_version": user.api_version,
        "socket_auth": str(user.socket_auth),
        "plan": _without_none(asdict(user.plan)),
        "callback_secrets": list(user.callback_secrets),
    }


def to_user(raw: Mapping[str, Any]) -> User:
    """The user of a stored document; one that an older version wrote has a single key and no more."""
    accesses = raw.get("accesses") or [{"key": raw["api_key"], "digest": raw["secret_digest"]}]
    return User(
        id=raw["id"],
        name=raw["name"],
        created=when(raw["created"]),
        accesses=tuple(_to_access(one) for one in accesses),
        connections=raw["connections"],
        domains=tuple(raw.get("domains", ())),
        api_version=raw.get("api_version"),
        socket_auth=SocketAuth(raw.get("socket_auth", SocketAuth.KEY)),
        plan=Plan(**raw.get("plan", {})),
        callback_secrets=tuple(raw.get("callback_secrets", ())),
    )


def _to_access(raw: Mapping[str, Any]) -> Access:
    until = raw.get("until")
    return Access(raw["key"], raw["digest"], when(until) if until else None)
