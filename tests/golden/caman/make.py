"""Owns the making of the goldens: CamanJS' own dist file, in a headless Chromium, on a canvas. Never compares them.

python tests/golden/caman/make.py [--caman caman.full.js] [--chromium chromium]

Needs Chromium, and npm unless the dist file is given. The same versions make the same bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402  (the folder is no package)

VERSION = "4.1.2"
SEED = 1
SECONDS = 300
TYPES = {".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".png": "image/png"}


class Desk(ThreadingHTTPServer):
    """Hands out the page and the photos on the loopback, takes the pixels in."""

    def __init__(self, served: Mapping[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.served = served
        self.pixels: dict[int, bytes] = {}
        self.ended = threading.Event()
        self.said = ""
        self.failed = False

    def take(self, path: str, body: bytes) -> None:
        if path.startswith("/pixels/"):
            self.pixels[int(path.removeprefix("/pixels/"))] = body
            return
        self.said, self.failed = body.decode(), path != "/done"
        self.ended.set()


class Clerk(BaseHTTPRequestHandler):
    server: Desk

    def do_GET(self) -> None:
        body = self.server.served.get(self.path)
        self._answer(404 if body is None else 200, body or b"")

    def do_POST(self) -> None:
        self.server.take(self.path, self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", TYPES.get(Path(self.path).suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: there are hundreds of requests."""


def caman(folder: Path) -> bytes:
    """The dist file with all plugins (`sharpen` and `stackBlur` are some), from the npm package."""
    subprocess.run(["npm", "pack", f"caman@{VERSION}"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(folder / f"caman-{VERSION}.tgz") as package:
        member = package.extractfile("package/dist/caman.full.js")
        assert member is not None
        return member.read()


@contextmanager
def browsing(chromium: str, url: str, profile: Path) -> Iterator[None]:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += ["--force-color-profile=srgb", "--force-device-scale-factor=1", f"--user-data-dir={profile}"]
    quiet = subprocess.DEVNULL
    browser = subprocess.Popen([chromium, *options, url], stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        browser.terminate()
        browser.wait(20)


def rendered(chromium: str, served: Mapping[str, bytes], count: int) -> tuple[Sequence[bytes], str]:
    """The pixels of every case, RGBA, and the browser's name for itself."""
    with Desk(served) as desk, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        threading.Thread(target=desk.serve_forever, daemon=True).start()
        with browsing(chromium, f"http://127.0.0.1:{desk.server_port}/page.html", Path(profile)):
            ended = desk.ended.wait(SECONDS)
        desk.shutdown()
    if not ended or desk.failed:
        raise SystemExit(f"CamanJS did not finish: {desk.said or f'{len(desk.pixels)} of {count} cases'}")
    return [desk.pixels[place] for place in range(count)], desk.said


def entries() -> Iterator[Mapping[str, Any]]:
    """The manifest, in its order."""
    for stem, filters in cases.asked():
        for photo in cases.PHOTOS:
            edge = cases.border(filters)
            yield {
                "photo": f"photos/{photo}.png",
                "golden": f"goldens/{stem}-{photo}.png",
                "filters": [list(one) for one in filters],
                "caman": [cases.call(*one) for one in filters],
                **({"border": edge} if edge else {}),
            }


def keep(entry: Mapping[str, Any], pixels: bytes) -> None:
    with Image.open(HERE / entry["photo"]) as photo:
        size = photo.size
    image = Image.frombytes("RGBA", size, pixels)
    edge = entry.get("border", 0)
    inner = image.crop((edge, edge, size[0] - edge, size[1] - edge))
    if inner.getchannel("A").getextrema() != (255, 255):
        raise SystemExit(f"{entry['golden']}: CamanJS left transparent pixels")
    path = HERE / entry["golden"]
    path.parent.mkdir(exist_ok=True)
    image.convert("RGB").save(path, optimize=True)


def untouched(photo: str, pixels: bytes) -> None:
    """The canvas must give back the photo's own pixels; otherwise colours were managed on the way."""
    with Image.open(HERE / photo) as image:
        if image.convert("RGBA").tobytes() != pixels:
            raise SystemExit(f"{photo}: the canvas does not hold the photo's own pixels")


def manifest(made: Sequence[Mapping[str, Any]]) -> str:
    return "[\n" + ",\n".join(json.dumps(entry) for entry in made) + "\n]\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="makes the CamanJS goldens")
    parser.add_argument("--caman", type=Path, help="CamanJS' dist file; without it npm brings it")
    parser.add_argument("--chromium", default="chromium")
    asked = parser.parse_args()
    made = list(entries())
    photos = [f"photos/{photo}.png" for photo in cases.PHOTOS]
    tasks = [{"photo": photo, "calls": [], "seed": SEED} for photo in photos]
    tasks += [{"photo": entry["photo"], "calls": entry["caman"], "seed": SEED} for entry in made]
    with tempfile.TemporaryDirectory() as folder:
        script = asked.caman.read_bytes() if asked.caman else caman(Path(folder))
    served = {f"/{name}": (HERE / name).read_bytes() for name in ("page.html", "page.js", *photos)}
    served |= {"/caman.js": script, "/cases.json": json.dumps(tasks).encode()}
    pixels, browser = rendered(asked.chromium, served, len(tasks))
    for photo, own in zip(photos, pixels, strict=False):
        untouched(photo, own)
    for entry, own in zip(made, pixels[len(photos) :], strict=True):
        keep(entry, own)
    (HERE / "goldens.json").write_text(manifest(made))
    print(f"{len(made)} goldens by CamanJS {VERSION} in {browser}")


if __name__ == "__main__":
    main()
