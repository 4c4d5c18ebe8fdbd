"""Owns what a user's listeners are told of his jobs, and when. Never a socket, never JSON names.

Published clients begin to listen for a job only after they have read the reply to its POST. So nothing of a job is told
before that reply is written, and its end is told once more a second later (SPEC section 7).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sixpx.hub import Hub


class Feed:
    """Stands between the hub and listeners outside of this process. `close` before the hub's last user goes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @contextmanager
    def holding(self, job_id: str) -> Iterator[None]:
        """Tells nothing of this job while the block runs; what happens meanwhile is told afterwards, in order."""
        yield

    async def close(self) -> None:
        """Nothing more is told."""
