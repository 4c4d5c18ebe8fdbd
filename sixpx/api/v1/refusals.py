"""Owns how refusals are described: when a status is answered, and what such an answer says. Never decides one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from sixpx.api import problem
from sixpx.api.auth import REFUSED
from sixpx.errors import (
    Conflict,
    Invalid,
    KeyReused,
    Mistake,
    NotFound,
    OverQuota,
    StoreDown,
    TooLarge,
    Unauthorized,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A status from 400 up: its `name` in the description, when it is answered, the headers that come with it, and an
    answer as the service makes it, with the words of one of the cases."""

    name: str
    words: str
    answer: web.Response
    headers: tuple[str, ...] = ()

    @property
    def example(self) -> Any:
        """The problem that the answer carries."""
        assert isinstance(self.answer.body, bytes)
        return orjson.loads(self.answer.body)


WIDTH = Mistake("/output/0/methods/0/options/width", 'expected a number above 0, at most 100000 (pixels), got "wide"')

REFUSALS: Mapping[int, Refusal] = {
    400: Refusal(
        "BadRequest",
        "Something in path, query, headers or body is wrong; all mistakes of a body or a search are told at once.",
        problem.of(Invalid(f"1 mistake in the body; the first: {WIDTH.pointer}: {WIDTH.detail}", (WIDTH,))),
    ),
    401: Refusal(
        "Unauthorized",
        "Unknown user, wrong key or secret, or an origin that is not on the user's list: the answer is the same.",
        problem.of(Unauthorized(REFUSED)),
        ("WWW-Authenticate",),
    ),
    404: Refusal(
        "NotFound",
        "There is no such thing, or it is another user's.",
        problem.of(NotFound("there is no such job")),
    ),
    408: Refusal(
        "RequestTimeout",
        "A large body did not arrive in time.",
        problem.of_http(web.HTTPRequestTimeout()),
    ),
    409: Refusal(
        "Conflict",
        "The state of the job forbids it.",
        problem.of(Conflict("no output of this job has failed")),
    ),
    413: Refusal(
        "ContentTooLarge",
        "The body is over its limit (`body_bytes` of the limits).",
        problem.of(TooLarge("the request body is over the limit (limits.body_bytes; see GET /v1/limits)")),
    ),
    422: Refusal(
        "UnprocessableContent",
        "The Idempotency-Key came before with another body; or, of a search: it takes longer than searches may.",
        problem.of(KeyReused("this Idempotency-Key came before with another body; use a new key for a new job")),
    ),
    426: Refusal(
        "UpgradeRequired",
        "A plain request at an address of web sockets.",
        problem.upgrade_required(),
        ("Upgrade",),
    ),
    429: Refusal(
        "TooManyRequests",
        "The jobs of the user's plan are posted; `Retry-After` says when there is room again.",
        problem.of(OverQuota("your plan has 60 jobs a minute, and they are posted", 12)),
        ("Retry-After", "RateLimit", "RateLimit-Policy"),
    ),
    500: Refusal(
        "InternalServerError",
        "A mistake of the service; its log tells more.",
        problem.unexpected(),
    ),
    503: Refusal(
        "ServiceUnavailable",
        "The store does not answer, or too much is under way; `Retry-After` says when to try again.",
        problem.of(StoreDown("the database cannot be read")),
        ("Retry-After",),
    ),
}
