"""From a row's cells to texts, options and labels. Cells are parsed, never evaluated as code."""

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
    """The cell of a column, or for `a.b` the value of key `b` in the object of column `a`.

    None if there is no such column or key.
    """
    if path in row:
        return row[path]
    head, _, rest = path.partition(".")
    inner = row.get(head) if rest else None
    if isinstance(inner, str):
        inner = parse_literal(inner)
    return lookup(inner, rest) if isinstance(inner, Mapping) else None


def parse_literal(cell: str) -> Any:
    """The value of a cell that holds JSON or a Python literal; None if it holds neither."""
    if not cell.strip():
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        return parse_python_literal(cell.strip())
    except ValueError:
        return None


def parse_python_literal(text: str) -> Any:
    """The value of a Python literal; no code is run. Raises ValueError."""
    with warnings.catch_warnings():
        # Python warns of "\\d" and other backslashes of formulas: they are no escapes of its own.
        warnings.simplefilter("ignore")
        try:
            return ast.literal_eval(text)
        except (SyntaxError, MemoryError, RecursionError, TypeError) as error:
            raise ValueError(str(error) or type(error).__name__) from error


def text(value: Any) -> str:
    """A cell as text: lists and objects as JSON, None as "", and 1.0 as "1".

    Characters that a file cannot hold are replaced, so that an index that is read back from a file
    is the same, and a prompt has one hash.
    """
    if value is None:
        return ""
    if isinstance(value, (dict, list)):
        return clean(json.dumps(value, ensure_ascii=False))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean(str(value))


def labels_as_json(value: Any) -> str:
    """The labels in a cell (a list, the text of a list, or one label) as a JSON list."""
    if isinstance(value, str):
        parsed = parse_literal(value) if value.lstrip().startswith("[") else None
        value = parsed if isinstance(parsed, list) else [value] if value else []
    return json.dumps([text(item) for item in value or []], ensure_ascii=False)


def index(row: Row, fields: Fields) -> str:
    """The row's index."""
    if "{" in fields.index:
        return fields.index.format_map({name: text(row[name]) for name in fields.index_columns})
    return text(lookup(row, fields.index))


def options(row: Row, fields: Fields) -> dict[str, str]:
    """Letter → text of the row's options. Empty cells are no options; "None" and "NA" are.

    Raises DataError if the cell of options does not hold a list.
    """
    if fields.options is None:
        return {}
    if isinstance(fields.options, tuple):
        texts = {letter: text(row.get(letter)) for letter in fields.options}
        return {letter: option for letter, option in texts.items() if option}
    value = lookup(row, fields.options)
    if isinstance(value, str) and _LETTERED.match(value):
        return lettered_options(value)
    if isinstance(value, str) and value.strip():
        parsed = parse_literal(value)
        if parsed is None and value.strip() not in ("None", "null"):
            raise DataError(f"Row {index(row, fields)}: its options are not a list: {value!r:.60}.")
        value = parsed
    if value and not isinstance(value, (list, tuple)):
        raise DataError(f"Row {index(row, fields)}: its options are not a list: {value!r:.60}.")
    return dict(zip(string.ascii_uppercase, (text(item) for item in value or []), strict=False))


def lettered_options(cell: str) -> dict[str, str]:
    """The options in one text such as `A. 3 cm; B. 4 cm; E. No correct answer`.

    We-Math's cells are irregular. Letters are therefore searched in alphabetical order: after a
    semicolon, or (`A. 45° B. 60° ;C. 120°`) after a space. A letter that ends an option (`Shape
    ;C.; B. ...`) does not begin the next one; the stray semicolon before it is removed.
    """
    labels: list[tuple[str, int, int]] = []
    for letter in "ABCDEFGH":
        start = labels[-1][2] if labels else 0
        for before in (r"^\s*",) if letter == "A" else (r";\s*", r"\s"):
            match = re.compile(rf"{before}{letter}\s*[.．]\s*(?=[^;\s])").search(cell, start)
            if match:
                labels.append((letter, match.start(), match.end()))
                break
    ends = [begin for _, begin, _ in labels[1:]] + [len(cell)]
    return {
        letter: re.sub(r";(?=[A-Z]\.)", "", cell[begin:end]).strip(" ;")
        for (letter, _, begin), end in zip(labels, ends, strict=True)
    }


def answer(row: Row, fields: Fields, choices: Mapping[str, str]) -> str:
    """The gold answer: a letter for rows with options.

    If the file states the option's text, this is the letter of the first option with that text (two
    options may have it). A list of answers is joined with commas.
    """
    value = lookup(row, fields.answer)
    if fields.answer_is == "list":
        value = parse_literal(value) if isinstance(value, str) else value
        return ", ".join(text(item) for item in value) if isinstance(value, list) else text(value)
    gold = text(value)
    if not choices or fields.answer_is == "letter":
        return gold
    return next((letter for letter, option in choices.items() if option == gold), gold)
