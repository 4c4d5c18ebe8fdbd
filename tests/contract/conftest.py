"""Owns the members under the store contract: each test runs for every one of them. Never a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from sixpx.store.base import Store
from sixpx.store.sqlite import SqliteStore

Open = Callable[[], Awaitable[Store]]


async def _sqlite(folder: Path) -> Store:
    return SqliteStore.open(folder / "store.db")


MEMBERS: Mapping[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": _sqlite}


@pytest.fixture(params=MEMBERS)
async def another(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the store of this test, as one more process would."""
    opened: list[Store] = []

    async def open() -> Store:
        opened.append(await MEMBERS[request.param](tmp_path))
        return opened[-1]

    yield open
    for one in opened:
        await one.close()


@pytest.fixture
async def store(another: Open) -> Store:
    """An empty store."""
    return await another()
