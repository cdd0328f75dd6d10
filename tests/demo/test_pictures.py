"""The demo's pictures: they show what the caption says, in the same bytes on every machine."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from racro_eval.demo.facts import BarsFacts, CountFacts, ExpressionFacts, TriangleFacts
from racro_eval.demo.glyphs import GLYPHS
from racro_eval.demo.pictures import background
from racro_eval.demo.problems import picture_bytes, problem, render
from tests.demo.reading import bar_height, letters, shapes

HELD_OUT = 10_000_000
PINNED = json.loads((Path(__file__).parent / "pinned.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PINNED, ids=lambda case: f"{case['number']} {case['why']}")
def test_pinned(case: dict[str, str | int]) -> None:
    made = problem(HELD_OUT, int(case["number"]))
    assert (made.question, made.answer) == (case["question"], case["answer"])
    assert hashlib.sha256(picture_bytes(made)).hexdigest() == case["sha256"]


def test_the_png_holds_the_picture() -> None:
    for number in range(8):
        made = problem(3, number)
        data = picture_bytes(made)
        assert data == picture_bytes(problem(3, number))
        with Image.open(io.BytesIO(data)) as image:
            image.verify()  # checksums
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (112, 112))
            assert image.tobytes() == render(made).tobytes()


def test_a_picture_is_drawn_on_fresh_paper() -> None:
    before = background().tobytes()
    render(problem(3, 0))
    assert background().tobytes() == before


def test_every_patch_of_the_background_is_different() -> None:
    corners = {(0, 0): (185, 245, 185), (111, 0): (255, 245, 185), (0, 111): (185, 245, 255)}
    for place, colour in corners.items():
        assert background().getpixel(place) == colour
    patches = {
        background().crop((x, y, x + 14, y + 14)).tobytes()
        for x in range(0, 112, 14)
        for y in range(0, 112, 14)
    }
    assert len(patches) == 64


def test_glyphs() -> None:
    assert set(GLYPHS) == set("0123456789+-xKMPRST")
    assert len(set(GLYPHS.values())) == len(GLYPHS)
    for rows in GLYPHS.values():
        assert len(rows) == 7
        assert all(len(row) == 5 and set(row) <= {"#", "."} for row in rows)


@pytest.mark.parametrize("number", range(40))
def test_the_picture_shows_the_facts(number: int) -> None:
    made = problem(HELD_OUT, number)
    image = render(made)
    match made.facts:
        case CountFacts(shapes=drawn):
            assert shapes(image) == [(shape.colour, shape.kind) for shape in drawn]
        case BarsFacts(names=names, values=values):
            assert letters(image, 0) == "".join(f"{value:<2}" for value in values)
            assert letters(image, 3) == "".join(f"{name:<2}" for name in names)
            heights = [bar_height(image, column) for column in range(4)]
            assert heights == [value * 56 // 20 for value in values]
        case ExpressionFacts() as facts:
            lines = [" " * 8] * 4
            lines[facts.row] = f"{' ' * facts.slot}{facts.text}".ljust(8)
            assert [letters(image, row) for row in range(4)] == lines
        case TriangleFacts(angles=(first, second), slot=slot):
            assert letters(image, 0) == f"{' ' * slot}{first}".ljust(8)
            assert letters(image, 3) == f"{second:<6}x "


def test_a_line_parts_the_values_of_neighbouring_bars() -> None:
    image = render(problem(HELD_OUT, 1))
    for x in (28, 56, 84):
        assert {image.getpixel((x, y)) for y in range(28)} == {(150, 150, 150)}
        assert image.getpixel((x, 28)) != (150, 150, 150)
