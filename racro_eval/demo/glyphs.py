"""The 5x7 letters of the demo's pictures.

They are drawn by hand, not taken from a font: fonts, and the libraries that render them, differ
between machines, and with them every picture and every key of the cache would differ.
"""

from __future__ import annotations

from types import MappingProxyType

WIDTH, HEIGHT = 5, 7

_SHEETS = (
    (
        "01234",
        """
        .###.  ..#..  .###.  .###.  ...#.
        #...#  .##..  #...#  #...#  ..##.
        #..##  #.#..  ....#  ....#  .#.#.
        #.#.#  ..#..  ...#.  ..##.  #..#.
        ##..#  ..#..  ..#..  ....#  #####
        #...#  ..#..  .#...  #...#  ...#.
        .###.  #####  #####  .###.  ...#.
        """,
    ),
    (
        "56789",
        """
        #####  ..##.  #####  .###.  .###.
        #....  .#...  ....#  #...#  #...#
        ####.  #....  ...#.  #...#  #...#
        ....#  ####.  ...#.  .###.  .####
        ....#  #...#  ..#..  #...#  ....#
        #...#  #...#  ..#..  #...#  ...#.
        .###.  .###.  ..#..  .###.  .##..
        """,
    ),
    (
        "+-xKM",
        """
        .....  .....  .....  #...#  #...#
        ..#..  .....  #...#  #..#.  ##.##
        ..#..  .....  .#.#.  #.#..  #.#.#
        #####  #####  ..#..  ##...  #.#.#
        ..#..  .....  .#.#.  #.#..  #...#
        ..#..  .....  #...#  #..#.  #...#
        .....  .....  .....  #...#  #...#
        """,
    ),
    (
        "PRST",
        """
        ####.  ####.  .####  #####
        #...#  #...#  #....  ..#..
        #...#  #...#  #....  ..#..
        ####.  ####.  .###.  ..#..
        #....  #.#..  ....#  ..#..
        #....  #..#.  ....#  ..#..
        #....  #...#  ####.  ..#..
        """,
    ),
)


def _read(letters: str, sheet: str) -> dict[str, tuple[str, ...]]:
    """Letter → its rows, from letters side by side on a sheet."""
    columns = zip(*(line.split() for line in sheet.split("\n") if line.strip()), strict=True)
    return dict(zip(letters, columns, strict=True))


GLYPHS = MappingProxyType(
    {letter: rows for sheet in _SHEETS for letter, rows in _read(*sheet).items()}
)
"""Letter → seven rows of five characters, `#` for ink and `.` for paper."""
