"""Owns the data folder of one process: that no other works in it. Never what lies there.

With SQLite the lock on the file does it. With a store that several processes share, each needs a folder of its own: it
empties the scratch folder when it starts.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sixpx.errors import BadSettings

LOCK = ".lock"


def claim(folder: Path) -> int:
    """The right to work in this folder, as a descriptor to be closed at the end. Raises BadSettings."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as taken:
        os.close(descriptor)
        sentence = f"server.data: another sixpx service works in {folder}; give each process a folder of its own"
        raise BadSettings((sentence,)) from taken
    return descriptor
