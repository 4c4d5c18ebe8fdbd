"""Owns what counting costs in SQLite, and what it leaves behind. Never how much a plan lets through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from sixpx.core.meter import months_before, windows
from sixpx.core.user import Plan
from sixpx.store.sqlite import file as files
from sixpx.store.sqlite import users as people
from tests.contract.jobs import ADA, NOW, after, user_of

USERS = 500


@pytest.fixture
def db(tmp_path: Path) -> Iterator[apsw.Connection]:
    files.prepare(tmp_path / "store.db")
    connection = files.connect(tmp_path / "store.db")
    people.add(connection, user_of(int(ADA, 16)))
    yield connection
    connection.close()


def test_the_first_post_of_a_minute_does_not_look_through_the_months_of_all_users(db: apsw.Connection) -> None:
    months = [
        (f"{user:024x}", month.name, 1, people.ms(month.ends))
        for user in range(1000, 1000 + USERS)
        for month in months_before(NOW, 12)
    ]
    with db:
        db.executemany("INSERT INTO posted VALUES (?, ?, ?, ?)", months)
    hundreds: list[int] = []
    db.set_progress_handler(lambda: bool(hundreds.append(1)), 100)
    people.count(db, ADA, windows(Plan(), NOW), NOW)
    assert len(hundreds) < 20
    assert db.execute("SELECT count(*) FROM posted").get == 12 * USERS + 2


def test_minutes_go_with_the_next_one_and_months_after_a_year(db: apsw.Connection) -> None:
    for moment in (NOW, after(60), after(600), NOW + timedelta(days=450)):
        people.count(db, ADA, windows(Plan(), moment), moment)
        names = [name for (name,) in db.execute("SELECT name FROM posted ORDER BY name")]
        if moment == after(600):
            assert names == ["2026-03", "2026-03-01T12:10"]
    assert names == ["2027-05", "2027-05-25T12:00"]
