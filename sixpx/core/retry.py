"""Owns when a thing that failed is tried again. Never sleeps, never rolls dice: chance is an argument."""

from __future__ import annotations

from collections.abc import Mapping

from sixpx.errors import Again

DELAYS: Mapping[Again, tuple[float, ...]] = {Again.BROKEN: (0.2, 1.0), Again.BUSY: (1.0, 4.0)}
"""Seconds before the second try, the third, and so on; after the last one it is given up."""


def wait_before(tries: int, why: Again, luck: float, asked: float | None = None) -> float | None:
    """Seconds to wait after `tries` failed tries, or None to give up. `luck` (0..1) spreads callers over half to the
    whole of the delay, so that they do not return together; `asked` is what the other side asked for (Retry-After),
    heeded up to the longest delay of all."""
    delays = DELAYS[why]
    if tries > len(delays):
        return None
    longest = max(max(one) for one in DELAYS.values())
    spread = delays[tries - 1] * (0.5 + luck / 2)
    return max(spread, min(asked, longest)) if asked is not None else spread
