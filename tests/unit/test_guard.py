"""The guard: the table of refused space, and that no spelling, no redirect and no name gets round it."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sixpx.errors import BadSettings, FetchFailed, Refused
from sixpx.fetch import Fetcher, FetchLimits
from sixpx.guard import REFUSED, Guard

REFUSED_ADDRESSES = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.1.2.3 127.255.255.255
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::1%lo ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0a00:0001 ::ffff:0:127.0.0.1 ::127.0.0.1 ::8.8.8.8
::7f00:1 64:ff9b::127.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::a00:1 64:ff9b:1:ffff:: 100::1 100:0:0:1::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:7f00:1::1
2002:808:808::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 fc00::1 fd00:ec2::254 fd20:ce::254 fdff::1 fe80::1
fe80::1%eth0 febf::1 fec0::1 ff02::1 ff0e::1 2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:8.8.8.8
2606:4700::300:5efe:7f00:1
""".split()  # noqa: SIM905 - a table of addresses is read by columns
PUBLIC_ADDRESSES = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 169.253.0.1
169.255.0.1 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.1 192.0.3.1 192.88.98.1 192.167.1.1 192.169.0.0
198.17.255.255 198.20.0.0 203.0.112.1 203.0.114.1 223.255.255.255 2001:200::1 2001:4860:4860::8888 2001:db7::1
2001:db9::1 2003::1 2400:cb00::1 2606:4700:4700::1111 2a00:1450:4001::1 3ffe:ffff::1 2606:4700::1:5efe:1
""".split()  # noqa: SIM905 - a table of addresses is read by columns
NOT_ADDRESSES = ["", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "1.2.3.4/32"]


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_special_purpose_space_is_refused(address: str) -> None:
    with pytest.raises(Refused, match=r"not a public one; .* network\.allow") as caught:
        Guard().check(address)
    assert caught.value.detail.startswith(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_space_is_allowed(address: str) -> None:
    Guard().check(address)


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_what_is_no_literal_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not an IP address"):
        Guard().check(text)


def test_every_row_of_the_table_refuses_its_first_and_last_address() -> None:
    for network, _ in REFUSED:
        for address in (network[0], network[-1]):
            with pytest.raises(Refused):
                Guard().check(str(address))


@pytest.mark.parametrize(
    ("allow", "address", "allowed"),
    [
        ("127.0.0.0/8", "127.9.9.9", True),
        ("127.0.0.0/8", "::ffff:127.9.9.9", True),
        ("127.0.0.0/8", "::ffff:10.0.0.1", False),
        ("127.0.0.0/8", "::7f00:1", False),
        ("127.0.0.0/8", "64:ff9b::7f00:1", False),
        ("127.0.0.0/8", "::1", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.2.4", False),
        ("::1", "::1", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("64:ff9b::/96", "64:ff9b::808:808", True),
    ],
)
def test_the_configuration_can_allow_networks(allow: str, address: str, allowed: bool) -> None:
    guard = Guard([allow])
    if allowed:
        guard.check(address)
    else:
        with pytest.raises(Refused):
            guard.check(address)


def test_all_bad_networks_are_reported_at_once() -> None:
    with pytest.raises(BadSettings) as caught:
        Guard(["10.0.0.1/8", "127.0.0.0/8", "intranet"])
    assert len(caught.value.faults) == 2
    assert "'intranet'" in caught.value.faults[1]


def test_no_socket_of_another_family() -> None:
    with pytest.raises(Refused, match="address family"):
        Guard().socket_factory((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", "/run/docker.sock"))


# --- with real sockets, on the loopback alone ---------------------------------------------------


class Fenced(Guard):
    """A guard whose faults can't do harm: were a refused or public address let through, the test would fail here."""

    def socket_factory(self, addr_info: tuple[Any, ...]) -> socket.socket:
        opened = super().socket_factory(addr_info)
        assert addr_info[4][0].startswith("127.") or addr_info[4][0] == "::1"
        return opened


