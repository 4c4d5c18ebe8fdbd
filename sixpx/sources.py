"""Owns where the bytes of an input come from: the web, or the blob that a data URI became. Never decodes a picture."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sixpx.core.job import Input
from sixpx.credentials import Vault
from sixpx.errors import FetchFailed, OverLimit
from sixpx.fetch import Fetcher
from sixpx.run import Got
from sixpx.threads import to_its_end

Blobs = Callable[[str], Awaitable[bytes | None]]
"""The bytes of a data URI by the id of its blob."""


class InputSources:
    """Brings an input into a file of the scratch folder."""

    def __init__(self, blob: Blobs, fetcher: Fetcher, vault: Vault, max_bytes: int) -> None:
        self._blob_of = blob
        self._fetcher = fetcher
        self._vault = vault
        self._max_bytes = max_bytes

    async def get(self, source: Input, path: Path) -> Got:
        """The file, its bytes, the milliseconds it took. Raises OutputFault, and StoreDown."""
        if source.blob is not None:
            return await self._blob(source.blob, path)
        url = source.shown if source.sealed is None else self._vault.open(source.sealed)
        fetched = await self._fetcher.fetch(url, path)
        return Got(path, fetched.bytes, fetched.ms)

    async def _blob(self, blob: str, path: Path) -> Got:
        began = time.perf_counter()
        content = await self._blob_of(blob)
        if content is None:
            raise FetchFailed("the bytes of this data URI are no longer kept")
        if len(content) > self._max_bytes:
            raise OverLimit(f"the input has {len(content)} bytes; the limit input_bytes is {self._max_bytes}")
        try:
            await to_its_end(path.write_bytes, content)
        except OSError as fault:
            raise FetchFailed(f"the service could not keep the input: {fault.strerror}", retryable=True) from fault
        return Got(path, len(content), (time.perf_counter() - began) * 1000)
