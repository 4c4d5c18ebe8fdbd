"""A database that goes away in the middle of a load: requests are told so, nothing is lost, each job ends once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.photos import Photos
from tests.acceptance.service import DIRECT, ROOT, Refusal, Service
from tests.acceptance.test_kill import body, check_files, finished, listed
from tests.servers.mongo import Mongo

WITHIN = 60.0


@pytest.fixture
def mongo(tmp_path_factory: pytest.TempPathFactory) -> Mongo:
    return Mongo.shared(tmp_path_factory.mktemp("mongo"))


def started(tmp_path: Path, mongo: Mongo, **environment: str) -> Service:
    uri = mongo.fresh()
    uri += ("&" if "?" in uri else "?") + "serverSelectionTimeoutMS=1000"
    return Service.start(tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8", SIXPX_STORE_URL=uri, **environment)


def post(service: Service, photos: str, number: int, refused: list[int]) -> str:
    """Posts until it is taken, as a client does who is told to come again; the key makes it one job."""
    until = time.monotonic() + WITHIN
    while True:
        try:
            return service.post(body(photos, number), **{"Idempotency-Key": f"job-{number}"})
        except Refusal as refusal:
            refused.append(refusal.status)
            assert time.monotonic() < until
            time.sleep(0.1)


def page(service: Service, path: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of a page of the service."""
    try:
        with DIRECT.open(service.url + path, timeout=30) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.loads(refused.read())


def test_an_outage_in_the_middle_of_a_load_loses_nothing(tmp_path: Path, mongo: Mongo) -> None:
    count, refused = 24, list[int]()
    half = threading.Semaphore(0)
    with Photos() as photos, started(tmp_path, mongo, SIXPX_RUNNER_LEASE_SECONDS="3") as service:

        def posted(number: int) -> str:
            id = post(service, photos.url, number, refused)
            half.release()
            return id

        with ThreadPoolExecutor(4) as posters:
            posting = [posters.submit(posted, number) for number in range(count)]
            for _ in range(count // 2):
                assert half.acquire(timeout=WITHIN)
            mongo.stop()
            try:
                with pytest.raises(Refusal) as refusal:
                    service.jobs()
                assert (refusal.value.status, refusal.value.problem["type"]) == (503, "urn:sixpx:error:store_down")
                with pytest.raises(Refusal, match="503: the database does not answer"):
                    service.post(body(photos.url, count))
                assert page(service, "/livez")[0] == 200
                assert page(service, "/readyz") == (503, {"status": "unready", "store": "cannot be written to"})
            finally:
                mongo.start()
            ids = [one.result(WITHIN) for one in posting]
        ended = [finished(service, id) for id in ids]
        assert {job["status"] for job in ended} == {"complete"}
        assert [job["data"]["number"] for job in ended] == list(range(count))
        assert sorted(listed(service)) == sorted(set(ids))
        assert len(set(ids)) == count
        for job in ended:
            check_files(service, job)
        assert set(refused) <= {503}
        assert page(service, "/readyz")[0] == 200
        assert service.terminate() == 0
    log = service.log.read_text()
    assert "Traceback" not in log, log
    assert "no jobs can be claimed: the database does not answer" in log


def test_a_service_whose_database_does_not_answer_says_so_and_ends(tmp_path: Path) -> None:
    url = "mongodb://admin:swordfish@127.0.0.1:9/db?serverSelectionTimeoutMS=100"
    settings = {"SIXPX_SERVER_DATA": str(tmp_path / "data"), "SIXPX_STORE_URL": url, "PYTHONPATH": str(ROOT)}
    others = {name: value for name, value in os.environ.items() if not name.startswith("SIXPX_")}
    command = [sys.executable, "-m", "sixpx", "serve"]
    done = subprocess.run(command, env=others | settings, cwd=tmp_path, capture_output=True, text=True, timeout=WITHIN)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "sixpx: the database does not answer"
    assert "swordfish" not in done.stderr


@pytest.mark.long
def test_a_service_that_starts_leaves_the_others_jobs_alone(tmp_path: Path, mongo: Mongo) -> None:
    with Photos() as photos, started(tmp_path, mongo, SIXPX_RUNNER_LEASE_SECONDS="600") as service:
        id = service.post({**body(photos.url, 1), "input": {"photo": f"{photos.url}/1.jpg?delay=5000"}})
        until = time.monotonic() + WITHIN
        while service.job(id)["status"] != "processing":
            assert time.monotonic() < until
            time.sleep(0.02)
        service.kill()
        service.restart()
        assert service.job(id)["status"] == "processing"
