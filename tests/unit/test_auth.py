"""What the door remembers: proofs that held, for a moment, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from sixpx import credentials
from sixpx.api.auth import PROVEN_SECONDS, Auth, Shown, key_of, shown
from sixpx.core.user import Access, SocketAuth, User
from sixpx.errors import Unauthorized

ID = "0123456789abcdef01234567"
OTHER = "f" * 24
NOW = datetime(2014, 8, 16, tzinfo=UTC)
PAGE = "https://shop.example"
STRANGE = "https://evil.example"


class Users:
    """A store that counts how often it is asked for a user."""

    def __init__(self) -> None:
        digest = credentials.digest("right")
        self.known: dict[str, User] = {ID: User(ID, "u", (Access("key", digest),), NOW, domains=(PAGE,))}
        self.asked: list[str] = []

    async def user(self, user_id: str) -> User | None:
        self.asked.append(user_id)
        return self.known.get(user_id)

    async def users(self) -> list[User]:
        return list(self.known.values())

    def change(self, **fields: object) -> None:
        self.known[ID] = replace(self.known[ID], **fields)  # type: ignore[arg-type]  # names and values of one test


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Calendar:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


def request(
    secret: str | None = "right", user_id: str = ID, key: str = "key", headers: Mapping[str, str] | None = None
) -> web.Request:
    query = f"?key={key}" + (f"&secret={secret}" if secret is not None else "")
    made = make_mocked_request("GET", f"/v1/users/{user_id}/jobs{query}", headers=CIMultiDict(headers or {}))
    made.match_info["user_id"] = user_id
    return made


def from_page(origin: str, secret: str | None = None, **parts: str) -> web.Request:
    return request(secret, headers={"Origin": origin}, **parts)


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def auth(users: Users, clock: Clock, calendar: Calendar) -> Auth:
    return Auth(users, calendar, clock)


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
    headers = CIMultiDict({"Authorization": form.format(pair)})
    made = SimpleNamespace(headers=headers, query={}, match_info={"user_id": ID})
    with pytest.raises(Unauthorized):
        await auth.user_of(made)
    assert users.asked[0] == ID


async def test_what_was_shown_is_in_no_repr(auth: Auth) -> None:
    assert repr(Shown("the-key", "the-secret")) == "Shown(origin='')"
    assert shown(request("right")) == Shown("key", "right")
    assert shown(from_page(PAGE)) == Shown("key", "", PAGE)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "user_id", "key"),
    [("wrong", ID, "key"), ("right", ID, "kex"), ("", ID, "key"), ("right", OTHER, "key"), ("right", "no-id", "key")],
)
async def test_every_refusal_finds_one_user_and_misses_one_and_says_the_same(
    auth: Auth, users: Users, secret: str, user_id: str, key: str
) -> None:
    await auth.user_of(request("right"))
    users.asked.clear()
    details = set()
    for _ in range(2):
        with pytest.raises(Unauthorized) as refused:
            await auth.user_of(request(secret, user_id, key))
        details.add(refused.value.detail)
    assert len(users.asked) == 4
    assert users.asked.count(ID) == 2
    assert len(details) == 1


async def test_the_user_whom_refusals_find_may_be_removed(auth: Auth, users: Users) -> None:
    await auth.user_of(request("right"))
    users.known[OTHER] = replace(users.known.pop(ID), id=OTHER)
    for asked in ([ID, ID], [ID, OTHER]):  # the first one learns that he is gone
        users.asked.clear()
        with pytest.raises(Unauthorized):
            await auth.user_of(request("wrong"))
        assert users.asked == asked


# --- rotation -------------------------------------------------------------------------------------


async def test_during_a_rotation_the_new_and_the_old_are_good_each_with_its_own_key(
    auth: Auth, users: Users, clock: Clock, calendar: Calendar
) -> None:
    until = NOW + timedelta(hours=1)
    new = Access("new-key", credentials.digest("new"))
    users.change(accesses=(new, Access("key", credentials.digest("right"), until)))
    for key, secret in (("new-key", "new"), ("key", "right")):
        assert (await auth.user_of(request(secret, key=key))).id == ID
    for key, secret in (("key", "new"), ("new-key", "right")):
        with pytest.raises(Unauthorized):
            await auth.user_of(request(secret, key=key))
    calendar.now, clock.now = until, clock.now + PROVEN_SECONDS
    assert (await auth.user_of(request("new", key="new-key"))).id == ID
    for origin in ({}, {"Origin": PAGE}):
        with pytest.raises(Unauthorized):
            await auth.user_of(request("right" if not origin else "", headers=origin))


async def test_a_user_without_a_valid_access_is_refused(auth: Auth, users: Users) -> None:
    for accesses in ((), (Access("key", credentials.digest("right"), NOW),)):
        users.change(accesses=accesses)
        with pytest.raises(Unauthorized):
            await auth.user_of(request("right"))
        with pytest.raises(Unauthorized):
            await auth.user_of(request("", key=""))


# --- the key alone --------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, ""])
async def test_the_key_alone_is_enough_from_a_page_on_the_list(auth: Auth, users: Users, secret: str | None) -> None:
    assert (await auth.user_of(from_page(PAGE, secret))).id == ID
    assert (await auth.user_of(from_page(PAGE, secret))).id == ID
    assert users.asked == [ID]


@pytest.mark.parametrize(
    "origin", [STRANGE, "null", "", "https://shop.example:8443", "http://shop.example", f"{PAGE}/"]
)
async def test_the_key_alone_is_not_enough_from_elsewhere_also_just_after_it_was(auth: Auth, origin: str) -> None:
    await auth.user_of(from_page(PAGE))
    with pytest.raises(Unauthorized):
        await auth.user_of(from_page(origin))
    with pytest.raises(Unauthorized):
        await auth.user_of(request(None))


async def test_a_page_on_the_list_needs_the_right_key_and_no_wrong_secret(auth: Auth) -> None:
    for asked in (from_page(PAGE, key="kex"), from_page(PAGE, "wrong"), from_page(PAGE, key="")):
        with pytest.raises(Unauthorized):
            await auth.user_of(asked)


async def test_two_origins_are_none(auth: Auth) -> None:
    made = make_mocked_request("GET", "/?key=key", headers=CIMultiDict([("Origin", PAGE), ("Origin", PAGE)]))
    made.match_info["user_id"] = ID
    with pytest.raises(Unauthorized):
        await auth.user_of(made)


async def test_a_secret_is_good_from_everywhere(auth: Auth) -> None:
    assert (await auth.user_of(from_page(STRANGE, "right"))).id == ID


async def test_a_domain_that_is_taken_back_is_closed_after_a_moment(auth: Auth, users: Users, clock: Clock) -> None:
    await auth.user_of(from_page(PAGE))
    users.change(domains=())
    clock.now += PROVEN_SECONDS
    with pytest.raises(Unauthorized):
        await auth.user_of(from_page(PAGE))


# --- web sockets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "origin", "by_id"),
    [
        (Shown(), None, SocketAuth.USER_ID),
        (Shown(), STRANGE, SocketAuth.USER_ID),  # the published Python client sends one of its own making
        (Shown(), PAGE, SocketAuth.KEY),
        (Shown("key"), PAGE, SocketAuth.KEY),
        (Shown("key", "right"), None, SocketAuth.KEY),
    ],
)
async def test_who_is_let_in_at_a_socket(
    auth: Auth, users: Users, asked: Shown, origin: str | None, by_id: SocketAuth
) -> None:
    users.change(socket_auth=by_id)
    assert (await auth.at_a_socket(ID, asked, origin)).id == ID


@pytest.mark.parametrize(
    ("asked", "origin"),
    [(Shown(), None), (Shown(), STRANGE), (Shown(), "null"), (Shown("key"), None), (Shown("key", "x"), PAGE)],
)
async def test_who_is_not_let_in_at_a_socket(auth: Auth, users: Users, asked: Shown, origin: str | None) -> None:
    details = set()
    for user_id in (ID, OTHER):
        with pytest.raises(Unauthorized) as refused:
            await auth.at_a_socket(user_id, asked, origin)
        details.add(refused.value.detail)
    assert len(details) == 1


# --- logs -----------------------------------------------------------------------------------------


def test_of_a_key_a_log_shows_the_beginning_and_of_what_is_none_nothing() -> None:
    assert key_of(request("x", key="ab12" + "0" * 28)) == "ab12…"
    assert key_of(request("x", key=credentials.new_secret())) == "…"
    assert key_of(request("x", key="")) is None
    assert key_of(make_mocked_request("GET", "/", headers={"Authorization": f"Bearer {'c' * 32}:x"})) == "cccc…"
