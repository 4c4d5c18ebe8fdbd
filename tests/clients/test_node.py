"""The Node client that 6px published, from npm, does all that its readme and its examples show."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.clients import published
from tests.clients.conftest import PASSWORD, PICTURE, Scene

PICTURES = {
    "upload_with_a_tag": (72, 54),
    "sepia": (72, 54),
    "sepia_by_name": (72, 54),
    "thumbnail": (75, 56),
    "colorize": (72, 54),
    "colorize_and_blur": (72, 54),
    "filters_on_a_file": (72, 54),
    "rotate": (54, 72),
    "rotate_on_a_colour": (90, 88),
    "resize_a_file": (250, 188),
    "two_crops_are_merged": (40, 30),
    "override_by_tag": (40, 40),
    "watermark": (72, 54),
    "save_with_a_callback": (33, 25),
}
"""Pixels of what each of them makes."""


@pytest.fixture(scope="module")
def results(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that the client did, in one run."""
    user = scene.add_user("node", "2014-08")
    settings = {"PHOTO": scene.photo, "FILE": str(PICTURE), "DESTINATION": scene.destination}
    return published.ran(tmp_path_factory.mktemp("node"), scene.service.url, user, **settings)


def picture_at(scene: Scene, result: dict[str, Any]) -> Image.Image:
    raw = scene.service.get(result["location"])
    assert len(raw) == result["bytes"]
    return Image.open(io.BytesIO(raw))


@pytest.mark.parametrize("shown", PICTURES)
def test_what_the_readme_shows_makes_a_picture_that_the_client_describes(
    scene: Scene, results: dict[str, Any], shown: str
) -> None:
    assert "wrong" not in results[shown], results[shown]["wrong"]
    picture = picture_at(scene, results[shown])
    assert picture.size == (results[shown]["width"], results[shown]["height"]) == PICTURES[shown]
    assert (picture.format, results[shown]["type"]) == ("PNG", "image/png")


def test_a_filter_changes_the_picture_whichever_way_it_is_asked_for(scene: Scene, results: dict[str, Any]) -> None:
    plain, sepia, by_name, green = (
        picture_at(scene, results[one]).convert("RGB").resize((1, 1)).getpixel((0, 0))
        for one in ("upload_with_a_tag", "sepia", "sepia_by_name", "colorize")
    )
    assert isinstance(green, tuple)
    assert sepia == by_name != plain
    assert max(green) == green[1] > 128


def test_a_file_keeps_the_name_that_the_client_gave_it(results: dict[str, Any]) -> None:
    assert results["upload_with_a_tag"]["location"].endswith("/unsplashed_taxi.png")


def test_one_job_makes_several_outputs_of_several_inputs(scene: Scene, results: dict[str, Any]) -> None:
    several = results["several_outputs"]
    sizes = {name: picture_at(scene, one).size for name, one in several.items()}
    assert sizes == {"taxi": (30, 23), "bus": (30, 23), "single": (50, 38)}


def test_a_destination_of_ones_own_receives_the_picture(stored: Path, results: dict[str, Any]) -> None:
    own = results["own_destination"]
    assert "wrong" not in own, own["wrong"]
    assert (stored / "mine.png").stat().st_size == own["bytes"]
    assert PASSWORD not in own["location"]
    assert own["location"].endswith("/clients/mine.png")


def test_an_output_without_a_tag_has_a_name(results: dict[str, Any]) -> None:
    assert results["no_tag"]["outputs"] == ["output-1"]


@pytest.mark.parametrize("shown", ["info", "info_with_a_callback", "upload", "upload_with_a_callback"])
def test_the_shortcuts_tell_width_height_and_bytes(results: dict[str, Any], shown: str) -> None:
    info = results[shown]
    assert (info["width"], info["height"]) == (72, 54), info
    assert info["bytes"] > 1000


@pytest.mark.parametrize("quick", ["quick_jobs_one_by_one", "quick_jobs_all_at_once"])
def test_a_job_that_ends_before_its_reply_is_read_is_not_missed(results: dict[str, Any], quick: str) -> None:
    assert results[quick] == {"ended": 15}


def test_the_client_hears_of_a_failure_and_reads_why(results: dict[str, Any]) -> None:
    assert results["failure"]["status"] == "failed", results["failure"]
    assert results["failure"]["code"]


def test_a_refused_job_is_told_to_the_program(results: dict[str, Any]) -> None:
    assert results["refusal"] == {"words": "Error sending to server"}


def test_one_connection_serves_it_all(results: dict[str, Any]) -> None:
    assert results["connections"] == 1


@pytest.mark.long
def test_the_clients_pings_keep_its_connection_open(scene: Scene, tmp_path: Path) -> None:
    user = scene.add_user("patient", "2014-08")
    settings = {"PHOTO": scene.photo, "FILE": str(PICTURE), "DESTINATION": "", "IDLE": "65"}
    after = published.ran(tmp_path, scene.service.url, user, 180, **settings)
    assert (after["connections"], after["after_a_while"]["width"]) == (1, 75)
