"""Owns serving the files of default hosting, read-only. Never writes them, never leaves their folder."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from aiohttp import web

from sixpx.core.media import ENDINGS
from sixpx.errors import NotFound

TYPES = {ending: type for type, ending in ENDINGS.items()}
PATH = "/{user_id:[0-9a-f]{24}}/{job_id:[0-9a-f]{24}}/{filename:[^/]+}"  # by itself {filename} holds no brace
HEADERS = {
    # SPEC section 4. A name is fixed when its job is posted, and a file that was served was whole. Only a retry of an
    # output that failed writes under the same name again, and what it writes is the same picture made anew
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


class Picture(web.FileResponse):
    """aiohttp's, but that a refusal (412, 416, a file gone meanwhile) does not tell caches to keep it for a year."""

    def set_status(self, status: int, reason: str | None = None) -> None:
        super().set_status(status, reason)
        if status >= 400:
            self.headers["Cache-Control"] = "no-store"


class Files:
    """Files at `root/user/job/filename`; ranges and ETags come with aiohttp's file response."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def add_to(self, app: web.Application) -> None:
        app.router.add_get(PATH, self.get)

    async def get(self, request: web.Request) -> web.StreamResponse:
        info = request.match_info
        name = info["filename"]
        type = TYPES.get(name.rpartition(".")[2])
        # the router gives names decoded: %2F is a separator again. A file being written ends in `part`: no type
        if type is None or "/" in name or "\\" in name or "\0" in name:
            raise NotFound("there is no such file")
        path = self._root / info["user_id"] / info["job_id"] / name
        # asked before: aiohttp's own 404 would carry our type, and "immutable" for a year
        if not await asyncio.to_thread(os.path.isfile, path):
            raise NotFound("there is no such file")
        return Picture(path, headers={**HEADERS, "Content-Type": type})
