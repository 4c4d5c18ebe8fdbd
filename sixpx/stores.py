"""Owns which store this installation has, by `store.url`. Never loads the driver of one that is not used."""

from __future__ import annotations

from sixpx.settings import Settings
from sixpx.store.base import Store


async def open_store(settings: Settings, alone: bool = False) -> Store:
    """The configured store, its tables and indexes made where they are missing. `alone`: as the one service that works
    on its jobs, where the store is for one only. Raises BadSettings, StoreDown."""
    if settings.shared:
        from sixpx.store.mongo import MongoStore

        return await MongoStore.open(settings.store.url, settings.search.index)
    from sixpx.store.sqlite import SqliteStore

    # a command beside the service makes no index, which would keep the service from writing meanwhile
    return SqliteStore.open(settings.database, alone=alone, index=settings.search.index if alone else None)
