"""Owns the promise that what removed jobs leave behind is removed while the service runs. Never a request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from sixpx.core import job as core
from sixpx.errors import StoreDown
from sixpx.settings import Server, Settings
from sixpx.sweep import sweep_for_ever
from tests.api.clients import PUBLIC
from tests.api.conftest import OnlyItsFace
from tests.contract.jobs import NOW, job_of, user_of

WITHIN = 20.0


async def test_the_pictures_of_a_user_removed_beside_the_service_go_also_after_an_outage_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = OnlyItsFace(Settings(server=Server(public_url=PUBLIC, data=str(tmp_path))))
    face.open()
    looked, look, user = asyncio.Event(), face.store.leftovers, user_of(1)

    async def leftovers() -> Sequence[str]:
        if not looked.is_set():
            looked.set()
            raise StoreDown("away for a moment")
        return await look()

    monkeypatch.setattr(face.store, "leftovers", leftovers)
    job = core.cancel(job_of(2, user.id), NOW)
    picture = tmp_path / "hosted" / user.id / job.id / "a.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"picture")
    sweeping = asyncio.create_task(sweep_for_ever(face.store, face.hosting, every=0.01))
    try:
        async with asyncio.timeout(WITHIN):
            await looked.wait()
            await face.store.add_user(user)
            await face.store.add_job(job, {}, None, NOW)
            assert await face.store.remove_user(user.id)
            while picture.exists() or await look():
                assert not sweeping.done()
                await asyncio.sleep(0.01)
    finally:
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
        await face.store.close()
