"""Owns how a page of jobs is found: by which index, in which order, counted how far. Never what a condition means.

What is asked of an indexed path is asked of its index first (a Driver), the rest of the jobs that are left. Where few
match they are counted, then ordered. Where more match than are counted (`COUNT_MOST`), the first jobs in the order
asked for will do: by the index of the order, a stretch of it at a time. SQLite is told each time which index to use:
it does not know how many jobs a user has, or that counting stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import apsw
import orjson

from sixpx.core.job import Status
from sixpx.core.query import COUNT_MOST, And, Contains, Expr, In, Mod, Near, Not, Or, Order, Query, Than
from sixpx.store.sqlite import near as places
from sixpx.store.sqlite import query as sql
from sixpx.store.sqlite.functions import FALSE, TRUE, Leaf
from sixpx.store.sqlite.index import COLUMNS, KEY, ODD, Index, index_of
from sixpx.store.sqlite.path import MOMENTS
from sixpx.store.sqlite.query import Values

FEW = 2000
STRETCH = 50
"""How far an order is walked before the matches are ordered instead: so many jobs for each that is wanted."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Rows of an index: those whose key is so (`on`), and what is still to be asked of them, if anything."""

    index: Index
    on: str
    rest: str | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """A condition that indexes answer: its arms are disjoint. `ordered`: the path in whose order its rows come."""

    arms: tuple[Arm, ...]
    ordered: str | None


@dataclass(slots=True)
class Search:
    """One question to one connection. `paths`: those that the file has indexes of. `plans`: SQLite's own words on how
    it finds what it is asked, where somebody wants to know."""

    db: apsw.Connection
    query: Query
    paths: frozenset[str]
    user_id: str
    values: Values = field(default_factory=Values)
    plans: list[str] | None = None

    @property
    def wanted(self) -> int:
        return self.query.page.offset + self.query.page.size

    def index(self, path: str) -> Index | None:
        return COLUMNS.get(path) or (index_of(path) if path in self.paths else None)

    def ask(self, statement: str) -> list[Any]:
        if self.plans is not None:
            self.plans += [str(step[3]) for step in self.db.execute("EXPLAIN QUERY PLAN " + statement, self.bound)]
        return self.db.execute(statement, self.bound).fetchall()

    def listed(self, select: str, most: int) -> list[Any]:
        """What it selects as `found`, in one row: Python does not wait for its lock 10,000 times where others keep it
        busy."""
        ((rows,),) = self.ask(f"SELECT json_group_array(found) FROM ({select} LIMIT {most})")
        return list(orjson.loads(rows))

    @property
    def bound(self) -> dict[str, Any]:
        return {**self.values.bound, "user": self.user_id}


def rows_of(search: Search) -> tuple[list[int], int]:
    """The rows of the page, in order, and how many jobs match."""
    driver, others = _divided(search)
    condition = " AND ".join(sql.where(one, search.values) for one in others)
    if search.query.near is not None:
        return _near(search, search.query.near, driver, condition)
    if driver is not None:
        return _driven(search, driver, condition)
    if not condition:
        total = _count(search, [_select(COLUMNS["created"], "1", "1")])
        return _page(search, _source(search), "user_id = :user"), total
    return _filtered(search, condition)


def is_quick(query: Query, paths: frozenset[str]) -> bool:
    """Whether indexes answer all of it."""

    def indexed(path: str) -> bool:
        return path in COLUMNS or path in paths

    asked = conjuncts(query.where)
    if any(_is_key(one) for one in asked):
        return True
    quick = all((path := _path(one)) is not None and indexed(path) for one in asked)
    return quick and (query.near is not None or indexed(query.sort.path))


# --- what drives ----------------------------------------------------------------------------------


def conjuncts(expr: Expr) -> list[Expr]:
    """The conditions that must all hold; alternatives of equality on one path as one."""
    match expr:
        case And(parts):
            return [one for part in parts for one in conjuncts(part)]
        case Or(parts):
            alike = [one for one in parts if isinstance(one, In)]
            if len(alike) < len(parts) or len({one.path for one in alike}) != 1:
                return [expr]
            return [In(alike[0].path, tuple(value for one in alike for value in one.values))]
        case Not(In("status", values)):
            return [In("status", tuple(str(one) for one in Status if one not in values))]
        case _:
            return [expr]


