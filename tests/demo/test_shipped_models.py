"""The demo's models as they are shipped: complete, small, found by name, and as good as said."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from racro_eval.demo.problems import problem
from racro_eval.models.fingerprint import fingerprint
from racro_eval.models.resolve import builtin_models, resolve_model

NAMES = ("demo-captioner", "demo-reasoner", "demo-reasoner-weak")
FILES = {
    "README.md",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}
MEGABYTE = 1_000_000


@pytest.fixture(params=NAMES)
def folder(request: pytest.FixtureRequest) -> Path:
    """The folder of each model."""
    path = resolve_model(request.param).local_folder
    assert path is not None and path.is_absolute()
    return path


def test_all_files_exist(folder: Path) -> None:
    vision = {"preprocessor_config.json"} if folder.name == "captioner" else set()
    assert {path.name for path in folder.iterdir()} == FILES | vision
    config = json.loads((folder / "config.json").read_text())
    assert config["dtype"] == "float32"
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation["eos_token_id"] == config.get("text_config", config)["eos_token_id"] == 2


def test_no_private_paths(folder: Path) -> None:
    for path in folder.iterdir():
        assert not re.search(rb"/(work|root|home|tmp)/", path.read_bytes()), path.name


def test_they_are_small() -> None:
    folders = [Path(builtin_models()[name].model) for name in NAMES]
    sizes = [path.stat().st_size for folder in folders for path in folder.iterdir()]
    assert sum(sizes) < 5 * MEGABYTE


def test_a_fingerprint_is_that_of_the_files() -> None:
    prints = {fingerprint(resolve_model(name), "transformers", offline=True) for name in NAMES}
    assert len(prints) == 3
    assert all(value.startswith("sha256:") for value in prints)


def test_importing_the_benchmark_does_not_import_torch() -> None:
    program = (
        "import sys, racro_eval.demo.rows, racro_eval.demo.contact_sheet; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_model_card_and_page_name_the_same_figures() -> None:
    """The page's table is of the shipped files: costs in it are those of the model cards."""
    page = (Path(__file__).parents[2] / "docs" / "demo.md").read_text()
    for name in NAMES:
        card = (Path(builtin_models()[name].model) / "README.md").read_text()
        (steps,) = re.findall(r"(\d+) steps", card)
        (minutes,) = re.findall(r"([\d.]+) CPU-minutes", card)
        assert re.search(rf"{name}.*\b{steps}\b.*\b{re.escape(minutes)}\b", page), name


@pytest.mark.model
@pytest.mark.slow
def test_they_answer_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    """On 40 problems a share is good to about 8 points, so the limits are loose."""
    from racro_eval.demo.train.evaluate import evaluate

    lines = evaluate(Path(builtin_models()[NAMES[0]].model).parent, count=40).splitlines()[2:]
    share = {
        cells[0]: float(cells[-1]) for cells in (line.strip("| ").split(" | ") for line in lines)
    }
    assert share["caption exactly right"] >= 92
    assert 20 <= share["qa"] <= 75
    assert share["qcap+sol, reasoner"] >= 75
    assert share["qcap, reasoner"] >= 75
    assert 30 <= share["qcap+sol, reasoner-weak"] < share["qcap+sol, reasoner"]
    assert share["none, reasoner"] < share["qa"] < share["qcap, reasoner"]


@pytest.mark.model
def test_the_whole_context_of_a_prompt_is_known() -> None:
    """Any other text is spelt in bytes, so nothing is ever unknown."""
    from transformers import AutoTokenizer

    for name in NAMES:
        tokenizer = AutoTokenizer.from_pretrained(builtin_models()[name].model)
        text = "Größe: 5\t→ \U0001f600\n\n<b>  [x]"
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
        counts = Counter(len(tokenizer(problem(1, n).caption)["input_ids"]) for n in range(100))
        assert max(counts) < 40
