"""What crosses into a lane and back survives as JSON; the journal survives a crash in the middle of a line."""

from __future__ import annotations

import json

from sixpx.core.render import Made, Render, Report, Saving, Seen, Sheet, journal_line, made_from_journal


def test_a_render_survives_json() -> None:
    sheet = Sheet("a", "/out", (("resize", {"width": 5}), ("crop", {})), Saving("image/png", 70, True, True))
    render = Render("r", "/in", "/journal", (sheet,), {"logo": "/logo"})
    assert Render.from_json(json.loads(json.dumps(render.to_json()))) == render


def test_a_report_survives_json() -> None:
    report = Report("r", Seen(5, 6, "image/png", 7, 2, (1.5, -2.5)), {"a": Made(1, 2, 3, "image/png")}, {}, 1.25)
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_torn_line_of_the_journal_counts_as_not_finished() -> None:
    first, second = Made(1, 2, 3, "image/png"), Made(4, 5, 6, "image/gif")
    lines = (journal_line("a", first) + journal_line("b", second) + journal_line("c", first)[:-9]).splitlines()
    assert made_from_journal(lines) == {"a": first, "b": second}
    assert made_from_journal(["", "[]", "7", '{"key": "x"}']) == {}
