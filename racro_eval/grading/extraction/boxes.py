"""The boxes of a response: `\\boxed{...}`, `\\fbox{...}`, `\\framebox{...}`, `\\boxed 5`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from racro_eval.grading.verdict import Extraction

MAX_OPEN_BOX = 200
"""Characters of a box that is not closed."""
MAX_JOINT = 60
"""Boxes that are joined, and characters between two of them."""

_BOX = r"\\{1,4}(?:boxed|fbox|framebox)"
_BRACES = re.compile(
    rf"(?P<box>{_BOX}(?![a-zA-Z])[ \t]*\{{)|\\.|(?P<open>\{{)|(?P<close>\}})", re.DOTALL
)
_UNBRACED = re.compile(rf"{_BOX}(?:[ \t]+|(?=\d))([^\s{{}}$]+)")
_BETWEEN = re.compile(
    r"(?:[\s$,;]|\\[,;: ]|\\\(|\\\)|\\q?quad|\\text\s*\{\s*(?:and|or|,)?\s*\}|and|or|和|或|、"
    r"|\^\{?\\circ\}?|°"
    r"|(?:\\text\s*\{\s*)?for part \([a-z]\)(?:\s*(?:and|or)\s*\})?"
    r"|(?:\\angle\s*|\d)?[a-zA-Z]{1,3}_?\{?\d?\}?\s*=)*"
)
# What prompts write between the braces as an example; a model may repeat it.
_PLACEHOLDER = re.compile(
    r"(?:\\text\s*\{)?[\s.?…_]*(?:\\[lc]?dots|n/a|(?:your |the |final |option |numeric )*"
    r"(?:answer|letter|value|result|number|expression|choice)(?: here)?)?[\s.?…_]*\}?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Box:
    """The position of a box's content in the text."""

    start: int
    end: int


def find_boxes(text: str, complete: bool) -> list[Box]:
    """The outermost boxes that are not empty, in order.

    complete: whether the last box counts if the text ends before it is closed.
    """
    closed, open_start = _spans(text)
    unbraced = [Box(*match.span(1)) for match in _UNBRACED.finditer(text)]
    boxes = sorted((*closed, *unbraced), key=lambda box: box.start)
    boxes = [box for box in boxes if not _is_empty(text[box.start : box.end])]
    if complete and open_start is not None and len(text) - open_start <= MAX_OPEN_BOX:
        rest = text[open_start:].strip().rstrip("$").strip()
        if rest and "\n\n" not in rest and not _is_empty(rest):
            start = text.index(rest, open_start)
            return [*boxes, Box(start, start + len(rest))]
    return boxes


def boxed_answers(text: str, boxes: list[Box]) -> list[Extraction]:
    """The last box, and then, if its sentence has several boxes, all of these as one list."""
    last = boxes[-1]
    single = [Extraction(text[last.start : last.end].strip().rstrip("."), "boxed")]
    joined = _joined(text, boxes)
    return [*single, joined] if joined else single


def _is_empty(content: str) -> bool:
    bare = content.strip(" \t\n$.,{}")
    return not bare or bool(_PLACEHOLDER.fullmatch(bare))


def _spans(text: str) -> tuple[list[Box], int | None]:
    """The contents of the closed outermost boxes, and the start of a last one that is open."""
    spans: list[Box] = []
    stack: list[int | None] = []  # start of a box's content, None for other braces
    for match in _BRACES.finditer(text):
        if match["box"]:
            stack.append(match.end())
        elif match["open"]:
            stack.append(None)
        elif match["close"] and stack:
            start = stack.pop()
            if start is not None:
                while spans and spans[-1].start >= start:
                    spans.pop()  # nested boxes are part of this one
                spans.append(Box(start, match.start()))
    open_start = next((start for start in reversed(stack) if start is not None), None)
    if open_start is not None and spans and spans[-1].start > open_start:
        open_start = None
    return spans, open_start


def _joined(text: str, boxes: list[Box]) -> Extraction | None:
    """The boxes of the last sentence, `\\boxed{1} and \\boxed{2}`, as a list; None for one box."""
    run = [boxes[-1]]
    for box in reversed(boxes[-MAX_JOINT:-1]):
        gap = text[box.end + 1 : run[0].start]
        gap = re.sub(rf"{_BOX}\s*\{{?\s*$", "", gap)
        if len(gap) > MAX_JOINT or not _BETWEEN.fullmatch(gap):
            break
        run.insert(0, box)
    if len(run) == 1:
        return None
    return Extraction(", ".join(text[box.start : box.end].strip() for box in run), "boxes")
