"""Owns which destinations this installation has, made of its settings. Never loads one that is not used.

Each member brings a library of its own that takes up to a second to load; hence the imports inside of functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sixpx import credentials
from sixpx.guard import Guard
from sixpx.host_keys import HostKeys
from sixpx.hosting import Hosted
from sixpx.settings import Settings
from sixpx.targets import HOSTED, Maker
from sixpx.targets.base import Clearing, Hosting, Target
from sixpx.targets.disk import Disk

HOST_KEYS = "host_keys"
"""The file in the data folder that remembers the keys of SFTP servers."""


def hosting_of(settings: Settings, guard: Guard) -> Hosting:
    """Where `6px` goes: this disk, or the store of `hosting.url`."""
    disk = Disk(settings.data / "hosted", settings.public_url)
    if not settings.hosting.url:
        return disk
    place = credentials.parse(settings.hosting.url)
    target = _s3(guard) if place.scheme == "s3" else _cloud_files(settings, guard)
    return Hosted(target, place, settings.hosting.public_url, disk)


def makers_of(settings: Settings, guard: Guard, hosting: Hosting) -> Mapping[str, Maker]:
    """Each scheme of the editions, and how its target is made when it is first used."""

    def s3() -> Target:
        return _s3(guard)

    def cloud_files() -> Target:
        return _cloud_files(settings, guard)

    def sftp() -> Target:
        return _sftp(settings, guard)

    def ftp() -> Target:
        return _ftp(guard)

    return {HOSTED: lambda: hosting, "s3": s3, "cf": cloud_files, "sftp": sftp, "ftp": ftp, "ftps": ftp}


def _s3(guard: Guard) -> Clearing:
    from sixpx.targets.s3 import S3

    return S3(guard)


def _cloud_files(settings: Settings, guard: Guard) -> Clearing:
    from sixpx.targets.cf import CloudFiles

    return CloudFiles(guard, settings.cf.identity_url, settings.cf.identity_url_uk)


def _sftp(settings: Settings, guard: Guard) -> Target:
    from sixpx.targets.sftp import Sftp

    listed = Path(settings.sftp.known_hosts) if settings.sftp.known_hosts else None
    return Sftp(guard, HostKeys(listed, settings.sftp.trust_on_first_use, settings.data / HOST_KEYS))


def _ftp(guard: Guard) -> Target:
    from sixpx.targets.ftp import Ftp

    return Ftp(guard)
