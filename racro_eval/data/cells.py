"""From a row's cells to texts, options and labels. Cells are data: parsed, never evaluated."""

from __future__ import annotations

import ast
import json
import re
import string
import warnings
from collections.abc import Mapping
from typing import Any

from racro_eval.data.layouts import Fields
from racro_eval.errors import DataError
from racro_eval.store.records import clean

Row = Mapping[str, Any]

_LETTERED = re.compile(r"\s*A\s*[.．]")


def lookup(row: Row, path: str) -> Any:
    """The cell of a column, or for `a.b` the value `b` of the object in column `a`; else None."""
    if path in row:
        return row[path]
    head, _, rest = path.partition(".")
    inner = row.get(head) if rest else None
    if isinstance(inner, str):
        inner = literal(inner)
    return lookup(inner, rest) if isinstance(inner, Mapping) else None


def literal(cell: str) -> Any:
    """The value that JSON or a Python literal spells; None if the cell is empty or spells none."""
    if not cell.strip():
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        return python_literal(cell.strip())
    except ValueError:
        return None


def python_literal(text: str) -> Any:
    """The value that a Python literal spells. Nothing is run. Raises ValueError."""
    with warnings.catch_warnings():
        # "\\d" in a text is no escape of Python's; of a formula in a cell nobody wants to hear it.
        warnings.simplefilter("ignore")
        try:
            return ast.literal_eval(text)
        except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
            raise ValueError(str(error) or type(error).__name__) from error


def text(value: Any) -> str:
    """A cell as text. Lists and objects become JSON, nothing becomes the empty text, 1.0 is 1.

    It can stand in any file: a row is found again by its index, and a prompt has a hash.
    """
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return clean(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean(str(value))


def labels(value: Any) -> str:
    """The labels in a cell as a JSON list: those of a list, of the text of one, or the text."""
    if isinstance(value, str):
        parsed = literal(value) if value.lstrip().startswith("[") else None
        value = parsed if isinstance(parsed, list) else [value] if value else []
    return json.dumps([text(item) for item in value or []], ensure_ascii=False)


def index(row: Row, fields: Fields) -> str:
    """The row's index."""
    if "{" in fields.index:
        return fields.index.format_map({name: text(row[name]) for name in fields.index_columns})
    return text(lookup(row, fields.index))


def options(row: Row, fields: Fields) -> dict[str, str]:
    """Letter → text. A missing option is an empty cell; the texts "None" and "NA" are options."""
    if fields.options is None:
        return {}
    if isinstance(fields.options, tuple):
        texts = {letter: text(row.get(letter)) for letter in fields.options}
        return {letter: option for letter, option in texts.items() if option}
    value = lookup(row, fields.options)
    if isinstance(value, str) and _LETTERED.match(value):
        return lettered_options(value)
    if isinstance(value, str) and value.strip():
        parsed = literal(value)
        if parsed is None and value.strip() not in ("None", "null"):
            raise DataError(f"Row {index(row, fields)}: its options are not a list: {value!r:.60}.")
        value = parsed
    if value and not isinstance(value, (list, tuple)):
        raise DataError(f"Row {index(row, fields)}: its options are not a list: {value!r:.60}.")
    return dict(zip(string.ascii_uppercase, (text(item) for item in value or []), strict=False))


def lettered_options(cell: str) -> dict[str, str]:
    """The options in one text such as `A. 3 cm; B. 4 cm; E. No correct answer`.

    We-Math's own cells are not always clean, so letters are looked for in their order: behind a
    semicolon, or (`A. 45° B. 60° ;C. 120°`) behind a space. A letter that ends its option (`Shape
    ;C.; B. ...`) begins none; the semicolon before it is an accident of the file and goes.
    """
    found: list[tuple[str, int, int]] = []
    for letter in "ABCDEFGH":
        start = found[-1][2] if found else 0
        for before in (r"^\s*",) if letter == "A" else (r";\s*", r"\s"):
            match = re.compile(rf"{before}{letter}\s*[.．]\s*(?=[^;\s])").search(cell, start)
            if match:
                found.append((letter, match.start(), match.end()))
                break
    ends = [begin for _, begin, _ in found[1:]] + [len(cell)]
    return {
        letter: re.sub(r";(?=[A-Z]\.)", "", cell[begin:end]).strip(" ;")
        for (letter, _, begin), end in zip(found, ends, strict=True)
    }


def answer(row: Row, fields: Fields, choices: Mapping[str, str]) -> str:
    """The gold answer: a letter for rows with options.

    Where the file gives the option's text, the first option that is this text; two may be. A list
    of answers becomes one text, with commas.
    """
    value = lookup(row, fields.answer)
    if fields.answer_is == "list":
        value = literal(value) if isinstance(value, str) else value
        return ", ".join(text(item) for item in value) if isinstance(value, list) else text(value)
    gold = text(value)
    if not choices or fields.answer_is == "letter":
        return gold
    return next((letter for letter, option in choices.items() if option == gold), gold)
