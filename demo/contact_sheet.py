"""Owns the contact sheets: everything that sixpx does to pictures, labelled, to be looked at. Never a test.

python demo/contact_sheet.py [--out folder] [page ...]        (default: all pages, in ./contact-sheet)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sheets import analyses, animations, faces, filters, inputs, methods, outputs
from sheets.page import drawn
from sheets.studio import Studio

from sixpx.worker import set_up

AREAS = {
    "methods": methods.pages,
    "filters": filters.pages,
    "animations": animations.pages,
    "faces": faces.pages,
    "analyses": analyses.pages,
    "inputs": inputs.pages,
    "outputs": outputs.pages,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="everything that sixpx does to pictures, on sheets to be looked at")
    parser.add_argument("areas", nargs="*", metavar="area", help=f"only these: {', '.join(AREAS)}")
    parser.add_argument("--out", type=Path, default=Path("contact-sheet"))
    asked = parser.parse_args()
    if unknown := set(asked.areas) - set(AREAS):
        parser.error(f"there is no area {', '.join(sorted(unknown))}")
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        set_up(scratch=folder)
        studio = Studio(Path(folder))
        for name in asked.areas or AREAS:
            for page in AREAS[name](studio):
                path = asked.out / f"{page.name}.png"
                drawn(page).save(path)
                print(path, flush=True)
    for sentence in studio.refused:
        print(f"not made: {sentence}", file=sys.stderr)
    return 1 if studio.refused else 0


if __name__ == "__main__":
    sys.exit(main())
