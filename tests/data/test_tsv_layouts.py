"""One row in the layout of each benchmark's TSV: what becomes of its cells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from racro_eval import Sample
from racro_eval.data import sources
from racro_eval.data.questions import SHORT_ANSWER, QuestionStyle
from racro_eval.data.spec import load_spec
from racro_eval.errors import DataError
from tests.support.benchmarks import base64_picture, make_tsv, picture


def read(
    tmp_path: Path, name: str, cells: dict[str, str], style: QuestionStyle = "racro"
) -> Sample:
    """The sample that a benchmark's TSV source makes of a row."""
    spec = load_spec(name)
    source = spec.sources[0]
    assert source.kind == "tsv"
    make_tsv(tmp_path / source.file, [{"index": "7", "image": base64_picture(7), **cells}])
    (sample,) = sources.read(spec, sources.Located(source, tmp_path), style)
    assert sample.index == "7"
    return sample


MATHVISTA = {
    "question": "Hint: ...\nQuestion: How long?\nChoices:\n(A) NA\n(B) 3",
    "choices": "['NA', '3']",
    "answer": "NA",
    "answer_option": "A",
    "question_type": "multi_choice",
    "answer_type": "text",
    "precision": "",
    "skills": "['algebraic reasoning', 'geometry reasoning']",
    "task": "geometry problem solving",
}


def test_mathvista(tmp_path: Path) -> None:
    sample = read(tmp_path, "MathVista_MINI", MATHVISTA)
    assert dict(sample.options) == {"A": "NA", "B": "3"}
    assert (sample.answer, sample.rule) == ("A", "choice")
    assert json.loads(sample.meta["skills"]) == ["algebraic reasoning", "geometry reasoning"]
    assert sample.question == f"{MATHVISTA['question']}\n{SHORT_ANSWER}"
    assert read(tmp_path, "MathVista_MINI", MATHVISTA, "native").question == MATHVISTA["question"]


@pytest.mark.parametrize(
    ("answer_type", "precision", "rule"),
    [
        ("integer", "", "integer"),
        ("float", "1.0", "float:1"),
        ("float", "2", "float:2"),
        ("float", "", "float"),
        ("list", "", "list"),
    ],
)
@pytest.mark.parametrize("choices", ["", "None"])
def test_mathvista_free_form(
    tmp_path: Path, answer_type: str, precision: str, rule: str, choices: str
) -> None:
    cells = {"choices": choices, "answer_type": answer_type, "precision": precision}
    sample = read(tmp_path, "MathVista_MINI", {**MATHVISTA, **cells})
    assert (dict(sample.options), sample.answer, sample.rule) == ({}, "NA", rule)


@pytest.mark.parametrize("choices", ["__import__('os').abort()", "['a'", "{'a': 1}", "[" * 9000])
def test_choices_are_parsed_and_never_run(tmp_path: Path, choices: str) -> None:
    with pytest.raises(DataError, match="Row 7: its options are not a list"):
        read(tmp_path, "MathVista_MINI", {**MATHVISTA, "choices": choices})


def test_mathvista_with_an_answer_type_that_nobody_knows(tmp_path: Path) -> None:
    cells = {**MATHVISTA, "choices": "", "answer_type": "matrix"}
    with pytest.raises(DataError, match="no answer rule for answer_type 'matrix'"):
        read(tmp_path, "MathVista_MINI", cells)


MATHVERSE = {
    "question": "According to the question shown in the image, please directly answer it.",
    "query_cot": "Please first conduct reasoning, and then answer it.",
    "answer": "118掳T",
    "problem_index": "12",
    "problem_version": "Vision Only",
    "question_type": "free-form",
    "metadata": "{'split': 'testmini', 'source': 'GEOS', 'subject': \"Euclid's\", "
    "'subfield': 'Angle'}",
}


def test_mathverse_metadata_is_the_text_of_a_dict(tmp_path: Path) -> None:
    sample = read(tmp_path, "MathVerse_MINI_Vision_Only", MATHVERSE)
    assert dict(sample.meta) == {
        "version": "Vision Only",
        "problem": "12",
        "question_type": "free-form",
        "subject": "Euclid's",
        "subfield": "Angle",
        "source": "GEOS",
    }
    assert (sample.answer, sample.rule) == ("118掳T", "math"), "mojibake stays for the grader"
    assert sample.question == f"{MATHVERSE['question']}\n{SHORT_ANSWER}"


def test_mathverse_cot_asks_the_other_question(tmp_path: Path) -> None:
    sample = read(tmp_path, "MathVerse_MINI_Text_Lite_cot", MATHVERSE)
    assert sample.question == f"{MATHVERSE['query_cot']}\n{SHORT_ANSWER}"


@pytest.mark.parametrize("answer", ["(C)", "False", "C\nD"])
def test_mathverse_multiple_choice(tmp_path: Path, answer: str) -> None:
    cells = {**MATHVERSE, "question_type": "multi-choice", "answer": answer}
    sample = read(tmp_path, "MathVerse_MINI", cells)
    assert (sample.answer, sample.rule) == (answer, "choice")


@pytest.mark.parametrize("metadata", ["", "{broken", "__import__('os')", "[1]", "{" * 5000])
def test_mathverse_metadata_that_is_none(tmp_path: Path, metadata: str) -> None:
    sample = read(tmp_path, "MathVerse_MINI", {**MATHVERSE, "metadata": metadata})
    assert sample.meta["subject"] == ""


