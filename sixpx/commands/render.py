"""Owns `sixpx render`: makes the pictures of a job file here, without a service. Never stores a job."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

import orjson

from sixpx import job_file, local, summary
from sixpx.api.v1.versions import DEFAULT, seen_by
from sixpx.commands import config, folder
from sixpx.core.job import Job, Status
from sixpx.errors import Invalid
from sixpx.job_file import JobFile
from sixpx.progress import Bar
from sixpx.settings import Settings


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="JOB.json", help="a job; its inputs may be local files as well")
    help = "where all pictures go, whatever destinations the job names"
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help=help)
    parser.add_argument("--json", action="store_true", help="print the finished job as JSON")
    config.add_option(parser)


def run(options: argparse.Namespace) -> int:
    """0 only where every output was made."""
    settings = config.settings_of(options)
    try:
        file = job_file.read(options.file)
        job = asyncio.run(_render(file, folder.ready(options.out), settings))
    except Invalid as fault:
        summary.print_mistakes(fault)
        return 1
    shown = seen_by(job, DEFAULT)
    print(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() if options.json else summary.text(shown))
    return 0 if job.status is Status.COMPLETE else 1


async def _render(file: JobFile, out: Path, settings: Settings) -> Job:
    bar = Bar()

    async def saw(job: Job) -> None:
        bar.show(seen_by(job, DEFAULT))

    try:
        return await local.make(file, out, settings, saw)
    finally:
        bar.close()
