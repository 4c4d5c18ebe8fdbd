"""Owns Watch: which files of a folder are opened, by whomever, as the kernel tells it. Never opens one."""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType

OPENED = 0x20
"""IN_OPEN of inotify(7)."""
EVENT = struct.Struct("iIII")


class Watch:
    """As a context: from its beginning on, each opening of a file in these folders is noted."""

    def __init__(self, *folders: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._folders = folders

    def __enter__(self) -> Watch:
        self._file = self._libc.inotify_init1(os.O_NONBLOCK)
        for folder in self._folders:
            if self._libc.inotify_add_watch(self._file, os.fsencode(folder), OPENED) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", str(folder))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._file)

    def opened(self) -> set[str]:
        """The names of the files opened since the last time."""
        names: set[str] = set()
        while True:
            try:
                data = os.read(self._file, 65_536)
            except BlockingIOError:
                return names
            place = 0
            while place < len(data):
                length = EVENT.unpack_from(data, place)[3]
                name = data[place + EVENT.size : place + EVENT.size + length].rstrip(b"\0")
                names.add(os.fsdecode(name))
                place += EVENT.size + length
