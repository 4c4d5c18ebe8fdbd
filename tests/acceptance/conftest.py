"""Owns what the tests of destinations share: one service with all of them. Never a test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.acceptance.yard import Yard, yard


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def all_destinations(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Yard]:
    """It writes all that it ever writes into its log."""
    async with yard(tmp_path_factory.mktemp("yard"), SIXPX_LOG_LEVEL="debug") as opened:
        yield opened
