"""Files that somebody could give us with bad intent, or by accident, and what they get.

`DATA_CASES` holds each with the words of the sentence that is expected, or `READS`; `outcome` reads
one. Special files (FIFOs, devices) are made by `SPECIAL_FILES`.
"""

from __future__ import annotations

import io
import json
import os
import socket
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from racro_eval import load_benchmark
from racro_eval.data.images import BytesImage, decode
from racro_eval.data.spec import load_spec
from racro_eval.errors import RacroError
from racro_eval.pipeline.config import RunConfig
from racro_eval.prompting import load_prompts
from racro_eval.settings import read_settings
from tests.support.benchmarks import base64_picture, write_spec
from tests.support.hostile import STEERING

READS = "reads"


@dataclass(frozen=True, slots=True)
class DataCase:
    """A file: its kind (see `outcome`), its bytes, words of the sentence that it gets, and why."""

    name: str
    kind: str
    content: bytes
    expected: str
    why: str


def outcome(case: DataCase, folder: Path) -> str:
    """READS, or the sentence. Any error that is no RacroError is raised on."""
    try:
        _read(case.kind, case.content, folder)
    except RacroError as error:
        return str(error)
    return READS


def _read(kind: str, content: bytes, folder: Path) -> None:
    if kind == "image":
        decode(BytesImage(content, "x.png"))
    elif kind == "prompts":
        (folder / "mine.yaml").write_bytes(content)
        load_prompts(str(folder / "mine.yaml"))
    elif kind == "sweep":
        (folder / "sweep.yaml").write_bytes(content)
        read_settings(RunConfig, folder / "sweep.yaml")
    elif kind == "benchmark":
        (folder / "Mine.yaml").write_bytes(content)
        load_spec(str(folder / "Mine.yaml"))
    else:
        (folder / f"small.{kind}").write_bytes(content)
        source: dict[str, object] = {"kind": kind, "file": f"small.{kind}"}
        if kind != "tsv":
            fields = {"image": None, "options": "options"}
            source |= {"kind": "json", "images": ".", "fields": fields}
        spec = write_spec(folder / "Small.yaml", source, 1)
        for sample in load_benchmark(str(spec), data_root=folder, offline=True):
            for image in sample.images:
                image.read()


def _tsv(*rows: Iterable[str], header: str = "index\timage\tquestion\tanswer") -> bytes:
    lines = [header, *("\t".join(row) for row in rows)]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _row(index: str, image: str = "", question: str = "Q", answer: str = "1") -> tuple[str, ...]:
    return index, image, question, answer


_PNG = base64_picture(1)


