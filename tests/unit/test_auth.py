"""What the door remembers: proofs that held, for a moment, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from sixpx import credentials
from sixpx.api.auth import PROVEN_SECONDS, Auth, Shown, shown
from sixpx.core.user import Access, User
from sixpx.errors import Unauthorized

ID = "0123456789abcdef01234567"
NOW = datetime(2014, 8, 16, tzinfo=UTC)


class Users:
    """A store that counts how often it is asked for a user."""

    def __init__(self) -> None:
        digest = credentials.digest("right")
        self.known: dict[str, User] = {ID: User(ID, "u", (Access("key", digest),), NOW)}
        self.asked: list[str] = []

    async def user(self, user_id: str) -> User | None:
        self.asked.append(user_id)
        return self.known.get(user_id)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def request(secret: str, user_id: str = ID, key: str = "key") -> web.Request:
    made = make_mocked_request("GET", f"/v1/users/{user_id}/jobs?key={key}&secret={secret}")
    made.match_info["user_id"] = user_id
    return made


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def auth(users: Users, clock: Clock) -> Auth:
    return Auth(users, lambda: NOW, clock)


async def test_a_proof_that_held_is_not_looked_up_again_at_once(auth: Auth, users: Users) -> None:
    assert (await auth.user_of(request("right"))).id == ID
    assert (await auth.user_of(request("right"))).id == ID
    assert users.asked == [ID]


async def test_a_rotated_secret_is_dead_after_a_moment(auth: Auth, users: Users, clock: Clock) -> None:
    await auth.user_of(request("right"))
    users.known.clear()
    clock.now += PROVEN_SECONDS
    with pytest.raises(Unauthorized):
        await auth.user_of(request("right"))


@pytest.mark.parametrize("pair", ["\udcff:abc", "key:\udcff", "\ud800:\ud800", "\0:\0", ":", "", "key:right\0", "key"])
@pytest.mark.parametrize("form", ["Bearer {}", "bearer  {} ", "{}"])
async def test_odd_bytes_in_a_header_are_a_refusal(auth: Auth, users: Users, form: str, pair: str) -> None:
    made = SimpleNamespace(headers={"Authorization": form.format(pair)}, query={}, match_info={"user_id": ID})
    with pytest.raises(Unauthorized):
        await auth.user_of(made)
    assert users.asked == [ID]


async def test_what_was_shown_is_in_no_repr(auth: Auth) -> None:
    assert repr(Shown("the-key", "the-secret")) == "Shown()"
    assert shown(request("right")) == Shown("key", "right")


@pytest.mark.parametrize(
    ("secret", "user_id", "key"),
    [("wrong", ID, "key"), ("right", ID, "kex"), ("right", "f" * 24, "key"), ("right", "no-id", "key")],
)
async def test_every_refusal_costs_one_look_and_says_the_same(
    auth: Auth, users: Users, secret: str, user_id: str, key: str
) -> None:
    await auth.user_of(request("right"))
    users.asked.clear()
    details = set()
    for _ in range(2):
        with pytest.raises(Unauthorized) as refused:
            await auth.user_of(request(secret, user_id, key))
        details.add(refused.value.detail)
    assert len(users.asked) == 2
    assert len(details) == 1
