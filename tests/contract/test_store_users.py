"""Owns the contract's users: kept as they came. Never who may do what."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sixpx.core.user import Access, Plan, SocketAuth
from sixpx.errors import Conflict
from sixpx.store.base import Store
from tests.contract import changes
from tests.contract.conftest import Open
from tests.contract.jobs import after, user_of


async def test_a_user_comes_back_equal(store: Store) -> None:
    user = user_of(1, "Ada, Zoë & co", {"photos": "sealed"})
    await store.add_user(user)
    assert await store.user(user.id) == user


async def test_a_user_with_everything_comes_back_equal(store: Store) -> None:
    user = replace(
        user_of(1),
        accesses=(Access("k" * 32, "d" * 64), Access("o" * 32, "e" * 64, after(3600))),
        domains=("https://a.test", "http://localhost:8080"),
        api_version="2014-06",
        socket_auth=SocketAuth.USER_ID,
        plan=Plan(60, None, 2),
        callback_secrets=("new", "old"),
    )
    await store.add_user(user)
    assert await store.user(user.id) == user
    assert list(await store.users()) == [user]


async def test_an_unknown_user_is_none(store: Store) -> None:
    assert await store.user("f" * 24) is None


async def test_all_users_are_listed(store: Store) -> None:
    assert list(await store.users()) == []
    for number in (2, 1, 3):
        await store.add_user(user_of(number))
    assert sorted(one.id for one in await store.users()) == [user_of(number).id for number in (1, 2, 3)]


async def test_a_user_is_added_once(store: Store) -> None:
    await store.add_user(user_of(1, "first"))
    with pytest.raises(Conflict):
        await store.add_user(user_of(1, "second"))
    assert await store.user(user_of(1).id) == user_of(1, "first")


async def test_a_mask_stands_for_what_it_was_set_to_last(store: Store, another: Open) -> None:
    user = user_of(1, connections={"photos": "sealed", "other": "kept"})
    await store.add_user(user)
    for sealed in ("sealed anew", "sealed again"):
        changed = await changes.connect(store, user.id, "photos", sealed)
        assert changed == replace(user, connections={"other": "kept", "photos": sealed})
        assert await (await another()).user(user.id) == changed


async def test_a_mask_that_is_taken_back_is_gone_alone(store: Store) -> None:
    user = user_of(1, connections={"photos": "sealed", "other": "kept"})
    await store.add_user(user)
    for _ in range(2):
        assert await changes.connect(store, user.id, "photos", None) == replace(user, connections={"other": "kept"})
    assert await store.user(user.id) == replace(user, connections={"other": "kept"})


async def test_nobody_has_no_masks(store: Store) -> None:
    assert await changes.connect(store, "f" * 24, "photos", "sealed") is None
    assert list(await store.users()) == []


async def test_masks_of_odd_names_keep_apart(store: Store) -> None:
    await store.add_user(user_of(1))
    names = ["a.b", "$a", "a", "ü", "0", "__proto__", "a%2eb"]
    for name in names:
        await changes.connect(store, user_of(1).id, name, f"sealed {name}")
    user = await store.user(user_of(1).id)
    assert user is not None
    assert user.connections == {name: f"sealed {name}" for name in names}


async def test_masks_set_at_once_by_several_processes_are_all_there(another: Open) -> None:
    stores = [await another() for _ in range(3)]
    await stores[0].add_user(user_of(1))
    names = [f"mask-{number}" for number in range(12)]
    sets = (changes.connect(stores[place % 3], user_of(1).id, name, name) for place, name in enumerate(names))
    await asyncio.gather(*sets)
    user = await stores[0].user(user_of(1).id)
    assert user is not None
    assert set(user.connections) == set(names)
