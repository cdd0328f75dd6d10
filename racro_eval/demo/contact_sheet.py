"""A page with some of the demo's pictures and their questions.

python -m racro_eval.demo.contact_sheet docs/images/demo-problems.png
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from racro_eval.demo.pictures import SIZE
from racro_eval.demo.problems import Problem, problem, render

SEED = 10_000_000
"""The seed of the Demo benchmark."""
COLUMNS, ROWS = 4, 3
_SCALE = 2
_MARGIN = 16
_TEXT_HEIGHT = 66
_WIDTH = SIZE * _SCALE + _MARGIN
_HEIGHT = SIZE * _SCALE + _TEXT_HEIGHT + _MARGIN


def contact_sheet() -> Image.Image:
    """The first problems of the Demo benchmark, a column per skill."""
    sheet = Image.new("RGB", (COLUMNS * _WIDTH + _MARGIN, ROWS * _HEIGHT + _MARGIN), "white")
    for number in range(COLUMNS * ROWS):
        left = _MARGIN + number % COLUMNS * _WIDTH
        top = _MARGIN + number // COLUMNS * _HEIGHT
        _paste(sheet, left, top, problem(SEED, number))
    return sheet


def _paste(sheet: Image.Image, left: int, top: int, shown: Problem) -> None:
    side = SIZE * _SCALE
    sheet.paste(render(shown).resize((side, side), Image.Resampling.NEAREST), (left, top))
    text = "\n".join(textwrap.wrap(shown.question, 36))
    if shown.options:
        text += "\n" + "   ".join(f"{letter}. {option}" for letter, option in shown.options.items())
    text += f"\nanswer: {shown.answer}"
    font = ImageFont.load_default(12)
    ImageDraw.Draw(sheet).text((left, top + side + 4), text, fill="black", font=font)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet().save(path, optimize=True)
