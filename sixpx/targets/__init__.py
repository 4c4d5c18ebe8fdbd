"""Where results go: one member a kind of destination under the contract of `base`. Never knows a job.

The destinations of the editions that have no member here yet fail their own output with `not_supported`.
"""

from __future__ import annotations

from collections.abc import Mapping

from sixpx.errors import NotSupported
from sixpx.targets.base import Parcel, Target

__all__ = ["HOSTED", "Parcel", "Target", "Targets"]

HOSTED = "6px"
"""The editions' word for our own hosting."""


class Targets:
    """The destinations of this installation, by the word that an output's connection string begins with."""

    def __init__(self, members: Mapping[str, Target]) -> None:
        self._members = members

    def member(self, destination: str) -> Target:
        """The target for a scheme such as `s3`, or `6px`. Raises NotSupported where this version has none."""
        target = self._members.get(destination)
        if target is None:
            known = ", ".join(sorted(self._members))
            raise NotSupported(f'uploads to "{destination}" are not part of this version (it knows: {known})')
        return target

    async def close(self) -> None:
        for target in self._members.values():
            await target.close()
