"""Owns the promise that the time of a refusal tells nothing: not who is a user, nor what was wrong. Never a reply.

Against a whole service in a process of its own: the ways to a refusal differ by the work of a store and an event loop.
"""

from __future__ import annotations

import http.client
import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

from tests.acceptance.service import Service

ROUNDS = 500
"""Of one request of each kind."""
APART = 0.06
"""How far from even the odds may be that one kind takes longer than another: three standard errors."""
MEASUREMENTS = 4


def measured(service: Service, kinds: Mapping[str, tuple[str, Mapping[str, str]]]) -> dict[str, list[float]]:
    """Seconds of refusals, in an order that is chance."""
    connection, chance = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30), random.Random(6)
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind in chance.sample(sorted(kinds), len(kinds)):
            path, headers = kinds[kind]
            began = time.perf_counter()
            connection.request("GET", path, headers=dict(headers))
            reply = connection.getresponse()
            reply.read()
            found[kind].append(time.perf_counter() - began)
            assert reply.status == 401
    connection.close()
    return found


def odds(ones: list[float], others: list[float]) -> float:
    """How likely one of the first takes longer than one of the others: ranks, so that pauses of the machine count as
    any other slow reply."""
    others = sorted(others)
    return sum(bisect_left(others, one) + bisect_right(others, one) for one in ones) / (2 * len(ones) * len(others))


def test_the_time_of_a_refusal_tells_nothing(tmp_path: Path) -> None:
    """An oracle gives the same hint whenever it is asked: it would have to be heard in every measurement."""
    with Service.start(tmp_path, SIXPX_LANES_COUNT="1") as service:
        page, jobs = {"Origin": "https://evil.example"}, f"/v1/users/{service.user}/jobs"
        kinds = {
            "unknown user": (f"/v1/users/{'f' * 24}/jobs?key={service.key}&secret={service.secret}", page),
            "wrong key": (f"{jobs}?key={'0' * 32}&secret={service.secret}", page),
            "wrong secret": (f"{jobs}?key={service.key}&secret={'x' * 43}", page),
            "wrong origin": (f"{jobs}?key={service.key}&secret=&also={'x' * 37}", page),
        }
        told: dict[str, float] = {}
        for _ in range(MEASUREMENTS):
            times = measured(service, kinds)
            pairs = {f"{one}, {other}": odds(times[one], times[other]) for one, other in combinations(times, 2)}
            told = {pair: value for pair, value in pairs.items() if abs(value - 0.5) > APART}
            if not told:
                return
        pytest.fail(f"a refusal's time tells which it is: {told}")