def _is_key(expr: Expr) -> bool:
    """Whether it names the jobs, so that no other has to be looked at."""
    return isinstance(expr, In) and expr.path == "_id" and any(isinstance(one, str) for one in expr.values)


def _path(expr: Expr) -> str | None:
    return expr.path if isinstance(expr, In | Than | Contains | Mod) else None


def _divided(search: Search) -> tuple[Driver | None, list[Expr]]:
    """The driver with the fewest rows, and the conditions that it does not answer."""
    parts = conjuncts(search.query.where)
    groups: dict[str, dict[int, Leaf]] = {}
    for place, one in enumerate(parts):
        if isinstance(one, In | Than | Contains | Mod) and _indexed(search, one):
            groups.setdefault(one.path, {})[place] = sql.plain(one)
    if not groups:
        return None, parts
    drivers = {path: _driver(search, path, list(leaves.values())) for path, leaves in groups.items()}
    best = next(iter(drivers)) if len(drivers) == 1 else min(drivers, key=lambda path: _rows(search, drivers[path]))
    return drivers[best], [one for place, one in enumerate(parts) if place not in groups[best]]


def _indexed(search: Search, leaf: Leaf) -> bool:
    if leaf.path == "_id":
        return _is_key(leaf)
    if leaf.path in MOMENTS:
        plain = sql.plain(leaf)
        return isinstance(plain, In) or (isinstance(plain, Than) and sql.milliseconds(plain.value) is not None)
    return search.index(leaf.path) is not None and sql.fits(leaf)


def _driver(search: Search, path: str, leaves: Sequence[Leaf]) -> Driver:
    index, values = KEY if path == "_id" else search.index(path), search.values
    assert index is not None
    if path in MOMENTS:
        return Driver((Arm(index, " AND ".join(sql.of_moment(one, path, values) for one in leaves)),), path)
    if path in ("_id", "status"):
        single = path == "status" and any(isinstance(one, In) and len(one.values) == 1 for one in leaves)
        on = " AND ".join(sql.of_text(one, index.key, values) for one in leaves)
        return Driver((Arm(index, on),), "created" if single else None)
    asked = [_of_key(one, index.key, values) for one in leaves]
    arm = Arm(index, " AND ".join(on for on, _ in asked), " AND ".join(rest for _, rest in asked if rest))
    if not _has_odd(search, index):
        return Driver((arm,), path)
    odd = Arm(index, f"{index.key} = {ODD}", " AND ".join(sql.where(one, values) for one in leaves))
    return Driver((arm, odd), None)


def _of_key(leaf: Leaf, key: str, values: Values) -> tuple[str, str | None]:
    """What is asked of the keys of an index, and what of those that are left. Numbers lie below all text there, text
    below ODD, nothing is NULL."""
    match leaf:
        case In(_, operands):
            plain = [one for one in operands if not isinstance(one, bool)]
            booleans = [TRUE if one else FALSE for one in operands if isinstance(one, bool)]
            return f"{key} IN {values.list(plain, booleans)}", None
        case Than(_, order, str(limit)):
            bound = f"{key} < {ODD}" if order in (Order.GT, Order.GTE) else f"{key} >= ''"
            return f"{key} {sql.SIGNS[order]} {values.bind(limit)} AND {bound}", None
        case Than(_, order, limit):
            bound = f" AND {key} < ''" if order in (Order.GT, Order.GTE) else ""
            return f"{key} {sql.SIGNS[order]} {values.bind(limit)}{bound}", None
        case Contains():
            return f"{key} >= '' AND {key} < {ODD}", sql.of_text(leaf, f"({key})", values)
        case Mod():
            return f"{key} < ''", sql.of_number(leaf, f"({key})", sql.where(leaf, values), values)


# --- finding --------------------------------------------------------------------------------------


