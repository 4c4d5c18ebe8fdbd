"""Owns the client for programs with an event loop: jobs drafted, posted, waited for, found. Never a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

from sixpx.client.draft import Body, Draft
from sixpx.client.ear import Ear
from sixpx.client.result import JobFailed, Picture, Result
from sixpx.client.source import Source
from sixpx.client.wire import Identity, Unreachable, Wire
from sixpx.errors import NotFound, SixpxError

POLL_SECONDS = 25.0
"""Of one long poll: what lies between often ends a connection on which nothing came for 30 s, or for 60."""
HEAR_SECONDS = 60.0
"""How long the word of a web socket is waited for before the job is looked at."""
LISTEN_AGAIN_SECONDS = 30.0
"""Between one try to open a web socket and the next: what does not last, or is not let through, is left alone."""
AWAY_SECONDS = 60.0
"""How long a wait outlives a service that does not answer, for it may be starting again: from when it was missed."""
LOOK_SECONDS = 0.5
"""Between two looks for it."""
VERSION = {"6px-Version": "2014-08"}


@dataclass(frozen=True, slots=True)
class Jobs:
    """One page of a search; `total` counts all pages, up to 10,000."""

    items: tuple[Result, ...]
    total: int


class AsyncClient:
    """One user at one service, as an async context manager. Every method raises SixpxError with a sentence for people:
    Invalid for mistakes in a job, NotFound for what is not there, Unauthorized, Conflict, OverQuota (with the seconds
    to wait), Unreachable where no service answers, JobFailed where `save` waited in vain.

        async with AsyncClient("http://127.0.0.1:8666", "ID:KEY:SECRET") as px:
            job = await px.load("holiday.jpg").output("small").resize(width=400).save()
            print(job.picture().location)
    """

    def __init__(self, at: str, identity: Identity | str) -> None:
        self._wire = Wire(at, Identity.parse(identity) if isinstance(identity, str) else identity)
        self._ear: Ear | None = None
        self._listen_next = 0.0
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        self._opening = asyncio.Lock()  # one for each time: it belongs to the loop that it was first waited for in
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ear is not None:
            await self._ear.close()
        self._ear, self._listen_next = None, 0.0
        await self._wire.__aexit__(kind, fault, trace)

    # --- a job ------------------------------------------------------------------------------------

    def load(
        self, first: Source | Mapping[str, Source], second: Source | None = None, /
    ) -> Draft[Coroutine[Any, Any, Result]]:
        """Begins a job with a picture; see `Draft.load`."""
        draft = Draft(self._save)
        return draft.load(first) if second is None else draft.load(str(first), second)

    async def save(self, body: Body, idempotency_key: str | None = None) -> Result:
        """Posts a job and waits for its end. Raises JobFailed where an output failed. Said again with the same
        `idempotency_key` within 24 hours, as after an answer that was lost, it is the job that was posted before."""
        ear = await self._listen()
        job = await self._wait(await self.post(body, idempotency_key), None, ear)
        if job.status != "complete":
            raise JobFailed(job)
        return job

    async def _save(self, body: Callable[[], Body]) -> Result:
        return await self.save(await asyncio.to_thread(body))  # it reads files

    async def post(self, body: Body, idempotency_key: str | None = None) -> str:
        """Posts a job without waiting; returns its id. Raises Invalid with every mistake, OverQuota, Unreachable: then
        it may have been accepted all the same, unless it is said again with the same `idempotency_key`."""
        headers = {**VERSION, **({"Idempotency-Key": idempotency_key} if idempotency_key else {})}
        answer = await self._wire.ask("POST", f"{self._wire.home}/jobs", body=body, headers=headers)
        return str(answer.fields("id")["id"])

    async def wait(self, id: str, seconds: float | None = None) -> Result:
        """The job at its end: over the web socket, or by long polls where there is none. Raises SixpxError after so
        many seconds. A service that starts again meanwhile is waited for."""
        return await self._wait(id, seconds, None)

    async def _wait(self, id: str, seconds: float | None, heard_by: Ear | None) -> Result:
        """`heard_by`: the ear that was open already when the job was last looked at, or posted. Any other one may have
        missed the end, so that the job is looked at first."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds if seconds is not None else float("inf")
        while True:
            ear = await self._listen(end)
            if ear is not None and ear is heard_by:
                await ear.end_of(id, max(0.0, min(end - clock(), HEAR_SECONDS)))
            heard_by = ear
            job = await self._found(id, 0 if ear is not None else POLL_SECONDS, end)
            if job.ended:
                return job
            if clock() >= end:
                raise SixpxError(f"job {id} has not ended within {seconds:g} s; it goes on")

    async def _found(self, id: str, wait: float, end: float) -> Result:
        """The job after `wait` seconds, as soon as the service answers; until `end` (of the loop's clock) at most."""
        clock = asyncio.get_running_loop().time
        patience = end
        while True:
            try:
                return await self.job(id, max(0.0, min(wait, end - clock())))
            except Unreachable:
                patience = min(patience, clock() + AWAY_SECONDS)
                if clock() >= patience:
                    raise
            wait = 0  # a proxy that ends what takes long lets a look through
            await asyncio.sleep(LOOK_SECONDS)

    async def _listen(self, end: float = float("inf")) -> Ear | None:
        """The one web socket of this client, opened anew where it has gone; None where there is none for now, or not
        by `end` (of the loop's clock)."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end if end < float("inf") else None), self._opening:
                return await self._opened()
        return None

    async def _opened(self) -> Ear | None:
        clock = asyncio.get_running_loop().time
        if self._ear is not None and self._ear.deaf:
            await self._ear.close()
            self._ear = None
        if self._ear is None and clock() >= self._listen_next:
            try:
                self._ear = await Ear.open(self._wire)
            finally:
                self._listen_next = clock() + LISTEN_AGAIN_SECONDS
        return self._ear

    async def job(self, id: str, wait: float = 0) -> Result:
        """The job when it has ended, or as it is after `wait` seconds (60 at most)."""
        query = {"wait": f"{wait:.3f}"} if wait else None
        return Result.of((await self._wire.ask("GET", self._of(id), query, headers=VERSION)).value)

    async def jobs(
        self,
        search: Mapping[str, str] | None = None,
        page: int = 1,
        per_page: int = 10,
        sort_by: str | None = None,
    ) -> Jobs:
        """A page of the user's jobs, newest first; pages count from 1 and have up to 100. `search` in the words of the
        API: `{"status": "failed"}`, `{"processed.bytes": "{gt}1048576"}`; `sort_by`: `created,asc`."""
        order = {"sort_by": sort_by} if sort_by else {}
        query = {**(search or {}), "page": str(page), "per_page": str(per_page), **order}
        answer = await self._wire.ask("GET", f"{self._wire.home}/jobs", query, headers=VERSION)
        total = answer.headers.get("X-Total-Count", "")
        return Jobs(tuple(map(Result.of, answer.items())), int(total) if total.isdecimal() else 0)

    async def delete(self, id: str) -> None:
        """Cancels a job that has not ended; removes one that has, with its hosted pictures."""
        await self._wire.ask("DELETE", self._of(id))

    async def retry(self, id: str) -> Result:
        """Makes the failed outputs of a job again, and waits for its end. Raises JobFailed."""
        await self._listen()
        await self._wire.ask("POST", f"{self._of(id)}/retry")
        job = await self.wait(id)
        if job.status != "complete":
            raise JobFailed(job)
        return job

    async def deliveries(self, id: str) -> Sequence[Mapping[str, Any]]:
        """The job's callbacks: what was tried, and what came of it."""
        return (await self._wire.ask("GET", f"{self._of(id)}/deliveries")).items()

    async def replay(self, id: str, delivery: str) -> None:
        """Delivers a callback once more."""
        await self._wire.ask("POST", f"{self._of(id)}/deliveries/{quote(delivery, safe='')}/replay")

    def _of(self, id: str) -> str:
        return f"{self._wire.home}/jobs/{quote(id, safe='')}"

    # --- the service ------------------------------------------------------------------------------

    async def usage(self) -> Mapping[str, Any]:
        """What was posted, and what the plan has left."""
        return (await self._wire.ask("GET", f"{self._wire.home}/usage")).fields()

    async def limits(self) -> Mapping[str, float]:
        """The service's own limits, by the names of its configuration."""
        return (await self._wire.ask("GET", "/v1/limits")).fields("body_bytes")

    async def download(self, job: Result, picture: Picture, to: str | PathLike[str]) -> Path:
        """Saves a picture that the service hosts under its own name in the folder `to`, which has to be there; no
        credentials go along. Raises NotFound where it lies elsewhere."""
        path = _hosted(job, picture.location)
        if path is None:
            raise NotFound(f"{picture.tag}/{picture.ref} is not hosted by the service")
        file = Path(to) / Path(unquote(path)).name
        await self._wire.download(path, file)
        return file


def _hosted(job: Result, location: str) -> str | None:
    """The path of a picture at the service itself, which may be known to us by another address than to the public;
    None for one that lies elsewhere."""
    folder = f"/{job.raw['user_id']}/{job.id}/"
    _, found, name = urlsplit(location).path.rpartition(folder)
    return folder + name if found and name and "/" not in unquote(name) else None
