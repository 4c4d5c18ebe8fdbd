"""Owns the promise that no secret of a destination comes out again, seen from outside: after a run over all of them,
failures included, every byte that the service said, wrote or kept is searched. Never a search that cannot find.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from sixpx.credentials import Destination, parse
from tests.acceptance.service import DIRECT, Service
from tests.acceptance.yard import HOSTED, Yard, errors, locations, output, picture, unique, written
from tests.contract.places import Place, make_bucket
from tests.servers import proftpd
from tests.servers.moto import Moto

# what the API alone says is searched by tests/api/test_redaction.py, each time
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.long]


@dataclass(slots=True)
class Secrets:
    """What was planted, by the user names that go with it; `new` is told apart from all others."""

    planted: dict[str, set[str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def new(self, user: str = "") -> str:
        """With every kind of character that is written in more than one way."""
        return self.known(f"pLaNtEd{next(self._numbers):04d}/+ü%@:x", user)

    def known(self, secret: str, user: str = "") -> str:
        self.planted.setdefault(secret, set()).add(user)
        return secret

    def forms(self) -> set[bytes]:
        return {form for secret, users in self.planted.items() for user in users for form in forms(secret, user)}


def forms(secret: str, user: str) -> set[bytes]:
    """How a secret might be written: plain, percent-encoded, as JSON or Python shows it, in base64 alone or as HTTP
    Basic and SASL have it. Padding is left out, since what follows may stand in its place."""
    plain = {secret, quote(secret), quote(secret, safe=""), quote(secret, safe="").lower(), json.dumps(secret)[1:-1]}
    raw = [secret.encode(), f"{user}:{secret}".encode(), f"\0{user}\0{secret}".encode(), f"{secret}@".encode()]
    packed = {make(one).rstrip(b"=")[:-1] for one in raw for make in (base64.b64encode, base64.urlsafe_b64encode)}
    return {one.encode() for one in plain} | {repr(secret.encode())[2:-1].encode()} | packed


@dataclass(slots=True)
class Said:
    """All that the service answered, headers included."""

    service: Service
    all: list[bytes] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of a reply, of a refusal too."""
        return await asyncio.to_thread(self._ask, method, path, body)

    def _ask(self, method: str, path: str, body: Any) -> Any:
        service = self.service
        pair = base64.b64encode(f"{service.key}:{service.secret}".encode()).decode()
        asked = urllib.request.Request(
            f"{service.url}/v1/users/{service.user}/jobs{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Basic {pair}"},
        )
        try:
            with DIRECT.open(asked, timeout=90) as reply:
                raw, headers = reply.read(), str(reply.headers)
        except urllib.error.HTTPError as refused:
            with refused:
                raw, headers = refused.read(), str(refused.headers)
        self.all.append(headers.encode() + raw)
        return json.loads(raw or b"null")


@dataclass(frozen=True, slots=True)
class Searched:
    """What is looked through, by where it was found."""

    said: bytes
    log: bytes
    database: bytes
    data: bytes

    def where(self, needle: bytes) -> set[str]:
        return {name for name in self.__slots__ if needle in getattr(self, name)}


@dataclass(frozen=True, slots=True)
class Run:
    """The run over all destinations: what was planted, said and kept, and the jobs at their end."""

    secrets: Secrets
    searched: Searched
    good: Mapping[str, Any]
    bad: Mapping[str, Any]
    refused: list[dict[str, Any]]


def good_ones(yard: Yard, secrets: Secrets, moto: Moto, folder: str) -> dict[str, str]:
    """Strings that work; where the server takes any secret, with a new one."""
    endpoint = (("endpoint", moto.url),)
    secret = secrets.new("PLANTED-KEY")
    strings = {
        "moto": written(Destination("s3", None, "PLANTED-KEY", secret, "planted-bucket", None, folder, endpoint))
    }
    for name, place in yard.places.items():
        to = place.to(folder)
        if not place.secret:
            strings[name] = written(to, secret=secrets.new(to.username))
        else:
            strings[name] = written(to)
            secrets.known(to.secret, to.username)
    return strings


