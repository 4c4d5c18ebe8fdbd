"""Owns `sixpx submit`: posts a job file, waits for its end, says where the pictures are. Never shows the secret."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import orjson

from sixpx import job_file, summary
from sixpx.client import AsyncClient, Identity, Result
from sixpx.commands import folder
from sixpx.errors import BadSettings, Invalid, NotFound, SixpxError
from sixpx.job_file import JobFile
from sixpx.progress import Bar

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
    """0 only where every output was made, and what was to be saved is saved."""
    client = _client(options)
    try:
        file = job_file.read(options.file)
        save = folder.ready(options.save) if options.save else None
        job, saved = asyncio.run(_submit(file, client, save))
    except Invalid as fault:
        summary.print_mistakes(fault)
        return 1
    print(orjson.dumps(job.raw, option=orjson.OPT_INDENT_2).decode() if options.json else summary.text(job.raw))
    return 0 if job.status == "complete" and saved else 1


def _client(options: argparse.Namespace) -> AsyncClient:
    """Raises BadSettings, which names the option and the variable, and does not repeat a secret."""
    at = options.at or os.environ.get("SIXPX_AT") or AT
    given = options.identity or os.environ.get("SIXPX_AS")
    if not given:
        raise BadSettings(("who are you? give --as ID:KEY:SECRET or set SIXPX_AS (see `sixpx user add`)",))
    try:
        identity = Identity.parse(given)
    except Invalid as fault:
        raise BadSettings((f"--as, SIXPX_AS: {fault.detail}",)) from fault
    try:
        return AsyncClient(at, identity)
    except Invalid as fault:
        raise BadSettings((f"--at, SIXPX_AT: {fault.detail}",)) from fault


async def _submit(file: JobFile, client: AsyncClient, save: Path | None) -> tuple[Result, bool]:
    """The job at its end, and whether its pictures were saved."""
    async with client:
        await _check_size(file, client)
        id = await client.post(file.body())
        job = await _ended(id, client)
        return job, save is None or await _saved(job, client, save)


async def _check_size(file: JobFile, client: AsyncClient) -> None:
    """Refused here, before megabytes travel for nothing."""
    most = int((await client.limits())["body_bytes"])
    if file.body_bytes > most:
        raise Invalid(
            f"the job is about {file.body_bytes:,} bytes with its local pictures in it; the service takes {most:,} "
            f"(limits.body_bytes). Put large pictures on a web server and give their addresses as inputs"
        )


async def _ended(id: str, client: AsyncClient) -> Result:
    """The job at its end; long polls of a second, since a bar shows the outputs that end before it."""
    bar = Bar()
    try:
        while True:
            job = await client.job(id, WAIT)
            bar.show(job.raw)
            if job.ended:
                return job
    except SixpxError as fault:
        raise SixpxError(f"{fault.detail}. Job {id} was accepted and goes on without us") from fault
    except asyncio.CancelledError:
        print(f"\nsixpx: job {id} was accepted and goes on without us", file=sys.stderr)
        raise
    finally:
        bar.close()


async def _saved(job: Result, client: AsyncClient, to: Path) -> bool:
    """Whether all that the service hosts was saved. What could not be is said, and the job is shown all the same."""
    whole = True
    for picture in job.pictures:
        where = f"{picture.tag}/{picture.ref}"
        try:
            print(f"saved {await client.download(job, picture, to)}", file=sys.stderr)
        except NotFound:  # also where the operator hosts in a store that only looks like the service's addresses
            print(f"sixpx: {where} is not hosted by the service: not saved", file=sys.stderr)
        except SixpxError as fault:
            whole = False
            print(f"sixpx: {where} is not saved: {fault.detail}", file=sys.stderr)
    return whole
