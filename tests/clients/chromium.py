"""Owns a headless Chromium that opens one address. Never what the page does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.base import Process, found

HOW = "apt-get install chromium"


@contextmanager
def browsing(url: str, folder: Path) -> Iterator[None]:
    """Its profile and its log are kept in `folder`."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += ["--disable-dev-shm-usage", "--disable-extensions", f"--user-data-dir={folder / 'profile'}"]
    browser = Process([found("chromium", HOW), *options, url], folder / "chromium.log")
    try:
        yield
    finally:
        browser.end()