def _tsv_cases() -> Iterator[DataCase]:
    def case(name: str, content: bytes, expected: str, why: str) -> DataCase:
        return DataCase(f"tsv: {name}", "tsv", content, expected, why)

    yield case("nothing", b"", "is empty", "no header")
    yield case("a blank line first", b"\n" + _tsv(_row("1")), "begins with a blank line", "edited")
    yield case("a header alone", _tsv(), READS, "no rows; the score will be partial")
    yield case("NUL in a cell", _tsv(_row("1", question="a\0b")), READS, "becomes U+FFFD")
    yield case("NUL in an index", _tsv(_row("a\0b")), READS, "likewise, so that it is found again")
    for name in ("next line", "line separator", "paragraph separator", "vertical tab", "form feed"):
        odd = STEERING[name]
        cells = _row("1", _PNG, f"a{odd}b")
        yield case(f"{name} in a cell", _tsv(cells), READS, "it ends no line")
    yield case("two rows of one index", _tsv(_row("1"), _row("1")), "duplicate index", "which?")
    yield case(
        "two columns of one name",
        _tsv(("1", "", "Q", "R", "1"), header="index\timage\tquestion\tquestion\tanswer"),
        "two columns 'question'",
        "the last would win in silence",
    )
    yield case("too few fields", _tsv(("1", "", "Q")), "3 fields, 4 expected", "a cut row")
    yield case("too many fields", _tsv(("1", "", "Q", "1", "2")), "5 fields, 4 expected", "shifted")
    yield case(
        "an open quote", _tsv(_row("1", question='"a')), "fields, 4 expected", "eats the end"
    )
    yield case(
        "a lone CR in a line", _tsv(_row("1", question="a\rb")), "not a readable TSV", "bare"
    )
    yield case("a quoted CR", _tsv(_row("1", question='"a\rb"')), READS, "it is text")
    yield case("not UTF-8", b"index\timage\tquestion\tanswer\n1\t\t\xff\t1\n", "readable TSV", "?")
    yield case("UTF-16", _tsv(_row("1")).decode().encode("utf-16"), "readable TSV", "of Excel")
    yield case("a BOM", b"\xef\xbb\xbf" + _tsv(_row("1")), READS, "of Excel too")
    yield case("no image column", b"index\tquestion\tanswer\n1\tQ\t1\n", "no column 'image'", "?")
    yield case("base64 that is none", _tsv(_row("1", "!" * 100)), "cannot be read", "alphabet")
    yield case("base64 cut", _tsv(_row("1", _PNG[:-1])), "cannot be read", "padding")
    yield case("a list of no end", _tsv(_row("1", "['a'")), "not readable", "cut")
    yield case("a list of code", _tsv(_row("1", "[open('/etc/passwd')]")), "not readable", "run?")
    yield case("a deep list", _tsv(_row("1", "[" * 5000 + "]" * 5000)), "not readable", "stack")
    yield case("many signs", _tsv(_row("1", f"[{'-' * 100_000}1]")), "not readable", "stack")
    yield case("a large number", _tsv(_row("1", f"[{'9' * 5000}]")), "not readable", "digits")
    yield case("a reference to nothing", _tsv(_row("1", "7")), "there is no row '7'", "absent")
    yield case("a row of itself", _tsv(_row("1", "1")), "refers back to row '1'", "endless")
    circle = [_row(str(n), str((n + 1) % 1000)) for n in range(1000)]
    yield case("a circle of 1,000", _tsv(*circle), "refers back to row '0'", "endless")
    tail = _tsv(_row("a", "b"), _row("b", "c"), _row("c", "b"))
    yield case("a tail to a circle", tail, "refers back to row 'b'", "endless")
    for length in (2_500, 20_000):
        down = [_row(str(n), str(n + 1)) for n in range(length)]
        up = [_row(str(n + 1), str(n)) for n in range(length)]
        chain = _tsv(*down, _row(str(length), _PNG))
        yield case(f"a chain of {length:,} down", chain, READS, "no recursion")
        yield case(f"a chain of {length:,} up", _tsv(_row("0", _PNG), *up), READS, "no recursion")
    doubled = [_row(str(n + 1), f"['{n}', '{n}']") for n in range(40)]
    yield case("40 doublings", _tsv(_row("0", _PNG), *doubled), "more than 1,000 images", "2^40")
    yield case(
        "40 doublings down", _tsv(*doubled[::-1], _row("0", _PNG)), "more than 1,000", "2^40"
    )
    many = f"[{', '.join(['0'] * 1001)}]"
    yield case("1,001 references", _tsv(_row("0", _PNG), _row("1", many)), "more than 1,000", "?")
    for name, path in {
        "up and away": "../../../etc/passwd",
        "absolute": "/etc/passwd",
        "the folder itself": ".",
        "by way of a folder": "a/../../x",
    }.items():
        header = "index\timage\timage_path\tquestion\tanswer"
        content = _tsv(("1", "", path, "Q", "1"), header=header)
        yield case(f"a path {name}", content, "leads out of", "somebody else's file")


