"""Owns what time it is, for whoever hands it on as an argument. Never a wait."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """UTC in whole milliseconds, which is what the API shows and the stores keep."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
