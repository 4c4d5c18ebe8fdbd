"""Owns default hosting (`6px`) in a store of the operator's, public under a base URL. Never the store's protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote

from sixpx.credentials import Destination
from sixpx.targets.base import Clearing, Hosting, Parcel


@dataclass(frozen=True, slots=True)
class Hosted:
    """Files at `user/job/name` below `place`, public at `base/user/job/name`. `before`: where pictures were hosted
    before there was this place; they are still served from there, and end with their jobs too."""

    target: Clearing
    place: Destination
    base: str
    before: Hosting

    async def put(self, parcel: Parcel, to: Destination) -> str:
        """Raises PutFailed, Refused. The store's own address of the file is not shown."""
        await self.target.put(parcel, self._at(parcel.folder))
        return f"{self.base.rstrip('/')}/{parcel.folder}/{quote(parcel.name)}"

    async def remove(self, folder: str) -> None:
        """Raises PutFailed, Refused where some files stay."""
        await self.before.remove(folder)
        await self.target.clear(self._at(folder))

    async def close(self) -> None:
        await self.target.close()
        await self.before.close()

    def _at(self, folder: str) -> Destination:
        return replace(self.place, path="/".join(filter(None, (self.place.path, folder))))
