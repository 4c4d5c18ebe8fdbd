"""Owns how a command finds the users: in the configured store, by id or name; and what opens their secrets. Never a
change of one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from sixpx.core.user import User
from sixpx.credentials import Vault
from sixpx.errors import BadSettings, SixpxError
from sixpx.key_file import vault_key
from sixpx.settings import Settings
from sixpx.store.base import Store
from sixpx.stores import open_store

ID = re.compile(r"[0-9a-f]{24}")


@asynccontextmanager
async def store_of(settings: Settings, new: bool = False) -> AsyncIterator[Store]:
    """The configured store, beside a service that may be running on it. Raises BadSettings, and SixpxError where there
    is none yet unless it is `new`: whoever is in the wrong folder shall not hear that there are no users."""
    if not new and not settings.shared and not settings.database.exists():
        raise SixpxError(
            f"there are no users: nothing is kept at {settings.database.resolve()} (see server.data and store.url in "
            "the configuration); `sixpx user add` begins there"
        )
    with _usable(settings):
        store = await open_store(settings)
    try:
        yield store
    finally:
        await store.close()


def vault_of(settings: Settings) -> Vault:
    """That of the service: its key is made where this is the first that needs one. Raises BadSettings."""
    with _usable(settings):
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        return Vault(vault_key(settings))


@contextmanager
def _usable(settings: Settings) -> Iterator[None]:
    """What the system says of the data folder, in the words of the configuration."""
    try:
        yield
    except OSError as fault:
        raise BadSettings((f"server.data: {fault.filename or settings.data}: {fault.strerror}",)) from fault


async def user_of(store: Store, asked: str) -> User:
    """The user of this id, else the only one of this name. Raises SixpxError."""
    found = await store.user(asked) if ID.fullmatch(asked) else None
    return found or _named(await store.users(), asked)


def _named(users: Sequence[User], asked: str) -> User:
    found = [one for one in users if one.name == asked]
    if len(found) > 1:
        raise SixpxError(f"{len(found)} users are called {asked!r}; name one by its id (see `sixpx user list`)")
    if not found:
        raise SixpxError("there is no user of this id or name (see `sixpx user list`)")
    return found[0]


async def changed(store: Store, user: User, change: Callable[[User], User]) -> User:
    """The user as he is after the change. Raises SixpxError where he was removed meanwhile."""
    after = await store.change_user(user.id, change)
    if after is None:
        raise SixpxError("the user was removed meanwhile")
    return after
