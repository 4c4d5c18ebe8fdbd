"""Owns the functions that our SQL calls where SQLite's own do not reach: they ask `core.matching`. Never a statement.

They get a part of a document as JSON, and a question in one bound text, which stays the same for all rows.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from math import inf
from typing import Any

import apsw
import orjson

from sixpx.core.matching import Key, evaluate, fold, sort_key
from sixpx.core.query import Contains, In, Mod, Order, Sort, Than

Leaf = In | Than | Contains | Mod
Sorted = None | int | float | str | bytes

WHOLE = 2**63
"""SQLite's whole numbers lie below."""


def register(db: apsw.Connection) -> None:
    db.create_scalar_function("sixpx_holds", _holds, 2, deterministic=True)
    db.create_scalar_function("sixpx_order", _order, 2, deterministic=True)
    db.create_scalar_function("sixpx_contains", _contains, 2, deterministic=True)


def question(leaf: Leaf, words: tuple[str, ...]) -> str:
    """What `sixpx_holds` is asked: whether the leaf holds where these words lead, from the JSON that it is given.
    Moments are text by now; whole numbers travel as text, since JSON's may be too small for them."""
    operands: list[Any]
    match leaf:
        case In(_, values):
            operands = [_sent(one) for one in values]
        case Than(_, order, value):
            operands = [str(order), _sent(value)]
        case Contains(_, text):
            operands = [text]
        case Mod(_, divisor, remainder):
            operands = [_sent(divisor), _sent(remainder)]
    return orjson.dumps([type(leaf).__name__, path_of(words), *operands]).decode()


def _sent(value: Any) -> Any:
    return {"whole": str(value)} if isinstance(value, int) and not isinstance(value, bool) else value


def _received(value: Any) -> Any:
    return int(value["whole"]) if isinstance(value, dict) else value


@lru_cache(256)
def _asked(text: str) -> Leaf:
    kind, path, *operands = (_received(one) for one in orjson.loads(text))
    match kind:
        case "In":
            return In(path, tuple(operands))
        case "Than":
            return Than(path, Order(operands[0]), operands[1])
        case "Contains":
            return Contains(path, operands[0])
        case _:
            return Mod(path, *operands)


def _holds(*asked: Any) -> bool:
    text, part = asked
    return part is not None and evaluate(_asked(text), {"part": orjson.loads(part)})


def _contains(*asked: Any) -> bool:
    """`part` is folded already."""
    text, part = asked
    return part in fold(text)


# --- order ----------------------------------------------------------------------------------------


def order_question(words: tuple[str, ...], descending: bool) -> str:
    return orjson.dumps([path_of(words), descending]).decode()


def _order(*asked: Any) -> Sorted:
    text, part = asked
    path, descending = orjson.loads(text)
    document = {"part": None if part is None else orjson.loads(part), "_id": ""}
    key, _ = sort_key(Sort(path, descending), document)
    return sortable(key)


def sortable(key: Key) -> Sorted:
    """A value that SQLite orders as the key is ordered: NULL, numbers, text, blobs by their bytes."""
    match key:
        case (0,):
            return None
        case (1,):
            return -inf
        case (2, number):
            return number if -WHOLE <= number < WHOLE else float(number)
        case (3, str(text)):
            return text
        case _:
            return _bytes(key)


def _bytes(value: Any) -> bytes:
    """Bytes in the order of what they stand for; a tuple's end lies below whatever could follow in its place."""
    match value:
        case tuple():
            return b"".join(b"\x02" + _bytes(one) for one in value) + b"\x01"
        case bool():
            return b"\x01" if value else b"\x00"
        case str():
            return value.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x00"
        case _:
            return _number(value)


def _number(value: int | float) -> bytes:
    """The nearest float, and what a whole number has beyond it."""
    near = float(value) + 0.0
    bits: int = struct.unpack(">q", struct.pack(">d", near))[0]
    ordered = bits ^ (0x7FFF_FFFF_FFFF_FFFF if bits < 0 else 0)
    beyond = value - int(near) if isinstance(value, int) else 0
    return struct.pack(">QQ", ordered + WHOLE, beyond + WHOLE)


def path_of(words: tuple[str, ...]) -> str:
    return ".".join(("part", *words))


TRUE, FALSE = (f"x'{_bytes((6, value)).hex()}'" for value in (True, False))
"""Booleans in that order, as SQL."""
