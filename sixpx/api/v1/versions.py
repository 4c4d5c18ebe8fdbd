"""Owns what a client sees of a job: a pure function of the stored job and an API version. Never stores, never decides.

Edition 3 (August 2014) field for field. The older shapes have their place in VERSIONS and are not there yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sixpx.core.job import Job
from sixpx.errors import NotSupported
from sixpx.store.document import from_job, iso

Reply = dict[str, Any]


def august_2014(job: Job) -> Reply:
    """Edition 3: `processed` is an array."""
    kept = from_job(job)
    reply: Reply = {
        "__v": 0,
        "_id": job.id,
        "user_id": job.user_id,
        "modified": iso(job.modified),
        "created": iso(job.created),
        "input": kept["input"],
        "output": kept["output"],
        "processed": kept["processed"],
        "status": str(job.status),
        "data": kept["data"],
        "images": kept["images"],
    }
    if job.callback is not None:
        reply["callback"] = job.callback
    if job.trouble is not None:
        reply["error"] = kept["error"]
    return reply


VERSIONS: Mapping[str, Callable[[Job], Reply]] = {"2014-08": august_2014}
DEFAULT = "2014-08"


def seen_by(job: Job, version: str) -> Reply:
    """The job as a client of `version` sees it."""
    return VERSIONS[version](job)


def chosen(header: str | None, users: str | None = None, configured: str = DEFAULT) -> str:
    """The version that a request speaks: by its `6px-Version` header, else the user's own, else the configured one.
    Raises NotSupported."""
    version = header or users or configured
    if version not in VERSIONS:
        raise NotSupported(f"6px-Version: expected {' or '.join(VERSIONS)}, got {version[:40]!r}")
    return version
