"""Owns the promises about callbacks to real receivers, good and bad: what is sent, what is said of what came back."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from sixpx import __version__
from sixpx.api.v1.versions import VERSIONS, seen_by
from sixpx.app import callback_body
from sixpx.core.delivery import Delivery, Fate
from sixpx.core.job import Job
from sixpx.credentials import Vault, new_callback_secret, new_key
from sixpx.receivers import Answer, Letter, Receivers
from sixpx.store.base import Store
from sixpx.store.sqlite import SqliteStore
from tests.api.post_office import Office, office
from tests.contract.jobs import ADA
from tests.servers.receiver import Receiver, receiver
from tests.servers.tls import certificate


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    made = SqliteStore.open(tmp_path / "store.db")
    yield made
    await made.close()


@pytest.fixture
async def post(store: Store) -> AsyncIterator[Office]:
    async with office(store) as made:
        yield made


def outcome(one: Delivery) -> tuple[Fate, list[int | None]]:
    return one.fate, [each.status for each in one.attempts]


# --- what is sent -----------------------------------------------------------------------------------


async def test_the_end_of_a_job_is_told_at_once_signed_and_as_the_api_shows_it(post: Office, there: Receiver) -> None:
    job = await post.end(there.url("/ok/1?a=%2F&b=c d".replace(" ", "%20")), data={"order": 7})
    came = await there.first("/ok/1")
    assert came.verified(post.secret) == orjson.loads(orjson.dumps(seen_by(job, "2014-08")))
    assert came.id == job.deliveries[0].id == f"msg_{job.id}_1"
    assert came.headers["Content-Type"] == "application/json"
    assert came.headers["User-Agent"] == f"sixpx/{__version__}"
    assert came.headers["Content-Length"] == str(len(came.body))
    assert "Authorization" not in came.headers
    done = await post.over(job)
    assert outcome(done) == (Fate.DELIVERED, [200])
    assert (done.attempts[0].detail, done.due, done.tries) == ("thank you", None, 1)
    assert done.attempts[0].ms < 5000


@pytest.mark.parametrize("version", sorted(VERSIONS))
async def test_it_speaks_the_version_of_its_post(post: Office, there: Receiver, version: str) -> None:
    job = await post.end(there.url("/ok"), version=version)
    came = await there.first("/ok")
    assert came.verified(post.secret) == orjson.loads(orjson.dumps(seen_by(job, version)))


async def test_userinfo_goes_into_authorization_and_nowhere_else(
    post: Office, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = there.url("/echo/1", userinfo="us%40er:s3cr%C3%A9t%21%2F@")
    job = await post.end(url)
    came = await there.first("/echo/1")
    token = base64.b64encode("us@er:s3crét!/".encode()).decode()
    assert came.headers["Authorization"] == f"Basic {token}"
    done = await post.tried(job)
    kept = await post.store.job(ADA, job.id)
    assert done.attempts[0].detail.startswith("[31mBasic *** us@er:*** us%40er%3A*** ....")
    for seen in (came.body.decode(), repr(kept), caplog.text):
        assert "s3cr" not in seen
        assert token not in seen


async def test_a_large_job_is_sent_whole(post: Office, there: Receiver) -> None:
    text = "0123456789" * 500_000
    await post.end(there.url("/ok"), data={"text": text})
    assert (await there.first("/ok")).verified(post.secret)["data"] == {"text": text}


async def test_a_new_secret_signs_beside_the_old_one(post: Office, there: Receiver) -> None:
    fresh = new_callback_secret()
    sealed = post.vault.seal(fresh)
    await post.store.change_user(ADA, lambda u: replace(u, callback_secrets=(sealed, *u.callback_secrets)))
    await post.end(there.url("/ok"))
    came = await there.first("/ok")
    assert came.verified(post.secret) == came.verified(fresh)
    assert len(came.headers["webhook-signature"].split(" ")) == 2


async def test_a_user_of_an_older_version_gets_a_secret_first(store: Store, there: Receiver) -> None:
    async with office(store, user=False) as post:
        await post.user(ADA)
        await asyncio.gather(*(post.end(there.url("/ok")) for _ in range(4)))
        await there.first("/ok", 4)
        user = await store.user(ADA)
        assert user is not None
        (sealed,) = user.callback_secrets
        for came in there.came:
            came.verified(post.vault.open(sealed))


async def test_an_answer_that_is_slow_is_waited_for(post: Office, there: Receiver) -> None:
    done = await post.over(await post.end(there.url("/slow/300")))
    assert outcome(done) == (Fate.DELIVERED, [200])
    assert 300 <= done.attempts[0].ms < 5000


async def test_over_tls_with_a_certificate_that_nobody_vouches_for_nothing_is_sent(
    post: Office, tmp_path: Path
) -> None:
    made = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.cert, made.key)
    async with receiver(tls) as there:
        done = await post.over(await post.end(there.url("/ok", scheme="https")))
        assert outcome(done) == (Fate.FAILED, [None] * 3)
        assert done.attempts[0].detail == "127.0.0.1 offers no TLS connection that can be trusted"
        assert there.came == []


# --- what goes wrong --------------------------------------------------------------------------------


async def test_a_failure_is_tried_again_with_the_same_id_until_it_works(post: Office, there: Receiver) -> None:
    job = await post.end(there.url("/status/500?times=2&say=later"))
    done = await post.over(job)
    assert outcome(done) == (Fate.DELIVERED, [500, 500, 200])
    assert [one.detail for one in done.attempts] == ["later", "later", "now it works"]
    assert [one.id for one in there.came] == [done.id] * 3
    assert len({one.body for one in there.came}) == 1
    for came in there.came:
        came.verified(post.secret)


async def test_a_schedule_that_is_at_its_end_gives_up(
    post: Office, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    url = there.url("/status/503", userinfo="me:hush@")
    assert outcome(await post.over(await post.end(url))) == (Fate.FAILED, [503] * 3)
    await there.until(lambda: there.left == 3)
    lines = [one.getMessage() for one in caplog.records if one.name == "sixpx.callbacks"]
    assert lines == ["a callback to 127.0.0.1 failed: it answered 503"] * 3 + [
        "the callback to 127.0.0.1 is given up after 3 attempts"
    ]


async def test_410_stops_it(post: Office, there: Receiver) -> None:
    assert outcome(await post.over(await post.end(there.url("/status/410")))) == (Fate.FAILED, [410])


@pytest.mark.parametrize("status", [429, 503])
async def test_a_retry_after_is_honoured(post: Office, there: Receiver, status: int) -> None:
    job = await post.end(there.url(f"/status/{status}?after=120&times=1"))
    tried = await post.tried(job)
    assert tried.fate is Fate.PENDING
    assert tried.due is not None
    end = tried.attempts[0].at + timedelta(milliseconds=tried.attempts[0].ms)
    assert 119 < (tried.due - end).total_seconds() < 122


async def test_a_delay_counts_from_the_end_of_the_attempt_before(store: Store, there: Receiver) -> None:
    async with office(store, seconds=0.3, schedule=(0, 60)) as post:
        tried = await post.tried(await post.end(there.url("/hang")))
    assert tried.due is not None
    assert tried.due - tried.attempts[0].at >= timedelta(seconds=60.3)


async def test_a_redirect_is_a_failure_and_not_followed(post: Office, there: Receiver) -> None:
    done = await post.over(await post.end(there.url("/redirect")))
    assert outcome(done) == (Fate.FAILED, [307] * 3)
    assert done.attempts[0].detail == "the answer is a redirect, and none is followed"
    assert there.to("/ok") == []


@pytest.mark.parametrize(
    ("path", "seconds", "detail"),
    [
        ("/hang", 0.3, "127.0.0.1 did not answer in 0.3 s"),
        ("/drip", 0.3, "127.0.0.1 did not answer in 0.3 s"),
        ("/cut", 5.0, "127.0.0.1 ended the connection without an answer"),
        ("/babble", 5.0, "127.0.0.1 sent an answer that is no HTTP"),
    ],
)
async def test_a_receiver_that_gives_no_answer_is_described(
    store: Store, there: Receiver, path: str, seconds: float, detail: str
) -> None:
    async with office(store, seconds=seconds) as post:
        done = await post.over(await post.end(there.url(path)))
    assert outcome(done) == (Fate.FAILED, [None] * 3)
    assert {one.detail for one in done.attempts} == {detail}


async def test_a_head_without_end_is_not_read_to_its_end(store: Store, there: Receiver) -> None:
    async with office(store, seconds=2.0, schedule=(0.0,)) as post:
        done = await post.over(await post.end(there.url("/headers")))
    assert outcome(done) == (Fate.FAILED, [None])


async def test_a_huge_answer_is_not_read(post: Office, there: Receiver) -> None:
    done = await post.over(await post.end(there.url("/huge")))
    assert outcome(done) == (Fate.FAILED, [500] * 3)
    assert done.attempts[0].detail == "x" * 200


@pytest.mark.parametrize(("status", "fate"), [(200, Fate.DELIVERED), (500, Fate.FAILED)])
async def test_an_answer_without_end_is_left(post: Office, there: Receiver, status: int, fate: Fate) -> None:
    done = await post.over(await post.end(there.url(f"/endless?status={status}")))
    assert done.fate is fate
    assert done.attempts[0].detail.startswith("and on and on")
    await there.until(lambda: there.left == len(done.attempts))
    assert there.pieces < 3000


@pytest.mark.parametrize(
    ("url", "detail"),
    [
        ("http://127.0.0.1:1/x", "127.0.0.1 could not be reached"),
        ("http://nowhere.invalid/x", "the name nowhere.invalid cannot be resolved"),
        ("http://[::1]@/x", "the URL cannot be called: it has no host name and no address"),
    ],
)
async def test_a_receiver_that_is_not_there_is_described(post: Office, url: str, detail: str) -> None:
    done = await post.over(await post.end(url))
    assert outcome(done) == (Fate.FAILED, [None] * 3)
    assert done.attempts[0].detail == detail


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_private_addresses_are_refused_unless_they_are_allowed(store: Store, there: Receiver, host: str) -> None:
    async with office(store, allow=()) as post:
        done = await post.over(await post.end(there.url("/ok", host=host)))
    assert outcome(done) == (Fate.FAILED, [None] * 3)
    assert "network.allow" in done.attempts[0].detail
    assert there.came == []


async def test_no_proxy_of_the_environment_is_used(
    post: Office, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await post.over(await post.end(there.url("/ok")))).fate is Fate.DELIVERED


async def test_a_url_that_was_sealed_with_a_lost_key_fails_in_words(store: Store, there: Receiver) -> None:
    async with office(store) as post:
        job = await post.end(there.url("/ok"), tell=False)
        stranger = Vault(new_key()).seal(there.url("/ok"))
        await store.change_job(ADA, job.id, lambda one: replace(one, callback_sealed=stranger))
        post.due.set()
        done = await post.over(job)
    assert done.attempts[0].detail == "the address or the signing secret was sealed with a key that is gone"


async def test_a_mistake_of_ours_ends_with_the_schedule_and_is_logged_without_its_words(
    store: Store, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(job: Job) -> bytes:
        raise RuntimeError(job.id)

    async with office(store, body=broken) as post:
        job = await post.end(there.url("/ok"))
        done = await post.over(job)
    assert outcome(done) == (Fate.FAILED, [None] * 3)
    assert done.attempts[0].detail == "the service made a mistake with this callback; it is in its log"
    assert "Exception: RuntimeError" in caplog.text
    assert job.id not in caplog.text
    assert there.came == []


async def test_what_nobody_thought_of_on_the_way_ends_with_the_schedule_too(
    post: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded nowhere, the callback would be tried for ever."""

    async def broken(self: Receivers, letter: Letter) -> Answer:
        raise KeyError(letter.url)

    monkeypatch.setattr(Receivers, "post", broken)
    done = await post.over(await post.end("http://hooks.test/s3cret"))
    assert outcome(done) == (Fate.FAILED, [None] * 3)
    assert done.attempts[0].detail == "the service made a mistake with this callback; it is in its log"
    assert "Exception: KeyError" in caplog.text
    assert "s3cret" not in caplog.text


