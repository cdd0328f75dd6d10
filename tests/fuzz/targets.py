"""What is fuzzed, each as a function of bytes that returns if all promises were kept.

Bytes become mathematics word by word, so that a fuzzer gets past the first bracket; every other
input is taken as the text that it is.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from racro_eval import extract_answer, is_equivalent, load_benchmark
from racro_eval.errors import RacroError
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_table import RowTable
from racro_eval.store.row_writer import RowWriter
from tests.support.benchmarks import write_spec

WORDS = (
    *"0123456789xyabABCDE+-*/^_=<>()[]{}|,.;:!%&$# \n",
    "\\frac",
    "\\dfrac{1}{2}",
    "\\sqrt",
    "\\boxed{",
    "\\text{",
    "\\left(",
    "\\right)",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "\\begin{cases}",
    "\\end{cases}",
    "\\pi",
    "\\infty",
    "\\cup",
    "\\int_0^1",
    "\\sum_{n=1}^{10}",
    "\\lim",
    "\\sin",
    "\\log_2",
    "\\cdot",
    "\\times",
    "\\\\",
    "&",
    "^{",
    "_{",
    "^\\circ",
    "<think>",
    "</think>",
    "The answer is ",
    "**Answer:** ",
    "Final answer",
    "Therefore, ",
    " or ",
    " and ",
    " cm",
    "1e9",
    "99999999999",
    "½",
    "√",
    "数",
    "\u202e",
    "\r",
    "\0",
    "\x85",
)


CELLS = (
    b'"1","0","text","stop","1","2","0.1","7","","","2026-01-01T00:00:00+00:00"\n',
    b'"2","0","\\boxed{3}\n","length","1","2","0.1","7","","","x"\n',
    b'"2","1","","","","","","","","it failed","x"\n',
    b'"1","0","edited ""so""","","","","","","","",""\n',
    b"3,0,bare,,,,,,,,\n",
    b'"4","0","more columns","","","","","","","","","new","newer"\n',
    b'"5","0","few"\n',
    b'"6","0","torn',
    b'"index","sample"',
    b"1\tWhat?\tA\tiVBORw0KGgo=\n",
    b"2\tWhy?\t3\t1\n",
    b"3\tHow?\t['a', 'b']\t2\n",
    b"['iVBORw0KGgo=', '1']",
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    b"gg==",
    *(bytes([byte]) for byte in b"\",;|\t\r\n\0\x0b\x0c\xff\xef\xbb\xbf\\[]()'0123456789ab-"),
    "\u2028\u0085½".encode(),
    b"\0" * 64,
)
"""Of what files of tables are made, whole rows among them."""


def table_of(data: bytes) -> bytes:
    """Cells and rows if the first byte is even, else the bytes themselves."""
    if not data or data[0] % 2:
        return data[1:]
    return b"".join(CELLS[byte % len(CELLS)] for byte in data[1:])


def text_of(data: bytes) -> str:
    """Words if the first byte is even, else the bytes as UTF-8."""
    if not data:
        return ""
    if data[0] % 2:
        return data[1:].decode("utf-8", "surrogatepass" if data[0] % 4 == 1 else "replace")
    return "".join(WORDS[byte % len(WORDS)] for byte in data[1:])


def extract(data: bytes) -> None:
    """A text or None for every text; never an error."""
    answer = extract_answer(_text(data))
    assert answer is None or isinstance(answer, str)


def equivalent(data: bytes) -> None:
    """True or False for every two texts; never an error."""
    half = len(data) // 2
    first, second = _text(data[:half]), _text(data[half:])
    assert is_equivalent(first, second) in (True, False)


def _text(data: bytes) -> str:
    try:
        return text_of(data)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def tsv(data: bytes) -> None:
    """A TSV is read, with its images, or refused in a sentence."""
    spec = _benchmark()
    content = table_of(data)
    (spec.parent / "fuzz.tsv").write_bytes(_TSV_START + content if data[1:2] > b"\x40" else content)
    try:
        for sample in load_benchmark(str(spec), data_root=spec.parent):
            for image in sample.images:
                image.read()
    except RacroError as error:
        assert 0 < len(str(error)) < 2000, "a sentence"


_TSV_START = b"index\tquestion\tanswer\timage\n1\tWhat?\tA\tiVBORw0KGgo=\n2\tWhy?\t3\t1\n"


@cache
def _benchmark() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    return write_spec(folder / "Fuzz.yaml", {"kind": "tsv", "file": "fuzz.tsv"}, 2, name="Fuzz")


def store(data: bytes) -> None:
    """Whatever stands in a CSV: a sentence and no change, or rows that stay when one is added."""
    path = _folder() / "caption-00000000.csv"
    header = ",".join(f'"{name}"' for name in CALL_COLUMNS).encode() + b"\n"
    content = table_of(data)
    content = header + content if data[1:2] > b"\x20" else content
    path.write_bytes(content)
    try:
        with RowTable(path, CALL_COLUMNS) as table:
            before = [*table.rows()]
    except RacroError:
        assert path.read_bytes() == content, "a file that cannot be read was changed"
        return
    with RowWriter(path, CALL_COLUMNS) as writer:
        writer.append({**dict.fromkeys(CALL_COLUMNS, "x"), "index": "new", "sample": "0"})
        writer.compact([])
    with RowTable(path, CALL_COLUMNS) as table:
        after = [*table.rows()]
    kept = [row for row in before if (row["index"], int(row["sample"])) != ("new", 0)]
    assert all(row in after for row in kept), "a row was lost"
    assert len(after) == len(kept) + 1


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "extract": extract,
    "equivalent": equivalent,
    "tsv": tsv,
    "store": store,
}