def _json_cases() -> Iterator[DataCase]:
    row = {"index": "1", "question": "Q", "answer": "1", "options": []}
    text = json.dumps(row)

    def line(name: str, content: str | bytes, expected: str, why: str) -> DataCase:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return DataCase(f"jsonl: {name}", "jsonl", data, expected, why)

    def whole(name: str, content: str | bytes, expected: str, why: str) -> DataCase:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return DataCase(f"json: {name}", "json", data, expected, why)

    def with_value(value: str, column: str = "question") -> str:
        return text[:-1] + f', "{column}2": {value}' + "}"

    yield line("one row", text, READS, "a plain file")
    yield line("blank lines and CRLF", f"\r\n{text}\r\n\r\n", READS, "of Windows")
    yield line("a BOM", b"\xef\xbb\xbf" + text.encode(), READS, "of Windows too")
    yield line("U+2028 in a text", text.replace("Q", "a\u2028b\x85c"), READS, "they end no line")
    yield line("NaN", with_value("NaN"), READS, "as Python writes it")
    yield line("a cut line", text[:-5], "line 1", "a download that broke off")
    yield line("two objects in a line", text + text, "line 1", "which?")
    yield line("a list", "[1, 2]", "an object was expected", "no columns")
    yield line("a number", "7", "an object was expected", "no columns")
    yield line("a column missing", '{"index": "1"}', "has no column", "another layout")
    twice = '{"index": "1", "question": "Q", "question": "R", "answer": "1", "options": []}'
    yield line("a key twice", twice, "duplicate key 'question'", "the last would win")
    yield line("a key twice below", with_value('{"a": 1, "a": 2}'), "duplicate key 'a'", "likewise")
    yield line("a number of 5,000 digits", with_value("9" * 5000), "limit", "Python's own limit")
    yield line("a number too large", with_value("1e999"), READS, "infinite; no column of ours")
    yield line("deep lists", with_value("[" * 100_000 + "]" * 100_000), "recursion", "stack")
    yield line(
        "deep objects", with_value('{"a":' * 100_000 + "1" + "}" * 100_000), "recursion", "?"
    )
    yield line("a lone surrogate", text.replace("Q", "\\ud800"), READS, "becomes U+FFFD")
    yield line("a NUL escape", text.replace("Q", "a\\u0000b"), READS, "becomes U+FFFD")
    yield line("not UTF-8", text.encode().replace(b"Q", b"\xff"), "not valid JSON", "Latin-1")
    yield line("two rows of one index", f"{text}\n{text}", "duplicate index", "which?")
    yield line("options that are a text", text.replace("[]", '"x"'), "options are not a list", "?")
    yield line("options of code", text.replace("[]", "\"__import__('os')\""), "not a list", "run?")
    yield line("options that are a number", text.replace("[]", "7"), "options are not a list", "?")
    yield whole("a list of rows", f"[{text}]", READS, "a plain file")
    yield whole("an object of rows", f'{{"k": {text}}}', READS, "likewise")
    yield whole("nothing", "", "not valid JSON", "an empty download")
    yield whole("cut", f"[{text}, ", "not valid JSON", "a download that broke off")
    yield whole("more behind the end", f"[{text}] x", "nothing more is expected", "two files")
    yield whole("a key twice", f"[{twice}]", "duplicate key 'question'", "the last would win")
    yield whole("only brackets", "[" * 200_000, "not valid JSON", "stack")
    yield whole("a web page", "<!doctype html><p>404", "a list or an object", "an error page")
    yield whole("a Git LFS pointer", "version https://git-lfs.github.com/spec/v1", "a list or", "?")


