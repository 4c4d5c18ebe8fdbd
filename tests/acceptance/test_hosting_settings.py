"""Owns the settings of destinations, seen from outside: what an operator writes is what the service does. Never a
destination by itself.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
import pytest_asyncio

from tests.acceptance.service import Service
from tests.acceptance.yard import HOSTED, Yard, errors, locations, output, written
from tests.contract.places import SftpPlace

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_DAYS = 2 * 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sftp(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SftpPlace]:
    opened = await SftpPlace.open(tmp_path_factory.mktemp("sftp"))
    yield opened
    await opened.close()


async def test_a_host_key_of_the_operators_file_is_trusted(sftp: SftpPlace, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"{sftp.server.known_hosts}\n")
    with await asyncio.to_thread(
        Service.start, tmp_path, SIXPX_NETWORK_ALLOW="127.0.0.0/8", SIXPX_SFTP_KNOWN_HOSTS=str(known)
    ) as service:
        job = await Yard(service, {}).made(output("listed", written(sftp.to("x"), options=())))
        assert job["status"] == "complete", errors(job)
    assert not (service.data / "host_keys").exists()


@pytest.mark.long
async def test_a_host_key_is_trusted_on_first_use_and_remembered_where_the_operator_says_so(
    sftp: SftpPlace, tmp_path: Path
) -> None:
    url = written(sftp.to("x"), options=())
    given = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SIXPX_SFTP_TRUST_ON_FIRST_USE": "true"}
    with await asyncio.to_thread(Service.start, tmp_path, **given) as service:
        yard = Yard(service, {})
        assert (await yard.made(output("first", url)))["status"] == "complete"
        line = f"127.0.0.1 {sftp.server.port} {sftp.server.fingerprint}\n"
        assert (service.data / "host_keys").read_text() == line
        (service.data / "host_keys").write_text(line.replace("SHA256:", "SHA256:another"))
        await asyncio.to_thread(service.restart)
        error = errors(await yard.made(output("changed", url)))["changed"]
        assert error["code"] == "host_key_unknown"
        assert "the one remembered is" in error["detail"]


@pytest.mark.long
async def test_pictures_are_removed_when_they_are_old_and_their_jobs_stay(tmp_path: Path) -> None:
    with await asyncio.to_thread(Service.start, tmp_path) as service:
        yard = Yard(service, {})
        old, young = [await yard.made(output("a", HOSTED)) for _ in range(2)]
        folder = service.data / "hosted" / service.user / old["_id"]
        for path in (folder / "a.png", folder):
            os.utime(path, (time.time() - TWO_DAYS,) * 2)
        await asyncio.to_thread(service.restart)
        assert folder.exists()
        service.environment["SIXPX_HOSTING_RETENTION_DAYS"] = "1"
        await asyncio.to_thread(service.restart)
        for _ in range(100):
            if not folder.exists():
                break
            await asyncio.sleep(0.05)
        with pytest.raises(HTTPError, match="404"):
            await yard.hosted(locations(old)["a"])
        assert await yard.ended(old["_id"]) == old
        assert (await yard.hosted(locations(young)["a"])).startswith(b"\x89PNG")
