"""Owns what a new user is given: id, key and secrets, fresh ones. Never a store, nor what an old user has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sixpx import clock, credentials, ids
from sixpx.core.user import Access, User


@dataclass(frozen=True, slots=True)
class NewUser:
    """A new user; the secret is known here only, that of his callbacks is kept sealed."""

    user: User
    secret: str = field(repr=False)
    callback_secret: str = field(default="", repr=False)


def new_user(name: str, seal: Callable[[str], str] | None = None) -> NewUser:
    """A user with fresh key and secrets, not yet stored. Where there is nothing to seal the callbacks' secret with, it
    is made when it is first needed, as for users of a version that had none."""
    secret, callback_secret = credentials.new_secret(), credentials.new_callback_secret() if seal else ""
    access = Access(credentials.new_api_key(), credentials.digest(secret))
    sealed = (seal(callback_secret),) if seal else ()
    user = User(ids.new_id(), name, (access,), clock.now(), callback_secrets=sealed)
    return NewUser(user, secret, callback_secret)
