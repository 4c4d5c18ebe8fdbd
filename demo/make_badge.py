"""Owns how demo/badge.png came to be: `6px` in white on a dark pill, half transparent. Never run by the demo."""

from __future__ import annotations

from pathlib import Path

import pyvips

STROKES = (
    "M 52 30 C 38 34 30 46 30 60 C 30 72 38 80 48 80 C 58 80 66 73 66 63 C 66 53 58 47 49 47 C 40 47 33 53 31 60",  # 6
    "M 88 48 L 88 98 M 88 63 C 88 53 96 47 105 47 C 115 47 123 54 123 63.5 C 123 73 115 80 105 80 C 96 80 88 74 88 63",
    "M 144 47 L 172 80 M 172 47 L 144 80",  # x
)
SVG = f"""
<svg xmlns="http://www.w3.org/2000/svg" width="200" height="120" viewBox="0 0 200 120">
  <rect x="4" y="10" width="192" height="100" rx="50" fill="#10242e" fill-opacity="0.72"
    stroke="#ffffff" stroke-opacity="0.9" stroke-width="5"/>
  <g fill="none" stroke="#ffffff" stroke-width="9" stroke-linecap="round" stroke-linejoin="round">
    {"".join(f'<path d="{stroke}"/>' for stroke in STROKES)}
  </g>
</svg>
"""

if __name__ == "__main__":
    pyvips.Image.svgload_buffer(SVG.encode()).pngsave(str(Path(__file__).with_name("badge.png")), keep="none")
