"""Owns whose callback is delivered next: users in turn, so many at once for each user and host. Never a job, a clock.

A receiver that hangs keeps every slot that it gets for as long as an attempt may take. So no host gets more than a
quarter of them, and no user, who may name any number of hosts, more than half. The same holds for the places in the
lines before them: to a receiver that has been away for days more may be owed than there are places.
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


class Room:
    """Room for so many calls, of which one host may have a quarter and one user half."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._users: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    @property
    def full(self) -> bool:
        return self._taken >= self._most

    def for_user(self, user_id: str) -> bool:
        return self._users[user_id] < max(1, self._most // 2)

    def for_host(self, host: str) -> bool:
        return self._hosts[host] < max(1, self._most // 4)

    def take(self, call: Call) -> None:
        self._taken += 1
        self._users[call.user_id] += 1
        self._hosts[call.host] += 1

    def give(self, call: Call) -> None:
        self._taken -= 1
        for counter, name in ((self._users, call.user_id), (self._hosts, call.host)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]


class Calls:
    """What waits, and what is under way, `most` at once; `places` are for both together, a few hundred bytes each."""

    def __init__(self, most: int, places: int = 10_000) -> None:
        self._slots = Room(most)
        self._places = Room(places)
        self._waiting: OrderedDict[str, Lines] = OrderedDict()
        self._known: set[str] = set()

    @property
    def full(self) -> bool:
        """Whether nobody else has a place."""
        return self._places.full

    def add(self, call: Call) -> None:
        """Puts it at the end of its user's line to its host, where there is a place for it. A job is there once."""
        places = self._places
        if call.job_id in self._known or places.full:
            return
        if places.for_user(call.user_id) and places.for_host(call.host):
            places.take(call)
            self._known.add(call.job_id)
            self._waiting.setdefault(call.user_id, OrderedDict()).setdefault(call.host, deque()).append(call)

    def next(self) -> Call | None:
        """The next one, which is under way from now on: of the user who waits longest for a slot that he may have."""
        if self._slots.full:
            return None
        for user_id, lines in self._waiting.items():
            if self._slots.for_user(user_id) and (host := self._open_host(lines)) is not None:
                return self._begin(user_id, host)
        return None

    def done(self, call: Call) -> None:
        """It is not under way any more."""
        self._known.discard(call.job_id)
        self._slots.give(call)
        self._places.give(call)

    def _open_host(self, lines: Lines) -> str | None:
        return next((host for host in lines if self._slots.for_host(host)), None)

    def _begin(self, user_id: str, host: str) -> Call:
        lines = self._waiting[user_id]
        call = lines[host].popleft()
        lines.move_to_end(host)
        self._waiting.move_to_end(user_id)
        self._close(user_id, host)
        self._slots.take(call)
        return call

    def _close(self, user_id: str, host: str) -> None:
        if not self._waiting[user_id][host]:
            del self._waiting[user_id][host]
        if not self._waiting[user_id]:
            del self._waiting[user_id]
