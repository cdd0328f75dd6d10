"""Reads a normalised answer into a typed tree (`nodes.py`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from racro_eval.grading.comparison.nodes import (
    Based,
    Expression,
    Group,
    Joined,
    Matrix,
    Node,
    Quantity,
    Relation,
    Words,
)
from racro_eval.grading.comparison.normalize import MAX_NESTING, until_stable
from racro_eval.grading.comparison.times import read_clock, read_date
from racro_eval.grading.comparison.units import split_unit, sum_of_units
from racro_eval.grading.comparison.words import canonical, hanzi_number, is_words

MAX_ITEMS = 64
MAX_SIGNS = 4


_OPENING, _CLOSING = "([{⟨", ")]}⟩"
_SEPARATOR = re.compile(
    r"\s*(?:,|;)\s*(?:\b(?:and|or)\b\s*)?|\s*\b(?:and|or)\b\s*"
    r"|(?<=[\d)}])\s*[和或及]\s*(?=[-\d(\\a-z])",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"<=|>=|!=|=|<|>|≈|\\in(?![a-zA-Z])")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_JOINERS = (
    (r"\cup", re.compile(r"\\cup(?![a-zA-Z])|\s+U\s+")),
    (r"\cap", re.compile(r"\\cap(?![a-zA-Z])")),
    (":", re.compile(r":|(?<=[\d}])\s+to\s+(?=[\d\\])")),
)
_MATRIX = re.compile(
    r"\(?\s*[\[(]?\s*\\begin\s*\{([pbB]?matrix|array)\}\s*(?:\{[clr|]*\})?(.*?)\\end\s*\{\1\}\s*[\])]?\s*\)?",
    re.DOTALL,
)
_DOMAIN = re.compile(r"\(?\s*[a-zA-Z]\s*\\in\s*(?:\\mathbb\{[A-Z]\}|[ZNRQ])\s*\)?")
_BUILDER = re.compile(r"\s*[a-zA-Z](?:\\in\s*\\mathbb\{R\})?\s*[|:]\s*(.+)", re.DOTALL)
_CASES = re.compile(r"\\begin\s*\{cases\}(.*)\\end\s*\{cases\}", re.DOTALL)
_ROWS = re.compile(
    r"\\begin\s*\{(aligned|align|gather|gathered|split|equation)(\*?)\}(.*)\\end\s*\{\1\2\}",
    re.DOTALL,
)
_BASED = re.compile(r"\(?([0-9A-F]+)\)?_\{(\d{1,2})\}")
_PART = re.compile(r"\s*\((?:\d|[a-h]|i{1,3})\)\s*(?=.)")
_AND = re.compile(r"\s*\band\b\s*")


def parse(text: str, *, thousands: bool = True, depth: int = 0) -> Node:
    """The tree of normalised `text`.

    thousands: whether `1,234` without brackets is one number, not two items. depth: of the nesting.
    """
    text = hanzi_number(_without_grouping(_one_line(text)))
    if depth > MAX_NESTING or not text:
        return Words(text)
    if depth == 0 and thousands:
        text = _THOUSANDS.sub(
            lambda m: m[0].replace(",", "") if _depth(text, m.start()) == 0 else m[0], text
        )
    for reader in (
        _read_time,
        _read_matrix,
        _read_list,
        _read_relation,
        _read_joined,
        _read_brackets,
        _read_quantity,
    ):
        node = reader(text, thousands, depth + 1)
        if node is not None:
            return node
    if match := _BASED.fullmatch(text):
        return Based(match[1], match[2])
    symbol = canonical(text)
    return Words(symbol) if is_words(symbol) else _read_signs(symbol)


def parse_list(text: str) -> Group:
    """The items of normalised `text` in their order, without the brackets around them."""
    text = _without_grouping(text)
    if text.startswith(r"\{") and text.endswith(r"\}"):
        text = text[2:-2]
    elif text[:1] in _OPENING and text and _closing(text, 0) == len(text) - 1:
        text = text[1:-1]
    node = _read_list(text, False, 1)
    items = node.items if isinstance(node, Group) else (parse(text, thousands=False, depth=1),)
    return Group("bracket", items, "()")


def _without_grouping(text: str) -> str:
    """Remove brackets that only group: `{12}`, `(12)`."""

    def unwrap(value: str) -> str:
        value = value.strip()
        if value[:1] in ("(", "{") and _closing(value, 0) == len(value) - 1:
            inner = value[1:-1]
            if not any(True for _ in _top_level_matches(inner, _SEPARATOR)):
                return inner
        return value

    return until_stable(unwrap, text)


def _one_line(text: str) -> str:
    """An aligned formula on one line: its last row, or the values of its variables as a list.

    A row that begins with "=" continues the row before it.
    """
    match = _ROWS.fullmatch(text)
    if match is None:
        return text
    rows = [row.replace("&", "").strip(" ,") for row in match[3].split(r"\\")]
    chains = re.sub(r"\n(?=[=<>≈])", "", "\n".join(row for row in rows if row)).split("\n")
    names = {chain.partition("=")[0].strip() for chain in chains}
    # The last row of a derivation is its result; a solution assigns a value to each variable.
    solution = len(names) == len(chains) and all(len(name) == 1 for name in names)
    return ",".join(chains) if solution else chains[-1]


def split_top(text: str, pattern: re.Pattern[str]) -> list[str]:
    """Split `text` where `pattern` matches outside of all brackets."""
    parts, start = [], 0
    for match in _top_level_matches(text, pattern):
        parts.append(text[start : match.start()])
        start = match.end()
    return [*parts, text[start:]]


def _top_level_matches(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    depth = position = 0
    for match in pattern.finditer(text):
        for character in text[position : match.start()]:
            depth += (character in _OPENING) - (character in _CLOSING)
        position = match.start()
        if depth == 0:
            yield match


def _depth(text: str, end: int) -> int:
    return sum((c in _OPENING) - (c in _CLOSING) for c in text[:end])


def _closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one at `start`; -1 if there is none."""
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] in _OPENING) - (text[index] in _CLOSING)
        if depth == 0:
            return index
    return -1


