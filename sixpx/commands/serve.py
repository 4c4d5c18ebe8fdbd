"""Owns the life of the service's process: start, serve, and an orderly end at SIGTERM or Ctrl-C. Never a request."""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import logging
import signal

import uvloop
from aiohttp import web

from sixpx import log as logs
from sixpx.api.middleware import Runner
from sixpx.app import Service
from sixpx.commands import config, submit
from sixpx.errors import BadSettings
from sixpx.new_user import NewUser
from sixpx.settings import Settings

log = logging.getLogger(__name__)

COLLECT = (100_000, 50, 1000)
"""When garbage is looked for. A large body is millions of objects, none of them garbage, and Python's default looks
through all of them again and again while it grows: seconds in which nobody is answered."""
CLOSE_WITHIN = 5.0
"""Seconds for the last replies to be sent, after the jobs in flight have had theirs (runner.grace_seconds)."""

PIXELS = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAQUlEQVR42mPUiLojyc+AiVgY+F8xfGRgkGNAI1kY+F8xyDEwXGZg"
    "4Gdg4GeAs2E6+BnQSJgOiPLpMAa6HfyU2AEApLYekLs+k7oAAAAASUVORK5CYII="
)
"""A picture of 8 by 8 pixels, so that the first job needs no file and no network."""

FIRST_JOB = (
    '{"input":{"main":"data:image/png;base64,PIXELS"},"output":[{"ref":{"main":"first"},"tag":"first",'
    '"methods":[{"method":"resize","options":{"width":250}}]}]}'
)


def add_options(parser: argparse.ArgumentParser) -> None:
    config.add_option(parser)


def run(options: argparse.Namespace) -> int:
    settings = config.settings_of(options)
    logs.set_up(settings.log.level, settings.log.format)
    gc.set_threshold(*COLLECT)
    uvloop.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    service = Service(settings)
    try:
        try:
            await service.start()
        except OSError as fault:
            raise BadSettings((f"server.data: {fault.filename or settings.data}: {fault.strerror}",)) from fault
        await _answer(service, settings, stop)
    finally:
        await service.stop()
    log.info("stopped", extra={"stage": "stop"})


async def _answer(service: Service, settings: Settings, stop: asyncio.Event) -> None:
    runner = Runner(service.web(), access_log=None, handle_signals=False, shutdown_timeout=CLOSE_WITHIN)
    await runner.setup()
    site = web.TCPSite(runner, settings.server.host, settings.server.port, reuse_address=True)
    try:
        await site.start()
    except OSError as fault:
        address = f"{settings.server.host}:{settings.server.port}"
        taken = "another program listens there" if fault.errno == errno.EADDRINUSE else fault.strerror
        raise BadSettings((f"server.host, server.port: {address} cannot be listened on: {taken}",)) from fault
    try:
        log.info("sixpx answers at %s", settings.public_url, extra={"stage": "start"})
        if (first := await service.first_user()) is not None:
            print(welcome(first, settings.public_url), flush=True)
        await stop.wait()
        log.info("stopping: jobs in flight may finish, the rest is given back", extra={"stage": "stop"})
        # it answers until then: /readyz says that it stops, and a job that is posted now is made by the next start
        await service.drain()
    finally:
        await runner.cleanup()


def welcome(first: NewUser, url: str) -> str:
    """What is said once, at the first start: the secret is shown here and never again."""
    user = first.user
    body = FIRST_JOB.replace("PIXELS", PIXELS)
    return f"""
A first user was made. Its secret is shown this once; only a hash of it is kept.

  user id  {user.id}
  key      {user.api_key}
  secret   {first.secret}

A first job (paste it into another terminal):

  curl -s '{url}/v1/users/{user.id}/jobs?key={user.api_key}&secret={first.secret}' -d '{body}'

and all jobs with their pictures' addresses:

  curl -s '{url}/v1/users/{user.id}/jobs?key={user.api_key}&secret={first.secret}'

For `sixpx submit`:

  export SIXPX_AS={user.id}:{user.api_key}:{first.secret}{"" if url == submit.AT else f" SIXPX_AT={url}"}
"""
