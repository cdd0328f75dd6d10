"""CSV records as bytes. Every field is quoted, so a record ends at the first line break after an
even number of quotes; a lone carriage return, which default quoting lets through, breaks nothing.

All CSVs and TSVs are read through this module, which lets a field have any size.
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
"""Of these bytes is what editors leave at the start and the end of a file: a BOM, empty lines."""
_BEGUN = re.compile(
    rb"""(?:"(?:[^"]++|"")*+",)*+       # fields that are whole
         (?:"(?:[^"]++|"")*+"?)?+       # one that may not be
         (?:\r?\n)?""",
    re.VERBOSE,
)


def clean(text: str) -> str:
    """Text as it can stand in the file: NUL and unpaired surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def encode_row(values: Iterable[str]) -> bytes:
    """One record, all fields quoted, ending in a line feed. Secrets in it are redacted.

    The first value is the row's index.
    """
    index, *others = map(clean, values)
    # An index comes from the benchmark and finds the row again, so it stays what it is.
    fields = [index, *map(redacted, others)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(fields)
    return buffer.getvalue().encode("utf-8")


def split_records(file: io.BufferedReader) -> Iterator[tuple[int, bytes, bool]]:
    """(offset, bytes, whole) of each record; only the last one can be not whole."""
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
    """Whether a record holds nothing: an empty line, a byte order mark."""
    return record[0] in _BLANK and not record.strip(_BLANK)


def is_begun(tail: bytes) -> bool:
    """Whether these bytes can be what a crash leaves of one row: its start, its zeros, or nothing.

    A row that was written here is one in which every quote is doubled or at a field's end. The rows
    behind a quote that somebody has removed are not of that kind.
    """
    tail = tail.rstrip(b"\0" + _BLANK)
    return _BEGUN.fullmatch(tail) is not None


def read_rows(
    lines: Iterable[str], *, delimiter: str = ",", strict: bool = False
) -> Iterator[list[str]]:
    """The fields of each row, the header's first. Raises csv.Error."""
    return csv.reader(lines, delimiter=delimiter, strict=strict)


def read_named_rows(lines: Iterable[str], *, strict: bool = False) -> csv.DictReader[str]:
    """Rows by the columns of the header, which `fieldnames` gives. Raises csv.Error."""
    return csv.DictReader(lines, strict=strict)


def decode_row(record: bytes) -> list[str]:
    """The fields of one record. Raises ValueError or csv.Error if it is not exactly one."""
    (fields,) = read_rows(io.StringIO(record.decode("utf-8"), newline=""), strict=True)
    return fields
