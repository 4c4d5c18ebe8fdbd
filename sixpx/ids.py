"""Owns where new ids and random file names come from. Never what they are used for."""

from __future__ import annotations

import itertools
import secrets
import threading
import time

_process = secrets.token_bytes(5)
_counter = itertools.count(secrets.randbelow(1 << 24))
_lock = threading.Lock()


def new_id() -> str:
    """24 hex digits in MongoDB's ObjectId layout: seconds, a random number for this process, a counter. Ids of one
    process grow with time, so that the smallest id is the oldest job."""
    with _lock:
        count = next(_counter) & 0xFFFFFF
    return int(time.time()).to_bytes(4, "big").hex() + _process.hex() + count.to_bytes(3, "big").hex()


def new_name() -> str:
    """A file name that nobody guesses (edition 3, REF: `false` means a random filename)."""
    return secrets.token_hex(12)
