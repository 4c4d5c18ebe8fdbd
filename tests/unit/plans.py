"""Owns SQLite's own words on how it finds what a search asks for. Never a test."""

from __future__ import annotations

import apsw

from sixpx.core.query import Query
from sixpx.store.sqlite.index import paths
from sixpx.store.sqlite.search import Search, rows_of
from tests.contract.jobs import ADA


def plan(db: apsw.Connection, query: Query) -> str:
    search = Search(db, query, paths(db), ADA, plans=[])
    rows_of(search)
    return "\n".join(search.plans or ())
