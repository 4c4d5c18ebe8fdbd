"""Owns the search language: what each spelling asks for. Never what is refused, never what is found."""

from __future__ import annotations

import string
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.api.v1.search import asked
from sixpx.core.query import And, Contains, Expr, In, Mod, Near, Not, Or, Order, Page, Query, Sort, Than
from tests.contract.queries import spelled

NONE = Or(())


def at(*parts: int) -> datetime:
    year, month, day, hour, minute, second, ms, *_ = (*parts, *(0,) * 7)
    return datetime(year, month or 1, day or 1, hour, minute, second, ms * 1000, UTC)


WHEN = at(1999, 12, 12, 13, 33)
LATER = at(2014, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", And()),
        # numbers, by the kind of the field
        ("processed.bytes=5", In("totals.bytes", (5,))),
        ("processed.bytes={gt}1048576", Than("totals.bytes", Order.GT, 1048576)),
        ("processed.bytes={gte}1.5", Than("totals.bytes", Order.GTE, 1.5)),
        ("processed.bytes={lt}-1", Than("totals.bytes", Order.LT, -1)),
        ("processed.bytes={lte} 5", Than("totals.bytes", Order.LTE, 5)),
        ("processed.bytes={LTE}+5", Than("totals.bytes", Order.LTE, 5)),
        ("processed.bytes={ne}123", Not(In("totals.bytes", (123,)))),
        ("processed.bytes=123,456", In("totals.bytes", (123, 456))),
        ("processed.bytes={in}123, 456", In("totals.bytes", (123, 456))),
        ("processed.bytes={nin}123,456", Not(In("totals.bytes", (123, 456)))),
        ("processed.bytes={all}123,456", And((In("totals.bytes", (123,)), In("totals.bytes", (456,))))),
        ("processed.bytes={all}123", In("totals.bytes", (123,))),
        ("processed.bytes={mod}10,2", Mod("totals.bytes", 10, 2)),
        ("processed.bytes={mod}-10,-2", Mod("totals.bytes", -10, -2)),
        ("processed.bytes={exact}7", In("totals.bytes", (7,))),
        ("processed.bytes=1e3", In("totals.bytes", (1000.0,))),
        ("processed.bytes=9223372036854775807", In("totals.bytes", (2**63 - 1,))),
        ("processed.bytes=9223372036854775808", In("totals.bytes", (2.0**63,))),
        # text
        ("processed.name=thumb", Contains("processed.name", "thumb")),
        ("processed.name=2014", In("processed.name", ("2014",))),
        ("processed.name={exact}Thumb", In("processed.name", ("Thumb",))),
        ("processed.name={exact}a,b", In("processed.name", ("a,b",))),
        ("processed.name={exact}", In("processed.name", ("",))),
        ("processed.name={not}a", Not(Contains("processed.name", "a"))),
        ("processed.name={ne}a,7", Not(Or((In("processed.name", ("7",)), Contains("processed.name", "a"))))),
        ("processed.name={gt}b", Than("processed.name", Order.GT, "b")),
        ("processed.name={gt}5", Than("processed.name", Order.GT, "5")),
        ("processed.name={all}a,b", And((Contains("processed.name", "a"), Contains("processed.name", "b")))),
        # closed sets
        ("status=processing", In("status", ("processing",))),
        ("status=PRO", In("status", ("processing",))),
        ("status=e,failed", In("status", ("pending", "processing", "complete", "failed"))),
        ("status=nothing", In("status", ())),
        ("status={not}fail", Not(In("status", ("failed",)))),
        ("status={exact}fail", In("status", ("fail",))),
        ("processed.status=com", In("processed.status", ("complete",))),
        ("processed.0.status=com", In("processed.0.status", ("complete",))),
        # ids
        ("_id=ABCDEFABCDEFABCDEFABCDEF", In("_id", ("abcdefabcdefabcdefabcdef",))),
        ("_id=abc", Contains("_id", "abc")),
        # booleans
        ("output.progressive=y", In("output.progressive", (True,))),
        ("output.progressive={ne}F", Not(In("output.progressive", (False,)))),
        ("processed.error.retryable=1", In("processed.error.retryable", (True,))),
        # dates
        ("created={gte}1999-12-12T13:33:00.000Z", Than("created", Order.GTE, WHEN)),
        (
            "created={gt}1999-12-12T13:33:00.000Z{lt}2014-01-01T01:01:01.000Z",
            And((Than("created", Order.GT, WHEN), Than("created", Order.LT, LATER))),
        ),
        ("created={ne}1999-12-12T13:33", Not(In("created", (WHEN,)))),
        ("processed.duration.start=2014", In("totals.duration.start", (at(2014),))),
        ("processed.data.duration.end={lt}2014-02", Than("processed.data.duration.end", Order.LT, at(2014, 2))),
        # what may be anything
        ("data.x=kale", Contains("data.x", "kale")),
        ("data.x=1234", In("data.x", (1234, "1234"))),
        ("data.x=007", In("data.x", (7, "007"))),
        ("data.x=1.50", Or((In("data.x", (1.5,)), Contains("data.x", "1.50")))),
        ("data.x=-5", Or((In("data.x", (-5,)), Contains("data.x", "-5")))),
        ("data.x=Yes", Or((In("data.x", (True,)), Contains("data.x", "Yes")))),
        ("data.x=n", Or((In("data.x", (False,)), Contains("data.x", "n")))),
        ("data.x=١", Contains("data.x", "١")),
        ("data.x=²", Contains("data.x", "²")),
        ("data.x=nan", Contains("data.x", "nan")),
        ("data.x=1e999", Contains("data.x", "1e999")),
        ("data.x=1_000", Contains("data.x", "1_000")),
        ("data.x={exact}1234", In("data.x", (1234, "1234"))),
        ("data.x={exact}true", In("data.x", ("true",))),
        ("data.x={gt}5", Than("data.x", Order.GT, 5)),
        ("data.x={gt}2014-08-16", Than("data.x", Order.GT, "2014-08-16")),
        ("data.x={mod}2,1", Mod("data.x", 2, 1)),
        ("data.x=1,a", Or((In("data.x", (1, "1")), Contains("data.x", "a")))),
        ("data.x=1,true", Or((In("data.x", (1, "1", True)), Contains("data.x", "true")))),
        ("data.x={nin}1,2", Not(In("data.x", (1, "1", 2, "2")))),
        ("data.x={all}1,a", And((In("data.x", (1, "1")), Contains("data.x", "a")))),
        ("output.methods.options.width={gt}5", Than("output.methods.options.width", Order.GT, 5)),
        # blanks are nothing
        ("data.x=", And()),
        ("data.x=,", And()),
        ("data.x=a,,b,", Or((Contains("data.x", "a"), Contains("data.x", "b")))),
        # several on one field, and several fields
        (
            "data.x={gt}1{lt}9{ne}5",
            And((Than("data.x", Order.GT, 1), Than("data.x", Order.LT, 9), Not(In("data.x", (5, "5"))))),
        ),
        ("data.x=a{not}b", And((Contains("data.x", "a"), Not(Contains("data.x", "b"))))),
        (
            "data.x=a&data.y=b&data.x=c",
            And((Contains("data.x", "a"), Contains("data.y", "b"), Contains("data.x", "c"))),
        ),
        # characters with a meaning, as themselves
        (r"data.x=a\,b", Contains("data.x", "a,b")),
        (r"data.x=a\,b,c", Or((Contains("data.x", "a,b"), Contains("data.x", "c")))),
        (r"data.x=\{gt}5", Contains("data.x", "{gt}5")),
        (r"data.x={exact}\{\}", In("data.x", ("{}",))),
        (r"data.x=a}b", Contains("data.x", "a}b")),
        (r"data.x=C:\temp", Contains("data.x", r"C:\temp")),
        (r"data.x=a\\,b", Or((Contains("data.x", "a\\"), Contains("data.x", "b")))),
        ("data.x=a\\", Contains("data.x", "a\\")),
        (r"data.x={exact}\{exact}", In("data.x", ("{exact}",))),
        ("data.x=.*", Contains("data.x", ".*")),
        ("data.x=a\nb", Contains("data.x", "a\nb")),
        # other names for one field
        ("processed.images.width=5", In("images.width", (5,))),
        ("processed.duration.download={gt}5", Than("totals.duration.download", Order.GT, 5)),
        ("processed.output.main.info.width=5", In("processed.data.output.main.info.width", (5,))),
        ("processed.data.output.main.location=x", Contains("processed.data.output.main.location", "x")),
        ("latlon.0={gt}5", Than("images.latlon.0", Order.GT, 5)),
        # fields that no job has
        ("coffee=black", NONE),
        ("coffee={ne}black", And()),
        ("number={all}123,456", NONE),
        ("__v=0", And()),
        ("__v={gt}0", NONE),
    ],
)
def test_a_spelling_asks_for(text: str, where: Expr) -> None:
    asked_for = spelled(text.replace("+", "%2B")).where
    assert asked_for == where
    assert repr(asked_for) == repr(where)  # True is not 1


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2014-08-16", at(2014, 8, 16)),
        ("20140816", at(2014, 8, 16)),
        ("2014", at(2014)),
        ("2014-08", at(2014, 8)),
        ("2014-08-16T20:41", at(2014, 8, 16, 20, 41)),
        ("2014-08-16 20:41", at(2014, 8, 16, 20, 41)),
        ("2014-08-16T20:41:06Z", at(2014, 8, 16, 20, 41, 6)),
        ("20140816T204106Z", at(2014, 8, 16, 20, 41, 6)),
        ("2014-08-16T20:41:06.343Z", at(2014, 8, 16, 20, 41, 6, 343)),
        ("2014-08-16T20:41:06.343999Z", at(2014, 8, 16, 20, 41, 6, 343)),
        (r"2014-08-16T20:41:06\,343Z", at(2014, 8, 16, 20, 41, 6, 343)),
        ("2014-08-16T22:41:06.343%2B02:00", at(2014, 8, 16, 20, 41, 6, 343)),
        ("2014-08-16T22:41:06.343+02:00", at(2014, 8, 16, 20, 41, 6, 343)),
        ("2014-08-16T22:41:06.343 0200", at(2014, 8, 16, 20, 41, 6, 343)),
        ("2014-08-16 22:41:06 02", at(2014, 8, 16, 20, 41, 6)),
        ("2014-08-16T15:41:06-05:00", at(2014, 8, 16, 20, 41, 6)),
        (" 2014-08-16 ", at(2014, 8, 16)),
    ],
)
def test_a_moment_is_read_in_every_usual_form(text: str, moment: datetime) -> None:
    assert spelled(f"created={text}").where == In("created", (moment,))


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("latlon={near}40.0176,-105.2797,5", Near(40.0176, -105.2797, 8046.72)),
        ("latlon={near}40.0176,-105.2797", Near(40.0176, -105.2797)),
        ("processed.images.latlon={near}40.0176,-105.2797,10", Near(40.0176, -105.2797, 16093.44)),
        ("images.latlon={near}-90, 180,0", Near(-90.0, 180.0, 0.0)),
    ],
)
def test_a_position_has_a_radius_in_miles_or_none(text: str, near: Near) -> None:
    assert spelled(f"{text}&sort_by=created") == Query(And(), Sort("created", False), Page(), near)