def _driven(search: Search, driver: Driver, condition: str) -> tuple[list[int], int]:
    if condition or any(one.rest for one in driver.arms):
        rows = search.listed(_all([_arm(one, condition) for one in driver.arms]), COUNT_MOST)
        if len(rows) < COUNT_MOST:
            return _page(search, "job", _among(search, rows)), len(rows)
        total = COUNT_MOST
    else:
        total = _count(search, [_arm(one, what="1") for one in driver.arms])
    if total == COUNT_MOST and driver.ordered != search.query.sort.path:
        first = _stretch(search)
        if len(first) == search.wanted:
            return first[search.query.page.offset :], total
    return _page_of_arms(search, driver, condition), total


def _page_of_arms(search: Search, driver: Driver, condition: str) -> list[int]:
    """By the indexes alone where they have what the order is of: `created`, or their own key."""
    key = _sort_key(search, driver)
    arms = [_arm(one, condition, f"rowid AS found, {key} AS rank, id AS tie") for one in driver.arms]
    direction, page = _direction(search), search.query.page
    terms = f"rank {direction}, tie {direction} LIMIT {page.size} OFFSET {page.offset}"
    return [row for (row,) in search.ask(f"SELECT found FROM ({_all(arms)}) ORDER BY {terms}")]


def _sort_key(search: Search, driver: Driver) -> str:
    index = search.index(search.query.sort.path)
    if index is not None and (not index.odd or driver.ordered == search.query.sort.path):
        return index.key
    return sql.order(search.query.sort, search.values)


def _filtered(search: Search, condition: str) -> tuple[list[int], int]:
    """By a condition that no index answers: each job of the user is looked at, until as many match as are counted."""
    index, page = _order_index(search), search.query.page
    if index is not None:
        select = f"{_select(index, condition)} ORDER BY {_terms(search, index.key)}"
        rows = search.listed(select, max(COUNT_MOST, search.wanted))
        return rows[page.offset : search.wanted], min(len(rows), COUNT_MOST)
    rows = search.listed(_select(COLUMNS["created"], condition), COUNT_MOST)
    if len(rows) < COUNT_MOST:
        return _page(search, "job", _among(search, rows)), len(rows)
    return _page(search, "job INDEXED BY job_newest", f"user_id = :user AND {condition}"), COUNT_MOST


def _stretch(search: Search) -> list[int]:
    """The first matches in the order asked for, of those jobs that stand first in it; none where it has no index."""
    index = _order_index(search)
    if index is None:
        return []
    first = f"{_select(index, '1')} ORDER BY {_terms(search, index.key)} LIMIT {max(FEW, STRETCH * search.wanted)}"
    condition = sql.where(search.query.where, search.values)
    walk = f"SELECT job.rowid AS found FROM ({first}) AS first CROSS JOIN job ON job.rowid = first.found"
    return search.listed(f"{walk} WHERE {condition}", search.wanted)


def _order_index(search: Search) -> Index | None:
    """The index that has the jobs in the order asked for; one with ODD values has not."""
    index = search.index(search.query.sort.path)
    return None if index is None or _has_odd(search, index) else index


def _has_odd(search: Search, index: Index) -> bool:
    if not index.odd:
        return False
    ((odd,),) = search.ask(f"SELECT EXISTS ({_select(index, f'{index.key} = {ODD}')})")
    return bool(odd)


def _source(search: Search) -> str:
    index = _order_index(search) or COLUMNS["created"]
    return f'job INDEXED BY "{index.name}"'


def _page(search: Search, source: str, where: str) -> list[int]:
    sort, page = search.query.sort, search.query.page
    index = _order_index(search) if "INDEXED" in source else None
    terms = _terms(search, index.key if index is not None else sql.order(sort, search.values))
    limits = f"LIMIT {page.size} OFFSET {page.offset}"
    return [row for (row,) in search.ask(f"SELECT rowid FROM {source} WHERE {where} ORDER BY {terms} {limits}")]


def _terms(search: Search, key: str) -> str:
    return f"{key} {_direction(search)}, id {_direction(search)}"


def _direction(search: Search) -> str:
    return "DESC" if search.query.sort.descending else "ASC"


