"""Owns how a large file goes: in pieces, so that neither memory grows with it nor anything else waits. Never the pytest
process, which is large already: each upload has a process of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sixpx.targets import Parcel
from tests.contract.one_upload import Figures, Upload
from tests.contract.places import CloudFilesPlace, DiskPlace, FtpPlace, Place, spare_time
from tests.servers.base import ROOT
from tests.servers.rackspace import Rackspace

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEGABYTE = 1024**2
MOST_MEGABYTES = 150
MORE_MEGABYTES = 20
"""What a large file may take beyond a small one."""
STILL_SECONDS = 0.1
TRIES = 3
"""Other work of the machine can hold a process up; its own mistakes hold it up each time."""


async def uploaded(asked: Upload) -> Figures:
    words = [sys.executable, "-m", "tests.contract.one_upload"]
    child = await asyncio.create_subprocess_exec(*words, stdin=-1, stdout=-1, stderr=-1, cwd=ROOT)
    out, said = await child.communicate(pickle.dumps(asked))
    assert child.returncode == 0, said.decode()
    return Figures(**json.loads(out))


def upload(place: Place, parcel: Parcel, scratch: Path) -> Upload:
    """What a process needs to put the parcel there."""
    whole = Upload(parcel, place.to("large"), scratch)
    match place:
        case FtpPlace():
            return replace(whole, authority=place.server.certificate.cert)
        case CloudFilesPlace(identity=Rackspace() as identity):
            return replace(whole, identity=(identity.us, identity.uk))
        case DiskPlace():
            return replace(whole, scratch=place.root)
    return whole


def written(path: Path, size: int) -> str:
    """A file of this size, no part of which is like another; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MEGABYTE):
            piece = os.urandom(MEGABYTE)
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


@pytest.mark.parametrize("megabytes", [30, pytest.param(500, marks=pytest.mark.long)])
async def test_a_large_file_goes_in_pieces(place: Place, tmp_path: Path, megabytes: int) -> None:
    spare_time(place)
    source = tmp_path / "large"
    digest = await asyncio.to_thread(written, source, megabytes * MEGABYTE)
    for _ in range(TRIES):
        parcel = Parcel(await asyncio.to_thread(linked, source), "large", "a.tiff", "image/tiff", megabytes * MEGABYTE)
        figures = await uploaded(upload(place, parcel, tmp_path))
        if figures.still < STILL_SECONDS:
            break
    assert figures.peak < MOST_MEGABYTES
    assert figures.peak - figures.before < MORE_MEGABYTES
    assert figures.busy < STILL_SECONDS
    assert figures.still < STILL_SECONDS
    body = await place.content("large/a.tiff")
    assert body is not None
    assert hashlib.sha256(body).hexdigest() == digest


def linked(source: Path) -> Path:
    """Another name of the file, since a target may take the file away."""
    os.link(source, name := source.with_name(os.urandom(4).hex()))
    return name
