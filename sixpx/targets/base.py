"""Owns the contract of a destination: Parcel and Destination in, public URL out. Never knows a job or a member."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sixpx.credentials import Destination


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
    """One family of destinations. `put` may be called again with the same parcel and then overwrites; it is cancelled
    when it takes too long, and leaves nothing that can be seen then either."""

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Stores the whole file or nothing that can be seen; returns its public URL. Raises PutFailed, whose `again`
        says whether a further try may help, or Refused."""
        ...

    async def close(self) -> None: ...


class Hosting(Target, Protocol):
    """Where `6px` goes: a target whose files end with their job."""

    async def remove(self, folder: str) -> None:
        """Removes all files that were put to this folder (`user/job`); there may be none. Raises PutFailed where some
        stay."""
        ...


class Clearing(Target, Protocol):
    """A target that default hosting can be on."""

    async def clear(self, to: Destination) -> None:
        """Removes every file in the folder of the destination; there may be none. Raises PutFailed where some stay."""
        ...
