"""Owns what a list of jobs is asked for: which page, in which order. Never SQL, MongoDB's or a URL's syntax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SORTABLE = ("created", "modified")
PAGE_MOST = 100
"""More than this is clamped (SPEC section 9, Search)."""
COUNT_MOST = 10_000
"""Counting stops here (SPEC section 9, Search)."""


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
    """The order of the answer; ties are broken by id, in the same direction. Newest first by default."""

    field: str = "created"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A page of an answer; `total` counts all pages, up to COUNT_MOST."""

    items: tuple[T, ...]
    total: int

    @property
    def capped(self) -> bool:
        return self.total >= COUNT_MOST