def answering(*answers: str, port: int = 0) -> Any:
    """A getaddrinfo that gives one answer (addresses with commas between) a call, the last one for ever."""
    turns = list(answers)

    def lookup(host: str, wanted: int, *_: object, **__: object) -> list[Any]:
        found = []
        for address in (turns.pop(0) if len(turns) > 1 else turns[0]).split(","):
            six = ":" in address
            end = (address, port or wanted, 0, 0) if six else (address, port or wanted)
            found.append((socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM, 6, "", end))
        return found

    return lookup


class Served:
    """A server at 127.0.0.1 that notes what reaches it; `?to=URL` redirects there."""

    def __init__(self) -> None:
        self.hits: list[str] = []
        self.port = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.hits.append(request.path)
        if "to" in request.query:
            return web.Response(status=302, headers={"Location": request.query["to"]})
        return web.Response(body=b"secret of the intranet", headers={"Connection": "close"})


async def serve(address: str, port: int = 0) -> tuple[Served, web.AppRunner]:
    served = Served()
    app = web.Application()
    app.router.add_get("/{tail:.*}", served.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, address, port)
    await site.start()
    served.port = runner.addresses[0][1]
    return served, runner


@pytest.fixture
async def inner() -> AsyncIterator[Served]:
    served, runner = await serve("127.0.0.1")
    yield served
    await runner.cleanup()


HOSTS = """
127.0.0.1 127.1 127.0.1 127.00.00.01 2130706433 0x7f000001 0x7f.1 0x7f.0.0.1 017700000001 0177.0.0.1
0177.1 00000177.0.0.1 127.0.0.1. 127.000.000.001 127.0.0.256 0 0.0.0.0 00 127.127.127.127 4294967297
1e2 1.2.3.4.5 localhost LOCALHOST localhost. localhost.localdomain evil.example evil.example. [::1]
[::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1]
[::7f00:1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:0:0:0:0:80ff:fffe]
[fe80::1%25lo] [::1%25lo] [fe80::5efe:127.0.0.1] [fd00:ec2::254] [ff02::1] [::ffff:127.1]
169.254.169.254 168.63.129.16 100.100.100.200 10.0.0.1 192.168.0.1 172.16.0.1 198.18.0.1 224.0.0.1
255.255.255.255 １２７.０.０.１ 127。0。0。1 ①②⑦.⓪.⓪.① ⑯⑨。②⑤④。⑯⑨｡②⑤④ ｌｏｃａｌｈｏｓｔ 127.0.0.1%00 %31%32%37.0.0.1
127%2e0%2e0%2e1 user@127.0.0.1 8.8.8.8@127.0.0.1 8.8.8.8:80@127.0.0.1 a:b@c@127.0.0.1
8.8.8.8%40127.0.0.1 8.8.8.8\\@127.0.0.1 8.8.8.8#@127.0.0.1 evil.example?@127.0.0.1
127.0.0.1\\.evil.example -127.0.0.1 127.0.0.1_ metadata.google.internal
""".split()  # noqa: SIM905 - a table of addresses is read by columns


@pytest.mark.parametrize("host", [host for host in HOSTS if not host.startswith("8.8.8.8#")])
async def test_no_way_to_write_a_host_reaches_the_loopback(host: str, inner: Served, tmp_path: Path) -> None:
    fetcher = Fetcher(Fenced(lookup=answering("127.0.0.1")), FetchLimits(connect_s=1, total_s=2, tries=1))
    try:
        with pytest.raises((Refused, FetchFailed)):
            await fetcher.fetch(f"http://{host}:{inner.port}/", tmp_path / "spool")
    finally:
        await fetcher.close()
    assert inner.hits == []


