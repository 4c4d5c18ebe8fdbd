"""Lends the fixtures of `site` to all tests of this folder."""

from __future__ import annotations

from tests.fetch.site import fetcher, site

__all__ = ["fetcher", "site"]
