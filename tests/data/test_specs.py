"""The YAMLs of the shipped benchmarks, and what a YAML may say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from racro_eval import load_benchmark
from racro_eval.data.spec import BENCHMARKS, BenchmarkSpec, RuleByRow, load_spec
from racro_eval.errors import ConfigError, DataError, MissingError
from racro_eval.grading.rules import check_rule
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.planning import make_plan
from racro_eval.settings import parse_settings
from tests.support.benchmarks import make_json_benchmark, write_spec

PAPER = {
    "MathVista_MINI",
    "MathVision",
    "MathVerse_MINI_Vision_Only",
    "MMMU_DEV_VAL",
    "WeMath",
    "DynaMath",
    "LogicVista",
}


def test_exactly_the_papers_seven_benchmarks_are_its_columns() -> None:
    assert {name for name in sorted(BENCHMARKS) if load_spec(name).paper_column} == PAPER


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_spec_is_complete(name: str) -> None:
    spec = load_spec(name)
    assert spec.name == name
    assert spec.paper.startswith("arXiv ") or name.startswith("Demo")
    assert spec.licence and spec.homepage
    rule = spec.answer_rule
    for text in rule.rules.values() if isinstance(rule, RuleByRow) else [rule or "math"]:
        check_rule(text.replace("{precision}", "1"))
    for source in spec.sources:
        if source.kind == "tsv":
            assert source.url and source.url.endswith(f"/{source.file}")
            assert re.fullmatch(r"[0-9a-f]{32}", source.md5 or "")
            assert re.fullmatch(r"[0-9a-f]{64}", source.sha256 or "0" * 64)


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_spec_survives_the_sidecar_of_a_graded_file(name: str) -> None:
    spec = load_spec(name)
    kept = json.loads(json.dumps(spec.model_dump(mode="json")))
    assert parse_settings(BenchmarkSpec, kept, "sidecar") == spec


def test_hashes_and_rows_are_those_of_the_published_files() -> None:
    published = json.loads(Path(__file__).with_name("published_files.json").read_text("utf-8"))
    specs = [
        (load_spec(name), source)
        for name in sorted(BENCHMARKS)
        for source in load_spec(name).sources
    ]
    files = [(spec, source) for spec, source in specs if source.kind == "tsv"]
    for spec, source in files:
        facts = dict(published[source.file])
        assert facts.pop("rows", spec.rows) == spec.rows
        assert source.hashes == facts
    assert {source.file for _, source in files} == published.keys()


def write(path: Path, **content: object) -> str:
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


class TestExtends:
    def test_the_child_gives_what_differs(self, tmp_path: Path) -> None:
        base = make_json_benchmark(tmp_path, 6)
        child = write(tmp_path / "Child.yaml", extends=str(base), name="Child", rows=3)
        spec = load_spec(child)
        assert (spec.name, spec.rows, spec.title) == ("Child", 3, "Small")

    def test_fields_meta_and_where_go_over_those_of_all_sources(self, tmp_path: Path) -> None:
        base = make_json_benchmark(tmp_path, 6)
        child = write(
            tmp_path / "Child.yaml",
            extends=str(base),
            fields={"question": "subject"},
            meta={"level": "id"},
            where={"subject": "logic"},
        )
        benchmark = load_benchmark(child, data_root=tmp_path)
        assert benchmark.indices == ["3", "6"]
        assert dict(benchmark["6"].meta) == {"subject": "logic", "level": "6"}
        assert "\nQuestion: logic\n" in benchmark["6"].question

    def test_a_circle_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "Child.yaml"
        write(path, extends=str(path))
        with pytest.raises(ConfigError, match="extends itself"):
            load_spec(str(path))

    def test_sources_that_are_none(self, tmp_path: Path) -> None:
        path = write(tmp_path / "Child.yaml", extends="Demo", sources=["x"], meta={"a": "b"})
        with pytest.raises(ConfigError, match=r"sources\.0"):
            load_spec(path)


class TestParts:
    def source(self, **changes: object) -> dict[str, object]:
        return {
            "kind": "json",
            "file": "set/{part}/rows.json",
            "images": "set/{part}",
            "parts": {"part": [1, 2]},
            "fields": {"index": "{part}-{_key}", "image": None},
            "meta": {"part": "part", "level": "facts.level"},
            **changes,
        }

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for part in (1, 2):
            folder = tmp_path / "root" / "set" / str(part)
            folder.mkdir(parents=True)
            facts = {"level": part}
            rows = {key: {"question": key, "answer": key, "facts": facts} for key in "ab"}
            (folder / "rows.json").write_text(json.dumps(rows))
        return tmp_path / "root"

    def test_rows_have_the_values_of_their_part(self, tmp_path: Path, root: Path) -> None:
        path = write_spec(tmp_path / "Small.yaml", self.source(), 4)
        for data_root in (root, root / "set"):
            benchmark = load_benchmark(str(path), data_root=data_root)
            assert benchmark.indices == ["1-a", "1-b", "2-a", "2-b"]
            assert dict(benchmark["2-b"].meta) == {"part": "2", "level": "2"}

    def test_a_missing_part_is_said(self, tmp_path: Path, root: Path) -> None:
        (root / "set" / "2" / "rows.json").unlink()
        path = write_spec(tmp_path / "Small.yaml", self.source(), 4)
        with pytest.raises(MissingError, match=r"only a part .* set/2/rows\.json is missing"):
            load_benchmark(str(path), data_root=root)

    def test_questions_may_be_in_a_file_of_their_own(self, tmp_path: Path, root: Path) -> None:
        (root / "set" / "questions.json").write_text('{"1-a": "first", "1-b": "second"}')
        source = self.source(questions="set/questions.json", parts={"part": [1]})
        path = write_spec(tmp_path / "Small.yaml", source, 2)
        benchmark = load_benchmark(str(path), data_root=root)
        assert benchmark["1-b"].question.startswith("second\n")
        (root / "set" / "questions.json").write_text('{"1-a": "first"}')
        with pytest.raises(DataError, match="no question for the index '1-b'"):
            load_benchmark(str(path), data_root=root)


class TestQuestionStyle:
    def test_it_is_in_every_key_and_in_every_row_of_a_table(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path, 3)
        path.write_text(path.read_text() + "native: {text: '{question} {options}'}\n")
        keys, configs = set(), set()
        for style in ("racro", "native"):
            config = RunConfig(
                data=[str(path)],
                mllm=["echo:m"],
                reasoner=["echo:r"],
                data_root=tmp_path,
                question_style=style,
            )
            files = [file for job in make_plan(config).jobs for file in job.outputs()]
            keys |= {file.key for file in files}
            configs |= {file.settings_hash for file in files}
        assert len(keys) == len(configs) == 2 * 3, "a caption, a tentative and a reasoner's file"

    def test_a_benchmark_without_a_prompt_of_its_own_says_so(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path, 3)
        with pytest.raises(ConfigError, match="Small has no prompt of its own"):
            load_benchmark(str(path), data_root=tmp_path, question_style="native")

    def test_question_native_needs_one(self, tmp_path: Path) -> None:
        path = make_json_benchmark(tmp_path, 3)
        path.write_text(path.read_text().replace("question: vqa", "question: native"))
        with pytest.raises(ConfigError, match="but there is none"):
            load_spec(str(path))