def _yaml_cases() -> Iterator[DataCase]:
    def sweep(name: str, content: str | bytes, expected: str, why: str) -> DataCase:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return DataCase(f"yaml: {name}", "sweep", data, expected, why)

    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    yield sweep("one setting", "data: X", READS, "a plain file")
    yield sweep("a billion laughs", laughs + "data: X", "too large or too deeply nested", "memory")
    long = f"options: &x {'z' * 1_000_000}\ndata: [{', '.join(['*x'] * 1000)}]"
    yield sweep("a long text often", long, "too large or too deeply nested", "memory")
    yield sweep("an alias of itself", "data: &a [*a]", "too large or too deeply nested", "endless")
    yield sweep("deep lists", "data: " + "[" * 900 + "]" * 900, "too deeply", "stack")
    yield sweep("deeper lists", "data: " + "[" * 100_000, "nesting depth", "stack")
    yield sweep("deep blocks", "- " * 50_000, "nesting depth", "stack")
    yield sweep("5 MiB", "data: X\n#" + "x" * (5 << 20), "larger than 4 MiB", "no settings")
    yield sweep("a key twice", "data: X\ndata: Y", "duplicate key 'data' (line 2)", "which?")
    nested = "data: X\nmodels: [{name: a, model: b, model: c}]"
    yield sweep("a key twice below", nested, "duplicate key 'model'", "which?")
    yield sweep("an unknown key", "data: X\ndaat: Y", "daat: there is no such key", "a slip")
    for key in ("1", "yes", "null", "1.5", "[1]", "{a: b}"):
        yield sweep(f"the key {key}", f"data: X\n? {key}\n: 1", "a key must be a text", "types")
    yield sweep(
        "a tag of Python", "data: !!python/object/apply:os.system [id]", "are not allowed", "run?"
    )
    for tag in ("binary aGk=", "set {a}", "omap [a: 1]", "pairs [a: 1]"):
        yield sweep(f"the tag {tag}", f"data: !!{tag}", "are not allowed", "odd types")
    yield sweep("a tag of its own", "data: !x 1", "values of type !x are not allowed", "odd types")
    yield sweep(
        "an int of 5,000 digits", f"data: X\nseed: {'9' * 5000}", "is not a valid int", "digits"
    )
    yield sweep("a text for a number", "data: X\nseed: abc", "seed: ", "types")
    yield sweep("NaN", "data: X\nseed: .nan", "is not a finite number", "keys are JSON")
    yield sweep("infinity", "data: X\nseed: 1.0e+999", "is not a finite number", "likewise")
    yield sweep("a date", "data: 2024-01-01", READS, "a text, as in JSON")
    yield sweep("no date", "data: 2024-99-99", READS, "likewise")
    yield sweep("a tab", "\tdata: X", "not valid YAML", "YAML forbids it")
    yield sweep("NUL", "data: X\0", "control characters are not allowed", "not text")
    yield sweep("a lone surrogate", 'data: "\\ud800"', "not valid YAML", "not text")
    yield sweep("bytes", bytes(range(128, 256)), "cannot be read", "not text")
    yield sweep("UTF-16", "data: X".encode("utf-16"), "cannot be read", "of Windows")
    yield sweep("a BOM", b"\xef\xbb\xbfdata: X", READS, "of Windows too")
    yield sweep("nothing", "", "must contain a mapping", "an empty file")
    yield sweep("a list", "- data", "must contain a mapping", "no settings")
    yield sweep("two documents", "data: X\n---\ndata: Y", "a single document", "which?")
    yield sweep("an unknown alias", "data: *x", "undefined alias", "a slip")
    yield sweep(
        "a merge", "models:\n- &m {name: a, model: b}\n- {<<: *m, name: c}\ndata: X", READS, "?"
    )
    yield sweep("a merge of a text", "<<: x\ndata: X", "only a mapping can be merged", "a slip")
    for name, user in {
        "a field that is unknown": "{answer}",
        "an attribute": "{question.__class__}",
        "an item": "{question[0]}",
        "a width": "{question:>999999999}",
        "a conversion": "{question!r}",
        "an open brace": "{question",
    }.items():
        content = (
            f"name: m\ndescription: d\nextends: racro\nprompts: {{caption: {{user: '{user}'}}}}"
        )
        words = {"{question": "for braces", "{question!r}": "only a name is"}
        expected = words.get(user, "only a name is" if ":" in user else "there is no {")
        yield DataCase(f"prompts: {name}", "prompts", content.encode(), expected, "a template")
    yield DataCase(
        "prompts: a role twice",
        "prompts",
        b"name: m\ndescription: d\nextends: racro\nprompts:\n"
        b"  {caption: {user: a}, caption: {user: b}}",
        "duplicate key 'caption'",
        "which?",
    )
    for name in ("AVG", "' '"):
        content = f"extends: MathVision\nname: {name}".encode()
        words = "no benchmark can be called"
        yield DataCase(f"benchmark: the name {name}", "benchmark", content, words, "of the mean")
    spec = "extends: MathVision\nsources: [{kind: json, images: x, file: %s}]"
    for name, file in {"an unknown part": "'a{b}'", "a width": "'{b:>999999999}'"}.items():
        content = (spec % file).encode()
        words = "there is no {b}" if "unknown" in name else "only a name is"
        yield DataCase(f"benchmark: {name}", "benchmark", content, words, "a template")


