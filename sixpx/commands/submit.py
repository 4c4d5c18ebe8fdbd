"""Owns `sixpx submit`: posts a job file, waits for its end, says where the pictures are. Never shows the secret."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from sixpx import job_file, summary
from sixpx.client import Client, Identity
from sixpx.commands import folder
from sixpx.errors import BadSettings, Invalid, NotFound, SixpxError
from sixpx.job_file import JobFile
from sixpx.progress import ENDED, Bar

AT = "http://127.0.0.1:8666"
WAIT = 1.0
"""Seconds of one long poll: how old the bar may be."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="JOB.json", help="a job; its inputs may be local files as well")
    parser.add_argument("--at", metavar="URL", help=f"the service (default: $SIXPX_AT, else {AT})")
    parser.add_argument(
        "--as",
        dest="identity",
        metavar="ID:KEY:SECRET",
        help="the user (default: $SIXPX_AS, which other users of this machine cannot see)",
    )
    parser.add_argument("--save", type=Path, metavar="DIR", help="download the pictures that the service hosts")
    parser.add_argument("--json", action="store_true", help="print the finished job as JSON")


def run(options: argparse.Namespace) -> int:
    """0 only where every output was made."""
    at = options.at or os.environ.get("SIXPX_AT") or AT
    given = options.identity or os.environ.get("SIXPX_AS")
    if not given:
        raise BadSettings(("who are you? give --as ID:KEY:SECRET or set SIXPX_AS (see `sixpx user add`)",))
    try:
        file = job_file.read(options.file)
        save = folder.ready(options.save) if options.save else None
        job = asyncio.run(_submit(file, Client(at, Identity.parse(given)), save))
    except Invalid as fault:
        summary.print_mistakes(fault)
        return 1
    print(orjson.dumps(job, option=orjson.OPT_INDENT_2).decode() if options.json else summary.text(job))
    return 0 if job["status"] == "complete" else 1


async def _submit(file: JobFile, client: Client, save: Path | None) -> dict[str, Any]:
    async with client:
        await _check_size(file, client)
        id = await client.post(file.body())
        job = await _ended(id, client)
        if save is not None:
            await _save(job, client, save)
        return job


async def _check_size(file: JobFile, client: Client) -> None:
    """Refused here, before megabytes travel for nothing."""
    most = int((await client.limits())["body_bytes"])
    if file.body_bytes > most:
        raise Invalid(
            f"the job is about {file.body_bytes:,} bytes with its local pictures in it; the service takes {most:,} "
            f"(limits.body_bytes). Put large pictures on a web server and give their addresses as inputs"
        )


async def _ended(id: str, client: Client) -> dict[str, Any]:
    bar = Bar()
    try:
        while True:
            job = await client.job(id, WAIT)
            bar.show(job)
            if job["status"] in ENDED:
                return job
    except SixpxError as fault:
        raise SixpxError(f"{fault.detail}. Job {id} was accepted and goes on without us") from fault
    except asyncio.CancelledError:
        print(f"\nsixpx: job {id} was accepted and goes on without us", file=sys.stderr)
        raise
    finally:
        bar.close()


async def _save(job: dict[str, Any], client: Client, to: Path) -> None:
    for processed in job["processed"]:
        for ref, picture in processed["data"]["output"].items():
            path = _hosted(job, picture["location"])
            try:
                if path is None:
                    raise NotFound("another destination")
                file = to / Path(unquote(path)).name
                await client.download(path, file)
                print(f"saved {file}", file=sys.stderr)
            except NotFound:  # also where the operator hosts in a store that only looks like the service's addresses
                print(f"sixpx: {processed['name']}/{ref} is not hosted by the service: not saved", file=sys.stderr)


def _hosted(job: dict[str, Any], location: str) -> str | None:
    """The path of a picture at the service itself, which may be known to us by another address than to the public;
    None for one that lies elsewhere."""
    folder = f"/{job['user_id']}/{job['_id']}/"
    _, found, name = urlsplit(location).path.rpartition(folder)
    return folder + name if found and name and "/" not in unquote(name) else None
