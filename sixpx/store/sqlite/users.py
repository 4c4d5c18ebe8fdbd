"""Owns users and what is counted for them as rows of SQLite. Never a job's content, a thread or a commit.

Each function works on the connection that it is given; whoever calls it decides in which transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import apsw
import orjson

from sixpx.core.meter import Window
from sixpx.core.user import User
from sixpx.errors import Conflict, OverQuota, Unauthorized
from sixpx.store.base import GONE
from sixpx.store.document import from_user, to_user

KEPT = timedelta(days=400)
"""How long counts are kept after their window, for who asks about earlier months; those of a user's minutes go with his
next one."""


def add(db: apsw.Connection, user: User) -> None:
    db.execute("INSERT INTO user VALUES (?, jsonb(?))", (user.id, _doc(user)))


def one(db: apsw.Connection, user_id: str) -> User | None:
    doc = db.execute("SELECT json(doc) FROM user WHERE id = ?", (user_id,)).get
    return None if doc is None else to_user(orjson.loads(str(doc)))


def everyone(db: apsw.Connection) -> list[User]:
    return [to_user(orjson.loads(str(doc))) for (doc,) in db.execute("SELECT json(doc) FROM user ORDER BY id")]


def change(db: apsw.Connection, user_id: str, change: Callable[[User], User]) -> User | None:
    before = one(db, user_id)
    user = before and change(before)
    if user is not None and user != before:
        db.execute("UPDATE user SET doc = jsonb(?) WHERE id = ?", (_doc(user), user_id))
    return user


def remove(db: apsw.Connection, user_id: str) -> bool:
    open_ = db.execute(
        "SELECT count(*) FROM job WHERE user_id = ? AND status IN ('pending', 'processing')", (user_id,)
    ).get
    if open_:
        raise Conflict(f"{open_} jobs of the user have not ended")
    if one(db, user_id) is None:
        return False
    db.execute("INSERT OR IGNORE INTO leftover SELECT user_id || '/' || id FROM job WHERE user_id = ?", (user_id,))
    db.execute("DELETE FROM blob WHERE job_id IN (SELECT id FROM job WHERE user_id = ?)", (user_id,))
    for table in ("job", "once", "turn", "posted"):
        db.execute(f"DELETE FROM {table} WHERE user_id = ?", (user_id,))
    db.execute("DELETE FROM user WHERE id = ?", (user_id,))
    return True


# --- counts ---------------------------------------------------------------------------------------


def count(db: apsw.Connection, user_id: str, meter: Sequence[Window], now: datetime) -> None:
    """Counts one more post in each window. Raises OverQuota where one is full, Unauthorized where the user is gone: he
    may have proven himself a moment before. Whoever commits undoes what was counted."""
    if meter and db.execute("SELECT 1 FROM user WHERE id = ?", (user_id,)).get is None:
        raise Unauthorized(GONE)
    for window in meter:
        counted = db.execute(
            "INSERT INTO posted VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
            (user_id, window.name, ms(window.ends)),
        ).get
        if window.most is not None and counted > window.most:
            raise OverQuota(window.full, window.wait(now))
        if counted == 1:
            _forget_old(db, user_id, now)


def _forget_old(db: apsw.Connection, user_id: str, now: datetime) -> None:
    """His own minutes and what is too old: to look through the months of all users would take longer than to post."""
    minutes = "DELETE FROM posted WHERE user_id = ? AND name LIKE '%T%' AND ends <= ?"
    db.execute(minutes, (user_id, ms(now - timedelta(minutes=5))))
    db.execute("DELETE FROM posted WHERE ends <= ?", (ms(now - KEPT),))


def counted(db: apsw.Connection, user_id: str, meter: Sequence[Window]) -> list[int]:
    query = "SELECT count FROM posted WHERE user_id = ? AND name = ?"
    return [int(db.execute(query, (user_id, window.name)).get or 0) for window in meter]


def _doc(user: User) -> str:
    return orjson.dumps(from_user(user)).decode()


def ms(when: datetime) -> int:
    """Milliseconds since 1970, as times stand in the tables."""
    return round(when.timestamp() * 1000)