def _read_time(text: str, thousands: bool, depth: int) -> Node | None:
    return read_clock(text) or read_date(text)


def _read_matrix(text: str, thousands: bool, depth: int) -> Node | None:
    if match := _CASES.fullmatch(text):
        return _items(
            [row for row in match[1].split(r"\\") if row.strip()], "set", thousands, depth
        )
    match = _MATRIX.fullmatch(text)
    if match is None or r"\begin" in match[2]:
        return None
    table = [row.split("&") for row in match[2].split(r"\\") if row.strip()]
    if not table:
        return None
    cells = tuple(tuple(parse(cell, depth=depth) for cell in row) for row in table)
    if len(cells) == 1 or all(len(row) == 1 for row in cells):
        return Group("bracket", tuple(cell for row in cells for cell in row), "()")
    return Matrix(cells)


def _items(
    parts: list[str], kind: str, thousands: bool, depth: int, brackets: str = ""
) -> Node | None:
    if not 0 < len(parts) <= MAX_ITEMS:
        return None
    items: list[Node] = []
    for part in parts:
        node = parse(part, thousands=thousands, depth=depth)
        plain = kind in ("list", "set") and isinstance(node, Group) and node.kind == "signs"
        items.extend(node.items if plain and isinstance(node, Group) else [node])
    return Group(kind, tuple(items), brackets)


def _read_list(text: str, thousands: bool, depth: int) -> Node | None:
    parts = split_top(text, _SEPARATOR)
    if len(parts) == 1 or not all(part.strip() for part in parts):
        return None
    labels = [_PART.match(part) for part in parts]
    if all(labels):  # (1) 3; (2) 5
        parts = [part[label.end() :] for part, label in zip(parts, labels, strict=True) if label]
    if len(parts) == 2 and _DOMAIN.fullmatch(parts[1]):
        return parse(parts[0], thousands=thousands, depth=depth)  # kπ, k ∈ ℤ
    if sum(is_words(part) for part in parts) > len(parts) / 2 and any(
        len(part.split()) > 3 for part in parts
    ):
        return None  # a sentence, not a list
    ranges = [re.search(r"[<>]", part) for part in parts]
    if all(ranges) and len(split_top(text, _AND)) == len(parts):
        return Joined(r"\cap", tuple(parse(part, depth=depth) for part in parts))
    return _items(parts, "list", thousands, depth)


