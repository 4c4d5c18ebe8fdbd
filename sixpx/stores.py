"""Owns which store this installation has, by `store.url`. Never loads the driver of one that is not used."""

from __future__ import annotations

from sixpx.settings import Settings
from sixpx.store.base import Store


async def open_store(settings: Settings, alone: bool = False) -> Store:
    """The configured store, its tables and indexes made where they are missing. `alone`: as the one service that works
    on its jobs, where the store is for one only. Raises BadSettings."""
    from sixpx.store.sqlite import SqliteStore

    return SqliteStore.open(settings.database, alone=alone)
