"""Owns the laws of identities: one question for many, renewal in time, regions, and answers that nobody should trust.
Never Swift: the services here are played by a small server, whose answers may be anything.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sixpx.errors import Again, PutFailed, Refused
from sixpx.guard import Guard
from sixpx.identity import CDN, STORAGE, Access, Endpoint, Identity, Login, plain_url

SECRET = "HUSH"
Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """An identity service that plays `script` and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: Script = says(body=granted())
        self.asked: list[tuple[str, Any]] = []
        self.url = ""
        self.time = 1_000_000_000.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, json.loads(await request.read() or b"null")))
        return await self.script(request)

    def login(self, version: str = "/v2.0", username: str = "user", region: str | None = None) -> Login:
        return Login((f"{self.url}{version}",), username, SECRET, region)


def says(status: int = 200, body: Any = None, raw: bytes | None = None, **headers: str) -> Script:
    async def given(request: web.Request) -> web.Response:
        await asyncio.sleep(0.01)  # so that questions asked together are here together
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=json.dumps(body).encode() if raw is None else raw, headers=named)

    return given


def granted(token: str = "T", expires: str | None = "2001-09-10T01:46:40Z", url: str = "https://h.test/v1/A") -> Any:
    """Identity v2.0's answer; the time is a day after the service's."""
    catalogue = [{"type": STORAGE, "endpoints": [{"region": "DFW", "publicURL": url}]}]
    return {"access": {"token": {"id": token, "expires": expires}, "serviceCatalog": catalogue, "user": {"id": "1"}}}


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    played = Service()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", played.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    played.url = "http://{}:{}".format(*runner.addresses[0])
    yield played
    await runner.cleanup()


def lookup(host: str, *others: Any, **more: Any) -> list[Any]:
    """The system's, but no name is known: what a machine says to one differs with its network."""
    if host.endswith(".invalid"):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return socket.getaddrinfo(host, *others, **more)


@pytest.fixture
async def identity(service: Service) -> AsyncIterator[Identity]:
    async with aiohttp.ClientSession(connector=Guard(["127.0.0.0/8"], lookup).connector()) as session:
        made = Identity(lambda: session, lambda: service.time)
        yield made
        await made.close()


async def failed(identity: Identity, login: Login) -> PutFailed:
    with pytest.raises(PutFailed) as caught:
        await identity.access(login)
    assert SECRET not in caught.value.detail
    return caught.value


# --- asking ---------------------------------------------------------------------------------------


async def test_whoever_waits_for_a_token_shares_one_question(identity: Identity, service: Service) -> None:
    found = await asyncio.gather(*(identity.access(service.login()) for _ in range(8)))
    assert {one.token for one in found} == {"T"}
    assert len(service.asked) == 1


async def test_whoever_waits_shares_the_refusal_and_the_next_one_asks_anew(
    identity: Identity, service: Service
) -> None:
    service.script = says(401)
    found = await asyncio.gather(*(identity.access(service.login()) for _ in range(8)), return_exceptions=True)
    assert {type(one).__name__ for one in found} == {"KeyRefused"}
    assert len(service.asked) == 1
    service.script = says(body=granted())
    assert (await identity.access(service.login())).token == "T"


async def test_one_who_gives_up_waiting_takes_nothing_from_the_others(identity: Identity, service: Service) -> None:
    first = asyncio.create_task(identity.access(service.login()))
    second = asyncio.create_task(identity.access(service.login()))
    await asyncio.sleep(0.005)
    first.cancel()
    assert (await second).token == "T"
    assert len(service.asked) == 1


async def test_other_keys_and_addresses_have_other_tokens(identity: Identity, service: Service) -> None:
    logins = (
        service.login(),
        service.login(username="other"),
        service.login(""),
        Login((f"{service.url}/v2.0",), "user", "other"),
    )
    for login in logins:
        await identity.access(login)
        await identity.access(login)
    assert len(service.asked) == 4


async def test_a_token_is_renewed_five_minutes_before_its_end(identity: Identity, service: Service) -> None:
    for seconds, asked in ((0, 1), (86_400 - 301, 1), (86_400 - 299, 2), (86_400 - 299 + 29, 2), (86_400, 3)):
        service.time = 1_000_000_000.0 + seconds
        await identity.access(service.login())
        assert len(service.asked) == asked, seconds


