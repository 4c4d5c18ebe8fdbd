"""Owns a real service with every real destination beside it that is installed. Never what is sent to them."""

from __future__ import annotations

import asyncio
import base64
import io
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from sixpx.credentials import Destination
from tests.acceptance.service import Service
from tests.contract.places import PLACES, CloudFilesPlace, FtpPlace, Place

HOSTED = "6px"


@dataclass(frozen=True, slots=True)
class Yard:
    """`places` by name, without the service's own hosting."""

    service: Service
    places: Mapping[str, Place]

    async def posted(self, *outputs: Mapping[str, Any], **parts: Any) -> str:
        """The id of a job over `picture`, where no other input is named."""
        body = {"input": {"main": picture()}, "output": list(outputs), **parts}
        return await asyncio.to_thread(self.service.post, body)

    async def ended(self, id: str) -> dict[str, Any]:
        """The job at its end."""
        job = await asyncio.to_thread(self.service.job, id, 60)
        assert job["status"] in ("complete", "failed"), job
        return job

    async def made(self, *outputs: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
        return await self.ended(await self.posted(*outputs, **parts))

    async def hosted(self, location: str) -> bytes:
        return await asyncio.to_thread(self.service.get, location)


def output(tag: str, url: str, ref: str = "main", **parts: Any) -> dict[str, Any]:
    """A picture of that name at that destination, the same pixels for all."""
    step = {"method": "resize", "options": {"width": 40}}
    return {"tag": tag, "url": url, "ref": {ref: tag}, "methods": [step], **parts}


def picture() -> str:
    """A data URI of 8 by 8 pixels, no two alike."""
    file = io.BytesIO()
    Image.frombytes("RGB", (8, 8), bytes(range(192))).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def written(to: Destination, **changed: Any) -> str:
    """The connection string of a destination, every part percent-encoded."""
    to = replace(to, **changed)
    if to.scheme == HOSTED:
        return HOSTED
    scheme = f"{to.scheme}+{to.region}" if to.region else to.scheme
    user = f"{quote(to.username, safe='')}:{quote(to.secret, safe='')}"
    place = quote(to.host, safe="") + (f":{to.port}" if to.port else "") + "/" + quote(to.path.lstrip("/"))
    options = "&".join(f"{name}={quote(value, safe='')}" for name, value in to.options)
    return f"{scheme}://{user}@{place}" + (f"?{options}" if options else "")


def errors(job: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What failed, by tag."""
    return {one["name"]: one["error"] for one in job["processed"] if one["status"] == "failed"}


def locations(job: Mapping[str, Any]) -> dict[str, str]:
    """Where everything is that did not fail, by tag."""
    return {one["name"]: each["location"] for one in job["processed"] for each in one["data"]["output"].values()}


@asynccontextmanager
async def yard(folder: Path, **environment: str) -> AsyncIterator[Yard]:
    """All places and the service, which trusts their certificates and may reach this machine."""
    places: dict[str, Place] = {}
    for name, open_ in PLACES.items():
        if name != HOSTED:
            home = folder / name
            home.mkdir()
            with suppress(pytest.skip.Exception):  # not installed here; CI fails instead
                places[name] = await open_(home)
    try:
        with await asyncio.to_thread(Service.start, folder, **settings_for(places, folder), **environment) as service:
            yield Yard(service, places)
    finally:
        for place in places.values():
            await place.close()


def settings_for(places: Mapping[str, Place], folder: Path) -> dict[str, str]:
    """What a service has to know to reach these places."""
    trusted = folder / "trusted.pem"
    certificates = [one.server.certificate.cert.read_text() for one in places.values() if isinstance(one, FtpPlace)]
    trusted.write_text("".join(certificates))
    known = {"SIXPX_NETWORK_ALLOW": "127.0.0.0/8", "SSL_CERT_FILE": str(trusted)}
    for one in places.values():
        if isinstance(one, CloudFilesPlace) and one.identity is not None:
            known |= {"SIXPX_CF_IDENTITY_URL": one.identity.us, "SIXPX_CF_IDENTITY_URL_UK": one.identity.uk}
    return known


def unique(word: str) -> str:
    """A name that no other run has used."""
    return f"{word}-{os.urandom(4).hex()}"