def bad_ones(yard: Yard, secrets: Secrets) -> dict[str, str]:
    """Strings that are understood and fail: a wrong secret at each place, an address that is refused, nobody there."""
    strings = {}
    for name, place in yard.places.items():
        to = place.to("x")
        if place.secret:
            strings[f"wrong {name}"] = written(to, secret=secrets.new(to.username))
    for scheme in ("ftp", "ftps", "sftp"):
        for host, port in (("10.255.255.1", None), ("127.0.0.1", 1), ("no-such-host.invalid", None)):
            to = Destination(scheme, None, "planted-user", secrets.new("planted-user"), host, port, "/x")
            strings[f"{scheme} {host}"] = written(to)
    key = "b3BlbnNzaC1rZXktdjE" + secrets.known("AAAAAbrokenkeypLaNtEd", "planted-user")
    pinned = yard.places["sftp"].to("x") if "sftp" in yard.places else Destination("sftp", host="127.0.0.1", port=1)
    strings["broken key"] = written(pinned, secret=key)
    return strings


def unreadable(secrets: Secrets) -> list[str]:
    """Strings that are refused at POST; a raw secret where it breaks the string."""
    new = secrets.new
    return [
        f"s4://planted:{new('planted')}@bucket/x",
        f"s3://planted:{new('planted')}",
        f"s3://planted:{new('planted')}@bucket?bad={new('planted')}",
        f"sftp://planted:{new('planted')}@host:99999/x",
        f"cf+mars://planted:{new('planted')}@c/x",
        f"ftp://planted:{quote(new('planted'), safe='')}%0d%0aDELE@host/x",
        f"https://planted:{new('planted')}@host/x",
        f"planted:{new('planted')}",
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def run(all_destinations: Yard, tmp_path_factory: pytest.TempPathFactory) -> Run:
    yard, secrets, said, folder = all_destinations, Secrets(), Said(all_destinations.service), unique("red")
    if not yard.places:
        pytest.skip("no server of any destination is installed")
    moto = await asyncio.to_thread(Moto, tmp_path_factory.mktemp("moto"))
    try:
        await make_bucket(moto.url, "any", "any", "planted-bucket")
        good, bad = good_ones(yard, secrets, moto, folder), bad_ones(yard, secrets)
        hidden = {f"mask-{number}": url for number, url in enumerate((good["moto"], *list(bad.values())[::3]))}
        for mask, url in hidden.items():
            told = await asyncio.to_thread(
                yard.service.command, "user", "connect", yard.service.user, mask, told=f"{url}\n"
            )
            said.all.append(told.encode())
        said.all.append((await asyncio.to_thread(yard.service.command, "user", "list")).encode())
        said.all += [mistaken(yard.service, url) for url in unreadable(secrets)]
        await asyncio.sleep(2.5)  # so long a proven user is remembered as he was
        return await run_over(said, secrets, good, bad, list(hidden))
    finally:
        await asyncio.to_thread(moto.end)


def mistaken(service: Service, url: str) -> bytes:
    """What `sixpx user connect` says to a string that cannot be understood."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        service.command("user", "connect", service.user, "never", url)
    return (str(caught.value.stdout) + str(caught.value.stderr)).encode()


async def run_over(
    said: Said, secrets: Secrets, good: Mapping[str, str], bad: Mapping[str, str], masks: list[str]
) -> Run:
    inputs = {
        "main": picture(),
        "gone": f"http://planted-user:{quote(secrets.new('planted-user'), safe='')}@127.0.0.1:1/gone.png",
    }
    callback = {"url": f"https://planted-hook:{quote(secrets.new('planted-hook'), safe='')}@host.invalid/done"}
    strings = [*good.items(), *bad.items()]
    ended = {}
    for name, outputs in {
        "good": [output(HOSTED, HOSTED), *(output(tag, url) for tag, url in good.items()), output("mask", masks[0])],
        "bad": [output(tag, url) for tag, url in bad.items()] + [output(mask, mask) for mask in masks[1:]],
    }.items():
        body = {"input": inputs, "output": outputs, "callback": callback}
        id = (await said.ask("POST", "", body))["id"]
        ended[name] = await said.ask("GET", f"/{id}?wait=60")
    extra = {"input": inputs, "output": [output("gone", strings[0][1], "gone")]}
    failed = (await said.ask("POST", "", extra))["id"]
    await said.ask("GET", f"/{failed}?wait=60")
    await said.ask("POST", f"/{ended['bad']['_id']}/retry")
    await said.ask("GET", f"/{ended['bad']['_id']}?wait=60")
    refused = [
        await said.ask("POST", "", {"input": inputs, "output": [output("x", one)]}) for one in unreadable(secrets)
    ]
    twice = [output("a", good["moto"]) | {"tag": "a"}, output("a", good["moto"]) | {"tag": "b"}]
    refused.append(await said.ask("POST", "", {"input": inputs, "output": twice}))
    await said.ask("GET", "?per_page=100")
    await said.ask("GET", f"?url={quote(strings[0][1], safe='')}")
    searched = await asyncio.to_thread(found, said)
    return Run(secrets, searched, ended["good"], ended["bad"], refused)


def found(said: Said) -> Searched:
    service = said.service
    files = sorted(one for one in service.data.rglob("*") if one.is_file())
    return Searched(
        b"\n".join(said.all),
        service.log.read_bytes(),
        b"".join(one.read_bytes() for one in files if one.name.startswith("sixpx.db")),
        b"".join(str(one).encode() + one.read_bytes() for one in files),
    )


async def test_the_run_was_what_it_claims_to_be(run: Run) -> None:
    assert run.good["status"] == "complete", errors(run.good)
    assert set(errors(run.bad)) == {one["name"] for one in run.bad["processed"]}
    assert all(one["status"] == 400 for one in run.refused)
    assert {one["errors"][0]["pointer"] for one in run.refused} == {"/output/0/url", "/output/1/ref/main"}
    assert len(run.secrets.planted) > 40


async def test_no_secret_is_anywhere_in_any_form(run: Run) -> None:
    leaks = {form: where for form in run.secrets.forms() if (where := run.searched.where(form))}
    assert leaks == {}


async def test_no_token_or_signature_of_a_destination_is_anywhere(run: Run) -> None:
    for word in (b"AWS4-HMAC", b"AUTH_tk", b"x-auth-token", b"X-Auth-Token", b"PASS "):
        assert run.searched.where(word) == set(), word


async def test_the_search_finds_what_is_there(run: Run) -> None:
    """The user names beside the secrets, the buckets, and the jobs."""
    assert run.searched.where(b"PLANTED-KEY:***@planted-bucket") == {"said", "database", "data"}
    assert run.searched.where(b"mask-3") == {"said", "log", "database", "data"}
    assert run.searched.where(run.good["_id"].encode()) == {"said", "log", "database", "data"}
    assert run.searched.where(b"gAAAAA") >= {"database", "data"}  # how every token of Fernet begins
    assert run.searched.where(b": rendered") == {"log"}  # a line of the debug level


async def test_every_form_of_a_secret_would_be_found() -> None:
    """Each way of writing it is one of the forms, and none is so short that it is found by chance."""
    secret, user = "a/+ü%@:b", "ada"
    known = forms(secret, user)
    connection = f"sftp://{user}:{quote(secret, safe='')}@h/x"
    basic = base64.b64encode(f"{user}:{secret}".encode())
    said = (connection, connection.lower(), json.dumps({"u": secret}), str(secret.encode()), f"secret={secret!r}")
    replies = [*(one.encode() for one in said), b"Authorization: Basic " + basic]
    assert parse(connection).secret == secret
    for reply in replies:
        assert any(form in reply for form in known), reply
    assert min(map(len, known)) >= len(secret)


async def test_a_mask_hides_all_that_it_stands_for(run: Run) -> None:
    """But where the file is."""
    echoed = next(one for one in run.good["output"] if one["tag"] == "mask")
    assert echoed["url"] == "mask-0"
    assert "PLANTED-KEY" not in locations(run.good)["mask"]
    assert all(one["url"].startswith("mask-") for one in run.bad["output"] if one["tag"].startswith("mask-"))


async def test_known_secrets_of_the_servers_were_among_the_planted(run: Run, all_destinations: Yard) -> None:
    places: Mapping[str, Place] = all_destinations.places
    assert {one.secret for one in places.values() if one.secret} <= set(run.secrets.planted)
    assert any(one.secret == proftpd.PASSWORD for one in places.values()) or "ftp-proftpd" not in places


async def test_the_folder_of_the_data_is_for_its_owner_alone(all_destinations: Yard) -> None:
    data: Path = all_destinations.service.data
    assert (data / "secret.key").stat().st_mode & 0o077 == 0
