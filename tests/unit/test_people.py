"""Owns the tests of what is changed of a user: pure, one change at a time. Never a store or a command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sixpx.core import people
from sixpx.core.user import Access, Plan, User
from sixpx.errors import Conflict, Invalid

NOW = datetime(2014, 8, 16, tzinfo=UTC)
HOUR = timedelta(hours=1)
USER = User("0" * 24, "ada", (Access("key", "first"),), NOW, domains=("a.example", "b.example"))


def test_a_plan_is_changed_in_one_place_alone() -> None:
    user = people.edited(USER, {"name": "eve"}, {"per_minute": 3})
    user = people.edited(user, {}, {"concurrent": 2})
    assert (user.name, user.plan) == ("eve", Plan(per_minute=3, concurrent=2))
    assert people.edited(user, {}, {"per_minute": None}).plan == Plan(concurrent=2)


def test_domains_come_and_go_in_order_and_once() -> None:
    assert people.with_domains(USER, ["C.example", "a.example"], ["A.EXAMPLE"]).domains == (
        "b.example",
        "c.example",
        "a.example",
    )
    assert people.with_domains(USER, ["b.example"], ()) == USER


def test_a_domain_that_is_not_there_or_none_is_refused() -> None:
    with pytest.raises(Conflict, match=r"no domain c\.example; there are: a\.example, b\.example"):
        people.with_domains(USER, (), ["c.example"])
    with pytest.raises(Invalid):
        people.with_domains(USER, ["*"], ())


def test_what_was_before_a_rotation_is_valid_for_as_long_as_it_is_kept() -> None:
    user = people.rotated(USER, "second", None, NOW, HOUR)
    assert user.accesses == (Access("key", "second"), Access("key", "first", NOW + HOUR))
    user = people.rotated(user, "third", "other", NOW, 2 * HOUR)
    assert user.accesses == (
        Access("other", "third"),
        Access("key", "second", NOW + 2 * HOUR),
        Access("key", "first", NOW + HOUR),  # not longer than it was to be
    )
    user = people.rotated(user, "fourth", None, NOW + HOUR, HOUR)
    assert [one.digest for one in user.accesses] == ["fourth", "third", "second"]
    assert people.rotated(user, "fifth", None, NOW, timedelta()).accesses == (Access("other", "fifth"),)


def test_callbacks_are_signed_with_the_newest_first_until_the_others_are_dropped() -> None:
    user = people.with_callback_secret(people.with_callback_secret(USER, "one"), "two")
    assert user.callback_secrets == ("two", "one")
    assert people.with_newest_callback_secret_alone(user).callback_secrets == ("two",)
    assert people.with_newest_callback_secret_alone(USER) == USER
