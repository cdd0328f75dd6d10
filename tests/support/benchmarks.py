"""Small benchmarks made on the spot, in each layout that racro-eval reads."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path

import yaml
from PIL import Image

from tests.support.paths import shared_data


def picture(number: int, size: tuple[int, int] = (40, 30)) -> bytes:
    """A PNG that is different for every number."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (number * 7 % 256, number * 31 % 256, (90 + number // 256) % 256)).save(
        buffer, "PNG"
    )
    return buffer.getvalue()


def rows(count: int) -> list[dict[str, object]]:
    """Rows in the official layout; every other one is multiple choice."""
    return [
        {
            "id": str(number),
            "question": f"How many shapes are in picture {number}?\n<image1>",
            "options": [str(number), str(number + 1), "None"] if number % 2 else [],
            "answer": "A" if number % 2 else str(number),
            "subject": "counting" if number % 3 else "logic",
            "level": number % 5 + 1,
            "image": f"images/{number}.png",
        }
        for number in range(1, count + 1)
    ]


def make_json_benchmark(
    folder: Path, count: int = 12, *, without_image: tuple[int, ...] = (), name: str = "Small"
) -> Path:
    """A benchmark in the JSONL layout; gives the path of its YAML. The data root is `folder`."""
    images = folder / "small" / "images"
    images.mkdir(parents=True)
    table = rows(count)
    for number, row in enumerate(table, start=1):
        if number in without_image:
            row["image"] = ""
        else:
            (images / f"{number}.png").write_bytes(picture(number))
    lines = "".join(json.dumps(row) + "\n" for row in table)
    (folder / "small" / "rows.jsonl").write_text(lines, encoding="utf-8")
    source = {
        "kind": "json",
        "file": "small/rows.jsonl",
        "images": "small",
        "fields": {"index": "id", "options": "options"},
        "meta": {"subject": "subject", "level": "level"},
        "compose": "hint_choices",
    }
    return write_spec(folder / f"{name}.yaml", source, count, name=name)


def write_spec(path: Path, source: dict[str, object], count: int, *, name: str = "Small") -> Path:
    """A benchmark YAML with one source."""
    spec = {
        "name": name,
        "title": name,
        "description": "made by a test",
        "paper": "none",
        "homepage": "none",
        "licence": "none",
        "rows": count,
        "sources": [source],
        "question": "vqa",
        "breakdowns": list(source.get("meta", {})),  # type: ignore[call-overload]
    }
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return path


def make_tsv(path: Path, table: list[dict[str, str]]) -> Path:
    """A VLMEvalKit TSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.DictWriter(file, list(table[0]), delimiter="\t", lineterminator="\n")
        out.writeheader()
        out.writerows(table)
    return path


def base64_picture(number: int, size: tuple[int, int] = (40, 30)) -> str:
    """A picture as a TSV cell holds it."""
    return base64.b64encode(picture(number, size)).decode()


def mathvista_root(folder: Path) -> Path:
    """A data root with MathVista in the official layout; skips without the real rows.

    The rows are those of a result file of the official repository, which repeats them whole.
    """
    there = shared_data() / "mathvista"
    rows = json.loads((there / "outputs" / "gpt4_2shot_solution.json").read_text(encoding="utf-8"))
    made = {"query", "caption", "ocr", "response", "extraction", "prediction", "true_false"}
    official = {pid: {k: v for k, v in row.items() if k not in made} for pid, row in rows.items()}
    target = folder / "mathvista"
    target.mkdir(parents=True)
    (target / "testmini.json").write_text(json.dumps(official), encoding="utf-8")
    (target / "query.json").symlink_to(there / "query.json")
    return folder
