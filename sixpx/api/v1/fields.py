"""Owns which fields of a job can be searched: their names, and the kind of what each holds. Never a value.

A field that is not in FIELDS is asked by what its operand looks like: `data` is the client's own, and so are the
options of methods and what analyses found.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """What a field holds, in the words of an error."""

    ANY = "field"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"
    STATUS = "status"
    ID = "id"
    PLACE = "position"


PLACES = "images.latlon"
CONSTANT: Mapping[str, int] = {"__v": 0}
"""What every job shows and none keeps."""

RENAMED: Mapping[str, str] = {
    "latlon": PLACES,
    "processed.images": "images",
    "processed.bytes": "totals.bytes",
    "processed.duration": "totals.duration",
    "processed.output": "processed.data.output",  # the shape of 2014-04
}
"""Names that the editions search by, or show, and what they are called in the stored document."""

_SPAN = {"start": Kind.DATE, "end": Kind.DATE, "total": Kind.NUMBER, "download": Kind.NUMBER, "upload": Kind.NUMBER}
_TROUBLE = {
    **dict.fromkeys(("code", "stage", "detail", "ref"), Kind.TEXT),
    "retryable": Kind.BOOLEAN,
}
_INFO = {"width": Kind.NUMBER, "height": Kind.NUMBER, "bytes": Kind.NUMBER, "type": Kind.TEXT}


def _under(prefix: str, fields: Mapping[str, Kind]) -> dict[str, Kind]:
    return {f"{prefix}.{name}": kind for name, kind in fields.items()}


FIELDS: Mapping[str, Kind] = {
    "_id": Kind.ID,
    "user_id": Kind.ID,
    "status": Kind.STATUS,
    "created": Kind.DATE,
    "modified": Kind.DATE,
    "input.*": Kind.TEXT,
    "output.type": Kind.TEXT,
    "output.tag": Kind.TEXT,
    "output.url": Kind.TEXT,
    "output.quality": Kind.NUMBER,
    "output.progressive": Kind.BOOLEAN,
    "output.metadata": Kind.TEXT,
    "output.methods.method": Kind.TEXT,
    "processed._id": Kind.ID,
    "processed.name": Kind.TEXT,
    "processed.status": Kind.STATUS,
    "processed.created": Kind.DATE,
    "processed.modified": Kind.DATE,
    "processed.data.bytes": Kind.NUMBER,
    "processed.data.output.*.location": Kind.TEXT,
    **_under("processed.data.output.*.info", _INFO),
    **_under("processed.data.output.*.face", dict.fromkeys(("x", "y", "width", "height"), Kind.NUMBER)),
    **_under("processed.data.duration", _SPAN),
    **_under("processed.error", _TROUBLE),
    "callback.url": Kind.TEXT,
    **_under("images", {"name": Kind.TEXT, **_INFO, "warning": Kind.TEXT}),
    PLACES: Kind.PLACE,
    f"{PLACES}.0": Kind.NUMBER,
    f"{PLACES}.1": Kind.NUMBER,
    **_under("error", _TROUBLE),
    "totals.bytes": Kind.NUMBER,
    **_under("totals.duration", _SPAN),
}
"""The documented fields by canonical path; `*` stands for the name of an input."""
ARRAYS = frozenset(("output", "output.methods", "processed", "images"))
NAMED_BY_INPUTS = (["input"], ["processed", "data", "output"])
"""What holds an entry for each input, by its name."""


@lru_cache(1024)
def canonical(name: str) -> str:
    """The path in the stored document that a client's name means."""
    for called, path in RENAMED.items():
        if name == called or name.startswith(f"{called}."):
            return path + name[len(called) :]
    return name


@lru_cache(1024)
def kind_of(path: str) -> Kind:
    """What a canonical path leads to; a place in an array (`processed.0.status`) changes nothing but where it looks."""
    known: list[str] = []
    for part in path.split("."):
        if not (".".join(known) in ARRAYS and part.isdecimal()):
            known.append("*" if known in NAMED_BY_INPUTS else part)
    kind = FIELDS.get(".".join(known), Kind.ANY)
    return Kind.ANY if kind is Kind.PLACE and path != PLACES else kind
