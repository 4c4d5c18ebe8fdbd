"""Holds MongoDB's filters to their shape: what the server is asked; a pattern needs no server's idea of case."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128, ObjectId, encode
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.matching import evaluate, fold
from sixpx.core.query import EVERYTHING, And, Contains, Expr, In, Mod, Not, Or, Order, Sort, Than
from sixpx.store.mongo.query import NOTHING, filter_of, pattern_of, sort_of
from tests.conftest import LONG

ID = "53ae2f0000000000000000aa"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
X = In("data.x", (1,))

SHAPES: dict[str, tuple[Expr, Any]] = {
    "everything": (EVERYTHING, {}),
    "nothing": (Or(()), NOTHING),
    "one of one": (And((Or((X,)), EVERYTHING)), {"data.x": {"$in": [1]}}),
    "not": (Not(X), {"$nor": [{"data.x": {"$in": [1]}}]}),
    "not everything": (Not(EVERYTHING), {"$nor": [{}]}),
    "both": (And((X, Than("data.y", Order.LTE, "b"))), {"$and": [{"data.x": {"$in": [1]}}, {"data.y": {"$lte": "b"}}]}),
    "of none": (In("data.x", ()), NOTHING),
    "an escaped key": (In("data.%2E.", (1,)), {"data.%252E.%": {"$in": [1]}}),
    "a whole number beyond 64 bits": (In("data.x", (10**20,)), {"data.x": {"$in": [Decimal128("1" + "0" * 20)]}}),
    "one beyond all": (Than("data.x", Order.LT, -(10**400)), {"data.x": {"$lt": float("-inf")}}),
    "mod": (Mod("data.x", -3, -1), {"data.x": {"$mod": [3, -1]}}),
    "a remainder beyond all": (Mod("data.x", 3, 2**70), NOTHING),
    "an id": (In("_id", (ID, "5", 5)), {"_id": {"$in": [ObjectId(ID)]}}),
    "all of an id": (Contains("processed.0._id", ID.upper()), {"processed.0._id": {"$in": [ObjectId(ID)]}}),
    "a moment": (Than("processed.created", Order.GT, NOON), {"processed.created": {"$gt": NOON}}),
    "less than a millisecond": (In("created", (NOON + timedelta(microseconds=999),)), {"created": {"$in": [NOON]}}),
    "a moment as it is written": (In("created", ("2026-03-01T12:00:00.000Z", "noon")), {"created": {"$in": [NOON]}}),
    "a moment in data": (In("data.at", (NOON,)), {"data.at": {"$in": ["2026-03-01T12:00:00.000Z"]}}),
    "what is private": (In("sixpx.output.sealed", ("s",)), NOTHING),
    "what is ours alone": (Than("images.0.position.coordinates", Order.GT, 0), NOTHING),
    "what there is not": (Contains("revision", ""), NOTHING),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_condition_becomes_this_filter(name: str) -> None:
    expr, shape = SHAPES[name]
    made = filter_of(expr)
    assert made == shape
    assert encode(made)  # BSON can hold it


def test_what_ids_and_moments_look_like_is_asked_of_the_server_as_text() -> None:
    for expr in (
        Contains("_id", "53a"),
        Than("user_id", Order.LT, "53b"),
        Contains("processed.data.duration.end", "-03-"),
    ):
        assert list(filter_of(expr)) == ["$expr"]
        assert encode(filter_of(expr))


def test_the_order_is_the_path_s_and_then_the_id_s() -> None:
    assert sort_of(Sort()) == [("created", -1), ("_id", -1)]
    assert sort_of(Sort("data.a%2E", descending=False)) == [("data.a%252E", 1), ("_id", 1)]
    assert sort_of(Sort("_id")) == sort_of(Sort("sixpx.owner")) == [("_id", -1)]


# --- text -----------------------------------------------------------------------------------------


@given(st.text(max_size=5), st.text(max_size=8))
def test_a_pattern_finds_what_holds_the_text_whatever_the_case(text: str, value: str) -> None:
    found = re.search(pattern_of(text), value) is not None
    assert found == evaluate(Contains("x", text), {"x": value})


@given(st.text(max_size=5), st.randoms())
def test_a_pattern_finds_the_text_in_every_case(text: str, dice: Any) -> None:
    value = "".join(dice.choice((one, one.upper(), one.lower(), one.swapcase())) for one in text)
    found = re.search(pattern_of(text), value) is not None
    assert found == (fold(text) in fold(value))


def test_a_pattern_knows_every_form_of_every_letter() -> None:
    by_fold: dict[str, list[str]] = {}
    for character in map(chr, range(0x110000 if LONG else 0x2000)):
        by_fold.setdefault(fold(character), []).append(character)
    families = {folded: forms for folded, forms in by_fold.items() if len(forms) > 1}
    assert len(families) > (1_000 if LONG else 500)
    for forms in list(families.values()):
        for one in forms:
            assert all(re.fullmatch(pattern_of(one), other) for other in forms), forms


def test_a_pattern_is_plain_text_to_the_server() -> None:
    for character in map(chr, range(128)):
        if not character.isalpha():
            assert re.fullmatch(pattern_of(character), character)
            assert not set(pattern_of(character)) & set(".^$*+?{}[]|()\0\n")
