"""Owns the meaning of a search, case by case: paths, kinds, folding, order and distance. Never a store."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.matching import evaluate, fold, metres, nearest, select, sort_key
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Page, Query, Sort, Than, Value
from sixpx.store.document import searchable
from tests.contract.jobs import MOMENTS, NOW, job_of

A = {"a": 1}
FOODS = {"foods": [{"name": "Kale", "calories": 20}, {"name": "Beets"}, 7]}
NESTED = {"a": [5, [2, 4], [{"b": 6}]]}


@pytest.mark.parametrize(
    ("document", "path", "value", "found"),
    [
        (A, "a", 1, True),
        (A, "b", 1, False),
        (A, "a.b", 1, False),
        ({"a": {"b": {"c": "x"}}}, "a.b.c", "x", True),
        ({"a": None}, "a", "", False),
        # over arrays
        (FOODS, "foods.name", "Beets", True),
        (FOODS, "foods.calories", 20, True),
        (FOODS, "foods", 7, True),
        (FOODS, "foods.0.name", "Kale", True),
        (FOODS, "foods.1.name", "Kale", False),
        (FOODS, "foods.00.name", "Kale", False),
        (FOODS, "foods.²", 7, False),
        (FOODS, "foods.9", 7, False),
        (FOODS, f"foods.{'9' * 5000}", 7, False),
        ({"a": {"0": "key"}}, "a.0", "key", True),
        ({"a": [{"1": "key"}, "place"]}, "a.1", "key", True),
        ({"a": [{"1": "key"}, "place"]}, "a.1", "place", True),
        ({"a": []}, "a", 1, False),
        ({"a": [{"b": [1, 2]}, {"b": 3}]}, "a.b", 2, True),
        # arrays of arrays: entered by an index only, and not spread where an index led to them
        (NESTED, "a", 5, True),
        (NESTED, "a", 2, False),
        (NESTED, "a.1", 2, False),
        (NESTED, "a.1.0", 2, True),
        (NESTED, "a.b", 6, False),
        (NESTED, "a.2.b", 6, True),
        # kinds
        (A, "a", 1.0, True),
        (A, "a", True, False),
        (A, "a", "1", False),
        ({"a": True}, "a", 1, False),
        ({"a": True}, "a", True, True),
        ({"a": 2**53 + 1}, "a", float(2**53), False),
        ({"a": 2**53}, "a", float(2**53), True),
        ({"a": -0.0}, "a", 0, True),
        ({"a": ""}, "a", "", True),
        ({"a": "Kale"}, "a", "kale", False),
        ({"a": {"b": 1}}, "a", 1, False),
    ],
)
def test_a_value_is_found_at_a_path_by_kind_and_value(
    document: dict[str, Any], path: str, value: Value, found: bool
) -> None:
    assert evaluate(In(path, (value,)), document) is found
    assert evaluate(In(path, ("something else", value)), document) is found
    assert evaluate(Not(In(path, (value,))), document) is not found


def test_no_value_equals_one_of_none() -> None:
    assert not evaluate(In("a", ()), A)


@pytest.mark.parametrize(
    ("value", "order", "operand", "holds"),
    [
        (2, Order.GT, 1, True),
        (1, Order.GT, 1, False),
        (1, Order.GTE, 1.0, True),
        (1, Order.LT, 1.5, True),
        (2**53 + 1, Order.GT, float(2**53), True),
        (True, Order.GTE, 0, False),
        ("10", Order.GT, 9, False),
        (10, Order.GT, "9", False),
        ("b", Order.GT, "a", True),
        ("B", Order.LT, "a", True),
        ("\U0001f600", Order.GT, "\uffff", True),
        ("", Order.LTE, "", True),
        (None, Order.LTE, 0, False),
        ([1, 9], Order.GT, 5, True),
        ([1, 9], Order.LT, 5, True),
        ({"b": 1}, Order.GT, 0, False),
        ("2026-03-01T12:00:00.000Z", Order.GTE, NOW, True),
        ("2026-03-01T12:00:00.000Z", Order.LT, NOW, False),
    ],
)
def test_order_holds_between_values_of_one_kind(value: Any, order: Order, operand: Any, holds: bool) -> None:
    assert evaluate(Than("a", order, operand), {"a": value}) is holds


@given(MOMENTS, st.integers(0, 999))
def test_a_moment_equals_its_document_to_the_millisecond(moment: datetime, microseconds: int) -> None:
    document = searchable(job_of(1, created=moment))
    assert evaluate(In("created", (moment + timedelta(microseconds=microseconds),)), document)
    assert evaluate(Than("created", Order.LT, moment + timedelta(milliseconds=1)), document)
    assert not evaluate(Than("created", Order.LT, moment), document)
    assert evaluate(In("created", (moment.astimezone(timezone(timedelta(hours=-5))),)), document)


@pytest.mark.parametrize(
    ("value", "divisor", "remainder", "holds"),
    [
        (12, 10, 2, True),
        (12, -10, 2, True),
        (-12, 10, -2, True),
        (-12, 10, 8, False),
        (12.9, 10, 2, True),
        (-12.9, 10, -2, True),
        (10, 10, 0, True),
        (-10, 10, 0, True),
        (2**53 + 1, 2, 1, True),
        (2.0**62, 2, 0, True),
        (1e300, 2, 0, False),
        (2**60 + 1, 2**53, 1, True),
        (-(2**63), 3, -2, True),
        (2.0**63, 2, 0, False),
        ("12", 10, 2, False),
        (True, 10, 1, False),
    ],
)
def test_a_remainder_has_the_sign_of_the_whole_number_that_is_divided(
    value: Any, divisor: int, remainder: int, holds: bool
) -> None:
    assert evaluate(Mod("a", divisor, remainder), {"a": value}) is holds


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("Biggie Smalls", "gie sm", True),
        ("kale", "KALE", True),
        ("Kale", "kale!", False),
        ("a.c", "A.C", True),
        ("abc", "a.c", False),
        ("50%", "%", True),
        ("500", "0_", False),
        ("Ünïcode", "ÜNÏCODE", True),
        ("ſet", "SET", True),  # long s
        ("5\u212a", "5k", True),  # Kelvin sign
        ("ΣΑΣ", "σας", True),  # final sigma
        ("Straße", "STRASSE", False),
        ("Straße", "straße", True),
        ("STRAẞE", "straße", False),
        ("İstanbul", "istanbul", False),
        ("İstanbul", "İSTANBUL", True),
        ("ﬁn", "fin", False),
        ("Ꭰ", "ꭰ", True),  # Cherokee: folds to its capital letters
        ("", "", True),
        ("a", "", True),
        (["x", "KALE"], "kale", True),
        (14, "14", False),
        (None, "", False),
    ],
)
def test_a_text_is_contained_whatever_its_case(value: Any, text: str, found: bool) -> None:
    assert evaluate(Contains("a", text), {"a": value}) is found


def test_folding_keeps_the_number_of_characters_and_is_done_once() -> None:
    cased = "".join(one for one in map(chr, range(0x110000)) if one.casefold() != one)
    folded = fold(cased)
    assert len(folded) == len(cased) > 1_000
    assert fold(folded) == folded


NOTHING = Not(Or((In("a", (1,)), Contains("b", "x"))))


@pytest.mark.parametrize(
    ("expr", "holds"),
    [
        (And(), True),
        (Or(()), False),
        (Not(Or(())), True),
        (And((In("a", (1,)), In("b", (2,)))), False),
        (Or((In("a", (1,)), In("b", (2,)))), True),
        (Not(In("nowhere", (1,))), True),
        (Not(Than("nowhere", Order.GT, 1)), True),
        (Not(Contains("nowhere", "")), True),
        (Not(Mod("nowhere", 2, 0)), True),
        (NOTHING, False),
        (Not(NOTHING), True),
    ],
)
def test_conditions_are_combined_as_in_logic(expr: Expr, holds: bool) -> None:
    assert evaluate(expr, A) is holds


# --- order ----------------------------------------------------------------------------------------

ASCENDING: list[Any] = [
    {"a": None},
    {"a": -(2**60)},
    {"a": 1},
    {"a": 1.5},
    {"a": [2, "z"]},
    {"a": 1e300},
    {"a": ""},
    {"a": "B"},
    {"a": "a"},
    {"a": "\uffff"},
    {"a": "\U0001f600"},
    {"a": {}},
    {"a": {"b": 1}},
    {"a": {"b": 1, "c": 1}},
    {"a": {"b": 2, "a": 0}},
    {"a": {"c": 1}},
    {"a": {"a": "x"}},
    {"a": [[1, 2]]},
    {"a": [[1, "x"]]},
    {"a": False},
    {"a": True},
]


def test_kinds_stand_in_mongodbs_order_and_values_in_that_of_their_kind() -> None:
    keys = [sort_key(Sort("a", descending=False), {"_id": "x", **one}) for one in ASCENDING]
    assert all(one < other for one, other in pairwise(keys))


@pytest.mark.parametrize("value", [None, [], [None]])
def test_nothing_there_null_and_an_empty_array_stand_at_one_place(value: Any) -> None:
    assert sort_key(Sort("a"), {"_id": "x"}) == sort_key(Sort("a"), {"_id": "x", "a": value})


@pytest.mark.parametrize(
    ("path", "document", "same"),
    [
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a": [{"b": 3}, {"b": 1}]}, 1),
        ("a.b", {"a": [{"b": 3}, {}]}, None),
        ("a.b", {"a": [{"b": 3}, 7]}, None),
        ("a.b", {"a": []}, None),
        ("a.b", {"a": [[{"b": 1}]]}, None),
        ("a.b", {"a": [{"b": []}, {"b": 1}]}, []),
        ("a.b", {"a": 1}, None),
        ("a.1", {"a": [1, 2]}, 2),
        ("a.2", {"a": [1, 2]}, None),
        ("a.1.b", {"a": [{"b": 1}, {"b": 2}]}, 2),
    ],
)
def test_the_order_follows_a_path_over_arrays(path: str, document: dict[str, Any], same: Any) -> None:
    assert sort_key(Sort(path, False), {"_id": "x", **document}) == sort_key(Sort("a", False), {"_id": "x", "a": same})


@pytest.mark.parametrize(
    ("value", "least", "greatest"),
    [
        ([3, 1, 2], 1, 3),
        (["b", 2], 2, "b"),
        ([{"b": 4}, {"b": 3}], {"b": 3}, {"b": 4}),
        ([], [], []),
        ([None, 1], None, 1),
    ],
)
def test_an_array_counts_as_its_least_element_or_its_greatest(value: Any, least: Any, greatest: Any) -> None:
    def key(of: Any, descending: bool) -> Any:
        return sort_key(Sort("a", descending), {"_id": "x", "a": of})

    assert key(value, False) == key(least, False)
    assert key(value, True) == key(greatest, True)


def test_ties_are_broken_by_id_in_the_direction_of_the_order() -> None:
    documents = [{"_id": name, "created": 1} for name in "cab"]
    for descending, expected in ((False, "abc"), (True, "cba")):
        page, total = select(Query(sort=Sort("created", descending)), documents)
        assert ("".join(one["_id"] for one in page), total) == (expected, 3)


def test_a_page_is_cut_from_the_whole_and_the_total_counts_all_pages() -> None:
    documents = [{"_id": f"{number:02}", "created": number} for number in range(7)]
    page, total = select(Query(sort=Sort("created", False), page=Page(2, 4)), documents)
    assert ([one["created"] for one in page], total) == ([4, 5, 6], 7)
    assert select(Query(page=Page(3, 4)), documents) == ([], 7)


def test_counting_stops_at_ten_thousand() -> None:
    documents = [{"_id": str(number), "created": 1} for number in range(10_001)]
    assert select(Query(), documents)[1] == 10_000


# --- distance -------------------------------------------------------------------------------------


def pictures(*positions: tuple[float, float] | None) -> dict[str, Any]:
    return {"images": [{} if one is None else {"latlon": list(one)} for one in positions]}


def test_a_degree_of_a_great_circle_is_111_km() -> None:
    assert metres(0, 0, 0, 1) == pytest.approx(111_318.8, abs=1)
    assert metres(0, 179.5, 0, -179.5) == pytest.approx(111_318.8, abs=1)
    assert metres(89.5, 0, 89.5, 180) == pytest.approx(111_318.8, abs=1)
    assert metres(45, 30, 45, 30) == 0
    assert metres(0, 0, 0, 180) == pytest.approx(20_037_392.1, abs=1)
    # Washington to New York, by the positions of their city halls
    assert metres(38.8949, -77.0312, 40.7128, -74.0060) == pytest.approx(327_900, rel=0.01)


def test_a_job_is_as_far_as_its_nearest_picture() -> None:
    near = Near(0, 0)
    assert nearest(near, pictures((0, 2), None, (0, 1))) == pytest.approx(111_318.8, abs=1)
    assert nearest(near, pictures(None)) is None
    assert nearest(near, pictures()) is None
    assert nearest(Near(0, 0, 111_000), pictures((0, 1))) is None
    assert nearest(Near(0, 0, 112_000), pictures((0, 2), (0, 1))) == pytest.approx(111_318.8, abs=1)
    assert nearest(Near(0, 0, 0.0), pictures((0, 0))) == 0


def test_near_replaces_the_order_and_breaks_ties_by_id() -> None:
    far, tie_b, tie_a, nowhere = (
        {"_id": name, **pictures(at)} for name, at in zip("fbax", ((0, 9), (0, 1), (0, 1), None), strict=True)
    )
    page, total = select(Query(near=Near(0, 0), sort=Sort("created")), [far, nowhere, tie_b, tie_a])
    assert ([one["_id"] for one in page], total) == (["a", "b", "f"], 3)
