"""Owns the shape of jobs and users as documents of MongoDB: `document`'s, in BSON's own kinds. Never a collection.

Ids are ObjectIds and moments dates, so that people find what the editions print with tools of their own. What BSON
cannot hold is written so that it comes back equal: odd keys escaped, numbers beyond 64 bits as decimals, what is nested
too deep as JSON. No other value of a job has those kinds, and so the way back needs to know no field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from datetime import datetime
from typing import Any

import bson
import orjson
from bson import Binary, Decimal128, ObjectId

from sixpx.core.job import Job
from sixpx.core.user import User
from sixpx.errors import TooLarge
from sixpx.store.document import from_job, from_user, iso, to_user, when
from sixpx.store.document import to_job as job_of

Document = dict[str, Any]

LARGEST = 16_000_000
"""Bytes of a document; MongoDB refuses those over 16 MiB (https://www.mongodb.com/docs/manual/reference/limits/)."""
LARGEST_NEW = 12_000_000
"""Bytes of a job that is posted: the rest is kept for what becomes of it."""
DEEPEST = 80
"""Levels of nesting; MongoDB has a hundred, and commands that write take a few of them."""
JSON = 0x80
"""The first of BSON's subtypes that are for users to give a meaning to: what was nested too deep, as JSON."""
WHOLE = 2**63
"""Whole numbers of BSON lie below it."""

_ESCAPED = {".": "%2E", "$": "%24", "\0": "%00", "%": "%25"}
_PLAIN = {escape: character for character, escape in _ESCAPED.items()}
_TO_ESCAPE = re.compile(r"[.$\0]|%(?=2E|24|00|25)")
_TO_UNESCAPE = re.compile("|".join(_PLAIN))
_ID = re.compile(r"[0-9a-f]{24}")


def oid(text: str) -> Any:
    """The ObjectId that the API prints so; anything else stays what it is, and is found nowhere."""
    return ObjectId(text) if _ID.fullmatch(text) else text


# --- jobs -----------------------------------------------------------------------------------------


def of_job(job: Job) -> Document:
    """The whole document, without what the store keeps beside it under `sixpx`."""
    document = from_job(job)
    for holder, name in _moments(document):
        holder[name] = when(holder[name])
    document["processed"] = [{**one, "_id": oid(one["_id"])} for one in document["processed"]]
    document["images"] = [_with_position(one) for one in document["images"]]
    own = {"user_id": oid(job.user_id), "created": job.created, "modified": job.modified, "status": str(job.status)}
    return {**_to_bson(document), "_id": oid(job.id), **own}


def new_job(job: Job) -> Document:
    """The document of a job that is posted. Raises TooLarge."""
    document = of_job(job)
    document["sixpx"].update(rev=0, serial=0)
    if job.due is not None:
        document["sixpx"]["due"] = job.due
    _bounded(len(bson.encode(document)), LARGEST_NEW)
    return document


def changes(job: Job) -> Document:
    """The update that writes the job over its document, whatever the store keeps beside it. Raises TooLarge."""
    document = of_job(job)
    _bounded(len(bson.encode(document)), LARGEST)
    private = {f"sixpx.{name}": one for name, one in document.pop("sixpx").items()}
    fields = {**document, **private}
    for fixed in ("_id", "user_id", "created"):
        del fields[fixed]
    due = {"$set": {**fields, "sixpx.due": job.due}} if job.due else {"$set": fields, "$unset": {"sixpx.due": ""}}
    return {**due, "$inc": {"sixpx.rev": 1}}


def to_job(raw: Mapping[str, Any]) -> Job:
    """The job of a document."""
    plain = _from_bson(raw)
    for one in plain["images"]:
        one.pop("position", None)
    created, modified = when(plain["created"]), when(plain["modified"])
    return job_of(plain, plain["user_id"], plain["status"], created, modified)


def _bounded(size: int, most: int) -> None:
    if size > most:
        raise TooLarge(f"the job comes to {size:,} bytes without its data URIs; the database takes {most:,} at most")


def _with_position(picture: Mapping[str, Any]) -> Document:
    """With the GeoJSON point that the index needs, longitude first, where there is one on the globe."""
    latlon = picture.get("latlon")
    if not latlon or not (-90 <= latlon[0] <= 90 and -180 <= latlon[1] <= 180):
        return dict(picture)
    point = {"type": "Point", "coordinates": [float(latlon[1]), float(latlon[0])]}
    return {**picture, "latlon": list(latlon), "position": point}


def _moments(document: Document) -> Iterator[tuple[MutableMapping[str, Any], str]]:
    """All places of a job's document where moments stand, as a mapping and a key of it."""
    records = document["processed"]
    spans = [document["totals"]["duration"], *(one["data"]["duration"] for one in records)]
    deliveries = document["sixpx"]["deliveries"]
    attempts = [attempt for one in deliveries for attempt in one["attempts"]]
    holders = [(records, ("created", "modified")), (spans, ("start", "end")), (deliveries, ("created", "due"))]
    for some, names in [*holders, (attempts, ("at",))]:
        yield from ((one, name) for one in some for name in names if name in one)


# --- users ----------------------------------------------------------------------------------------


def of_user(user: User) -> Document:
    document = from_user(user)
    del document["id"]
    for one in (document, *document["accesses"]):
        for name in {"created", "until"} & one.keys():
            one[name] = when(one[name])
    return {"_id": oid(user.id), **_to_bson(document)}


def to_user_of(raw: Mapping[str, Any]) -> User:
    """The user of a document."""
    plain = _from_bson(raw)
    return to_user({**plain, "id": plain["_id"]})


# --- values ---------------------------------------------------------------------------------------


def escaped(key: str) -> str:
    """A key as BSON can hold it, and as paths of filters name it; most keys are what they are. No two become one."""
    if key.isidentifier():  # and most are: what is escaped stands in none
        return key
    if key in ("", "%"):
        return "%25" if key else "%"
    return _TO_ESCAPE.sub(lambda one: _ESCAPED[one[0]], key)


def unescaped(key: str) -> str:
    """The inverse of `escaped`."""
    if "%" not in key:
        return key
    return _TO_UNESCAPE.sub(lambda one: _PLAIN[one[0]], key) if key != "%" else ""


def _to_bson(value: Any, depth: int = 0) -> Any:
    kind = type(value)
    if kind is dict or kind is list or kind is tuple:
        if depth == DEEPEST:
            return Binary(orjson.dumps(value), JSON)
        deeper = depth + 1
        if kind is dict:
            return {escaped(key): _to_bson(one, deeper) for key, one in value.items()}
        return [_to_bson(one, deeper) for one in value]
    if kind is int and not -WHOLE <= value < WHOLE:
        return Decimal128(str(value))
    return value


def _from_bson(value: Any) -> Any:
    """As JSON has it: text for ids, ISO 8601 for dates."""
    read = _READ.get(type(value))
    return value if read is None else read(value)


_READ: Mapping[type, Callable[[Any], Any]] = {
    dict: lambda value: {unescaped(key): _from_bson(one) for key, one in value.items()},
    list: lambda value: [_from_bson(one) for one in value],
    datetime: iso,
    ObjectId: str,
    bson.Int64: int,
    Decimal128: lambda value: int(value.to_decimal()),
    Binary: lambda value: orjson.loads(bytes(value)),
}
"""What is read otherwise than as it is."""