@pytest.mark.parametrize(
    ("text", "page", "sort"),
    [
        ("", Page(), Sort()),
        ("page=2", Page(2), Sort()),
        ("page=2&per_page=100", Page(2, 100), Sort()),
        ("per_page=101", Page(1, 100), Sort()),
        ("page=&per_page=&sort_by=", Page(), Sort()),
        ("sort_by=created", Page(), Sort("created", False)),
        ("sort_by=created,asc", Page(), Sort("created", False)),
        ("sort_by=created,DESC", Page(), Sort("created", True)),
        ("sort_by=created, -1", Page(), Sort("created", True)),
        ("sort_by=data.order,1", Page(), Sort("data.order", False)),
        ("sort_by=processed.bytes,desc", Page(), Sort("totals.bytes", True)),
        ("sort_by=processed.duration.total", Page(), Sort("totals.duration.total", False)),
        ("sort_by=coffee,desc", Page(), Sort("_id", True)),
        ("key=k&secret=s&wait=5", Page(), Sort()),
    ],
)
def test_pages_and_orders(text: str, page: Page, sort: Sort) -> None:
    assert spelled(text) == Query(And(), sort, page)


@given(st.text(string.printable + "éſK", min_size=1, max_size=20))
def test_every_text_can_be_asked_for_when_it_is_escaped(text: str) -> None:
    escaped = "".join(f"\\{one}" if one in "\\{}," else one for one in text)
    assert asked({"processed.name": "{exact}" + escaped}).where == In("processed.name", (text,))
