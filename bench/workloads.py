"""Owns what is measured: each workload as a job asks for it, and the name of the loop's form. Never runs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.photos import PHOTOS, VARIANTS, Photo

Output = dict[str, Any]

JPEG = "image/jpeg"
PNG = "image/png"


@dataclass(frozen=True, slots=True)
class Form:
    """How the loop does it: a kind that `forms` knows, with its numbers. `title` tells several forms of one apart."""

    kind: str
    numbers: tuple[int, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """`jobs` by default; `mark`: the most CPU time of a job, in those of the loop's first form. None: no mark."""

    name: str
    photo: Photo
    outputs: tuple[Output, ...]
    forms: tuple[Form, ...]
    jobs: int
    mark: float | None = None

    def url(self, images: str, number: int, delay_ms: int = 0) -> str:
        """The address of job `number`'s input: no two are the same."""
        delay = f"&delay={delay_ms}" if delay_ms else ""
        return f"{images}/{self.photo.file(number % VARIANTS)}?n={number}{delay}"

    def job(self, url: str) -> Mapping[str, Any]:
        return {"input": {"photo": url}, "output": list(self.outputs)}


def _output(type: str, *steps: tuple[str, Mapping[str, Any]], tag: str = "made") -> Output:
    methods = [{"method": name, "options": dict(options)} for name, options in steps]
    return {"ref": {"photo": False}, "tag": tag, "type": type, "methods": methods}


def _resize(photo: Photo, type: str, jobs: int, mark: float) -> Workload:
    ending = type.removeprefix("image/")
    size = (250, round(250 * photo.height / photo.width))
    outputs = (_output(type, ("resize", {"width": 250})),)
    forms = (Form(f"resize-{ending}", size), Form(f"thumbnail-{ending}", size, "Image.thumbnail"))
    return Workload(f"{photo.name}-{ending}", photo, outputs, forms, jobs, mark)


def _chain(photo: Photo, cut: tuple[int, int, int, int], jobs: int) -> Workload:
    """A crop about the middle, a quarter turn, and a width of 500."""
    crop = dict(zip(("x", "y", "width", "height"), cut, strict=True))
    output = _output(JPEG, ("crop", crop), ("rotate", {"degrees": 90}), ("resize", {"width": 500}))
    _, _, width, height = cut
    form = Form("chain", (*cut, 500, round(500 * width / height)))
    return Workload(f"{photo.name}-chain", photo, (output,), (form,), jobs)


def _sizes(photo: Photo, widths: Sequence[int], jobs: int) -> Workload:
    outputs = tuple(_output(JPEG, ("resize", {"width": width}), tag=f"w{width}") for width in widths)
    sides = tuple(side for width in widths for side in (width, round(width * photo.height / photo.width)))
    forms = (Form("cascade", sides, "cascade"), Form("each", sides, "a decode each"))
    return Workload(f"{photo.name}-sizes", photo, outputs, forms, jobs)


ONE = PHOTOS["photo-1mp"]
TWELVE = PHOTOS["photo-12mp"]

WORKLOADS: Mapping[str, Workload] = {
    workload.name: workload
    for workload in (
        _resize(TWELVE, JPEG, 300, 1.25),
        _resize(TWELVE, PNG, 300, 1.25),
        _resize(ONE, JPEG, 900, 1.67),
        _resize(ONE, PNG, 900, 1.67),
        _chain(TWELVE, (1500, 1150, 1000, 700), 300),
        _chain(ONE, (303, 280, 500, 350), 600),
        _sizes(TWELVE, (2000, 1000, 500, 250), 160),
        _sizes(ONE, (800, 400, 200, 100), 300),
    )
}
