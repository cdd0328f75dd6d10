"""What the documentation says to type works."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

import racro_eval
from racro_eval.cli import main
from racro_eval.cli.parser import build_parser
from racro_eval.data.spec import BenchmarkSpec
from racro_eval.pipeline.config import RunConfig
from racro_eval.settings import parse_settings
from tests.support import benchmark_table
from tests.support.paths import ROOT

EXTENDING = ROOT / "docs" / "extending.md"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str, pages: Iterable[Path] = PAGES) -> list[str]:
    return [
        block
        for page in pages
        for block in re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    ]


def commands(pages: Iterable[Path]) -> list[str]:
    lines = [line.strip() for block in blocks("sh", pages) for line in block.splitlines()]
    return [line for line in lines if line.startswith("racro-eval ")]


RUN = set(commands(page for page in PAGES if page != EXTENDING))
"""`test_extending.py` runs those of the other page, with the files that they need."""


def arguments(command: str) -> list[str]:
    words = shlex.split(command, comments=True)[1:]
    return ["run", *words] if words[0].startswith("-") else words


@pytest.mark.parametrize("command", dict.fromkeys(commands(PAGES)))
def test_commands_are_understood_and_those_that_need_no_model_run(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = arguments(command)
    build_parser().parse_args(words)
    needs_nothing = words[0] in ("list", "show", "doctor") or words[::2] == ["data", "Demo"]
    if command in RUN and (needs_nothing or "echo:" in command):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("RACRO_CACHE", str(tmp_path))
        assert main(words) == 0
        assert capsys.readouterr().out


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for block in blocks("sh") for name in re.findall(r"^make (\w+)", block, re.M)}
    assert named and named <= targets


def test_the_python_example_does_what_its_comments_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python")[:1]
    names: dict[str, object] = {}
    for line in example.splitlines():
        code, _, comment = line.partition("  # ")
        if comment:
            assert repr(_value(code, names)) == comment
        elif code:
            exec(code, names)
    assert names["report"].failed == 0  # type: ignore[attr-defined]


def test_the_examples_of_the_python_api_do_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RACRO_CACHE", str(tmp_path / "cache"))
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    examples = doctest.DocTestParser().get_doctest(page, {}, "docs/api.md", None, None)
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(examples, out=said.append)
    assert "".join(said) == ""


def test_the_page_of_the_python_api_names_every_public_name() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    table = "".join(line for line in page.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`(\w+)`", table.replace(" | ", "|"))) == racro_eval.__all__


def _value(code: str, names: dict[str, object]) -> object:
    exec(f"shown = {code}", names)
    return names["shown"]


def test_the_benchmark_example_is_a_valid_spec() -> None:
    examples = [block for block in blocks("yaml") if "sources:" in block]
    spec, _ = [parse_settings(BenchmarkSpec, yaml.safe_load(one), "docs") for one in examples]
    assert [source.kind for source in spec.sources] == ["tsv", "json", "huggingface"]


def test_the_sweep_example_is_a_valid_config() -> None:
    examples = [block for block in blocks("yaml") if "reasoner:" in block]
    config, _ = [parse_settings(RunConfig, yaml.safe_load(one), "docs") for one in examples]
    assert config.models[0].tp == 4


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_the_table_of_benchmarks_is_that_of_the_yamls() -> None:
    page = benchmark_table.PAGE.read_text(encoding="utf-8")
    shown = page.partition(benchmark_table.BEGIN)[2].partition(benchmark_table.END)[0]
    assert shown == benchmark_table.table(), "python -m tests.support.benchmark_table writes it"
