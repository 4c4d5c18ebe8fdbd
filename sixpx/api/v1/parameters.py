"""Owns the words of the API's description for what stands in addresses and headers. Never reads a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sixpx.api.v1.query import WAIT_MOST
from sixpx.api.v1.versions import VERSIONS
from sixpx.core.query import PAGE_MOST

Described = dict[str, Any]
Schema = dict[str, Any]

ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
TEXT: Schema = {"type": "string"}
CURSOR: Schema = {**TEXT, "pattern": "^[0-9]{1,14}-[0-9a-f]{24}$"}
COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 999_999_999}
FIELDS = (
    "Every other parameter is a condition on a field of the job, with dots between the parts of its name: "
    "`status=failed`, `data.order={exact}A7`, `processed.bytes={gt}1048576`, "
    "`created={gte}2026-01-01{lt}2026-02-01`, `latlon={near}40.0176,-105.2797,10`."
)


def _query(name: str, description: str, schema: Schema) -> Described:
    """Clients of 2014 send parameters that have no value: those count as not sent."""
    return {"name": name, "in": "query", "description": description, "allowEmptyValue": True, "schema": schema}


def _path(name: str, description: str, schema: Schema) -> Described:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _header(name: str, description: str, schema: Schema) -> Described:
    return {"name": name, "in": "header", "description": description, "schema": schema}


PARAMETERS: Mapping[str, Described] = {
    "user": _path("user_id", "The user's id.", ID),
    "job": _path("job_id", "The job's id.", ID),
    "delivery": _path("delivery_id", "The delivery's id, which is its `webhook-id`.", {**TEXT, "minLength": 1}),
    "filename": _path("filename", "The name of the picture, as `location` ends.", {**TEXT, "minLength": 1}),
    "version": _header(
        "6px-Version",
        "The version of the API that is spoken; empty or left out: the user's own.",
        {"enum": [*VERSIONS, ""]},
    ),
    "idempotency": _header(
        "Idempotency-Key",
        "A repetition with the same key and body within 24 hours gives the first job's id.",
        {**TEXT, "pattern": "^[!-~]{1,255}$"},
    ),
    "wait": _query(
        "wait",
        f"Seconds: the answer comes when the job has ended, or after so many ({WAIT_MOST:g} at most).",
        {"type": "number", "minimum": 0},
    ),
    "page": _query("page", "Counts from 1.", {**COUNT, "default": 1}),
    "per_page": _query("per_page", f"Jobs on a page; more than {PAGE_MOST} is {PAGE_MOST}.", {**COUNT, "default": 10}),
    "sort_by": _query(
        "sort_by", "`field` or `field,desc`; newest first by default.", {**TEXT, "examples": ["created,asc"]}
    ),
    "fields": {
        **_query(
            "fields", FIELDS, {"type": "object", "additionalProperties": TEXT, "examples": [{"status": "failed"}]}
        ),
        "style": "form",
        "explode": True,
    },
    "last": _header("Last-Event-ID", "The id of the last event that was heard.", CURSOR),
    "last_event_id": _query("last_event_id", "The same, for whoever cannot set a header.", CURSOR),
    "range": _header("Range", "A part of the file (RFC 9110).", {**TEXT, "examples": ["bytes=0-99"]}),
    "etag": _header("If-None-Match", "The `ETag` of what is there already.", TEXT),
}


def _told(description: str, schema: Schema, always: bool = False) -> Described:
    return {"description": description, "schema": schema, **({"required": True} if always else {})}


HEADERS: Mapping[str, Described] = {
    "Location": _told("The address of the job.", TEXT, always=True),
    "X-Total-Count": _told("Jobs on all pages, counted up to 10,000.", {"type": "integer", "minimum": 0}, always=True),
    "X-Total-Count-Capped": _told("`true` where there are 10,000 or more.", {"const": "true"}),
    "Link": _told("The pages first, prev, next, last (RFC 8288).", TEXT),
    "RateLimit": _told("What is left of a plan that has limits.", {**TEXT, "examples": ['"minute";r=12;t=30']}),
    "RateLimit-Policy": _told("The limits of the plan.", {**TEXT, "examples": ['"minute";q=60;w=60']}),
    "Retry-After": _told("Seconds.", {"type": "integer", "minimum": 1}, always=True),
    "WWW-Authenticate": _told("HTTP Basic is the simplest way.", TEXT, always=True),
    "Upgrade": _told("What is spoken here.", {"const": "websocket"}, always=True),
    "Cache-Control": _told("How long it may be kept.", TEXT, always=True),
    "ETag": _told("Changes with the file.", TEXT, always=True),
}