async def test_a_refused_token_is_renewed_but_not_the_one_that_came_after_it(
    identity: Identity, service: Service
) -> None:
    old = await identity.access(service.login())
    service.script = says(body=granted("U"))
    found = await asyncio.gather(*(identity.access(service.login(), refused=old) for _ in range(8)))
    late = await identity.access(service.login(), refused=old)
    assert {one.token for one in (*found, late)} == {"U"}
    assert len(service.asked) == 2


# --- the words of the dialects --------------------------------------------------------------------


async def test_v2_is_asked_by_key_or_by_tenant_and_password(identity: Identity, service: Service) -> None:
    await identity.access(service.login())
    await identity.access(service.login("/identity", "tenant:user"))
    by_password = {"tenantName": "tenant", "passwordCredentials": {"username": "user", "password": SECRET}}
    assert service.asked == [
        ("/v2.0/tokens", {"auth": {"RAX-KSKEY:apiKeyCredentials": {"username": "user", "apiKey": SECRET}}}),
        ("/identity/v2.0/tokens", {"auth": by_password}),
    ]


@pytest.mark.parametrize(
    ("username", "domain", "scope"),
    [
        ("project:user", "Default", {"project": {"name": "project", "domain": {"name": "Default"}}}),
        ("there/a b:user", "there", {"project": {"name": "a b", "domain": {"name": "there"}}}),
        ("user", "Default", None),
    ],
)
async def test_v3_is_asked_by_password(
    identity: Identity, service: Service, username: str, domain: str, scope: Any
) -> None:
    endpoints = [
        {"interface": "admin", "region": "One", "url": "http://10.0.0.1/v1/A"},
        {"interface": "public", "region": "One", "region_id": "one", "url": "https://h.test/v1/A/"},
    ]
    catalogue = [{"type": STORAGE, "endpoints": endpoints}]
    said = {"token": {"expires_at": "2001-09-09T02:46:40.000000Z", "catalog": catalogue}}
    service.script = says(201, said, X_Subject_Token="T")
    access = await identity.access(service.login("/v3", username))
    assert access == Access("T", 1_000_003_300.0, (Endpoint(STORAGE, "one", "https://h.test/v1/A"),))
    user = {"name": "user", "password": SECRET, "domain": {"name": domain}}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    assert service.asked == [("/v3/auth/tokens", {"auth": {**auth, **({"scope": scope} if scope else {})}})]


async def test_v1_is_asked_by_headers(identity: Identity, service: Service) -> None:
    async def script(request: web.Request) -> web.Response:
        assert (request.method, request.headers["X-Auth-User"], request.headers["X-Auth-Key"]) == ("GET", "a:u", SECRET)
        headers = {"X-Auth-Token": "T", "X-Storage-Url": "https://h.test/v1/A", "X-Auth-Token-Expires": "600"}
        return web.Response(status=204, headers=headers)

    service.script = script
    access = await identity.access(service.login("/auth/v1.0", "a:u"))
    assert access.renew_at == service.time + 300
    assert access.url(STORAGE, access.region("anywhere")) == "https://h.test/v1/A"
    assert access.url(CDN, "") is None


# --- answers that are none ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "again", "words"),
    [
        (says(401), None, "does not accept the user name and key"),
        (says(403), None, "does not accept the user name and key"),
        (says(404), None, "offers no identity service at this address"),
        (says(302, Location="http://169.254.169.254/"), None, "refused to give a token (302)"),
        (says(400), None, "refused to give a token (400)"),
        (says(413, Retry_After="2"), Again.BUSY, "too much to do"),
        (says(429, Retry_After="2"), Again.BUSY, "too much to do"),
        (says(503), Again.BUSY, "too much to do"),
        (says(500), Again.BROKEN, "failed (500)"),
        (says(raw=b""), Again.BROKEN, "holds no token"),
        (says(raw=b"<html>"), Again.BROKEN, "holds no token"),
        (says(raw=b"[" * 500_000), Again.BROKEN, "holds no token"),
        (says(raw=b" " * 3_000_000), None, "more than 2,097,152 bytes"),
        (says(body=[]), Again.BROKEN, "holds no token"),
        (says(body={"access": {"token": {"id": None}}}), Again.BROKEN, "holds no token"),
        (says(body=granted("T\r\nX-Evil: 1")), Again.BROKEN, "holds no token"),
        (says(body=granted("T" * 20_000)), Again.BROKEN, "holds no token"),
        (says(body=granted(expires="soon")), Again.BROKEN, "holds no token"),
        (says(body={"access": {"token": {"id": "T"}, "serviceCatalog": [3]}}), Again.BROKEN, "holds no token"),
    ],
)
async def test_an_answer_without_a_token_is_a_sentence(
    identity: Identity, service: Service, script: Script, again: Again | None, words: str
) -> None:
    service.script = script
    fault = await failed(identity, service.login())
    assert fault.again is again
    assert words in fault.detail


