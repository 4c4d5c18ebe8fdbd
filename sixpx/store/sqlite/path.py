"""Owns where a dotted path leads in a row of `job`, as text of SQL. Never a condition, a value or an index.

A path comes from a client and becomes part of a statement, since an index is found by its very text alone. So a word
of it is written in double quotes within a JSON path within an SQL string, and one that cannot be written so never is:
Python looks at the document then, and the path is a bound value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOMENTS = frozenset({"created", "modified"})
"""Columns of whole milliseconds, which searches see as ISO 8601 text."""
COLUMNS: Mapping[str, str] = {name: name for name in ("user_id", "status", "created", "modified")} | {"_id": "id"}
ROOTS = frozenset({"input", "output", "processed", "callback", "data", "images", "error", "totals"})
"""What can be searched of a document (`document.searchable`)."""
LISTS = frozenset({("output",), ("output", "methods"), ("processed",), ("images",)})
"""Always lists of objects, in every document."""
OBJECTS = frozenset({("input",), ("data",), ("error",), ("totals",), ("totals", "duration"), ("processed", "data")})
"""Never a list, in any document."""
UNWRITABLE = re.compile(r'["\\\x00-\x1f]')
INDEX = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
"""Means a place in a list (`core.matching`)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads: each element of `lists` (JSON paths, each within an element of the one before) and from there
    to `path`. `maybe`: those on the way that may be lists, each of which Python has to enter. `root` is the subtree
    that it gets, in which `words` lead on; `writable` says whether the rest can be used at all."""

    root: str
    words: tuple[str, ...]
    lists: tuple[str, ...] = ()
    path: str = "$"
    maybe: tuple[str, ...] = ()
    ends_in_list: bool = False
    writable: bool = True

    @property
    def root_of_doc(self) -> str:
        return f"doc -> '$.{self.root}'"


def place_of(path: str) -> Place | None:
    """None where no document has anything."""
    root, *words = path.split(".")
    if root not in ROOTS:
        return None
    if any(UNWRITABLE.search(one) for one in words):
        return Place(root, tuple(words), writable=False)
    return _through(root, words)


def _through(root: str, words: Sequence[str]) -> Place:
    """Word by word: a known list is entered at the place that is named, or at each."""
    lists: list[str] = []
    maybe: list[str] = []
    known: tuple[str, ...] = ()
    path, rest, ends_in_list = "$", [root, *words], False
    while rest:
        word, *rest = rest
        path, known = path + _step(word), (*known, word)
        ends_in_list = known in LISTS
        if ends_in_list and rest and INDEX.fullmatch(rest[0]):
            path, rest, ends_in_list = f"{path}[{rest[0]}]", rest[1:], False
        elif ends_in_list and rest:
            lists.append(path)
            path = "$"
            maybe.clear()
        elif rest and known not in OBJECTS:
            maybe.append(path)
    return Place(root, tuple(words), tuple(lists), path, tuple(maybe), ends_in_list)


def _step(word: str) -> str:
    """As it stands within an SQL string."""
    return '."' + word.replace("'", "''") + '"'
