"""The official files of the paper's benchmarks, as they are: rows, statistics, odd cells."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from racro_eval import Sample, load_benchmark
from racro_eval.data import Benchmark
from racro_eval.data.images import decode
from racro_eval.data.spec import load_spec
from racro_eval.errors import DataError
from racro_eval.grading.rules import check_rule
from tests.support.benchmarks import mathvista_root
from tests.support.paths import shared_data


@pytest.fixture(scope="module")
def mathvista(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    root = mathvista_root(tmp_path_factory.mktemp("data"))
    return load_benchmark("MathVista_MINI", data_root=root, offline=True)


def real(name: str) -> Benchmark:
    benchmark = load_benchmark(name, data_root=shared_data(), offline=True)
    assert len(benchmark) == benchmark.spec.rows
    return benchmark


def count(benchmark: Benchmark, name: str) -> Counter[str]:
    return Counter(sample.meta[name] for sample in benchmark)


def count_labels(benchmark: Benchmark, name: str) -> Counter[str]:
    return Counter(label for sample in benchmark for label in json.loads(sample.meta[name]))


def choices(sample: Sample) -> list[str]:
    return list(sample.options.values())


class TestMathVision:
    def test_mini(self) -> None:
        benchmark = real("MathVision_MINI")
        assert all(len(sample.images) == 1 for sample in benchmark)
        assert sum(bool(sample.options) for sample in benchmark) == 190
        assert [count(benchmark, "level")[level] for level in "12345"] == [53, 82, 56, 45, 68]
        assert set(count(benchmark, "subject").values()) == {19}
        assert decode(benchmark["6"].images[0]).size == (1470, 730)
        lines = (shared_data() / "mathvision" / "testmini.jsonl").read_text().splitlines()
        assert benchmark.indices == [json.loads(line)["id"] for line in lines]

    def test_full(self) -> None:
        benchmark = real("MathVision")
        assert sum(bool(sample.options) for sample in benchmark) == 1532
        assert [count(benchmark, "level")[level] for level in "12345"] == [237, 738, 551, 830, 684]
        assert count(benchmark, "subject").most_common(1) == [("metric geometry - area", 500)]

    def test_an_empty_question_and_odd_gold_answers_stay_as_they_are(self) -> None:
        benchmark = real("MathVision")
        assert "Question: <image1>\n" in benchmark["528"].question
        assert benchmark["2830"].answer == "\x0crac{36}{13}"
        assert benchmark["2877"].answer == "$\\boxed{\\frac{3}{4}}$"

    def test_the_native_prompt_has_the_raw_question_and_lists_no_bare_letters(self) -> None:
        root = shared_data()
        native = load_benchmark("MathVision_MINI", data_root=root, question_style="native")
        lines = (root / "mathvision" / "testmini.jsonl").read_text().splitlines()
        rows = {row["id"]: row for row in map(json.loads, lines)}
        in_picture = [i for i, row in rows.items() if "".join(row["options"]) == "ABCDE"]
        assert len(in_picture) == 73
        for index, row in rows.items():
            text = native[index].question
            assert text.startswith("Please solve the problem step by step and put your answer in")
            assert f'"\\boxed{{}}".\n{row["question"]}\n' in text
            assert ("\n(A) " in text) == bool(row["options"] and index not in in_picture)

    def test_options_named_none_are_options(self) -> None:
        benchmark = real("MathVision")
        assert choices(benchmark["758"]) == ["None", "One", "Two", "Three", "Four"]


class TestMathVista:
    def test_statistics(self, mathvista: Benchmark) -> None:
        assert len(mathvista) == mathvista.spec.rows
        assert count(mathvista, "question_type") == {"multi_choice": 540, "free_form": 460}
        assert count(mathvista, "answer_type") == {
            "text": 540,
            "integer": 418,
            "float": 40,
            "list": 2,
        }
        assert count(mathvista, "precision") == {"": 960, "1": 20, "2": 20}
        assert count(mathvista, "unit") == {"": 950, "years": 49, "g": 1}
        assert count(mathvista, "language") == {"english": 936, "chinese": 62, "persian": 2}
        assert sorted(count(mathvista, "task").values()) == [158, 179, 186, 208, 269]
        assert count_labels(mathvista, "skills") == {
            "arithmetic reasoning": 353,
            "statistical reasoning": 301,
            "algebraic reasoning": 281,
            "geometry reasoning": 239,
            "numeric commonsense": 144,
            "scientific reasoning": 122,
            "logical reasoning": 37,
        }

    def test_rules_by_answer_type(self, mathvista: Benchmark) -> None:
        rules = Counter(sample.rule for sample in mathvista)
        assert rules == {"choice": 540, "integer": 418, "float:1": 20, "float:2": 20, "list": 2}
        for rule in rules:
            check_rule(str(rule))

    def test_the_question_is_the_official_query_with_its_hint(self, mathvista: Benchmark) -> None:
        query = json.loads((shared_data() / "mathvista" / "query.json").read_text())
        for sample in mathvista:
            assert sample.question.startswith(query[sample.index] + "\nPlease try")

    def test_the_gold_choice_becomes_its_letter(self, mathvista: Benchmark) -> None:
        for sample in mathvista:
            if sample.options:
                assert sample.answer in sample.options
        # the right text "d" stands at D; as a letter it would be the same only by luck
        assert mathvista["342"].answer == "D"

    @pytest.mark.parametrize(("index", "letter"), [("587", "B"), ("740", "A"), ("781", "C")])
    def test_doubled_choices(self, mathvista: Benchmark, index: str, letter: str) -> None:
        texts = choices(mathvista[index])
        assert len(set(texts)) < len(texts)
        assert mathvista[index].answer == letter

    def test_more_than_seven_choices(self, mathvista: Benchmark) -> None:
        assert "".join(mathvista["340"].options) == "ABCDEFGH"

    def test_options_named_na_and_none_are_options(self, mathvista: Benchmark) -> None:
        assert choices(mathvista["396"])[-1] == "NA"
        assert choices(mathvista["771"])[-1] == "None"

    def test_carriage_returns_stay(self, mathvista: Benchmark) -> None:
        assert "\r\n\r\nIn Figure" in mathvista["1"].question

    def test_pictures_that_are_not_here_are_missed_only_when_read(
        self, mathvista: Benchmark
    ) -> None:
        with pytest.raises(DataError, match=r"images/1\.jpg cannot be read"):
            mathvista["1"].images[0].read()


class TestWeMath:
    def test_statistics(self) -> None:
        benchmark = real("WeMath")
        assert count(benchmark, "part") == {
            **{f"2steps_{part}": 360 for part in ("1", "2", "multi")},
            **{f"3steps_{part}": 165 for part in ("1", "2", "3", "multi")},
        }
        assert Counter(sample.answer for sample in benchmark) == {
            "A": 585,
            "B": 507,
            "C": 454,
            "D": 193,
            "E": 1,
        }
        assert len(count(benchmark, "problem")) == 525
        single = {s.meta["concept"] for s in benchmark if not s.meta["part"].endswith("multi")}
        assert len(single) == 67

    def test_every_gold_answer_is_an_option_among_four_or_more(self) -> None:
        for sample in real("WeMath"):
            assert sample.answer in sample.options
            assert len(sample.options) >= 4

    @pytest.mark.parametrize(
        ("problem", "part", "options"),
        [
            (
                "2steps_94",
                "2steps_1",
                {
                    "A": "Yes, A needs to be rotated 90 degrees clockwise around point O.",
                    "B": "Yes, A needs to be rotated 45 degrees counterclockwise around point O.",
                    "C": "No.",
                    "F": "No correct answer",
                },
            ),
            ("3steps_38", "3steps_1", {"A": "45°", "B": "60°", "C": "120°"}),
            ("3steps_47", "3steps_1", {"A": "6cm, 2cm", "B": "1cm, 3cm", "C": "1cm, 4cm"}),
            ("3steps_42", "3steps_2", {"A": "4", "B": "3", "C": "2", "D": "1"}),
            ("2steps_59", "2steps_1", {"A": "①", "B": "②", "C": "③"}),
            (
                "2steps_48",
                "2steps_multi",
                {
                    "A": "First head northeast to B, then north to C.",
                    "B": "First head northwest to B, then west to C.",
                    "C": "First head southeast to B, then west to C.",
                },
            ),
            (
                "3steps_156",
                "3steps_multi",
                {"A": "There is an obtuse angle ∠ABE.", "B": "There is an obtuse angle ∠ABC."},
            ),
            (
                "3steps_126",
                "3steps_2",
                {"B": "The area of triangle EDG is twice the area of triangle BEG."},
            ),
        ],
    )
    def test_irregular_option_texts(self, problem: str, part: str, options: dict[str, str]) -> None:
        (row,) = [
            sample
            for sample in real("WeMath")
            if (sample.meta["problem"], sample.meta["part"]) == (problem, part)
        ]
        assert row.options.items() >= options.items()


class TestDynaMath:
    def test_statistics(self) -> None:
        benchmark = real("DynaMath")
        types = {"float": 2960, "multiple choice": 1740, "text": 310}
        assert count(benchmark, "answer_type") == types
        assert set(count(benchmark, "seed").values()) == {10}
        assert set(count(benchmark, "variant").values()) == {501}
        levels = {"high school": 2770, "undergraduate": 1610, "elementary school": 630}
        assert count(benchmark, "level") == levels
        assert sorted(count(benchmark, "subject").values(), reverse=True)[:3] == [1250, 970, 770]
        rules = {"float:tol=0.001": 2960, "choice": 1740, "text": 310}
        assert Counter(sample.rule for sample in benchmark) == rules

    def test_gold_letters_and_seeds_whose_variants_differ_by_the_picture_only(self) -> None:
        benchmark = real("DynaMath")
        letters = Counter(s.answer for s in benchmark if s.meta["answer_type"] == "multiple choice")
        assert letters == {"A": 619, "B": 697, "C": 220, "D": 161, "E": 37, "F": 6}
        texts: dict[str, set[tuple[str, str]]] = {}
        for sample in benchmark:
            texts.setdefault(sample.meta["seed"], set()).add((sample.question, sample.answer))
        assert sum(len(group) == 1 for group in texts.values()) == 42

    def test_each_variant_has_its_own_picture(self) -> None:
        benchmark = real("DynaMath")
        first, second = benchmark["1-1"], benchmark["1-2"]
        assert first.question == second.question
        assert first.images[0].read() != second.images[0].read()


class TestLogicVista:
    def test_statistics(self) -> None:
        benchmark = real("LogicVista")
        assert count_labels(benchmark, "skill") == {
            "inductive": 107,
            "numerical": 95,
            "deductive": 93,
            "spatial": 78,
            "mechanical": 74,
        }
        assert count_labels(benchmark, "capability").total() == 447
        letters = Counter(sample.answer for sample in benchmark)
        single = {"A": 111, "B": 104, "C": 110, "D": 83, "E": 33}
        odd = {"B, D": 2, "A, C": 1, "G": 1, "F": 1, "3": 1}
        assert letters == single | odd

    def test_the_row_without_question_is_left_out_and_odd_gold_answers_stay(self) -> None:
        benchmark = real("LogicVista")
        assert "v1_382" not in benchmark.indices
        assert benchmark["v1_2"].answer == "B, D"
        assert benchmark["v1_20"].answer == "3"


class TestMMMU:
    def test_the_parts_are_the_thirty_subjects_and_their_disciplines(self) -> None:
        spec = load_spec("MMMU_DEV_VAL")
        source = spec.sources[1]
        assert source.kind == "huggingface"
        answers = json.loads((shared_data() / "mmmu" / "answer_dict_val.json").read_text())
        subjects = {key.removeprefix("validation_").rpartition("_")[0] for key in answers}
        assert set(source.parts["subject"]) == subjects
        grouped = source.meta["discipline"]
        assert not isinstance(grouped, str)
        assert sorted(len(values) for values in grouped.groups.values()) == [4, 4, 5, 5, 5, 7]
        assert {value for values in grouped.groups.values() for value in values} == subjects
        assert spec.counted_rows == len(answers) == 900