def _image_cases() -> Iterator[DataCase]:
    def case(name: str, content: bytes, expected: str, why: str) -> DataCase:
        return DataCase(f"image: {name}", "image", content, expected, why)

    for form in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"):
        yield case(form, _encoded(form), READS, "a format of photographs and drawings")
        cut = _encoded(form)
        yield case(f"{form}, cut", cut[: len(cut) // 2], "cannot be decoded", "half a download")
    for form, name in {
        "PPM": "PPM",
        "ICO": "ICO",
        "ICNS": "ICNS",
        "EPS": "EPS",
        "PDF": "PDF",
    }.items():
        yield case(form, _encoded(form), f"it is {name}, not PNG", "no decoder may see it")
    yield case("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n", "it is JPEG 2000", "likewise")
    yield case("AVIF", b"\0\0\0\x20ftypavif\0\0\0\0", "it is AVIF", "likewise")
    yield case("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"/>', "it is SVG", "likewise")
    yield case("PSD", b"8BPS\0\1" + bytes(40), "it is PSD", "likewise")
    yield case("a web page", b"<!doctype html><p>404", "it is HTML", "an error page")
    yield case("a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS", "?")
    yield case("nothing", b"", "it is empty", "a failed download")
    yield case("text", b"not an image", "it is not PNG, JPEG", "no image")
    yield case("a bomb", _png(60_000, 60_000), "decoded", "3.6 thousand million pixels")
    yield case("a wide bomb", _png(2**31 - 1, 1), "decoded", "2 thousand million pixels")
    yield case("no pixels", _png(0, 0), "decoded", "an empty picture")
    yield case("an animation", _animation(), READS, "its first picture")
    yield case("a text chunk bomb", _png(1, 1, _text_chunk()), "decoded", "64 MB in 64 KB")


def _encoded(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(buffer, form)
    return buffer.getvalue()


def _animation() -> bytes:
    buffer = io.BytesIO()
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + check


def _png(width: int, height: int, more: bytes = b"") -> bytes:
    """A PNG of that size with the pixels of a much smaller one."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = _chunk(b"IDAT", zlib.compress(b"\0" * 4))
    return b"\x89PNG\r\n\x1a\n" + head + more + pixels + _chunk(b"IEND", b"")


def _text_chunk() -> bytes:
    return _chunk(b"zTXt", b"x\0\0" + zlib.compress(b"a" * (64 << 20)))


DATA_CASES: tuple[DataCase, ...] = (
    *_tsv_cases(),
    *_json_cases(),
    *_yaml_cases(),
    *_image_cases(),
)
"""At least 90 files."""


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    place = os.open(path.parent, os.O_RDONLY)  # a socket's own path may not be long
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(f"/proc/self/fd/{place}/{path.name}")
    finally:
        os.close(place)


SPECIAL_FILES: dict[str, Callable[[Path], None]] = {
    "a FIFO": _fifo,
    "a link to a FIFO": lambda path: (
        _fifo(path.with_name("fifo")),
        path.symlink_to(path.with_name("fifo")),
    )[1],
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "a device without content": lambda path: path.symlink_to("/dev/null"),
    "a socket": _socket,
    "a folder": Path.mkdir,
}
"""What is no regular file → makes one at a path."""
