"""Owns whose callback is delivered next: users in turn, so many at once for each user and host. Never a job, a clock.

A receiver that hangs keeps every slot that it gets for as long as an attempt may take. So no host gets more than a
quarter of them, and no user, who may name any number of hosts, more than half.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime

Lines = OrderedDict[str, deque["Call"]]


@dataclass(frozen=True, slots=True)
class Call:
    """One claimed callback: of whose job, and to which host. `until`: when others may claim it too."""

    user_id: str
    job_id: str
    host: str
    until: datetime


class Calls:
    """What waits, and what is under way, `most` at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._each_user = max(1, most // 2)
        self._each_host = max(1, most // 4)
        self._waiting: OrderedDict[str, Lines] = OrderedDict()
        self._known: set[str] = set()
        self._under_way = 0
        self._users: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many wait or are under way."""
        return len(self._known)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._known

    def add(self, call: Call) -> None:
        """Puts it at the end of its user's line to its host. A job is there once."""
        self._known.add(call.job_id)
        self._waiting.setdefault(call.user_id, OrderedDict()).setdefault(call.host, deque()).append(call)

    def next(self) -> Call | None:
        """The next one, which is under way from now on: of the user who waits longest for a slot that he may have."""
        if self._under_way >= self._most:
            return None
        for user_id, lines in self._waiting.items():
            if self._users[user_id] < self._each_user and (host := self._open_host(lines)) is not None:
                return self._begin(user_id, host)
        return None

    def done(self, call: Call) -> None:
        """It is not under way any more."""
        self._known.discard(call.job_id)
        self._under_way -= 1
        for counter, name in ((self._users, call.user_id), (self._hosts, call.host)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]

    def _open_host(self, lines: Lines) -> str | None:
        return next((host for host in lines if self._hosts[host] < self._each_host), None)

    def _begin(self, user_id: str, host: str) -> Call:
        lines = self._waiting[user_id]
        call = lines[host].popleft()
        lines.move_to_end(host)
        self._waiting.move_to_end(user_id)
        self._close(user_id, host)
        self._under_way += 1
        self._users[user_id] += 1
        self._hosts[host] += 1
        return call

    def _close(self, user_id: str, host: str) -> None:
        if not self._waiting[user_id][host]:
            del self._waiting[user_id][host]
        if not self._waiting[user_id]:
            del self._waiting[user_id]
