"""The way of a Render: one decode, faults that stay alone, files that appear whole, a journal that tells of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import pyvips
from PIL import Image

from sixpx.core.render import Limits, Saving, Sheet, made_from_journal
from sixpx.worker import codecs, faults
from sixpx.worker.encoders import Encoder
from sixpx.worker.formats.native import Native

from .conftest import Studio


def resized(width: int, **options: Any) -> Any:
    return [("resize", {"width": width, **options})]


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The loader calls that follow the look at the header."""
    calls: list[dict[str, Any]] = []
    call = Native._open

    def counting(kind: Native, path: str, *others: Any, **options: Any) -> Any:
        if options:
            calls.append(options)
        return call(kind, path, *others, **options)

    monkeypatch.setattr(Native, "_open", counting)
    return calls


def test_all_sheets_come_from_one_decode(studio: Studio, decodes: list[dict[str, Any]]) -> None:
    sheets: list[Any] = [(resized(width), "image/jpeg") for width in (250, 60, 120, 30)]
    report = studio.report(studio.photo, *sheets)
    assert len(decodes) == 1
    assert decodes[0]["shrink"] == 2
    assert [(made.width, made.height) for made in report.made.values()] == [(250, 188), (60, 45), (120, 90), (30, 23)]


def test_a_sheet_that_needs_the_whole_picture_is_served_too(studio: Studio, decodes: list[dict[str, Any]]) -> None:
    crop = [("crop", {"x": 1000, "y": 700})]
    report = studio.report(studio.photo, (resized(100), "image/jpeg"), (crop, "image/png"), ((), "image/webp"))
    assert [(made.width, made.height) for made in report.made.values()] == [(100, 75), (24, 68), (1024, 768)]
    assert len(decodes) == 1
    assert "shrink" not in decodes[0]


def test_a_sheet_that_cannot_be_planned_costs_no_pixel(studio: Studio, decodes: list[dict[str, Any]]) -> None:
    studio.report(studio.photo, (resized(60), "image/jpeg"), ([("resize", {"width": 900}), ("dance", {})], "image/png"))
    assert decodes[0]["shrink"] == 8
    decodes.clear()
    studio.report(studio.photo, ([("dance", {})], "image/png"))
    assert decodes == []


@pytest.mark.parametrize("width", [30, 60, 120, 250, 600])
def test_the_cascade_looks_like_a_direct_resize(studio: Studio, width: int) -> None:
    widths = [width, 600, 250, 120, 60, 30]
    sheets = [Sheet(str(n), str(studio.path()), tuple(resized(w)), Saving("image/png")) for n, w in enumerate(widths)]
    assert not studio.render(studio.photo, *sheets).flaws
    made = pyvips.Image.new_from_file(sheets[0].path)
    photo = pyvips.Image.new_from_file(str(studio.photo))
    direct = photo.thumbnail_image(width, height=made.height, size="force")
    error = (made.cast("float") - direct) ** 2
    assert error.avg() < 65025 / 10**4.2  # 42 dB


def test_a_bad_sheet_leaves_its_neighbours_alone(studio: Studio) -> None:
    sheets: list[Any] = [
        (resized(50), "image/png"),
        ([("resize", {"width": 50}), ("crop", {"x": 50})], "image/png"),
        ([("filter", {"sepia": "much"})], "image/png"),
        ([("crop", {"face": 1})], "image/png"),
        ([("layer", {"ref": "broken"})], "image/png"),
        ([("layer", {"ref": "nobody"})], "image/png"),
        (resized(20000), "image/png"),
        (resized(60), "image/jpeg"),
    ]
    orders = [Sheet(str(n), str(studio.path()), tuple(steps), Saving(type)) for n, (steps, type) in enumerate(sheets)]
    broken = studio.path()
    broken.write_bytes(b"no picture")
    report = studio.render(studio.photo, *orders, others={"broken": broken})
    assert sorted(report.made) == ["0", "7"]
    assert {key: (flaw.code, flaw.stage) for key, flaw in report.flaws.items()} == {
        "1": ("bad_step", "plan"),
        "2": ("bad_step", "plan"),
        "3": ("bad_step", "plan"),
        "4": ("bad_image", "load"),
        "5": ("bad_step", "plan"),
        "6": ("over_limit", "plan"),
    }
    details = {key: flaw.detail for key, flaw in report.flaws.items()}
    assert details["1"].startswith("step 2 (crop): expected a rectangle on the picture of 50x38 pixels")
    assert details["2"] == "step 1 (filter): expected a number as sepia, got 'much'"
    assert details["3"] == "step 1 (crop): expected true or false as face, got 1"
    assert 'the input "broken"' in details["4"]
    assert details["6"] == "step 1 (resize): the result has a side of 20,000 pixels; the limit output_side is 16,384"


