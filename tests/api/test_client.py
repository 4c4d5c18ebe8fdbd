"""Owns our own client against a whole service: both faces, waiting with and without web sockets. Never its words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from sixpx.api.auth import PROVEN_SECONDS
from sixpx.client import AsyncClient, Client, Identity, JobFailed, Unreachable, asynchronous, ear, wire
from sixpx.client.ear import Ear
from sixpx.core.job import Status
from sixpx.core.user import Plan
from sixpx.errors import Conflict, Invalid, NotFound, OverQuota, SixpxError, Unauthorized
from sixpx.hub import JobEvent
from tests.api import clients
from tests.api.clients import body_of, picture
from tests.servers.proxy import Fault, Harm, Proxy, Way

pytestmark = pytest.mark.asyncio(loop_scope="session")

PNG = picture(40, 30)


def me(client: clients.Client) -> Identity:
    return Identity(client.user.id, client.user.api_key, client.secret)


@pytest_asyncio.fixture(loop_scope="session")
async def px(live: clients.Client) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(str(live.server.make_url("/")), me(live)) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def waiting(idle: clients.Client) -> AsyncIterator[AsyncClient]:
    """A client of a service where nothing is ever done."""
    async with AsyncClient(str(idle.server.make_url("/")), me(idle)) as opened:
        yield opened


async def until(condition: Callable[[], bool]) -> None:
    """Looks every 10 ms, for five seconds at most."""
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to that")


async def test_a_picture_goes_all_the_way(px: AsyncClient, tmp_path: Path) -> None:
    job = await px.load(PNG).output("small").tag("t").resize(width=20).filter(sepia=70).url("6px").save()
    made = job.picture("t", "main")
    assert (made.width, made.height, made.type) == (20, 15, "image/png")
    saved = await px.download(job, made, tmp_path)
    assert (saved.name, saved.stat().st_size) == ("small.png", made.bytes)


async def test_get_info_tells_sizes(px: AsyncClient) -> None:
    assert (await px.load(PNG).get_info()).picture().width == 40


async def test_a_failed_job_is_raised_with_what_there_is(px: AsyncClient) -> None:
    with pytest.raises(JobFailed, match="bad: ") as caught:
        await px.load(PNG).output("good").tag("good").output("bad").tag("bad").crop(x=500, y=0, width=5).save()
    assert [one.tag for one in caught.value.job.pictures] == ["good"]
    with pytest.raises(JobFailed):
        await px.retry(caught.value.job.id)


async def test_all_mistakes_of_a_job_come_at_once(px: AsyncClient) -> None:
    with pytest.raises(Invalid) as caught:
        await px.load(PNG).output("a").resize(width="wide").rotate().save()
    assert len(caught.value.mistakes) == 2


async def test_jobs_are_found_removed_and_gone(px: AsyncClient) -> None:
    job = await px.load(PNG).data({"id": "order-7"}).save()
    found = await px.jobs({"status": "complete", "data.id": "{exact}order-7"})
    assert ([one.id for one in found.items], found.total) == ([job.id], 1)
    await px.delete(job.id)
    with pytest.raises(NotFound):
        await px.job(job.id)


async def test_the_same_key_posts_once(px: AsyncClient) -> None:
    body = px.load(PNG).output("a").body()
    assert await px.post(body, "key-1") == await px.post(body, "key-1")


async def test_usage_and_limits_are_told(px: AsyncClient) -> None:
    assert (await px.limits())["inputs"] == 20
    assert isinstance(await px.usage(), dict)


async def test_a_wrong_secret_is_said_and_not_repeated(live: clients.Client) -> None:
    async with AsyncClient(str(live.server.make_url("/")), replace(me(live), secret="hunter2")) as px:
        with pytest.raises(SixpxError, match="401") as caught:
            await px.load(PNG).save()
    assert isinstance(caught.value, Unauthorized)
    assert "hunter2" not in str(caught.value)


async def test_programs_tell_errors_by_their_kinds(px: AsyncClient, live: clients.Client) -> None:
    job = await px.load(PNG).save()
    with pytest.raises(Conflict):
        await px.retry(job.id)
    await live.store.change_user(live.user.id, lambda one: replace(one, plan=Plan(per_month=1)))
    await asyncio.sleep(PROVEN_SECONDS)
    with pytest.raises(OverQuota) as caught:
        await px.load(PNG).save()
    assert caught.value.wait > 0


# --- waiting --------------------------------------------------------------------------------------


async def test_the_end_is_heard_over_the_socket_and_the_job_read_once(
    waiting: AsyncClient, idle: clients.Client
) -> None:
    asked: list[str] = []
    ask = waiting._wire.ask

    async def counted(method: str, path: str, *rest: Any, **named: Any) -> Any:
        asked.append(method)
        return await ask(method, path, *rest, **named)

    waiting._wire.ask = counted  # type: ignore[method-assign]  # counts what goes over the wire
    saving = asyncio.create_task(waiting.save(body_of()))
    await until(lambda: "POST" in asked)
    await asyncio.sleep(0.1)
    assert asked == ["POST"]
    (job,) = (await waiting.jobs()).items
    await waiting.delete(job.id)  # cancels it: it ends as failed
    with pytest.raises(JobFailed, match="cancelled"):
        await asyncio.wait_for(saving, 5)
    assert asked == ["POST", "GET", "DELETE", "GET"]


async def test_a_wait_has_its_limit_and_says_that_the_job_goes_on(waiting: AsyncClient) -> None:
    job_id = await waiting.post(body_of())
    with pytest.raises(SixpxError, match=r"has not ended within 0\.2 s; it goes on"):
        await waiting.wait(job_id, 0.2)


async def test_without_web_sockets_long_polls_do(
    px: AsyncClient, waiting: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(wire: Any) -> None:
        return None

    monkeypatch.setattr(Ear, "open", none)
    assert (await px.load(PNG).save()).status == "complete"
    with pytest.raises(SixpxError, match="has not ended"):
        await waiting.wait(await waiting.post(body_of()), 0.3)


async def test_a_socket_that_goes_away_is_opened_anew_after_a_while(
    px: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await px.load(PNG).save()
    assert px._ear is not None
    first = px._ear
    await first._socket.close()
    assert (await px.load(PNG).save()).status == "complete"
    assert px._ear is None  # what does not last is left alone for now
    px._listen_next = 0.0
    assert (await px.load(PNG).save()).status == "complete"
    assert px._ear not in (None, first)


async def test_a_socket_that_was_opened_after_the_post_is_not_trusted_to_have_heard_the_end(
    waiting: AsyncClient,
) -> None:
    job_id = await waiting.post(body_of())
    old = await waiting._listen()
    await waiting.delete(job_id)
    assert (await waiting.job(job_id)).ended  # who has read it is not told once more
    waiting._ear = await Ear.open(waiting._wire)  # it has gone, and a new one came
    assert (await asyncio.wait_for(waiting._wait(job_id, None, old), 5)).status == "failed"
    assert old is not None
    await old.close()


async def test_a_line_that_is_cut_without_a_word_is_noticed(
    waiting: AsyncClient, idle: clients.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ear, "PING_SECONDS", 0.2)
    port = idle.server.port
    assert port is not None
    proxy = await Proxy.open([port])
    async with AsyncClient(f"http://{proxy.host}:{port}", me(idle)) as px:
        job_id = await px.post(body_of())
        going = asyncio.create_task(px.wait(job_id))
        await until(lambda: px._ear is not None and job_id in px._ear._expected)
        assert px._ear is not None
        await asyncio.sleep(0.5)
        assert not px._ear.deaf
        proxy.arm(Fault(Harm.SILENT, Way.DOWN))
        await until(lambda: proxy.struck)
        await waiting.delete(job_id)
        assert (await asyncio.wait_for(going, 10)).status == "failed"
    await proxy.close()


async def test_a_wait_outlives_a_service_that_is_away_for_a_while(
    waiting: AsyncClient, idle: clients.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asynchronous, "LOOK_SECONDS", 0.05)
    port = idle.server.port
    assert port is not None
    proxy = await Proxy.open([port])
    async with AsyncClient(f"http://{proxy.host}:{port}", me(idle)) as px:
        job_id = await px.post(body_of())
        going = asyncio.create_task(px.wait(job_id))
        await until(lambda: px._ear is not None and job_id in px._ear._expected)
        await proxy.refuse()
        await asyncio.sleep(0.5)
        assert not going.done()
        await waiting.delete(job_id)
        await proxy.listen()
        assert (await asyncio.wait_for(going, 5)).status == "failed"
        await proxy.refuse()
        with pytest.raises(Unreachable, match="no service answers"):
            await px.wait(job_id, 0.3)
    await proxy.close()


async def test_where_sockets_are_not_let_through_they_are_tried_once_for_all_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries = 0

    async def hang(request: web.Request) -> web.Response:
        nonlocal tries
        tries += 1
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(wire, "SOCKET_SECONDS", 0.2)
    app = web.Application()
    app.router.add_get("/v1/socket", hang)
    async with TestServer(app) as server, AsyncClient(str(server.make_url("/")), "a:b:c") as px:
        async with asyncio.timeout(5):
            assert await asyncio.gather(*(px._listen() for _ in range(100))) == [None] * 100
    assert tries == 1


async def test_a_socket_that_is_sent_elsewhere_is_not_followed_there(idle: clients.Client) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(str(idle.server.make_url("/v1/socket")))

    app = web.Application()
    app.router.add_get("/v1/socket", elsewhere)
    async with TestServer(app) as server, AsyncClient(str(server.make_url("/")), me(idle)) as px:
        assert await Ear.open(px._wire) is None


async def test_two_waits_for_one_job_and_one_of_them_is_given_up(waiting: AsyncClient) -> None:
    job_id = await waiting.post(body_of())
    waits = [asyncio.create_task(waiting.wait(job_id)) for _ in range(3)]
    await until(lambda: waiting._ear is not None and job_id in waiting._ear._expected)
    waits[0].cancel()
    await asyncio.gather(waits[0], return_exceptions=True)
    await waiting.delete(job_id)
    ended = await asyncio.wait_for(asyncio.gather(*waits[1:]), 5)
    assert [one.status for one in ended] == ["failed"] * 2


async def test_a_wait_outlives_its_socket(waiting: AsyncClient, idle: clients.Client) -> None:
    job_id = await waiting.post(body_of())
    going = asyncio.create_task(waiting.wait(job_id))
    await until(lambda: waiting._ear is not None and job_id in waiting._ear._expected)
    assert waiting._ear is not None
    await waiting._ear._socket.close()
    await waiting.delete(job_id)
    assert (await asyncio.wait_for(going, 5)).status == "failed"


async def test_an_ear_hears_of_what_was_retried_again(waiting: AsyncClient, idle: clients.Client) -> None:
    ear = await Ear.open(waiting._wire)
    assert ear is not None
    for job_id, status in (("f" * 24, Status.FAILED), ("f" * 24, Status.PENDING), ("e" * 24, Status.COMPLETE)):
        idle.hub.publish(JobEvent(job_id, idle.user.id, status))
    await ear.end_of("e" * 24, 5)  # by then it has heard of the others
    hearing = asyncio.create_task(ear.end_of("f" * 24, 5))
    await asyncio.sleep(0.1)
    assert not hearing.done()
    idle.hub.publish(JobEvent("f" * 24, idle.user.id, Status.COMPLETE))
    await asyncio.wait_for(hearing, 2)
    await ear.close()


async def test_an_end_that_was_of_before_a_retry_is_looked_at_once(waiting: AsyncClient, idle: clients.Client) -> None:
    looks = 0
    job = waiting.job

    async def counted(id: str, wait: float = 0) -> Any:
        nonlocal looks
        looks += 1
        return await job(id, wait)

    waiting.job = counted  # type: ignore[method-assign]  # counts the looks
    job_id = await waiting.post(body_of())
    assert await waiting._listen() is not None
    idle.hub.publish(JobEvent(job_id, idle.user.id, Status.FAILED))
    await until(lambda: waiting._ear is not None and job_id in waiting._ear._ends)
    with pytest.raises(SixpxError, match="has not ended"):
        await waiting.wait(job_id, 0.5)
    assert looks == 3  # at first, after the end that it had heard of, and at the end


async def test_a_service_that_refuses_the_proof_at_the_socket_has_none_for_us(idle: clients.Client) -> None:
    async with AsyncClient(str(idle.server.make_url("/")), replace(me(idle), secret="wrong")) as px:
        assert await Ear.open(px._wire) is None


# --- without an event loop ------------------------------------------------------------------------


async def test_the_other_face_does_the_same_from_a_thread(live: clients.Client, tmp_path: Path) -> None:
    def program() -> tuple[int, str, int]:
        with Client(str(live.server.make_url("/")), f"{me(live).user}:{me(live).key}:{me(live).secret}") as px:
            job = px.load(PNG).output("small").resize(width=10).save()
            saved = px.download(job, job.picture(), tmp_path)
            id = px.post(px.load(PNG).output("b").body())
            ended = px.wait(id)
            found = px.jobs(per_page=1)
            px.delete(ended.id)
            return job.picture().width, saved.name, found.total

    assert await asyncio.to_thread(program) == (10, "small.png", 2)


async def test_a_client_that_is_not_open_says_how_it_is_used() -> None:
    with pytest.raises(RuntimeError, match="use it as `with Client"):
        Client("http://127.0.0.1:1", "a:b:c").limits()
    with pytest.raises(RuntimeError, match="use it as `async with AsyncClient"):
        await AsyncClient("http://127.0.0.1:1", "a:b:c").limits()


async def test_a_client_that_was_closed_is_not_open(live: clients.Client) -> None:
    async with AsyncClient(str(live.server.make_url("/")), me(live)) as px:
        await px.load(PNG).save()
    with pytest.raises(RuntimeError, match="not open"):
        await px.load(PNG).save()
    async with px:
        assert (await px.load(PNG).save()).status == "complete"


async def test_a_client_that_is_opened_again_is_as_good_for_many_threads(
    live: clients.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(wire: Any) -> None:  # so that the others wait for it
        await asyncio.sleep(0.2)

    monkeypatch.setattr(Ear, "open", slow)

    def program() -> set[str]:
        px = Client(str(live.server.make_url("/")), me(live))
        ended = set()
        for _ in range(2):
            with px, ThreadPoolExecutor(10) as threads:
                ended |= set(threads.map(lambda _: px.load(PNG).save().status, range(10)))
        return ended

    assert await asyncio.to_thread(program) == {"complete"}


async def test_who_still_waits_when_another_thread_closes_is_told_so(idle: clients.Client) -> None:
    px = Client(str(idle.server.make_url("/")), me(idle))
    await asyncio.to_thread(px.__enter__)
    job_id = await asyncio.to_thread(px.post, body_of())
    waiting = asyncio.create_task(asyncio.to_thread(px.wait, job_id))
    await until(lambda: px._client._ear is not None and job_id in px._client._ear._expected)
    await asyncio.to_thread(px.__exit__, None, None, None)
    with pytest.raises(RuntimeError, match=r"closed|not open"):
        await asyncio.wait_for(waiting, 5)


async def test_nobody_answers(tmp_path: Path) -> None:
    async with AsyncClient("http://127.0.0.1:1", "a:b:c") as px:
        with pytest.raises(SixpxError, match="no service answers"):
            await px.load(PNG).save()
