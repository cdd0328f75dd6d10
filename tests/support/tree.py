"""A results tree of the echo engine whose every verdict is decided beforehand."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from racro_eval import RunConfig, run
from racro_eval.engines.base import Engine, Request
from racro_eval.engines.echo import EchoEngine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.pipeline import group_runner
from racro_eval.pipeline.display import Display
from racro_eval.stages.rows import row_seed
from tests.support.benchmarks import picture, write_spec

MLLMS = ("Qwen2.5-VL-3B", "Qwen2.5-VL-7B")
REASONERS = ("R1-7B", "Qwen3-8B", "R1-32B")
CUT = 6
"""The caption of every CUT-th row runs out of tokens."""


def planned(model: str, reads: str, benchmark: str, number: int, sample: int = 0) -> bool:
    """Whether a model that reads this MLLM's texts ("" for an MLLM itself) is to be right."""
    text = f"{model}|{reads}|{benchmark}|{number}|{sample}"
    draw = hashlib.sha256(text.encode()).digest()[0]
    return draw < (100 if not reads else 130 + 12 * REASONERS.index(model))


def caption_words(number: int) -> int:
    """How long the caption of a row is."""
    return 5 + number * 7 % 23


def make_benchmark(folder: Path, name: str, count: int) -> Path:
    """Rows 1 to count, all free-form with the row's number as the answer; gives the YAML."""
    images = folder / name / "images"
    images.mkdir(parents=True)
    lines = []
    for number in range(1, count + 1):
        (images / f"{number}.png").write_bytes(picture(number))
        row = {
            "id": str(number),
            "question": f"In {name}, which number is that of picture {number}?",
            "options": [],
            "answer": str(number),
            "subject": ("algebra", "logic", "counting")[number % 3],
            "level": number % 12 + 1,
            "image": f"images/{number}.png",
        }
        lines.append(json.dumps(row) + "\n")
    (folder / name / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    source = {
        "kind": "json",
        "file": f"{name}/rows.jsonl",
        "images": name,
        "fields": {"index": "id", "options": "options"},
        "meta": {"subject": "subject", "level": "level"},
    }
    return write_spec(folder / f"{name}.yaml", source, count, name=name)


def _reply(model: str, request: Request) -> str:
    prompt = "\n".join(message.content for message in request.messages)
    found = re.search(r"In (\w+), which number is that of picture (\d+)\?", prompt)
    assert found, prompt
    benchmark, number = found.group(1), int(found.group(2))
    if "DO NOT try to answer" in prompt:
        words = caption_words(number) if number % CUT else request.sampling.max_tokens + 1
        return " ".join([f"captionof:{model}", *["word"] * (words - 1)])
    read = re.search(r"captionof:(\S+)", prompt)
    sample = 0
    if request.sampling.seed is not None:
        draws = [(base, drawn) for base in (0, 3) for drawn in range(8)]
        seeds = [row_seed(base, str(number), drawn) for base, drawn in draws]
        _, sample = draws[seeds.index(request.sampling.seed)]
    right = planned(model, read.group(1) if read else "", benchmark, number, sample)
    # Wrong answers come in two kinds, so that a majority can be wrong.
    return f"I think so. \\boxed{{{number if right else number + 1000 + sample % 2}}}"


@contextmanager
def planned_engines() -> Iterator[None]:
    """Within, every model is the echo engine and says what is planned."""

    def create(entry: ModelEntry, engine: str, max_images: int) -> Engine:
        return EchoEngine(entry, reply=lambda request: _reply(entry.name, request))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(group_runner, "create_engine", create)
        yield


def run_planned(
    folder: Path,
    benchmarks: dict[str, int],
    *,
    mllms: Sequence[str] = MLLMS,
    reasoners: Sequence[str] = REASONERS,
    **more: object,
) -> Path:
    """Run these benchmarks (name → rows) with planned answers; gives the results folder."""
    data = folder / "data"
    for name, count in benchmarks.items():
        if not (data / f"{name}.yaml").exists():
            make_benchmark(data, name, count)
    config = {
        "data": [str(data / f"{name}.yaml") for name in benchmarks],
        "mllm": [f"echo:{name}" for name in mllms],
        "reasoner": [f"echo:{name}" for name in reasoners],
        "variant": ["qa", "qcap+sol"],
        "data_root": data,
        "results": folder / "results",
        **more,
    }
    with planned_engines():
        report = run(RunConfig.model_validate(config), Display(Console(file=io.StringIO())))
    assert report.exit_code(0) == 0, report
    return folder / "results"
