"""Owns the client for programs without an event loop: each word of AsyncClient, waited for. Never a word of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sixpx.client.asynchronous import AsyncClient, Jobs
from sixpx.client.draft import Body, Draft
from sixpx.client.result import Picture, Result
from sixpx.client.source import Source
from sixpx.client.wire import Identity

T = TypeVar("T")


class Client:
    """One user at one service; a context manager, usable from any thread. What a method does and raises stands at the
    method of AsyncClient that has its name.

        with Client("http://127.0.0.1:8666", "ID:KEY:SECRET") as px:
            job = px.load("holiday.jpg").output("small").resize(width=400).url("6px").save()
            print(job.picture().location)
    """

    def __init__(self, at: str, identity: Identity | str) -> None:
        self._client = AsyncClient(at, identity)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gate = threading.Lock()

    def __enter__(self) -> Self:
        if self._loop is not None:
            raise RuntimeError("the client is open already")
        # a loop of its own in a thread of its own: it also works where the caller has one running (a notebook)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sixpx-client", daemon=True)
        self._thread.start()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self._client.__aexit__(kind, fault, trace))
        finally:
            self._end()

    def _end(self) -> None:
        with self._gate:  # what was begun before is ended here, and nothing is begun after
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(_cancelled_others(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._gate:
            if self._loop is None:
                work.close()
                raise RuntimeError("the client is not open: use it as `with Client(...) as px:`")
            running = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return running.result()
        except CancelledError:
            raise RuntimeError("the client was closed by another thread") from None
        except BaseException:
            running.cancel()
            raise

    def load(self, first: Source | Mapping[str, Source], second: Source | None = None, /) -> Draft[Result]:
        draft = Draft(self._save)
        return draft.load(first) if second is None else draft.load(str(first), second)

    def _save(self, body: Callable[[], Body]) -> Result:
        return self.save(body())

    def save(self, body: Body, idempotency_key: str | None = None) -> Result:
        return self._run(self._client.save(body, idempotency_key))

    def post(self, body: Body, idempotency_key: str | None = None) -> str:
        return self._run(self._client.post(body, idempotency_key))

    def wait(self, id: str, seconds: float | None = None) -> Result:
        return self._run(self._client.wait(id, seconds))

    def job(self, id: str, wait: float = 0) -> Result:
        return self._run(self._client.job(id, wait))

    def jobs(
        self,
        search: Mapping[str, str] | None = None,
        page: int = 1,
        per_page: int = 10,
        sort_by: str | None = None,
    ) -> Jobs:
        return self._run(self._client.jobs(search, page, per_page, sort_by))

    def delete(self, id: str) -> None:
        self._run(self._client.delete(id))

    def retry(self, id: str) -> Result:
        return self._run(self._client.retry(id))

    def deliveries(self, id: str) -> Sequence[Mapping[str, Any]]:
        return self._run(self._client.deliveries(id))

    def replay(self, id: str, delivery: str) -> None:
        self._run(self._client.replay(id, delivery))

    def usage(self) -> Mapping[str, Any]:
        return self._run(self._client.usage())

    def limits(self) -> Mapping[str, float]:
        return self._run(self._client.limits())

    def download(self, job: Result, picture: Picture, to: str | PathLike[str]) -> Path:
        return self._run(self._client.download(job, picture, to))


async def _cancelled_others() -> None:
    """Ends what other threads still wait for: without the loop, they would wait for ever."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
