"""Owns the ways to the tests' sshd: connection strings, members of the service as it starts and starts again. Never a
test.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from sixpx.credentials import Destination, parse
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys, HostKeyUnknown
from sixpx.targets import Parcel
from sixpx.targets.sftp import Sftp
from tests.contract.places import LOOPBACK
from tests.servers.base import HOST
from tests.servers.proxy import Proxy
from tests.servers.sshd import Sshd

NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may let another user in, or mount a disk")


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    running = Sshd()
    yield running
    running.end()


@pytest_asyncio.fixture(loop_scope="session")
async def sshd_proxy(sshd: Sshd) -> AsyncIterator[Proxy]:
    opened = await Proxy.open([sshd.port])
    yield opened
    await opened.close()


Member = Callable[..., Sftp]


@pytest_asyncio.fixture(loop_scope="session")
async def member(tmp_path: Path) -> AsyncIterator[Member]:
    """Makes members, as one start of the service after the other: `member(on_first_use=True, listed=path)`."""
    made: list[Sftp] = []

    def make(guard: Guard | None = None, **keys: Any) -> Sftp:
        made.append(Sftp(guard or Guard(LOOPBACK), HostKeys(**{"remembered": tmp_path / "host_keys", **keys})))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def at(sshd: Sshd, pin: str | None = None, folder: str = "some", secret: str | None = None) -> Destination:
    password = quote(secret or sshd.password or sshd.key, safe="")
    option = f"?hostkey={pin}" if pin else ""
    return parse(f"sftp://{sshd.user}:{password}@{HOST}:{sshd.port}{sshd.root}/{folder}{option}")


def stored(sshd: Sshd, path: str = "some/a.png") -> bytes:
    return (sshd.root / path).read_bytes()


async def refused(member: Sftp, packed: Callable[..., Parcel], to: Destination) -> HostKeyUnknown:
    with pytest.raises(HostKeyUnknown) as caught:
        await member.put(packed(), to)
    assert (caught.value.code, caught.value.again, caught.value.retryable) == ("host_key_unknown", None, False)
    return caught.value