@pytest.mark.parametrize(
    ("steps", "limits", "words"),
    [
        (resized(1025), Limits(output_side=1024), "the limit output_side is 1,024"),
        (resized(2000), Limits(input_pixels=1_000_000), "3,000,000 pixels; the limit input_pixels is 1,000,000"),
        ([("rotate", {"degrees": 45})], Limits(output_side=1100), "step 1 (rotate)"),
        (resized(9, height=900, fit="cover"), Limits(output_side=1024), "a side of 1,200 pixels"),
    ],
)
def test_limits_of_results(studio: Studio, steps: Any, limits: Limits, words: str) -> None:
    flaw = studio.flaw(studio.photo, steps, limits=limits)
    assert (flaw.code, flaw.stage) == ("over_limit", "plan")
    assert words in flaw.detail


def test_the_journal_tells_what_was_made(studio: Studio) -> None:
    journal = studio.folder / "journal"
    journal.unlink(missing_ok=True)
    report = studio.report(studio.photo, (resized(50), "image/png"), ([("dance", {})], None), (resized(40), None))
    lines = journal.read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["0", "2"]
    assert made_from_journal(lines) == report.made


def test_a_file_that_cannot_be_written_whole_is_taken_away_and_not_in_the_journal(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, journal = studio.path(), studio.folder / "journal"
    journal.unlink(missing_ok=True)

    class Failing(Encoder):
        def write(self, image: Any, path: str, saving: Saving, keep: str) -> None:
            image.pngsave(path, keep=keep)
            raise pyvips.Error("no space", "write error on /somewhere/else")

    failing = Failing("pngsave", lambda saving: {})
    monkeypatch.setattr(codecs, "ENCODERS", {**codecs.ENCODERS, "image/png": failing})
    report = studio.render(studio.photo, Sheet("k", str(path), tuple(resized(20)), Saving("image/png")))
    assert not path.exists()
    assert not journal.exists()
    flaw = report.flaws["k"]
    assert (flaw.code, flaw.stage, flaw.detail) == ("render_failed", "encode", "write error on the file")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MemoryError(), "out_of_memory"),
        (pyvips.Error("x", "VipsImage: out of memory --- size == 48MB"), "out_of_memory"),
        (pyvips.Error("x", "something else"), "render_failed"),
        (OSError(28, "No space left on device", "/secret/path"), "render_failed"),
        (ZeroDivisionError("/secret/path"), "render_failed"),
    ],
)
def test_every_error_becomes_one_sentence(error: Exception, code: str) -> None:
    with pytest.raises(faults.Failed) as caught, faults.stage("apply", "step 1 (x): "):
        raise error
    flaw = caught.value.flaw
    assert (flaw.code, flaw.stage) == (code, "apply")
    assert flaw.detail.startswith("step 1 (x): ")
    assert "secret" not in flaw.detail


def test_a_missing_file_fails_all_sheets(studio: Studio) -> None:
    report = studio.report(studio.folder / "nothing", ((), None), ((), None))
    assert report.seen is None
    assert sorted(report.flaws) == ["0", "1"]
    assert all(str(studio.folder) not in flaw.detail for flaw in report.flaws.values())


def test_a_layer_may_be_animated_turned_or_in_other_colours(studio: Studio) -> None:
    cmyk = studio.save(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG")
    others = {"film": studio.film(), "cmyk": cmyk}
    steps = [("layer", {"ref": "film"}), ("layer", {"ref": "cmyk", "x": 100})]
    made = studio.picture(studio.photo, steps, others=others)
    assert made.size == (1024, 768)
    assert made.getpixel((39, 29)) == (230, 20, 20)
    assert made.getpixel((104, 4))[0] > 180


def test_what_is_seen_in_layers_is_reported(studio: Studio) -> None:
    sheet = Sheet("one", str(studio.path()), (("layer", {"ref": "logo"}),), Saving("image/png"))
    report = studio.render(studio.photo, sheet, others={"logo": studio.photo, "idle": studio.photo})
    assert {name: (seen.width, seen.height) for name, seen in report.others.items()} == {"logo": (1024, 768)}


def test_a_result_that_no_step_made_is_held_to_the_limits_too(studio: Studio) -> None:
    flaw = studio.report(studio.photo, ([], "image/png"), limits=Limits(output_side=1000)).flaws
    assert [(one.code, one.stage) for one in flaw.values()] == [("over_limit", "plan")]
    assert "1,024" in next(iter(flaw.values())).detail


@pytest.mark.parametrize("first", [("analyze", {"type": "exif"}), ("filter", {})])
def test_a_step_that_looks_at_no_pixel_leaves_the_size_to_the_next(
    studio: Studio, decodes: list[dict[str, Any]], first: Any
) -> None:
    made, _ = studio.make(studio.photo, [first, *resized(60)])
    assert (made.width, made.height) == (60, 45)
    assert decodes[0]["shrink"] == 8