def test_enough_forms_are_tried() -> None:
    assert len(HOSTS) >= 60


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{port}/inner", "//127.0.0.1:{port}/inner", "//[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/", "http://169.254.169.254/latest/", "http://10.0.0.1/", "http://2130706433/",
        "file:///etc/passwd", "FILE:/etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:{port}/_", "data:,x",
        "javascript:1", "unix:/run/x", "http:///etc/passwd", "http://", "http://a:b:c/", "http://user@127.0.0.1:{port}/inner",
    ],
)  # fmt: skip
async def test_no_redirect_leads_into_private_space(target: str, inner: Served, tmp_path: Path) -> None:
    outer, runner = await serve("127.0.0.2")
    fetcher = Fetcher(Fenced(["127.0.0.2"], answering("127.0.0.1,::1")), FetchLimits(total_s=2, tries=1))
    url = URL(f"http://127.0.0.2:{outer.port}/").with_query(to=target.format(port=inner.port))
    try:
        with pytest.raises((Refused, FetchFailed)):
            await fetcher.fetch(str(url), tmp_path / "spool")
    finally:
        await fetcher.close()
        await runner.cleanup()
    assert (len(outer.hits), inner.hits) == (1, [])
    assert not (tmp_path / "spool").exists()


async def test_a_name_that_changes_its_answer_is_judged_where_it_is_connected(inner: Served, tmp_path: Path) -> None:
    outer, runner = await serve("127.0.0.2", inner.port)
    guard = Fenced(["127.0.0.2"], answering("127.0.0.2", "127.0.0.1"))
    first, second = Fetcher(guard), Fetcher(guard)  # each has a connector, so a name cache, of its own
    try:
        await first.fetch(f"http://rebind.example:{inner.port}/", tmp_path / "a")
        with pytest.raises(Refused, match=r"127\.0\.0\.1 is a loopback address"):
            await second.fetch(f"http://rebind.example:{inner.port}/", tmp_path / "b")
    finally:
        await first.close()
        await second.close()
        await runner.cleanup()
    assert (outer.hits, inner.hits) == (["/"], [])


async def test_only_the_allowed_answers_of_a_name_are_used(inner: Served, tmp_path: Path) -> None:
    fetcher = Fetcher(Fenced(["127.0.0.1"], answering("10.0.0.1,::1,127.0.0.1,169.254.169.254")))
    await fetcher.fetch(f"http://mixed.example:{inner.port}/", tmp_path / "a")
    await fetcher.close()
    assert inner.hits == ["/"]


async def test_a_name_with_several_refused_answers_is_refused_in_words(tmp_path: Path) -> None:
    fetcher = Fetcher(Fenced(lookup=answering("::1,127.0.0.1")))
    with pytest.raises(Refused, match="::1 is a loopback address"):
        await fetcher.fetch("http://localhost/", tmp_path / "a")
    await fetcher.close()


async def test_the_socket_factory_alone_holds_against_a_resolver_that_lies(inner: Served) -> None:
    class Liar(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=6, flags=0)]

        async def close(self) -> None: ...

    connector = aiohttp.TCPConnector(socket_factory=Fenced().socket_factory, resolver=Liar())
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(Refused):
            await session.get(f"http://liar.example:{inner.port}/")
    assert inner.hits == []


async def test_a_socket_for_other_protocols_is_guarded_too(inner: Served) -> None:
    with pytest.raises(Refused):
        await Fenced().connect("127.0.0.1", inner.port)
    with pytest.raises(Refused):
        await Fenced(lookup=answering("::1,127.0.0.1")).connect("sftp.example", inner.port)
    opened = await Fenced(["127.0.0.0/8"], answering("127.0.0.1")).connect("sftp.example", inner.port)
    assert opened.getpeername() == ("127.0.0.1", inner.port)
    opened.close()


async def test_a_host_name_that_cannot_be_encoded_is_unknown() -> None:
    with pytest.raises(OSError, match="not a host name"):
        await Guard().connect("a" * 64 + ".example", 80)
