"""Owns what is indexed of jobs: which paths, by which text of SQL, made and dropped when a file is opened. Never jobs.

An index holds, for each job of a user, the value at a path, the id and the time: enough to find, to count and to order
without a look at the job. A value that is more than one (a list at the end or on the way) is ODD: looked at in the job.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apsw

from sixpx.store.sqlite.functions import FALSE, TRUE
from sixpx.store.sqlite.path import place_of

log = logging.getLogger(__name__)

ODD = "x''"
"""Above all text, below the booleans."""
SPANS = tuple(f"totals.duration.{name}" for name in ("start", "end", "total", "download", "upload"))
PLAIN = frozenset({"totals.bytes", *SPANS})
"""Never anything but a number, a text or nothing: `store.document` makes them."""
DEFAULT = ("totals.bytes", *SPANS, "data.id")
"""Indexed in every file; so are `created`, `modified`, `status` and the pictures' positions, by its tables."""
PREFIX = "search:"


@dataclass(frozen=True, slots=True)
class Index:
    """By its name, the expression whose values it orders. `odd`: whether some may be."""

    name: str
    key: str
    odd: bool = False


COLUMNS: Mapping[str, Index] = {
    "created": Index("job_newest", "created"),
    "modified": Index("job_changed", "modified"),
    "status": Index("job_status", "status"),
}

KEY = Index("sqlite_autoindex_job_1", "id")
"""That of the table's primary key: of all users' jobs, so it finds those that are named and orders none."""


def index_of(path: str) -> Index:
    return Index(_name(path), f"doc ->> '{_json(path)}'" if path in PLAIN else _key(path), path not in PLAIN)


def _name(path: str) -> str:
    """Of the index: to SQLite `data.ID` would be the name of `data.id`'s."""
    return PREFIX + re.sub("[A-Z]", r"^\g<0>", path)


def _path(name: str) -> str:
    return name.removeprefix(PREFIX).replace("^", "")


def _json(path: str) -> str:
    place = place_of(path)
    assert place is not None, path
    assert place.writable, path
    assert not place.lists, path
    return place.path


def _key(path: str) -> str:
    place = place_of(path)
    assert place is not None
    value = f"doc ->> '{_json(path)}'"
    kind = f"json_type(doc, '{place.path}')"
    lists = " ".join(f"WHEN json_type(doc, '{one}') = 'array' THEN {ODD}" for one in place.maybe)
    missing = f" ELSE CASE {lists} END" if lists else ""
    return (
        f"CASE {kind} WHEN 'text' THEN {value} WHEN 'real' THEN {value} "
        f"WHEN 'integer' THEN CASE typeof({value}) WHEN 'integer' THEN {value} ELSE {ODD} END "
        f"WHEN 'true' THEN {TRUE} WHEN 'false' THEN {FALSE} "
        f"WHEN 'array' THEN {ODD} WHEN 'object' THEN {ODD}{missing} END"
    )


def _made_by(index: Index) -> str:
    return f'CREATE INDEX "{index.name}" ON job (user_id, {index.key}, id, created)'


def ensure(db: apsw.Connection, declared: Iterable[str] | None) -> None:
    """Makes what is missing. `declared`: the paths that are indexed beside DEFAULT, so that others are dropped; None:
    those that the file has. A table of 200,000 jobs takes about a second a path."""
    there = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name LIKE 'search:%'"))
    if declared is None:
        declared = paths(db)
    wanted = {(one := index_of(path)).name: _made_by(one) for path in (*DEFAULT, *declared)}
    for name in [name for name, sql in there.items() if wanted.get(name) != sql]:
        db.execute(f'DROP INDEX "{name}"')
        del there[name]
    for name in wanted.keys() - there.keys():
        began = time.monotonic()
        db.execute(wanted[name])
        _tell(name, time.monotonic() - began)


def _tell(name: str, seconds: float) -> None:
    level = logging.INFO if seconds > 1 else logging.DEBUG
    log.log(level, "made the index of %s in %.1f s", _path(name), seconds, extra={"stage": "store"})


def paths(db: apsw.Connection) -> frozenset[str]:
    """The paths that this file has indexes of, columns left out."""
    names = db.execute("SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'search:%'")
    return frozenset(_path(name) for (name,) in names)