def _select(index: Index, condition: str, what: str = "rowid AS found") -> str:
    return f'SELECT {what} FROM job INDEXED BY "{index.name}" WHERE user_id = :user AND {condition}'


def _arm(arm: Arm, condition: str = "", what: str = "rowid AS found") -> str:
    return _select(arm.index, " AND ".join(f"({one})" for one in (arm.on, arm.rest, condition) if one), what)


def _all(selects: Sequence[str]) -> str:
    return " UNION ALL ".join(selects)


def _count(search: Search, selects: Sequence[str]) -> int:
    ((counted,),) = search.ask(f"SELECT count(*) FROM ({_all(selects)} LIMIT {COUNT_MOST})")
    return int(counted)


def _rows(search: Search, driver: Driver) -> int:
    return _count(search, [_select(one.index, one.on, "1") for one in driver.arms])


def _among(search: Search, found: Sequence[Any], column: str = "rowid") -> str:
    return f"{column} IN (SELECT value FROM json_each({search.values.bind(orjson.dumps(found).decode())}))"


# --- near -----------------------------------------------------------------------------------------


def _near(search: Search, near: Near, driver: Driver | None, condition: str) -> tuple[list[int], int]:
    """Few jobs are measured each; of many, those in rings around the position that hold enough."""
    far = places.HALF_ROUND if near.within is None else near.within
    if driver is None and not condition:
        total = _count(search, [_ring(search, near, far, "1")])
        return _in_rings(search, near, far, "1") if total == COUNT_MOST else _nearest(search, near, far, "1"), total
    matching = _select(COLUMNS["created"], condition, "id")
    if driver is not None:
        matching = _all([_arm(one, condition, "id") for one in driver.arms])
        rows = search.listed(_all([_arm(one, condition) for one in driver.arms]), COUNT_MOST)
        if len(rows) < COUNT_MOST:
            return _measured(search, near, _among(search, rows))
    ids = search.listed(_ring(search, near, far, f"job_id IN ({matching})"), COUNT_MOST)
    if len(ids) < COUNT_MOST:
        return _measured(search, near, _among(search, ids, "id"))
    each = f"EXISTS (SELECT 1 FROM job WHERE id = job_id AND {sql.where(search.query.where, search.values)})"
    return _in_rings(search, near, far, each), COUNT_MOST


def _in_rings(search: Search, near: Near, far: float, condition: str) -> list[int]:
    for metres in places.rings(far):
        enough = search.listed(_ring(search, near, metres, condition), search.wanted)
        if len(enough) == search.wanted:
            break
    return _nearest(search, near, metres, condition)


def _ring(search: Search, near: Near, metres: float, condition: str) -> str:
    """The jobs within so many metres for whose places the condition holds."""
    return f"SELECT DISTINCT job_id AS found FROM place WHERE {_within(search, near, metres)} AND {condition}"


def _within(search: Search, near: Near, metres: float) -> str:
    box = f"user_id = :user AND {places.around(near, metres, search.values)}"
    if metres >= places.HALF_ROUND:
        return box
    distance = places.distance(near, "lat", "lon", search.values)
    return f"{box} AND {distance} <= {search.values.bind(metres)}"


def _nearest(search: Search, near: Near, metres: float, condition: str) -> list[int]:
    page, distance = search.query.page, places.distance(near, "lat", "lon", search.values)
    where = f"{_within(search, near, metres)} AND {condition}"
    ids = f"SELECT job_id FROM place WHERE {where} GROUP BY job_id ORDER BY min({distance}), job_id"
    limits = f"LIMIT {page.size} OFFSET {page.offset}"
    return [row for (row,) in search.ask(f"SELECT (SELECT rowid FROM job WHERE id = job_id) FROM ({ids} {limits})")]


def _measured(search: Search, near: Near, among: str) -> tuple[list[int], int]:
    metres = places.of_job(near, search.values)
    far = places.HALF_ROUND * 2 if near.within is None else near.within
    select = f"SELECT rowid AS found FROM job WHERE {among} AND {metres} <= {search.values.bind(far)}"
    rows = search.listed(f"{select} ORDER BY {metres}, id", COUNT_MOST)
    return rows[search.query.page.offset : search.wanted], len(rows)
