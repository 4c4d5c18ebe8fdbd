"""Owns what a client sees of a job: a pure function of the stored job and an API version. Never stores, never decides.

`2014-08` is edition 3. `2014-06` keys what came of the outputs by tag, as the published Ruby and browser clients read
it. `2014-04` has one object for all outputs, as editions 1 and 2 print it. The older two show no field of ours but
`error`, `analysis` and `face` (SPEC section 9, Echo).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sixpx.core.job import Job, Status
from sixpx.errors import NotSupported
from sixpx.store.document import from_job, iso

Reply = dict[str, Any]

OWN_INFO = ("type",)
"""What we tell of a picture and no edition does."""


def august_2014(job: Job) -> Reply:
    """Edition 3: `processed` is an array."""
    kept = from_job(job)
    return _reply(job, kept, kept["processed"], images=kept["images"])


def june_2014(job: Job) -> Reply:
    """By tag: `processed[tag].output[ref]`, with the other fields of `data` beside `output`.

    A job is pending until it has ended: the Ruby client's examples wait while it is, and then read the results.
    """
    kept = from_job(job)
    processed = {one["name"]: _with_error(_aged(one["data"]), one) for one in kept["processed"]}
    return {**_reply(job, kept, processed), "status": str(job.status if job.status.ended else Status.PENDING)}


def april_2014(job: Job) -> Reply:
    """One object for all outputs. Where several made something of the same input, the last one is shown; the error is
    that of the first one that failed."""
    kept = from_job(job)
    outputs = [_aged(one["data"])["output"] for one in kept["processed"]]
    processed: Reply = {
        "duration": kept["totals"]["duration"],
        "output": {ref: entry for one in outputs for ref, entry in one.items()},
        "bytes": kept["totals"]["bytes"],
    }
    failed: Mapping[str, Any] = next((one for one in kept["processed"] if "error" in one), {})
    return _reply(job, kept, _with_error(processed, failed))


def _reply(job: Job, kept: Mapping[str, Any], processed: Any, **ours: Any) -> Reply:
    """What is the same in every version, in edition 3's order."""
    reply: Reply = {
        "__v": 0,
        "_id": job.id,
        "user_id": job.user_id,
        "modified": iso(job.modified),
        "created": iso(job.created),
        "input": kept["input"],
        "output": kept["output"],
        "processed": processed,
        "status": str(job.status),
        "data": kept["data"],
        **ours,
    }
    if job.callback is not None:
        reply["callback"] = job.callback
    if job.trouble is not None:
        reply["error"] = kept["error"]
    return reply


def _aged(data: Mapping[str, Any]) -> Reply:
    """What came of an output, without what the older editions do not know."""
    output = {ref: {**entry, "info": _known(entry["info"])} for ref, entry in data["output"].items()}
    return {**data, "output": output}


def _known(info: Mapping[str, Any]) -> Reply:
    return {name: value for name, value in info.items() if name not in OWN_INFO}


def _with_error(shown: Reply, processed: Mapping[str, Any]) -> Reply:
    return {**shown, "error": processed["error"]} if "error" in processed else shown


VERSIONS: Mapping[str, Callable[[Job], Reply]] = {
    "2014-08": august_2014,
    "2014-06": june_2014,
    "2014-04": april_2014,
}
DEFAULT = "2014-08"


def seen_by(job: Job, version: str) -> Reply:
    """The job as a client of `version` sees it."""
    return VERSIONS[version](job)


def chosen(header: str | None, users: str | None = None, configured: str = DEFAULT) -> str:
    """The version that a request speaks: by its `6px-Version` header, else the user's own, else the configured one.
    Raises NotSupported."""
    version = header or users or configured
    if version not in VERSIONS:
        raise NotSupported(f"6px-Version: expected one of {', '.join(VERSIONS)}, got {version[:40]!r}")
    return version