# --- stopping ---------------------------------------------------------------------------------------


async def test_an_attempt_under_way_may_finish_when_the_service_stops(store: Store, there: Receiver) -> None:
    async with office(store) as post:
        job = await post.end(there.url("/slow/300"))
        await there.first("/slow/300")
    assert outcome(await post.delivery(job)) == (Fate.DELIVERED, [200])


async def test_what_waits_for_its_turn_does_not_begin_when_the_service_stops(store: Store, there: Receiver) -> None:
    begun = threading.Event()

    def slow(job: Job) -> bytes:
        begun.set()
        time.sleep(0.3)
        return callback_body(job)

    async with office(store, body=slow) as post:
        jobs = [await post.end(there.url("/ok"), tell=False) for _ in range(4)]
        post.due.set()
        assert await asyncio.to_thread(begun.wait, 10)
    assert len(there.came) == 1
    assert sorted([(await post.delivery(job)).fate for job in jobs]) == ["delivered", *["pending"] * 3]


async def test_one_that_does_not_is_due_again_with_the_same_id(store: Store, there: Receiver) -> None:
    async with office(store, grace=0.05, seconds=0.4) as post:
        hung = await post.end(there.url("/hang"))
        await there.first("/hang")
    assert await post.delivery(hung) == hung.deliveries[0]
    async with office(store, vault=post.vault, user=False, seconds=0.4) as post:
        again = await there.first("/hang", 2)
        assert again.id == hung.deliveries[0].id


async def test_a_stop_leaves_no_task_behind(store: Store, there: Receiver) -> None:
    before = asyncio.all_tasks()
    async with office(store, grace=0) as post:
        for _ in range(20):
            await post.end(there.url("/hang"))
        await there.first("/hang", 4)
    await there.until(lambda: there.left == 4)
    assert {one for one in asyncio.all_tasks() - before if "callback" in one.get_name()} == set()
