"""The browser client that 6px published does in Chromium, on a page of another origin, all that its readme shows.

It is in no registry: a stand-in of ours sends what it sent. Whoever has the published file names it in
SIXPX_TEST_6PX_JS, and the same pages use that one, unmodified but for the host names.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.clients.chromium import browsing
from tests.clients.conftest import PICTURE, Scene
from tests.clients.desk import Desk
from tests.clients.published import HTTP, SOCKET

PAGES = Path(__file__).parent / "browser"
SECONDS = 90
STAND_IN = PAGES / "client.js"

PICTURES = {
    "at_once": (72, 54),
    "sepia": (72, 54),
    "thumbnail": (75, 56),
    "colorize": (72, 54),
    "rotate": (54, 72),
    "crop": (20, 30),
    "img_element": (72, 54),
    "dropped_file": (72, 54),
    "override_by_tag": (40, 40),
    "watermark_on_a_chosen_file": (40, 40),
    "after_a_restart": (72, 54),
}
"""Pixels of what each of them makes."""


def client(url: str) -> bytes:
    """The client's file, spoken to the service at `url`."""
    text = Path(os.environ.get("SIXPX_TEST_6PX_JS", STAND_IN)).read_text()
    moved = text.replace("ADDRESS", url).replace(HTTP, url).replace(SOCKET, url.replace("http", "ws", 1))
    assert moved.count(url.partition(":")[2]) >= 2
    return moved.encode()


@pytest.fixture(scope="module")
def results(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What each run reported: one browser goes through them all."""
    pages = {f"/{name}": (PAGES / name).read_bytes() for name in ("page.html", "program.js")}
    pages |= {"/client.js": client(scene.service.url), "/taxi.png": PICTURE.read_bytes()}
    with Desk(pages, {"/restart": scene.service.restart}) as desk:
        user = scene.add_user("browser", "2014-06", desk.url)
        runs = ("stranger", "wrong_key", "readme")
        after = {run: f"{desk.url}/page.html?run={then}" for run, then in pairwise(runs)}
        settings = {"userId": user["id"], "apiKey": user["key"], "photo": scene.photo, "then": after}
        desk.serve("/settings.json", json.dumps(settings).encode())
        # the same server under another name is another origin, which the user has not listed
        with browsing(f"http://localhost:{desk.port}/page.html?run=stranger", tmp_path_factory.mktemp("chromium")):
            yield {run: reported(desk, run) for run in runs}


def reported(desk: Desk, run: str) -> dict[str, Any]:
    """What the page of this run sent when it was done."""
    while True:
        path, body = desk.posted.get(timeout=SECONDS)
        if path == f"/done/{run}":
            result: dict[str, Any] = json.loads(body)
            return result


@pytest.mark.parametrize("shown", PICTURES)
def test_what_the_readme_shows_makes_a_picture_that_the_client_describes(
    scene: Scene, results: dict[str, Any], shown: str
) -> None:
    made = results["readme"][shown]
    assert "wrong" not in made, made["wrong"]
    picture = Image.open(io.BytesIO(scene.service.get(made["location"])))
    assert picture.size == (made["width"], made["height"]) == PICTURES[shown]


@pytest.mark.parametrize("shown", ["info", "upload"])
def test_the_shortcuts_tell_width_height_and_bytes(results: dict[str, Any], shown: str) -> None:
    info = results["readme"][shown]
    assert (info["width"], info["height"]) == (72, 54), info
    assert info["bytes"] > 1000


def test_the_page_can_show_what_was_made(results: dict[str, Any]) -> None:
    assert results["readme"]["watermark_on_a_chosen_file"]["seen"] == {"width": 40, "height": 40}


def test_a_job_that_ends_before_its_reply_is_read_is_not_missed(results: dict[str, Any]) -> None:
    assert results["readme"]["quick_jobs"] == {"ended": 10}


def test_one_connection_serves_it_all(results: dict[str, Any]) -> None:
    assert results["readme"]["connections"] == 1


def test_a_wrong_key_is_told_to_the_page(results: dict[str, Any]) -> None:
    assert results["wrong_key"] == {"outcome": "told"}


def test_a_page_of_an_origin_that_is_not_listed_gets_nothing(results: dict[str, Any]) -> None:
    assert results["stranger"] == {"outcome": "refused"}
