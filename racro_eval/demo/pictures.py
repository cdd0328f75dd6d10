"""The demo's pictures: 112x112 pixels that a vision model of half a million weights can learn.

A picture is a grid of 4x4 cells of 28 pixels; a cell is one image token of Qwen2.5-VL (patch 14,
merge 2). Text is in slots of half a cell, so that a token sees whole letters.

The bytes of a picture depend only on its facts, on every machine, because they are part of the keys
of the cache. Therefore the letters are our own, the background is computed in integers, and nothing
is compressed.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache

from PIL import Image, ImageDraw

from racro_eval.demo.facts import (
    BarsFacts,
    CountFacts,
    ExpressionFacts,
    Facts,
    Shape,
    TriangleFacts,
)
from racro_eval.demo.glyphs import GLYPHS, HEIGHT, WIDTH

SIZE = 112
CELL = 28
SLOT = 14
COLUMNS = SIZE // CELL
SLOTS = SIZE // SLOT
ROWS = SIZE // CELL

RGB = {
    "red": (220, 40, 40),
    "green": (40, 160, 60),
    "blue": (50, 80, 220),
    "orange": (240, 150, 30),
}
INK = (0, 0, 0)
RULE = (150, 150, 150)
BAR_COLOURS = ("red", "green", "blue", "orange")
LARGEST_BAR = 20
"""The largest value, of a bar that is two cells high."""


def draw(facts: Facts) -> Image.Image:
    """The picture of these facts, RGB."""
    image = background().copy()
    canvas = ImageDraw.Draw(image)
    match facts:
        case CountFacts():
            for cell, shape in enumerate(facts.shapes):
                _shape(canvas, cell, shape)
        case BarsFacts():
            _bars(canvas, facts)
        case ExpressionFacts():
            _write(canvas, facts.row, facts.slot, facts.text)
        case TriangleFacts():
            _triangle(canvas, facts)
    return image


def png(image: Image.Image) -> bytes:
    """An RGB picture of up to 64 kB of pixels as an uncompressed PNG.

    Pillow's PNGs differ between its versions, which have different versions of zlib.
    """
    width, height = image.size
    pixels = image.tobytes()
    stride = 3 * width
    # every line starts with its filter; 0 is none
    lines = b"".join(b"\0" + pixels[at : at + stride] for at in range(0, len(pixels), stride))
    # a zlib stream with one block, which is the last one (1) and is not compressed
    block = b"\x78\x01\x01" + struct.pack("<HH", len(lines), len(lines) ^ 0xFFFF) + lines
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", block + struct.pack(">I", zlib.adler32(lines)))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@cache
def background() -> Image.Image:
    """A background that gets redder to the right and bluer downwards.

    It encodes the position of every patch: Qwen2.5-VL's vision tower has relative positions only,
    and with a white background a model of this size did not learn to read.
    """
    tint = [185 + 70 * step // (SIZE - 1) for step in range(SIZE)]
    return Image.frombytes(
        "RGB", (SIZE, SIZE), bytes(v for y in tint for x in tint for v in (x, 245, y))
    )


def _write(canvas: ImageDraw.ImageDraw, row: int, slot: int, text: str) -> None:
    """Black letters, one per slot, in the middle of the row."""
    for number, letter in enumerate(text, start=slot):
        canvas.bitmap((number * SLOT + 2, row * CELL + 7), _glyph(letter), fill=INK)


@cache
def _glyph(letter: str) -> Image.Image:
    """The mask of a letter, twice the size of its glyph."""
    pixels = bytes(255 * (ink == "#") for row in GLYPHS[letter] for ink in row)
    small = Image.frombytes("L", (WIDTH, HEIGHT), pixels)
    return small.resize((2 * WIDTH, 2 * HEIGHT), Image.Resampling.NEAREST).convert("1")


def _shape(canvas: ImageDraw.ImageDraw, cell: int, shape: Shape) -> None:
    x, y = cell % COLUMNS * CELL + 4, cell // COLUMNS * CELL + 4
    fill = RGB[shape.colour]
    match shape.kind:
        case "circle":
            canvas.ellipse((x, y, x + 20, y + 20), fill=fill)
        case "square":
            canvas.rectangle((x + 1, y + 1, x + 19, y + 19), fill=fill)
        case "triangle":
            canvas.polygon([(x + 10, y), (x, y + 20), (x + 20, y + 20)], fill=fill)


def _bars(canvas: ImageDraw.ImageDraw, facts: BarsFacts) -> None:
    """Values in the first row, bars down to the end of the third row, names below."""
    floor = 3 * CELL
    for column, (name, value) in enumerate(zip(facts.names, facts.values, strict=True)):
        left = column * CELL
        if column:
            # without it, the values 1 and 12 would look like 112
            canvas.line((left, 0, left, CELL - 1), fill=RULE)
        _write(canvas, 0, 2 * column, str(value))
        top = floor - value * 2 * CELL // LARGEST_BAR
        canvas.rectangle((left + 4, top, left + 23, floor - 1), fill=RGB[BAR_COLOURS[column]])
        _write(canvas, 3, 2 * column, name)


def _triangle(canvas: ImageDraw.ImageDraw, facts: TriangleFacts) -> None:
    """An outline, with its angle at each corner."""
    corners = [(facts.apex, 30), (12, 82), (100, 82)]
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        canvas.line((start, end), fill=INK, width=2)
    for (row, slot), label in zip(((0, facts.slot), (3, 0), (3, 6)), facts.labels, strict=True):
        _write(canvas, row, slot, label)
