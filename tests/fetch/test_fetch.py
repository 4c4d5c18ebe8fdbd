"""Downloads against a real server on the loopback: what works, redirects, userinfo."""

from __future__ import annotations

import asyncio
import base64
import socket
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sixpx import __version__
from sixpx.errors import OutputFault, Refused
from sixpx.fetch import Fetcher, FetchLimits
from sixpx.guard import Guard
from tests.fetch.site import BODY, Script, Site, failing, limits, status

# --- what works -----------------------------------------------------------------------------------


async def test_a_file_is_saved_and_measured(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    fetched = await fetcher.fetch(site.url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == BODY
    assert fetched.bytes == len(BODY)
    assert 0 < fetched.ms < 5000
    sent = site.seen[0].headers
    assert sent["User-Agent"] == f"sixpx/{__version__}"
    assert sent["Accept-Encoding"] == "identity"
    assert "Authorization" not in sent
    assert "Cookie" not in sent
    assert site.seen[0].query_string == "sig=HUSH"


async def test_connections_are_kept_alive_and_cookies_forgotten(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def cookie(request: web.Request, number: int) -> web.Response:
        return web.Response(body=b"x", headers={"Set-Cookie": "a=b; Path=/"})

    site.script = cookie
    for name in "abc":
        await fetcher.fetch(site.url, tmp_path / name)
    assert len(site.ports) == 1
    assert all("Cookie" not in request.headers for request in site.seen)


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_file_is_streamed(announced: bool, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def large(request: web.Request, number: int) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(BODY) * 30 if announced else None
        await response.prepare(request)
        for _ in range(30):
            await response.write(BODY)
        return response

    site.script = large
    assert (await fetcher.fetch(site.url, tmp_path / "a")).bytes == len(BODY) * 30
    assert (tmp_path / "a").read_bytes() == BODY * 30


@limits(parallel=2)
async def test_no_more_run_at_a_time_than_configured(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    running, most = 0, 0

    async def slow(request: web.Request, number: int) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return web.Response(body=b"x")

    site.script = slow
    await asyncio.gather(*(fetcher.fetch(site.url, tmp_path / str(n)) for n in range(6)))
    assert most == 2


# --- redirects ------------------------------------------------------------------------------------


def redirecting(times: int, status: int = 302) -> Script:
    async def script(request: web.Request, number: int) -> web.Response:
        if number <= times:
            return web.Response(status=status, headers={"Location": f"/hop{number}"})
        return web.Response(body=b"arrived")

    return script


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_five_redirects_are_followed(status: int, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.script = redirecting(5, status)
    await fetcher.fetch(site.url, tmp_path / "a")
    assert [request.path for request in site.seen] == ["/picture", *(f"/hop{n}" for n in range(1, 6))]


async def test_the_sixth_redirect_is_too_many(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    site.script = redirecting(99)
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert error.detail == "127.0.0.1 redirects more than 5 times"
    assert not error.retryable
    assert len(site.seen) == 6


async def test_a_redirect_into_private_space_is_refused_at_once(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def inward(request: web.Request, number: int) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/HUSH"})

    site.script = inward
    error = await failing(fetcher, site.url, tmp_path / "a")
    assert isinstance(error, Refused)
    assert "169.254.169.254" in error.detail
    assert len(site.seen) == 1


# --- userinfo -------------------------------------------------------------------------------------


async def test_userinfo_goes_to_its_origin_alone(site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def away_and_back(request: web.Request, number: int) -> web.Response:
        places = {
            1: "/same",
            2: site.url.replace("127.0.0.1", "user:planted@127.0.0.2"),
            3: site.url,
        }
        if number in places:
            return web.Response(status=302, headers={"Location": places[number]})
        return web.Response(body=b"x")

    other = web.AppRunner(web.Application())
    other.app.router.add_get("/{tail:.*}", site.answer)
    await other.setup()
    await web.TCPSite(other, "127.0.0.2", int(site.url.split(":")[2].split("/")[0])).start()
    site.script = away_and_back
    await fetcher.fetch(site.url.replace("//", "//us%65r:p%40ss%C3%A9@"), tmp_path / "a")
    await other.cleanup()
    basic = "Basic " + base64.b64encode("user:p@ssé".encode()).decode()
    assert [request.headers.get("Authorization") for request in site.seen] == [basic, basic, None, None]


ODD = [
    "http://xn--/x", "http://xn--a/x", "http://\ud800/", "http://u:\ud800@h/", "http://a..b/", "http://%ff/",
    "http://[::1%25x]/", "http://h\u3002x/", "http://1.2.3/", "http://0x7f.1/", "http://h:\u0661/", "http://[v1.x]/",
    "http://[::1]@/", "http://[@/", "http://h:0/",
    "http://h\r\nX: y/", "http://h/\r\nX: y", "http://*/", "http://-/", "http://_/", "http://\u00ad/", "http://./",
    "http://" + "a" * 300 + "/",
]  # fmt: skip
SIGNS = [*"@:/?#[]%\\. \t\n\0", "xn--", "h", "1", "é", "\u3002", "\ud800", "\u00ad", "\u200d", "%ff", "80", "ß"]
URLS = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["http://", "https://"]),
    st.lists(st.sampled_from(SIGNS), max_size=8).map("".join) | st.text(max_size=12),
    st.sampled_from(["", "/x", ":80/"]),
)


class Nowhere(Guard):
    """Refuses every address, and finds one for every name."""

    def __init__(self) -> None:
        super().__init__(lookup=lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))])

    def check(self, address: str) -> None:
        raise Refused(f"{address[:64]!r} is refused")


@settings(max_examples=500)
@given(URLS)
@example("http://xn--/x")
@example("http://u:\ud800@h/")
@example("http://[::1]@/")
def test_no_url_raises_anything_but_our_own_words(url: str) -> None:
    async def fetched() -> None:
        fetcher = Fetcher(Nowhere(), FetchLimits(tries=1, total_s=5))
        try:
            with pytest.raises(OutputFault):
                await fetcher.fetch(url, Path("/nonexistent/a"))
        finally:
            await fetcher.close()

    asyncio.run(fetched())


@pytest.mark.parametrize("url", ODD)
async def test_an_odd_url_is_an_odd_redirect_too(url: str, site: Site, fetcher: Fetcher, tmp_path: Path) -> None:
    async def there(request: web.Request, number: int) -> web.StreamResponse:
        assert request.transport is not None
        target = url.encode("utf-8", "surrogatepass").replace(b"\r\n", b"")
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
        request.transport.write(head + target + b"\r\n\r\n")
        await asyncio.sleep(0.05)
        request.transport.abort()
        return web.Response()

    await failing(fetcher, url, tmp_path / "a")
    site.script = there
    await failing(fetcher, site.url, tmp_path / "a")


async def test_userinfo_is_in_no_error(site: Site, tmp_path: Path) -> None:
    fetcher = Fetcher(Guard(["127.0.0.0/8"]), FetchLimits(tries=1, total_s=1))
    port = site.url.split(":")[2].split("/")[0]
    for host in (f"127.0.0.1:{port}/", "127.0.0.1:1/", "10.0.0.1/", "127.1/", "[::1/", "a b/", ":80/", "h:99999/"):
        site.script = status(404)
        await failing(fetcher, f"http://user:HUSH@{host}", tmp_path / "a")
        await failing(fetcher, f"gopher://user:HUSH@{host}", tmp_path / "a")
    await fetcher.close()
