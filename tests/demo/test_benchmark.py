"""`Demo` and `Demo_MINI` as benchmarks: complete, and on every machine."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from racro_eval import load_benchmark
from racro_eval.data.images import decode, digest
from racro_eval.data.layouts import GeneratedSource
from racro_eval.data.questions import QuestionParts, mcq_or_plain
from racro_eval.demo.problems import picture_bytes, problem
from racro_eval.errors import ConfigError
from tests.support.benchmarks import write_spec


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a data root nor a cache exists."""
    monkeypatch.setenv("RACRO_DATA", str(tmp_path / "unmounted"))
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))


def test_demo_needs_no_file() -> None:
    benchmark = load_benchmark("Demo", offline=True)
    assert len(benchmark) == benchmark.spec.rows == 400
    assert benchmark.origin == "demo, seed 10000000"
    assert benchmark.indices == [str(number) for number in range(400)]
    skills = Counter(sample.meta["skill"] for sample in benchmark)
    assert skills == {"count": 100, "bars": 100, "expr": 100, "tri": 100}


def test_mini_is_the_first_tenth() -> None:
    whole, mini = load_benchmark("Demo"), load_benchmark("Demo_MINI")
    assert len(mini) == mini.spec.rows == 40
    assert list(mini) == list(whole.samples[:40])


def test_images_are_drawn_when_they_are_read() -> None:
    (image,) = load_benchmark("Demo")["7"].images
    assert image.name == "demo, seed 10000000, picture 7"
    assert image.read() == picture_bytes(problem(10_000_000, 7))
    assert decode(image).size == (112, 112)
    pictures = {digest(sample.images[0]) for sample in load_benchmark("Demo_MINI")}
    assert len(pictures) == 40


def test_the_text_of_a_row() -> None:
    benchmark = load_benchmark("Demo")
    assert benchmark["0"].question == (
        "Question: Count the circles.\nOptions:\nA. 2\nB. 0\nC. 3\nD. 12\n"
        "Please select the correct answer from the options above."
    )
    assert benchmark["0"].answer == "A"
    assert benchmark["1"].question == "What is the total of all bars?"
    assert benchmark["1"].options == {}
    assert mcq_or_plain(QuestionParts("Count the circles.")) == "Count the circles."


def test_a_benchmark_of_your_own_seed(tmp_path: Path) -> None:
    source: dict[str, object] = {"kind": "generated", "generator": "demo", "seed": 5, "count": 3}
    source["meta"] = {"skill": "skill"}
    benchmark = load_benchmark(str(write_spec(tmp_path / "Mine.yaml", source, 3)))
    assert benchmark.origin == "demo, seed 5"
    assert [sample.meta["skill"] for sample in benchmark] == ["count", "bars", "expr"]
    for key, value in (("generator", "other"), ("seed", -1), ("count", 0)):
        wrong = write_spec(tmp_path / "Wrong.yaml", {**source, key: value}, 3)
        with pytest.raises(ConfigError, match=key):
            load_benchmark(str(wrong))


def test_listing_benchmarks_draws_nothing() -> None:
    program = (
        "import sys; from racro_eval.data.spec import load_spec; load_spec('Demo'); "
        "sys.exit('PIL' in sys.modules or 'racro_eval.demo.problems' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    assert GeneratedSource.model_fields["fields"].default.options == "options"
