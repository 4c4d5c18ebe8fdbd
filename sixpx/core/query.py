"""Owns what a list of jobs is asked for: which jobs, which page, in which order. Never SQL, BSON or a URL's syntax.

A condition is a tree of And, Or and Not over leaves, each of which asks about the values at one path. A path is dotted;
it goes through objects and over arrays as MongoDB's does: any element may match, also at its end. All words on a
path are those of `store.document`, dates included: `totals.bytes`, `images.latlon`, `data.order.id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE_MOST = 100
"""More than this is clamped (SPEC section 9, Search)."""
COUNT_MOST = 10_000
"""Counting stops here (SPEC section 9, Search)."""

Value = str | int | float | bool | datetime
"""What a document's value is compared with. A number never equals a string or a boolean; a datetime is compared with
fields that hold dates."""


class Order(StrEnum):
    """How a value lies to the operand. Values of another kind than the operand's never match."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True, slots=True)
class In:
    """Some value at the path equals one of these; numbers by value, strings exactly."""

    path: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Than:
    """Some value at the path is greater or less than the operand. Strings by code point."""

    path: str
    order: Order
    value: str | int | float | datetime


@dataclass(frozen=True, slots=True)
class Contains:
    """Some string at the path holds the text, whatever the case of either (see `fold`)."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Mod:
    """Some number at the path, cut to a whole one, leaves the remainder when it is divided; the remainder has the sign
    of the dividend (MongoDB's $mod)."""

    path: str
    divisor: int
    remainder: int


@dataclass(frozen=True, slots=True)
class And:
    """All of them; of none: every job."""

    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """One of them at least; of none: no job."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not so; also where the path leads nowhere."""

    part: Expr


Expr = In | Than | Contains | Mod | And | Or | Not
EVERYTHING = And()


@dataclass(frozen=True, slots=True)
class Near:
    """Jobs by the distance of their nearest picture with a position (`images.latlon`): degrees, and metres at most
    (None: any distance). Great circles on a sphere (SPEC section 9, Search); ties by id."""

    latitude: float
    longitude: float
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """`number` counts from 1; `size` jobs on a page."""

    number: int = 1
    size: int = 10

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of the answer by the value at a path; ties are broken by id, in the same direction. Newest first by
    default. Nothing there < numbers < strings < objects < booleans < dates; of an array its least element, or its
    greatest when descending (MongoDB's order)."""

    path: str = "created"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for. `near` replaces the order."""

    where: Expr = EVERYTHING
    sort: Sort = Sort()
    page: Page = Page()
    near: Near | None = None


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A page of an answer; `total` counts all pages, up to COUNT_MOST."""

    items: tuple[T, ...]
    total: int

    @property
    def capped(self) -> bool:
        return self.total >= COUNT_MOST