async def test_a_v1_answer_that_makes_no_sense_is_a_sentence(identity: Identity, service: Service) -> None:
    for headers in ({}, {"X_Auth_Token": "T", "X_Storage_Url": "https://h.test", "X_Auth_Token_Expires": "nan"}):
        service.script = says(**headers)
        assert "holds no token" in (await failed(identity, service.login("/v1"))).detail


async def test_nobody_there_and_no_such_name_are_sentences(identity: Identity) -> None:
    fault = await failed(identity, Login(("http://127.0.0.1:9/v3",), "u", SECRET))
    assert (fault.detail, fault.again) == ("127.0.0.1:9 cannot be reached", Again.BROKEN)
    fault = await failed(identity, Login(("http://no-such-name.invalid/v3",), "u", SECRET))
    assert (fault.detail, fault.again) == ("the name no-such-name.invalid cannot be resolved", None)


async def test_the_guard_is_asked_before_anyone_is(service: Service) -> None:
    async with aiohttp.ClientSession(connector=Guard().connector()) as session:
        with pytest.raises(Refused, match=r"is not connected to: 127\.0\.0\.1 is a loopback address"):
            await Identity(lambda: session).access(service.login())
    assert service.asked == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://h/", "//h/", "https://u:p@h/", "https://h/?a", "https://h/#a", "https://h/a b",
     "https://h/\r\nX: y", "https://", "https://[", "https://h:0/", "https://h:x/", "https://ü/"],
)  # fmt: skip
def test_an_address_that_is_not_plain_is_none(url: str) -> None:
    assert plain_url(url) is None


def test_a_plain_address_loses_its_last_slash() -> None:
    assert plain_url("https://h:8080/v1/A%20b/") == "https://h:8080/v1/A%20b"


# --- regions --------------------------------------------------------------------------------------


def access(*regions: str, default: str = "") -> Access:
    return Access("T", 0.0, tuple(Endpoint(STORAGE, one, f"https://{one}.test") for one in regions), default)


@pytest.mark.parametrize(
    ("found", "wanted", "region"),
    [
        (access("ORD", "DFW", default="ORD"), None, "DFW"),
        (access("ORD", "IAD", default="IAD"), None, "IAD"),
        (access("RegionOne"), None, "RegionOne"),
        (access("RegionOne", "RegionTwo"), "regiontwo", "RegionTwo"),
        (access("ORD", "DFW"), "ord", "ORD"),
        (access(""), "ord", ""),
    ],
)
def test_a_region_is_found_as_the_catalogue_writes_it(found: Access, wanted: str | None, region: str) -> None:
    assert found.region(wanted) == region


@pytest.mark.parametrize(
    ("found", "wanted", "words"),
    [
        (access("ORD", "IAD"), "lon", "the account has no region LON; there are: IAD, ORD"),
        (
            access("A", "B"),
            None,
            "the account has several regions, and the connection string names none; there are: A, B",
        ),
        (access(), None, "the account has no object storage; for OpenStack the user name is project:user"),
    ],
)
def test_a_region_that_is_not_there_is_told_with_those_that_are(found: Access, wanted: str | None, words: str) -> None:
    with pytest.raises(PutFailed) as caught:
        found.region(wanted)
    assert (caught.value.detail, caught.value.retryable) == (words, False)


# --- two services ---------------------------------------------------------------------------------


async def test_a_second_service_that_cannot_be_found_leaves_the_word_to_the_first(
    identity: Identity, service: Service
) -> None:
    both = Login((f"{service.url}/v2.0", "http://no-such-name.invalid/v2.0"), "user", SECRET, "lon")
    assert (await failed(identity, both)).detail == "the account has no region LON; there are: DFW"
    service.script = says(401)
    assert "does not accept" in (await failed(identity, both)).detail


async def test_a_second_service_is_left_alone_where_the_first_has_trouble(identity: Identity, service: Service) -> None:
    service.script = says(503)
    both = Login((f"{service.url}/v2.0", f"{service.url}/uk/v2.0"), "user", SECRET, "lon")
    assert (await failed(identity, both)).again is Again.BUSY
    assert len(service.asked) == 1


async def test_a_secret_is_in_no_repr(service: Service) -> None:
    login = service.login()
    assert SECRET not in repr(login)
    assert SECRET not in login.digest
    assert "token" not in repr(access("DFW"))
