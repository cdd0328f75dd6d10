"""Reads a demo picture back, pixel by pixel, and answers a question from a caption alone.

Neither knows the generator's facts: they see what a model sees.
"""

from __future__ import annotations

import re

from PIL import Image

from racro_eval.demo.glyphs import GLYPHS

COLOURS = {
    (220, 40, 40): "red",
    (40, 160, 60): "green",
    (50, 80, 220): "blue",
    (240, 150, 30): "orange",
}


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value[0], value[1], value[2]


def letters(image: Image.Image, row: int) -> str:
    """The text in a row's eight slots; a blank where there is no known letter."""
    text = ""
    for slot in range(8):
        seen = tuple(
            "".join(
                "#"
                if pixel(image, slot * 14 + 2 + 2 * x, row * 28 + 7 + 2 * y) == (0, 0, 0)
                else "."
                for x in range(5)
            )
            for y in range(7)
        )
        text += next((letter for letter, rows in GLYPHS.items() if rows == seen), " ")
    return text


def shapes(image: Image.Image) -> list[tuple[str, str]]:
    """(colour, kind) of each cell that holds a shape, in reading order."""
    found = []
    for cell in range(16):
        x, y = cell % 4 * 28 + 4, cell // 4 * 28 + 4
        colour = COLOURS.get(pixel(image, x + 10, y + 10))
        if colour:
            if pixel(image, x + 2, y + 2) in COLOURS:
                kind = "square"
            elif pixel(image, x + 2, y + 10) in COLOURS:
                kind = "circle"
            else:
                kind = "triangle"
            found.append((colour, kind))
    return found


def bar_height(image: Image.Image, column: int) -> int:
    """In pixels."""
    return sum(pixel(image, column * 28 + 14, y) in COLOURS for y in range(28, 84))


def solve(caption: str, question: str) -> str:
    """The answer to a question, given nothing but the caption."""
    if caption.startswith("The shapes are "):
        words = caption.removeprefix("The shapes are ").removesuffix(".").split(", ")
        asked = re.search(r"(red|green|blue|orange|circle|square|triangle)", question)
        assert asked
        return str(words.count(asked[1]))
    if caption.startswith("The bar chart shows "):
        return _solve_bars(
            {name: int(value) for name, value in re.findall(r"([A-Z])=(\d+)", caption)}, question
        )
    if caption.startswith("The image shows the expression "):
        text = caption.rpartition(" ")[2].removesuffix(".")
        assert re.fullmatch(r"\d+[+x]\d+[+x-]\d+", text)
        terms = re.findall(r"[+-]?[\dx]+", text)
        total = 0
        for term in terms:
            product = -1 if term.startswith("-") else 1
            for factor in term.lstrip("+-").split("x"):
                product *= int(factor)
            total += product
        return str(total)
    angles = re.fullmatch(r"The triangle has angles (\d+),(\d+),x\.", caption)
    assert angles
    return str(180 - int(angles[1]) - int(angles[2]))


def _solve_bars(bars: dict[str, int], question: str) -> str:
    ranked = sorted(bars, key=lambda name: bars[name])
    low, high = ranked[0], ranked[-1]
    if question.startswith("Which bar"):
        return high if "largest" in question else low
    if "difference" in question:
        return str(bars[high] - bars[low])
    if "largest" in question:
        return str(bars[high] + bars[low])
    return str(sum(bars.values()))