def _read_relation(text: str, thousands: bool, depth: int) -> Node | None:
    operators = [match[0] for match in _top_level_matches(text, _OPERATOR)]
    if not operators:
        return None
    parts = [part.strip() for part in split_top(text, _OPERATOR)]
    if not all(parts):
        return None
    return Relation(tuple(parts), tuple(operators))


def _read_joined(text: str, thousands: bool, depth: int) -> Node | None:
    for operator, pattern in _JOINERS:
        parts = split_top(text, pattern)
        if len(parts) > 1 and all(part.strip() for part in parts) and len(parts) <= MAX_ITEMS:
            if operator == ":" and any(is_words(part) for part in parts):
                return None
            return Joined(
                operator, tuple(parse(part, thousands=False, depth=depth) for part in parts)
            )
    return None


def _read_brackets(text: str, thousands: bool, depth: int) -> Node | None:
    if text.startswith(r"\{") and text.endswith(r"\}"):
        opening, inner, closing = "{", text[2:-2], "}"
    elif text[:1] and text[0] in _OPENING and _closing(text, 0) == len(text) - 1:
        opening, inner, closing = text[0], text[1:-1], text[-1]
    else:
        return None
    if not inner.strip():
        return Expression(r"\emptyset") if opening == "{" else None
    parts = split_top(inner, _SEPARATOR)
    if not all(part.strip() for part in parts):
        return None
    builder = _BUILDER.fullmatch(inner) if opening == "{" else None
    if builder:
        return parse(builder[1], thousands=False, depth=depth)
    rows = [_row(part) for part in parts]
    if opening == "[" and len(rows) > 1 and all(rows) and len({len(row) for row in rows}) == 1:
        return Matrix(tuple(tuple(parse(c, depth=depth) for c in row) for row in rows))
    kind = "set" if opening == "{" else "bracket"
    if opening == "{" and closing != "}":
        return None
    return _items(parts, kind, False, depth, opening + closing)


def _row(text: str) -> list[str]:
    """The cells of `[1,2]`, a row of a matrix written with brackets."""
    text = text.strip()
    inner = text[1:-1] if text[:1] == "[" and text[-1:] == "]" else ""
    return split_top(inner, _SEPARATOR) if inner.strip() else []


def _read_quantity(text: str, thousands: bool, depth: int) -> Node | None:
    if text.endswith("%") and len(text) > 1:
        return Quantity(parse(text[:-1], depth=depth), None, percent=True)
    angle = re.fullmatch(r"(\d+)°\s*(\d+)'(?:\s*(\d+)(?:''|\"))?", text)
    if angle:
        degrees = f"{angle[1]}+\\frac{{{angle[2]}}}{{60}}+\\frac{{{angle[3] or 0}}}{{3600}}"
        return Quantity(Expression(degrees), split_unit("1°")[1])  # type: ignore[index]
    total = sum_of_units(text)
    if total is not None:
        return Quantity(Expression(total[0]), total[1])
    split = split_unit(text)
    if split is None or not split[0].strip():
        return None
    value = parse(split[0], thousands=thousands, depth=depth)
    return None if isinstance(value, Words) else Quantity(value, split[1])


def _read_signs(text: str) -> Node:
    """A formula, or both values of one such as `1 \\pm \\sqrt{2}`."""
    count = text.count(r"\pm") + text.count(r"\mp")
    if not count or count > MAX_SIGNS:
        return Expression(text)
    values = (
        text.replace(r"\pm", sign).replace(r"\mp", other)
        for sign, other in (("+", "-"), ("-", "+"))
    )
    return Group("signs", tuple(Expression(re.sub(r"^\+\s*", "", item.strip())) for item in values))
