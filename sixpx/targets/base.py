"""Owns the contract of a destination: Parcel in, public URL out. Never knows a job or a member."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Parcel:
    """A finished file and the name it shall have; a target may take the file away. `folder` is where our own hosting
    puts it (`user/job`); the other destinations have their folder in the connection string. `size` in bytes, `type` a
    MIME type."""

    source: Path
    folder: str
    name: str
    type: str
    size: int


class Target(Protocol):
    """One destination. `put` may be called again with the same parcel and then overwrites."""

    async def put(self, parcel: Parcel) -> str:
        """Stores the whole file or nothing that can be seen; returns its public URL. Raises PutFailed."""
        ...

    async def close(self) -> None: ...
