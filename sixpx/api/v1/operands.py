"""Owns what the text of an operand means: a number, a moment, a position, words for true and false. Never a field."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from sixpx.core.query import Near, Value

SHOWN = 60
"""Characters of a client's own text that an error repeats."""
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
INT64 = range(-(2**63), 2**63)
"""What MongoDB and SQLite keep as whole numbers; beyond it they keep floats."""
BOOLEANS = {**dict.fromkeys(("true", "t", "yes", "y"), True), **dict.fromkeys(("false", "f", "no", "n"), False)}
ZERO_AND_ONE = {"1": True, "0": False}
MILE = 1609.344
"""Metres (SPEC section 9, Search)."""


class Unfit(ValueError):
    """What is not as it has to be; its text says what was expected, and what came: the text, or `got` in our words."""

    def __init__(self, expected: str, text: str = "", got: str | None = None) -> None:
        super().__init__(f"expected {expected}, got {shown(text) if got is None else got}")


def shown(text: str) -> str:
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def as_number(text: str) -> int | float | None:
    """The finite number that the text is, if any; a whole one beyond 64 bits becomes a float, as in the stores."""
    text = text.strip()
    if not NUMBER.fullmatch(text):
        return None
    if re.fullmatch(r"[+-]?\d+", text, re.ASCII) and int(text) in INT64:
        return int(text)
    return made if math.isfinite(made := float(text)) else None


def number(text: str) -> int | float:
    if (made := as_number(text)) is None:
        raise Unfit("a number", text)
    return made


def whole(text: str) -> int:
    if not isinstance(made := as_number(text), int):
        raise Unfit("a whole number", text)
    return made


def boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in BOOLEANS and word not in ZERO_AND_ONE:
        raise Unfit("true (t yes y 1) or false (f no n 0)", text)
    return {**BOOLEANS, **ZERO_AND_ONE}[word]


def plain(text: str) -> Value:
    """What an operand is compared as where the field may hold anything: a number where it looks like one."""
    made = as_number(text)
    return text if made is None else made


# --- moments --------------------------------------------------------------------------------------

A_DATE = "a date such as 2014-08-16 or 2014-08-16T20:41:06.343Z"
SHORT = {4: "-01-01", 7: "-01"}
"""What a year, or a year and a month, lacks to be a date."""
DATE_MOST = 40
"""Characters of the longest way to write a moment, and some."""
LOST_PLUS = re.compile(r"(.*\d[T ].*\d) (\d\d(:?\d\d)?)", re.ASCII | re.IGNORECASE)
"""A moment whose `+` was decoded to a space, as query strings are."""


def moment(text: str) -> datetime:
    """The moment in UTC, cut to milliseconds, which ISO 8601 writes so; UTC too where it names no offset."""
    asked = text.strip()
    if len(asked) > DATE_MOST:
        raise Unfit(A_DATE, text)
    if lost := LOST_PLUS.fullmatch(asked):
        asked = f"{lost[1]}+{lost[2]}"
    if re.fullmatch(r"\d{4}(-\d\d)?", asked, re.ASCII):
        asked += SHORT[len(asked)]
    try:
        made = datetime.fromisoformat(asked)
        made = made.astimezone(UTC) if made.tzinfo else made.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Unfit(A_DATE, text) from None
    return made - timedelta(microseconds=made.microsecond % 1000)


# --- positions ------------------------------------------------------------------------------------


def near(text: str) -> Near:
    """`latitude,longitude`, with a radius in miles if there is a third."""
    expected = "latitude,longitude or latitude,longitude,miles"
    parts = [as_number(one) for one in text.split(",")]
    if len(parts) not in (2, 3):
        raise Unfit(expected, text)
    latitude, longitude, miles = (*parts, 0.0)[:3]
    if latitude is None or longitude is None or miles is None:
        raise Unfit(expected, text)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Unfit("a latitude from -90 to 90 and a longitude from -180 to 180", text)
    if miles < 0:
        raise Unfit("a radius of 0 miles or more", text)
    return Near(float(latitude), float(longitude), miles * MILE if len(parts) == 3 else None)
