"""Owns the promises about whose callback is next: bounds for users and hosts, and turns."""

from __future__ import annotations

from collections import Counter
from itertools import count

from sixpx.calls import Call, Calls
from tests.contract.jobs import NOW

numbers = count()


def call(user: str = "ada", host: str = "x.test") -> Call:
    return Call(user, f"job {next(numbers)}", host, NOW)


def queue(*calls: Call, most: int = 16) -> Calls:
    made = Calls(most)
    for one in calls:
        made.add(one)
    return made


def begun(calls: Calls) -> list[Call]:
    """All that may begin now."""
    return list(iter(calls.next, None))


def test_a_host_gets_a_quarter_of_the_slots_and_a_user_half() -> None:
    hanging = [call() for _ in range(20)]
    assert begun(queue(*hanging)) == hanging[:4]
    scattered = [call(host=f"{number}.test") for number in range(20)]
    assert begun(queue(*scattered)) == scattered[:8]


def test_a_host_is_one_whoever_names_it() -> None:
    assert len(begun(queue(*(call(user=f"user {number}") for number in range(20))))) == 4


def test_all_slots_are_used_and_no_more() -> None:
    many = [call(f"user {number}", f"{number}.test") for number in range(40)]
    assert begun(queue(*many)) == many[:16]


def test_behind_a_thousand_of_a_host_that_hangs_another_one_begins_at_once() -> None:
    calls = queue(*(call() for _ in range(1000)))
    begun(calls)
    other, others = call(host="quick.test"), call("ben", "fast.test")
    calls.add(other)
    calls.add(others)
    assert begun(calls) == [other, others]


def test_users_take_turns_and_hosts_of_a_user_too() -> None:
    ada = [call(host="x.test") for _ in range(3)] + [call(host="y.test") for _ in range(3)]
    ben = [call("ben", "z.test") for _ in range(3)]
    got = begun(queue(*ada, *ben))
    assert got[:6] == [ada[0], ben[0], ada[3], ben[1], ada[1], ben[2]]


def test_a_slot_is_free_again_when_its_call_is_done() -> None:
    first, second = call(), call()
    calls = queue(first, second, most=1)
    assert begun(calls) == [first]
    calls.done(first)
    assert begun(calls) == [second]
    calls.done(second)
    assert begun(calls) == []
    calls.add(first)
    assert begun(calls) == [first]


def test_a_job_is_there_once_while_it_waits_and_is_under_way() -> None:
    one = call()
    calls = queue(one, one)
    assert begun(calls) == [one]
    calls.add(one)
    assert begun(calls) == []
    calls.done(one)
    calls.add(one)
    assert begun(calls) == [one]


def test_no_host_has_more_than_a_quarter_of_the_places_and_no_user_more_than_half() -> None:
    calls = Calls(1000, places=100)
    for number in range(300):
        calls.add(call(host="x.test"))
        calls.add(call(host=f"{number}.test"))
    assert not calls.full
    others = [call("ben", f"{number}.test") for number in range(60)]
    for one in others:
        calls.add(one)
    assert calls.full
    got = begun(calls)
    assert Counter(one.user_id for one in got) == {"ada": 50, "ben": 50}
    assert Counter(one.host for one in got)["x.test"] == 25


def test_a_place_is_free_again_when_its_call_is_done() -> None:
    calls, first, second = Calls(1, places=1), call(), call()
    calls.add(first)
    calls.add(second)
    assert begun(calls) == [first]
    calls.done(first)
    assert not calls.full
    calls.add(second)
    assert begun(calls) == [second]
