"""Owns when a thing that failed is tried again. Never sleeps, never rolls dice: chance is an argument."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

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


CALLBACK_DELAYS: Sequence[float] = (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between the end of one attempt to deliver a callback and the next (SPEC section 7); the first one counts from
the end of the job."""
CALLBACK_SPREAD = 0.1
"""How much shorter or longer each of them may be: who failed together does not return together."""
ASKED_MOST = 86_400.0
"""What a receiver may ask for with Retry-After, in seconds: the longest delay of the schedule."""


def wait_for_callback(
    tries: int, luck: float, asked: float | None = None, schedule: Sequence[float] = CALLBACK_DELAYS
) -> float | None:
    """Seconds to wait after `tries` attempts that failed, or None to give up. `luck` is of 0..1; `asked` (Retry-After)
    makes a wait longer, never shorter, and never more than ASKED_MOST."""
    if tries >= len(schedule):
        return None
    spread = schedule[tries] * (1 + CALLBACK_SPREAD * (2 * luck - 1))
    return max(spread, min(asked, ASKED_MOST)) if asked is not None else spread


def asked_for(retry_after: str | None, now: datetime) -> float | None:
    """What a Retry-After asks for (RFC 9110 section 10.2.3: seconds, or a date), in seconds from 0 to ASKED_MOST; None
    where it asks for nothing that can be understood."""
    text = (retry_after or "").strip()
    if re.fullmatch("[0-9]+", text):
        return min(float(text[:20]), ASKED_MOST)
    try:
        date = parsedate_to_datetime(text)
        # a date without its zone is in UTC, as all dates of HTTP
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(seconds, 0.0), ASKED_MOST)
