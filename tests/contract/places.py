"""Owns PLACES, the destinations under the contract suite: each a real server and the member that uploads to it. Never
a look through our own client: what is stored is read behind its back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sixpx.credentials import Destination, parse
from sixpx.targets.base import Target
from sixpx.targets.disk import Disk

PUBLIC = "http://img.test"


class Place(Protocol):
    """Where files arrive. `secret` is the password in its connection strings, which nothing may ever repeat."""

    @property
    def target(self) -> Target: ...

    @property
    def secret(self) -> str: ...

    def to(self, folder: str) -> Destination:
        """The destination for a folder, `a/b`, or the root for an empty text."""
        ...

    def wrong(self, folder: str) -> Destination:
        """The same with a wrong secret."""
        ...

    async def content(self, path: str) -> bytes | None:
        """The bytes stored at `folder/name`, None where there is no such file."""
        ...

    async def type(self, path: str) -> str | None:
        """Its MIME type, None where the protocol has none."""
        ...

    async def names(self, folder: str) -> set[str]:
        """All that anyone can see in the folder, hidden files and temporary ones too."""
        ...

    async def close(self) -> None: ...


Opened = Callable[[Path], Awaitable[Place]]
"""Starts what a place needs in an empty folder, and makes its member."""


@dataclass(slots=True)
class DiskPlace:
    """Default hosting: the folder of the connection is the parcel's."""

    root: Path
    target: Target
    secret: str = ""

    @classmethod
    async def open(cls, folder: Path) -> DiskPlace:
        return cls(folder, Disk(folder, PUBLIC))

    def to(self, folder: str) -> Destination:
        return parse("6px")

    def wrong(self, folder: str) -> Destination:
        raise NotImplementedError("default hosting has no secret")

    async def content(self, path: str) -> bytes | None:
        file = self.root / path
        return file.read_bytes() if file.is_file() else None

    async def type(self, path: str) -> str | None:
        return None

    async def names(self, folder: str) -> set[str]:
        return {one.name for one in (self.root / folder).iterdir()} if (self.root / folder).is_dir() else set()

    async def close(self) -> None:
        await self.target.close()


PLACES: dict[str, Opened] = {"6px": DiskPlace.open}
