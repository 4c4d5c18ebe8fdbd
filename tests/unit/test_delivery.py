"""Owns the promises about a delivery: when it is tried again, when it ends, and what a late one may change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sixpx.core.delivery import (
    ATTEMPTS_KEPT,
    Attempt,
    Chance,
    Delivery,
    Fate,
    attempted,
    due_of,
    owed,
    recorded,
    replayed,
)
from sixpx.core.retry import ASKED_MOST, CALLBACK_DELAYS, CALLBACK_SPREAD, asked_for, wait_for_callback
from tests.contract.jobs import NOW, after

HOUR = 3600.0
DAY = 24 * HOUR
AVERAGE = Chance(luck=0.5)


def attempt(status: int | None = 500, at: datetime = NOW) -> Attempt:
    return Attempt(at, 12, status, "so it went")


def fresh() -> Delivery:
    return owed("a" * 24, 0, NOW)


# --- the schedule -----------------------------------------------------------------------------------


def test_the_delays_are_those_of_the_specification() -> None:
    hours = [one * HOUR for one in (2, 5, 10, 14, 20, 24)]
    assert list(CALLBACK_DELAYS) == [0, 5, 300, 1800, *hours]


def test_a_delivery_is_due_at_once_and_ten_failures_end_it() -> None:
    """Each delay counts from the end of the attempt before."""
    delivery, now, waits = fresh(), NOW, []
    assert delivery.due == NOW
    while delivery.due is not None:
        now = delivery.due + timedelta(seconds=15)  # each attempt hangs as long as it may
        delivery = attempted(delivery, attempt(None, delivery.due), now, AVERAGE)
        waits += [(delivery.due - now).total_seconds()] if delivery.due else []
    assert waits == list(CALLBACK_DELAYS[1:])
    assert (delivery.fate, delivery.tries, len(delivery.attempts)) == (Fate.FAILED, 10, 10)


@given(st.integers(0, 12), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_wait_stays_near_its_delay_and_is_as_long_as_it_was_asked_for(
    tries: int, luck: float, asked: float | None
) -> None:
    wait = wait_for_callback(tries, luck, asked)
    if tries >= len(CALLBACK_DELAYS):
        assert wait is None
        return
    delay = CALLBACK_DELAYS[tries]
    least = max(delay * (1 - CALLBACK_SPREAD), min(asked or 0, ASKED_MOST))
    assert wait is not None
    assert least <= wait <= max(delay * (1 + CALLBACK_SPREAD), least)


def test_luck_spreads_what_failed_together() -> None:
    assert [wait_for_callback(2, luck) for luck in (0.0, 0.5, 1.0)] == [270, 300, 330]


# --- Retry-After ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 14:02:00 +0200", 120),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun Mar  1 12:00:30 2026", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("9" * 400, DAY),
        ("86401", DAY),
    ],
    ids=str,
)
def test_a_retry_after_is_seconds_or_a_date_and_a_day_at_most(header: str, seconds: float) -> None:
    assert asked_for(header, NOW) == seconds


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "1.5", "1e9", "٣", "²", "Sun, 99 Foo 2026", "\x00", "0x10"])
def test_what_is_no_retry_after_asks_for_nothing(header: str | None) -> None:
    assert asked_for(header, NOW) is None


@given(st.text(max_size=40))
def test_whatever_a_receiver_writes_there_is_read_without_harm(header: str) -> None:
    asked = asked_for(header, NOW)
    assert asked is None or 0 <= asked <= ASKED_MOST


@pytest.mark.parametrize(("asked", "waits"), [(None, 5.0), (2.0, 5.0), (60.0, 60.0), (10 * DAY, DAY)])
def test_a_receiver_that_asks_for_time_gets_it(asked: float | None, waits: float) -> None:
    delivery = attempted(fresh(), attempt(429), after(1), Chance(0.5, asked))
    assert delivery.due == after(1 + waits)


# --- ends -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(status: int) -> None:
    delivery = attempted(fresh(), attempt(status), after(1), AVERAGE)
    assert (delivery.fate, delivery.due, delivery.tries) == (Fate.DELIVERED, None, 1)


@pytest.mark.parametrize("status", [None, 100, 199, 300, 301, 302, 307, 308, 400, 404, 409, 429, 500, 503, 599])
def test_nothing_else_is(status: int | None) -> None:
    delivery = attempted(fresh(), attempt(status), after(1), AVERAGE)
    assert (delivery.fate, delivery.due, delivery.tries) == (Fate.PENDING, after(6), 1)


def test_410_ends_it_at_once_whatever_it_asks_for() -> None:
    delivery = attempted(fresh(), attempt(410), after(1), Chance(0.5, 60.0))
    assert (delivery.fate, delivery.due, delivery.tries) == (Fate.FAILED, None, 1)


# --- replays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", Fate)
def test_a_replay_keeps_the_id_and_the_attempts_and_begins_a_schedule(fate: Fate) -> None:
    tried = (attempt(), attempt(410))
    before = Delivery("msg_x_1", NOW, fate, after(500) if fate is Fate.PENDING else None, 2, tried)
    assert replayed(before, after(9)) == Delivery("msg_x_1", NOW, Fate.PENDING, after(9), 0, tried)


def test_replays_for_ever_keep_the_newest_attempts() -> None:
    delivery = fresh()
    for second in range(3 * ATTEMPTS_KEPT):
        delivery = attempted(replayed(delivery, after(second)), attempt(500, after(second)), after(second), AVERAGE)
    assert [one.at for one in delivery.attempts] == [after(2 * ATTEMPTS_KEPT + one) for one in range(ATTEMPTS_KEPT)]


# --- the fence --------------------------------------------------------------------------------------


def test_an_attempt_decides_where_nothing_has_changed_since_it_began() -> None:
    assert recorded(fresh(), fresh(), attempt(200), after(1), AVERAGE).fate is Fate.DELIVERED


def test_of_two_processes_that_tried_the_first_record_counts() -> None:
    first = recorded(fresh(), fresh(), attempt(500, after(1)), after(2), AVERAGE)
    assert recorded(first, fresh(), attempt(200, after(1)), after(3), AVERAGE) == first


@pytest.mark.parametrize("status", [200, 410, 500, None])
def test_what_was_dropped_meanwhile_stays_dropped_and_the_attempt_is_noted(status: int | None) -> None:
    dropped = replace(fresh(), fate=Fate.DROPPED, due=None)
    late = recorded(dropped, fresh(), attempt(status), after(3), AVERAGE)
    assert late == replace(dropped, attempts=(attempt(status),))


@pytest.mark.parametrize("status", [200, 410, 500, None])
def test_what_was_replayed_meanwhile_stays_due_and_the_attempt_is_noted(status: int | None) -> None:
    again = replayed(fresh(), after(2))
    late = recorded(again, fresh(), attempt(status), after(3), AVERAGE)
    assert late == replace(again, attempts=(attempt(status),))


# --- what is due ------------------------------------------------------------------------------------


def test_the_one_that_is_due_for_longest_is_first() -> None:
    one, two, three = (replace(owed("a" * 24, number, NOW), due=after(due)) for number, due in enumerate((3, 1, 9)))
    done = replace(one, fate=Fate.DELIVERED, due=None)
    assert due_of((one, done, two, three), after(5)) == two
    assert due_of((one, done, three), after(5)) == one
    assert due_of((done, three), after(5)) is None
