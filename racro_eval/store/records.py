"""CSV records as bytes. Every field is quoted, so a record ends at the first line break after an
even number of quotes, and a lone carriage return in a field is harmless.

All CSV and TSV files are read through this module, which removes csv's limit on the field size.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator

from racro_eval.common.redaction import redacted

# Responses and base64 images are larger than csv's default of 128 KiB for a field.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

_BLANK = b"\xef\xbb\xbf \t\r\n"
"""Bytes that editors leave at the start and the end of a file: a BOM, empty lines."""
_TORN_ROW = re.compile(
    rb"""(?:"(?:[^"]++|"")*+",)*+       # complete fields
         (?:"(?:[^"]++|"")*+"?)?+       # possibly an incomplete one
         (?:\r?\n)?""",
    re.VERBOSE,
)


def clean(text: str) -> str:
    """The text as it can be stored: NUL and unpaired surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def encode_row(values: Iterable[str]) -> bytes:
    """One record, all fields quoted, ending in a line feed. Secrets in it are redacted.

    The first value is the row's index.
    """
    index, *others = map(clean, values)
    # An index comes from the benchmark and identifies the row, so it is never redacted.
    fields = [index, *map(redacted, others)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(fields)
    return buffer.getvalue().encode("utf-8")


def split_records(file: io.BufferedReader) -> Iterator[tuple[int, bytes, bool]]:
    """(offset, bytes, whether complete) of each record; only the last one can be incomplete."""
    start, quotes, pieces = file.tell(), 0, []
    for line in file:
        pieces.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0 and line.endswith(b"\n"):
            record = b"".join(pieces)
            yield start, record, True
            start, quotes, pieces = start + len(record), 0, []
    if pieces:
        yield start, b"".join(pieces), False


def is_blank(record: bytes) -> bool:
    """Whether a record is empty: an empty line, or only a byte order mark."""
    return record[0] in _BLANK and not record.strip(_BLANK)


def is_torn_row(tail: bytes) -> bool:
    """Whether a crash can have left these bytes of one row: its start, zeros, or nothing.

    In a row of the store every quote is doubled or at the end of a field. That is not true for the
    rows after a quote that somebody has removed by hand.
    """
    tail = tail.rstrip(b"\0" + _BLANK)
    return _TORN_ROW.fullmatch(tail) is not None


def read_rows(
    lines: Iterable[str], *, delimiter: str = ",", strict: bool = False
) -> Iterator[list[str]]:
    """The fields of each row, starting with the header. Raises csv.Error."""
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def read_named_rows(lines: Iterable[str], *, strict: bool = False) -> csv.DictReader[str]:
    """Rows as dicts by column; the columns are in `fieldnames`. Raises csv.Error."""
    return csv.DictReader(lines, strict=strict)


def decode_row(record: bytes) -> list[str]:
    """The fields of one record. Raises ValueError or csv.Error if it is not exactly one."""
    (fields,) = read_rows(io.StringIO(record.decode("utf-8"), newline=""), strict=True)
    return fields
