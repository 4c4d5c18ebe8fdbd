"""Several processes of the real service on one MongoDB: one is killed in mid-load, and no job is lost or told twice."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from aiobotocore.session import get_session

from sixpx.credentials import new_key
from tests.acceptance.photos import Photos
from tests.acceptance.service import Refusal, Service, refused
from tests.acceptance.yard import picture
from tests.contract.places import make_bucket
from tests.servers.mongo import Mongo
from tests.servers.moto import Moto

GONE = (urllib.error.URLError, ConnectionError, TimeoutError, OSError)
ENDED = ("complete", "failed")
BUCKET = "shared"
KEY, SECRET = "tester", "testing"
LEASE = 3.0
LONG = "SIXPX_TEST_LONG" in os.environ
PNG = base64.b64decode(picture().partition(",")[2])
TAGS = ("one", "two")
NAMES = ("first", "second", "third")


@dataclass(slots=True)
class Ears:
    """A receiver of callbacks: which webhook-ids came for each job."""

    url: str = ""
    heard: dict[str, Counter[str]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, job_id: str, webhook_id: str) -> None:
        with self.lock:
            self.heard.setdefault(job_id, Counter())[webhook_id] += 1


@contextmanager
def listening() -> Iterator[Ears]:
    ears = Ears()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ears.hear(job["_id"], self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    ears.url = f"http://127.0.0.1:{server.server_port}/"
    yield ears
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass(slots=True)
class Cluster:
    """Three services, what they share, and who hears of it."""

    services: list[Service]
    photos: Photos
    ears: Ears
    s3: str

    def body(self, number: int) -> dict[str, Any]:
        outputs = [
            {"tag": tag, "ref": {"main": f"{tag}-{number}"}, "methods": [{"method": "resize", "options": {"width": 4}}]}
            for tag in TAGS
        ]
        return {
            "input": {"main": f"{self.photos.url}/{number}.png?delay=100"},
            "output": outputs,
            "data": {"number": number},
            "callback": {"url": self.ears.url},
        }

    def post(self, number: int) -> str:
        """To whichever service answers; the key makes the repetitions one job."""
        for turn in range(600):
            service = self.services[(number + turn) % len(self.services)]
            try:
                return service.post(self.body(number), **{"Idempotency-Key": f"job-{number}"})
            except (*GONE, Refusal):
                time.sleep(0.05)
        raise AssertionError("nobody took the job")

    def ended(self, number: int, id: str, alive: list[Service]) -> dict[str, Any]:
        """The job at its end, by way of any service that lives."""
        until = time.monotonic() + 240
        job: dict[str, Any] = {"status": "unknown"}
        while job["status"] not in ENDED and time.monotonic() < until:
            job = alive[number % len(alive)].job(id, wait=20)
        return job

    async def files(self) -> Counter[str]:
        """How often each hosted picture lies in the bucket, by name without its ending."""
        words = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        names: Counter[str] = Counter()
        async with get_session().create_client("s3", endpoint_url=self.s3, **words) as client:
            async for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
                names.update(one["Key"].rpartition("/")[2].rpartition(".")[0] for one in page.get("Contents", ()))
        return names


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """All that starts does so at once."""
    tmp_path = tmp_path_factory.mktemp("cluster")
    for name in ("moto", *NAMES):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        with ThreadPoolExecutor(1) as beside:
            starting = beside.submit(Mongo.shared, tmp_path / "mongo")
            moto = Moto(tmp_path / "moto")
            stack.callback(moto.end)
            mongo = starting.result()
        asyncio.run(make_bucket(moto.url, KEY, SECRET, BUCKET))
        settings = {
            "SIXPX_STORE_URL": mongo.fresh(),
            "SIXPX_SECURITY_KEY": new_key(),
            "SIXPX_HOSTING_URL": f"s3://{KEY}:{SECRET}@{BUCKET}/hosted?endpoint={quote(moto.url, safe='')}",
            "SIXPX_HOSTING_PUBLIC_URL": f"{moto.url}/{BUCKET}/hosted",
            "SIXPX_NETWORK_ALLOW": "127.0.0.0/8",
            "SIXPX_RUNNER_LEASE_SECONDS": str(LEASE),
            "SIXPX_LANES_COUNT": "1",
        }
        photos, ears = stack.enter_context(Photos(PNG)), stack.enter_context(listening())
        services: list[Service] = []
        for name in NAMES:
            known = services[0] if services else None
            services.append(stack.enter_context(Service(tmp_path / name, settings, known)))
        for service in services:
            service._await_ready()
        yield Cluster(services, photos, ears, moto.url)


async def test_what_one_process_does_is_heard_and_waited_for_at_the_others(cluster: Cluster) -> None:
    """Posted at one, cancelled at another: whoever waits or listens at the third is told at once, and no picture of it
    is made any more."""
    first, second, third = cluster.services
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{third.url}/") as socket:
        who = {"user_id": third.user, "key": third.key, "secret": third.secret}
        await socket.send_json({"auth": who})
        assert await socket.receive_json(timeout=5) == {"auth": True}
        body = {**cluster.body(1), "input": {"main": f"{cluster.photos.url}/slow.png?delay=20000"}}
        id = await asyncio.to_thread(first.post, body)
        assert await heard(socket, id, "processing") < 10
        waiting = asyncio.create_task(asyncio.to_thread(second.job, id, 30))
        await asyncio.to_thread(first.call, "DELETE", f"/{id}")
        assert await heard(socket, id, "failed") < 5
        async with asyncio.timeout(5):
            job = await waiting
        assert job["error"]["code"] == "cancelled"


async def heard(socket: aiohttp.ClientWebSocketResponse, id: str, status: str) -> float:
    """Seconds until the socket has told this of the job."""
    began = time.monotonic()
    while (event := await socket.receive_json(timeout=30)) != {"job_id": id, "status": status}:
        assert event["job_id"] == id
    return time.monotonic() - began


def test_a_process_with_another_key_does_not_start(cluster: Cluster, tmp_path: Path) -> None:
    """It could read no credential that the others have sealed."""
    (tmp_path / "stranger").mkdir()
    key = new_key()
    environment = {**cluster.services[0].environment, "SIXPX_SECURITY_KEY": key}
    status, said = refused(tmp_path, environment | {"SIXPX_SERVER_DATA": str(tmp_path / "stranger")})
    assert (status, "security.key" in said, key in said) == (2, True, False)


def test_two_processes_in_one_data_folder_do_not_start(cluster: Cluster, tmp_path: Path) -> None:
    """One would empty the scratch folder under the other."""
    status, said = refused(tmp_path, cluster.services[0].environment)
    assert (status, "server.data" in said) == (2, True)


def survives(cluster: Cluster, jobs: int) -> None:
    """One of three is killed when a third of the jobs has been posted, and does not come back."""
    doomed, *alive = cluster.services
    posted = 0
    lock = threading.Lock()

    def post(number: int) -> str:
        nonlocal posted
        id = cluster.post(number)
        with lock:
            posted += 1
            if posted == jobs // 3:
                doomed.kill()
        return id

    with ThreadPoolExecutor(8) as posters:
        ids = list(posters.map(post, range(jobs)))
    with ThreadPoolExecutor(8) as waiters:
        ended = list(waiters.map(lambda one: cluster.ended(*one, alive), enumerate(ids)))
    assert {job["status"] for job in ended} == {"complete"}
    assert [job["data"]["number"] for job in ended] == list(range(jobs))
    assert len(set(ids)) == jobs
    assert asyncio.run(cluster.files()) == {f"{tag}-{number}": 1 for tag in TAGS for number in range(jobs)}
    all_told(cluster.ears, ids)


def all_told(ears: Ears, ids: list[str]) -> None:
    """Each end was told, under one webhook-id of its own."""
    until = time.monotonic() + 60
    while not ears.heard.keys() >= set(ids) and time.monotonic() < until:
        time.sleep(0.1)
    per_job = [set(ears.heard.get(id, ())) for id in ids]
    assert {len(one) for one in per_job} == {1}
    assert len(set.union(*per_job)) == len(ids)


def test_every_job_ends_once_though_one_of_three_processes_is_killed(cluster: Cluster) -> None:
    """The last one here: the process stays away."""
    survives(cluster, jobs=1000 if LONG else 60)
