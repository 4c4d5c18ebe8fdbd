"""Owns the contract's users: kept as they came. Never who may do what."""

from __future__ import annotations

import pytest

from sixpx.errors import SixpxError
from sixpx.store.base import Store
from tests.contract.jobs import user_of


async def test_a_user_comes_back_equal(store: Store) -> None:
    user = user_of(1, "Ada, Zoë & co", {"photos": "sealed"})
    await store.add_user(user)
    assert await store.user(user.id) == user


async def test_an_unknown_user_is_none(store: Store) -> None:
    assert await store.user("f" * 24) is None


async def test_all_users_are_listed(store: Store) -> None:
    assert list(await store.users()) == []
    for number in (2, 1, 3):
        await store.add_user(user_of(number))
    assert sorted(one.id for one in await store.users()) == [user_of(number).id for number in (1, 2, 3)]


async def test_a_user_is_added_once(store: Store) -> None:
    await store.add_user(user_of(1, "first"))
    with pytest.raises(SixpxError):
        await store.add_user(user_of(1, "second"))
    assert await store.user(user_of(1).id) == user_of(1, "first")