def test_mathvision_native_takes_the_layout_of_the_tsv_apart(tmp_path: Path) -> None:
    cells = {
        "question": "Hint: Please answer ...\nQuestion: <image1>\nWho?\nChoices:\n(A) Ann\n(B) Bob",
        "choices": "['Ann', 'Bob']",
        "answer": "B",
        "category": "logic",
    }
    assert read(tmp_path, "MathVision", cells).question == f"{cells['question']}\n{SHORT_ANSWER}"
    assert read(tmp_path, "MathVision", cells, "native").question == (
        "Please solve the problem step by step and put your answer in one "
        '"\\boxed{}". If it is a multiple choice question, only one letter is allowed in the '
        '"\\boxed{}".\n<image1>\nWho?\n(A) Ann\n(B) Bob\n'
    )


def test_mmmu_images_come_first_in_their_order_and_tokens_stay(tmp_path: Path) -> None:
    cells = {
        "question": "Is <image 2> larger than <image 1>?",
        "image": str([base64_picture(1), base64_picture(2)]),
        **dict.fromkeys("ABCDEFGHI", ""),
        "A": "<image 1>",
        "B": "None",
        "I": "nan",
        "answer": "I",
        "split": "validation",
        "category": "Basic_Medical_Science",
        "l2-category": "Health & Medicine",
    }
    sample = read(tmp_path, "MMMU_DEV_VAL", cells)
    assert dict(sample.options) == {"A": "<image 1>", "B": "None", "I": "nan"}
    assert [image.read() for image in sample.images] == [picture(1), picture(2)]
    assert sample.question == (
        "Question: Is <image 2> larger than <image 1>?\nOptions:\nA. <image 1>\nB. None\nI. nan\n"
        "Please select the correct answer from the options above."
    )
    assert sample.meta["discipline"] == "Health & Medicine"


@pytest.mark.parametrize("answer", ["C", "8", "['a', 'b']"])
def test_mmmu_open_rows_have_no_options_and_keep_their_gold_answer(
    tmp_path: Path, answer: str
) -> None:
    cells = {"question": "Name it.", "answer": answer, "A": "", "split": "validation"}
    sample = read(tmp_path, "MMMU_DEV_VAL", cells)
    assert (sample.question, sample.answer) == ("Question: Name it.", answer)
    assert dict(sample.options) == {}


def test_wemath(tmp_path: Path) -> None:
    cells = {
        "question": "How many?",
        "A": "3",
        "B": "4",
        "C": "",
        "answer": "B",
        "hint": "Count.",
        "ID": "2steps_1",
        "key": "2steps_multi",
        "knowledge concept": "a;b",
    }
    sample = read(tmp_path, "WeMath", cells)
    meta = {"problem": "2steps_1", "part": "2steps_multi", "concept": "a;b"}
    assert meta.items() <= sample.meta.items()
    assert sample.question.startswith("Hint: Count.\nQuestion: How many?\nOptions:\nA. 3\nB. 4\n")


def test_dynamath(tmp_path: Path) -> None:
    cells = {
        "question": "f(2)?",
        "answer": "3.142",
        "answer_type": "float",
        "qid": "4",
        "varid": "2",
        "subject": "algebra",
        "knowledge_level": "undergraduate",
    }
    sample = read(tmp_path, "DynaMath", cells)
    assert sample.rule == "float:tol=0.001"
    assert (sample.meta["seed"], sample.meta["variant"]) == ("4", "2")
    assert sample.meta["level"] == "undergraduate"


def test_logicvista_without_capability(tmp_path: Path) -> None:
    cells = {"question": "Select two.", "answer": "B, D", "skill": "inductive"}
    sample = read(tmp_path, "LogicVista", cells)
    assert json.loads(sample.meta["skill"]) == ["inductive"]
    assert (sample.answer, sample.rule) == ("B, D", "choice")


OLYMPIAD: dict[str, Any] = {
    "question": "Find $v$.",
    "context": "A car drives.",
    "source": "OE_MM_physics_en_COMP",
    "final_answer": "['3,4']",
    "answer_type": "Numerical",
    "is_multiple_answer": "False",
    "unit": "m/s",
    "error": "0.1",
    "subfield": "Mechanics",
}


def test_olympiadbench(tmp_path: Path) -> None:
    sample = read(tmp_path, "OlympiadBench", OLYMPIAD)
    assert sample.answer == "3,4"
    assert (sample.meta["language"], sample.meta["subject"]) == ("en", "physics")
    assert sample.question.endswith("not be included in \\boxed{}.\nA car drives.\nFind $v$.")
    assert SHORT_ANSWER not in sample.question
    assert sample.images == (), "a tiny placeholder is no picture"


def test_scienceqa_hints_and_mmstar_abilities(tmp_path: Path) -> None:
    cells = {"question": "Q", "A": "x", "B": "y", "answer": "A", "category": "biology"}
    hinted = read(tmp_path, "ScienceQA_TEST", {**cells, "hint": "Look."})
    assert hinted.question.startswith("Hint: Look.\nQuestion: Q\n")
    star = read(tmp_path, "MMStar", {**cells, "l2_category": "cell"})
    assert dict(star.meta) == {"category": "biology", "l2_category": "cell"}


def test_mmmu_pro_vision_has_no_text_but_the_instruction(tmp_path: Path) -> None:
    cells = {"A": "x", "J": "y", "answer": "J", "category": "Art"}
    sample = read(tmp_path, "MMMU_Pro_V", cells)
    assert dict(sample.options) == {"A": "x", "J": "y"}
    assert sample.question == (
        "Answer the following multiple-choice question in the image. "
        "Answer directly with the option letter from the given choices. "
    )
