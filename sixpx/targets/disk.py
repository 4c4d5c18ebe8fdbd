"""Owns default hosting (`6px`): files under the data directory, which the service serves itself. Never serves them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sixpx.credentials import Destination
from sixpx.errors import PutFailed
from sixpx.targets.base import Parcel
from sixpx.threads import to_its_end


class Disk:
    """Files at `root/user/job/name`, public at `base/user/job/name`."""

    def __init__(self, root: Path, base: str) -> None:
        self._root = root
        self._base = base.rstrip("/")

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Moved into place and synced: a reader sees all of it or nothing, and a power cut takes nothing back. Raises
        PutFailed."""
        with _in_our_words():
            await to_its_end(place, parcel.source, self._root / f"{parcel.folder}/{parcel.name}")
        return f"{self._base}/{parcel.folder}/{quote(parcel.name)}"

    async def remove(self, folder: str) -> None:
        """Removes a job's files; there may be none. Raises PutFailed where some stay."""
        with _in_our_words():
            await to_its_end(_remove, self._root / folder)

    async def expire(self, before: float) -> int:
        """Removes the files of every job that put its last one before this moment (Unix seconds); how many jobs that
        were. Raises PutFailed where some stay."""
        with _in_our_words():
            return await to_its_end(_expire, self._root, before)

    async def close(self) -> None:
        """Nothing is held open."""


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk is full" if full else fault.strerror or "the disk cannot be written to"
        raise PutFailed(f"default hosting: {reason}", retryable=full) from fault


def place(source: Path, path: Path) -> None:
    """Moves a finished file to where it belongs, durable when this returns; its folders are made. Raises OSError.

    Moved first and synced then: a journal takes the file, its name and new folders in one write. A power cut in
    between leaves a name that nobody was told, and the next run writes over it. Texts and not paths from here on: they
    take half the time of the interpreter, which eight of these share.
    """
    made: list[str] = []
    target = os.fspath(path)
    folder = _above(target)
    try:
        _into_folder(os.replace, source, target, made)
    except OSError as fault:
        if fault.errno != errno.EXDEV:
            raise
        # the scratch folder lies on another file system: a copy under a name that is not served, then its own
        part = f"{folder}/.{path.name}.part"
        try:
            _into_folder(shutil.copyfile, source, part, made)
            os.replace(part, target)
        finally:
            Path(part).unlink(missing_ok=True)
    for changed in (target, folder, *map(_above, made)):
        _sync(changed)


def _into_folder(act: Callable[[Path, str], object], source: Path, path: str, made: list[str]) -> None:
    """Makes the folder where it turns out to be missing, as a rule for the job's first file, and notes what it made."""
    try:
        act(source, path)
    except FileNotFoundError:
        folder = _above(path)
        made += _missing(folder)
        os.makedirs(folder, exist_ok=True)
        act(source, path)


def _missing(folder: str) -> Iterator[str]:
    """The folder and those above it, as far as they are not there."""
    while not os.path.exists(folder):
        yield folder
        folder = _above(folder)


def _above(path: str) -> str:
    return os.path.dirname(path) or "."


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _expire(root: Path, before: float) -> int:
    old = [job for job in root.glob("*/*") if job.is_dir() and _last_change(job) < before]
    faults = []
    for job in old:
        try:
            _remove(job)
        except OSError as fault:  # one that stays must not keep the others
            faults.append(fault)
    if faults:
        raise faults[0]
    return len(old)


def _last_change(folder: Path) -> float:
    with suppress(FileNotFoundError):
        return max(one.stat().st_mtime for one in (folder, *folder.iterdir()))
    return float("inf")  # gone in the meantime


def _sync(path: str) -> None:
    """A file's bytes, or a folder's names, are on the disk afterwards."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
