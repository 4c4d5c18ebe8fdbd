"""Owns the command line: which command was meant. Never what a command does.

Only the command that is run is imported: the lanes' children import this module too (it is the main program).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence

from sixpx import __version__
from sixpx.errors import BadSettings, SixpxError

COMMANDS: Mapping[str, str] = {
    "serve": "run the service",
    "user": "add and list users, and the masks of their connection strings",
    "submit": "post a job file, wait for it, print where its pictures are",
    "render": "make a job file's pictures here, without a service",
    "migrate": "carry everything over from one store to another, SQLite or MongoDB",
    "check-config": "check a configuration and show what it comes to",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrongly asked."""
    try:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
        _flush()
        return status
    except BadSettings as fault:
        for one in fault.faults:
            print(f"sixpx: {one}", file=sys.stderr)
        return 2
    except SixpxError as fault:
        print(f"sixpx: {fault.detail}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read us has read enough (`| head`); nothing is flushed into the closed pipe at exit
        _forget_output()
        return 141
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        print(f"sixpx: {where}{fault.strerror or fault}", file=sys.stderr)
        return 1


def _run(asked: Sequence[str]) -> int:
    parser = _parser(asked[0] if asked else "")
    options = parser.parse_args(asked)
    if not asked:
        parser.print_help()
        return 2
    return int(options.run(options))


def _flush() -> None:
    """Here, where a full disk can still be said; at exit Python would say it, in its own way."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as fault:
        _forget_output()
        raise SixpxError(f"what was to be said cannot be written: {fault.strerror}") from fault


def _forget_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser(chosen: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sixpx", description="A self-hosted, compatible 6px image-processing API.")
    parser.add_argument("--version", action="version", version=f"sixpx {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, help in COMMANDS.items():
        command = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
        if name == chosen:
            module = importlib.import_module(f"sixpx.commands.{name.replace('-', '_')}")
            module.add_options(command)
            command.set_defaults(run=module.run)
    return parser
