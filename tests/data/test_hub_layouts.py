"""One row in the layout of each benchmark's dataset on the hub: what becomes of its columns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from racro_eval import Sample
from racro_eval.data import hub, sources
from racro_eval.data.data_roots import benchmark_cache
from racro_eval.data.layouts import HuggingFaceSource
from racro_eval.data.spec import load_spec
from tests.support.benchmarks import picture


def read(name: str, row: dict[str, Any], **part: str) -> list[Sample]:
    """The samples of a benchmark whose streamed dataset has one row, in the part given."""
    spec = load_spec(name)
    (source,) = [source for source in spec.sources if isinstance(source, HuggingFaceSource)]
    snapshot = hub.Snapshot(source, source.dataset, "commit")
    for each in source.each_part():
        folder = snapshot.part_folder(each)
        folder.mkdir(parents=True)
        (folder / "picture.png").write_bytes(picture(1))
        here = part.items() <= each.items()
        (folder / hub.ROWS).write_text(json.dumps(row) + "\n" if here else "")
    located = sources.Located(source, benchmark_cache(), snapshot)
    return list(sources.read(spec, located))


def test_mathvista() -> None:
    metadata = {"source": "SciBench", "skills": ["arithmetic reasoning"], "grade": "college"}
    row = {
        "pid": "1",
        "question": "bare",
        "query": "Hint: ...\nQuestion: bare",
        "answer": "1.2",
        "choices": None,
        "unit": None,
        "precision": 1.0,
        "question_type": "free_form",
        "answer_type": "float",
        "metadata": metadata,
        "decoded_image": "picture.png",
    }
    (sample,) = read("MathVista_MINI", row)
    assert (sample.index, sample.answer, sample.rule) == ("1", "1.2", "float:1")
    assert sample.question.startswith("Hint: ...\nQuestion: bare\n")
    assert json.loads(sample.meta["skills"]) == ["arithmetic reasoning"]
    assert (sample.meta["unit"], sample.meta["grade"]) == ("", "college")
    assert sample.images[0].read() == picture(1)


MATHVERSE = {
    "sample_index": "5",
    "problem_index": "1",
    "problem_version": "Vision Only",
    "question": "",
    "query_wo": "Please directly answer.",
    "query_cot": "Please reason.",
    "answer": "A",
    "question_type": "multi-choice",
    "image": "picture.png",
    "metadata": {"subject": "Plane Geometry", "subfield": "Angle", "source": "GeoQA"},
}


@pytest.mark.parametrize(
    ("name", "rows", "question"),
    [
        ("MathVerse_MINI", 1, "Please directly answer."),
        ("MathVerse_MINI_Vision_Only", 1, "Please directly answer."),
        ("MathVerse_MINI_Vision_Only_cot", 1, "Please reason."),
        ("MathVerse_MINI_Text_Lite", 0, ""),
        ("MathVerse_MINI_Text_Only_cot", 1, "Please reason."),
    ],
)
def test_mathverse_versions_are_rows_of_one_dataset(name: str, rows: int, question: str) -> None:
    samples = read(name, MATHVERSE)
    assert len(samples) == rows
    for sample in samples:
        assert sample.question.startswith(question + "\nPlease try")
        assert (sample.rule, sample.meta["subject"]) == ("choice", "Plane Geometry")
        assert len(sample.images) == (0 if "Text_Only" in name else 1)


def test_mmmu_joins_subjects_and_splits_and_knows_the_discipline() -> None:
    row = {
        "id": "validation_Art_Theory_3",
        "question": "Is <image 2> older?",
        "answer": "B",
        "options": "['<image 1>', 'None', \"it's\"]",
        "question_type": "multiple-choice",
        "image_1": "picture.png",
        "image_2": "picture.png",
        "image_3": None,
    }
    (sample,) = read("MMMU_DEV_VAL", row, split="validation", subject="Art_Theory")
    assert dict(sample.options) == {"A": "<image 1>", "B": "None", "C": "it's"}
    assert len(sample.images) == 2
    assert dict(sample.meta) == {
        "split": "validation",
        "subject": "Art_Theory",
        "question_type": "multiple-choice",
        "discipline": "Art & Design",
    }


def test_mmmu_pro_options_are_up_to_ten() -> None:
    options = str([f"option {number}" for number in range(10)])
    row = {"id": "1", "options": options, "answer": "J", "subject": "Art", "image": "picture.png"}
    (sample,) = read("MMMU_Pro_V", row)
    assert "".join(sample.options) == "ABCDEFGHIJ"


def test_wemath() -> None:
    row = {
        "ID": "2steps_1",
        "key": "2steps_1",
        "question number": 1,
        "answer": "B",
        "question": "Q",
        "option": "A. 3;B．4; E. No correct answer",
        "knowledge concept": "x",
        "image_path": "picture.png",
    }
    (sample,) = read("WeMath", row)
    assert dict(sample.options) == {"A": "3", "B": "4", "E": "No correct answer"}
    assert sample.index == "1"


def test_dynamath() -> None:
    row = {
        "id": "17",
        "question": "Q",
        "ground_truth": "3.142",
        "answer_type": "float",
        "subject": "algebra",
        "knowledge_level": "high school",
        "decoded_image": "picture.png",
    }
    (sample,) = read("DynaMath", row, variant="4")
    assert (sample.index, sample.answer) == ("17-4", "3.142")
    assert (sample.meta["seed"], sample.meta["variant"]) == ("17", "4")


def test_olympiadbench() -> None:
    row = {
        "id": 9,
        "question": "问",
        "context": None,
        "final_answer": ["$2$", "$3$"],
        "answer_type": "Numerical",
        "is_multiple_answer": True,
        "unit": None,
        "error": None,
        "subfield": "代数",
        "image_1": "picture.png",
        "image_2": None,
    }
    (sample,) = read("OlympiadBench_CN", row, source="OE_MM_maths_zh_CEE")
    assert sample.index == "OE_MM_maths_zh_CEE-9"
    assert sample.answer == "$2$, $3$"
    assert (sample.meta["language"], sample.meta["subject"]) == ("zh", "maths")
    assert sample.question.startswith(
        "以下是中国数学竞赛中的解答题，题目有多个答案，答案类型均为数值。"
    )
    assert len(sample.images) == 1
