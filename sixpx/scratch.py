"""Owns the files of one run in the scratch folder: their names, and that they go. Never what is in them.

All runs share one folder. One for each run was tried: making and removing it took longer than all its files did.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sixpx.threads import to_its_end


class Scratch:
    """Names that begin with `prefix`, in a folder that exists."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder = folder
        self._prefix = prefix
        self._paths: list[Path] = []

    def path(self, name: str) -> Path:
        """The file of this name; it is removed by `clear`, whoever made it."""
        path = self._folder / f"{self._prefix}.{name}"
        self._paths.append(path)
        return path

    async def clear(self) -> None:
        """Removes what is still there."""
        paths, self._paths = self._paths, []
        if paths:
            await to_its_end(_remove, paths)


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
