"""Reading benchmarks: three layouts, one result."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from racro_eval import load_benchmark
from racro_eval.data.images import decode
from racro_eval.errors import (
    ChecksumError,
    ConfigError,
    DataError,
    MissingError,
    RacroError,
    UnknownNameError,
)
from tests.support.benchmarks import (
    base64_picture,
    make_json_benchmark,
    make_tsv,
    picture,
    write_spec,
)

TSV = {"kind": "tsv", "file": "small.tsv", "fields": {"options": "choices"}}


def tsv_row(index: str, **cells: str) -> dict[str, str]:
    row = {"index": index, "image": base64_picture(int(index)), "question": f"Q{index}"}
    return {**row, "choices": "[]", "answer": index, **cells}


def test_json_rows_keep_their_order_and_carry_question_options_answer_and_breakdowns(
    tmp_path: Path,
) -> None:
    benchmark = load_benchmark(str(make_json_benchmark(tmp_path, 12)), data_root=tmp_path)
    assert len(benchmark) == 12
    assert benchmark.indices == [str(number) for number in range(1, 13)]
    first = benchmark["1"]
    assert dict(first.options) == {"A": "1", "B": "2", "C": "None"}
    assert first.answer == "A"
    assert dict(first.meta) == {"subject": "counting", "level": "2"}
    assert first.question == (
        "Hint: Please answer the question and provide the correct option letter, e.g., A, B, C, "
        "D, at the end.\nQuestion: How many shapes are in picture 1?\n<image1>\nChoices:\n"
        "(A) 1\n(B) 2\n(C) None\n"
        "Please try to answer the question with short words or phrases if possible."
    )
    assert benchmark["2"].question.startswith(
        "Hint: Please answer the question and provide the final answer at the end.\nQuestion: "
    )
    assert first.images[0].read() == picture(1)


def test_images_are_opened_only_when_they_are_read(tmp_path: Path) -> None:
    path = make_json_benchmark(tmp_path, 3)
    (tmp_path / "small" / "images" / "2.png").unlink()
    benchmark = load_benchmark(str(path), data_root=tmp_path)
    with pytest.raises(DataError, match=r"2\.png cannot be read: No such file"):
        benchmark["2"].images[0].read()
    assert decode(benchmark["3"].images[0]).size == (40, 30)


def test_the_data_root_may_be_the_benchmarks_own_folder(tmp_path: Path) -> None:
    path = make_json_benchmark(tmp_path, 3)
    benchmark = load_benchmark(str(path), data_root=tmp_path / "small")
    assert benchmark["3"].images[0].read() == picture(3)


def test_racro_data_is_the_data_root_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_json_benchmark(tmp_path, 3)
    monkeypatch.setenv("RACRO_DATA", str(tmp_path))
    assert len(load_benchmark(str(path))) == 3


def test_select_takes_the_first_rows_or_the_named_ones_in_file_order(tmp_path: Path) -> None:
    benchmark = load_benchmark(str(make_json_benchmark(tmp_path, 9)), data_root=tmp_path)
    assert [sample.index for sample in benchmark.select(limit=2)] == ["1", "2"]
    assert [sample.index for sample in benchmark.select(indices=["7", "3"])] == ["3", "7"]
    with pytest.raises(UnknownNameError, match="index '77'"):
        benchmark.select(indices=["77"])


def test_the_data_hash_covers_what_models_see_and_the_gold_hash_what_verdicts_need(
    tmp_path: Path,
) -> None:
    path = make_json_benchmark(tmp_path, 4)
    before = load_benchmark(str(path), data_root=tmp_path)
    data = tmp_path / "small" / "rows.jsonl"
    data.write_text(data.read_text().replace('"answer": "4"', '"answer": "5"'))
    relabelled = load_benchmark(str(path), data_root=tmp_path)
    assert relabelled.data_hash == before.data_hash
    assert relabelled.gold_hash != before.gold_hash
    data.write_text(data.read_text().replace("picture 4", "image 4"))
    assert load_benchmark(str(path), data_root=tmp_path).data_hash != before.data_hash


def test_tsv_images_may_be_base64_references_and_lists(tmp_path: Path) -> None:
    table = [
        tsv_row("1", choices="['None', 'NA']", answer="A"),
        tsv_row("2", image="1"),
        tsv_row("3", image=str([base64_picture(7), base64_picture(8)])),
        tsv_row("4", image="", question='a "quoted"\tfield\nof two lines'),
    ]
    make_tsv(tmp_path / "small.tsv", table)
    path = write_spec(tmp_path / "Small.yaml", TSV, 4)
    benchmark = load_benchmark(str(path), data_root=tmp_path)
    read = [[image.read() for image in sample.images] for sample in benchmark]
    assert read == [[picture(1)], [picture(1)], [picture(7), picture(8)], []]
    assert dict(benchmark["1"].options) == {"A": "None", "B": "NA"}, "these are texts, not gaps"
    assert benchmark["4"].question.startswith('a "quoted"\tfield\nof two lines\n')


def test_options_may_be_a_column_per_letter(tmp_path: Path) -> None:
    make_tsv(
        tmp_path / "small.tsv",
        [{"index": "1", "question": "Q", "answer": "C", "A": "x", "B": "", "C": "None"}],
    )
    fields = {"options": ["A", "B", "C"], "image": None}
    path = write_spec(tmp_path / "Small.yaml", {**TSV, "fields": fields}, 1)
    sample = load_benchmark(str(path), data_root=tmp_path)["1"]
    assert dict(sample.options) == {"A": "x", "C": "None"}
    assert sample.images == ()


class TestBadFiles:
    """Each gets one sentence that says what is wrong and where."""

    def load(self, tmp_path: Path, source: dict[str, object]) -> RacroError:
        path = write_spec(tmp_path / "Small.yaml", source, 2)
        with pytest.raises(RacroError) as caught:
            load_benchmark(str(path), data_root=tmp_path, offline=True)
        return caught.value

    def test_missing_file(self, tmp_path: Path) -> None:
        error = self.load(tmp_path, TSV)
        assert isinstance(error, MissingError)
        assert "looked for small.tsv in" in str(error)
        assert "--data-root" in str(error)

    def test_missing_column(self, tmp_path: Path) -> None:
        row = tsv_row("1")
        del row["answer"]
        make_tsv(tmp_path / "small.tsv", [row])
        error = self.load(tmp_path, TSV)
        assert "has no column 'answer'; its columns are: choices, image, index" in str(error)

    def test_wrong_md5_names_both_hashes(self, tmp_path: Path) -> None:
        data = make_tsv(tmp_path / "small.tsv", [tsv_row("1")])
        error = self.load(tmp_path, {**TSV, "md5": "0" * 32})
        assert isinstance(error, ChecksumError)
        assert "0" * 32 in str(error)
        assert hashlib.md5(data.read_bytes()).hexdigest() in str(error)

    def test_two_rows_of_one_index(self, tmp_path: Path) -> None:
        make_tsv(tmp_path / "small.tsv", [tsv_row("1"), tsv_row("1")])
        assert "duplicate index '1'" in str(self.load(tmp_path, TSV))

    def test_reference_to_no_row(self, tmp_path: Path) -> None:
        make_tsv(tmp_path / "small.tsv", [tsv_row("1", image="9")])
        assert "there is no row '9' to take an image from" in str(self.load(tmp_path, TSV))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("", "is empty"),
            ("index\timage\tquestion\tchoices\tanswer\n1\t2\n", "2 fields, 5 expected"),
            ("index\timage\tquestion\tchoices\tanswer\n1\t\tQ\t[1,\t1\n", "not a list"),
            ("index\timage\tquestion\tchoices\tanswer\n1\t[x\tQ\t[]\t1\n", "not readable"),
        ],
    )
    def test_broken_tsv(self, tmp_path: Path, content: str, sentence: str) -> None:
        (tmp_path / "small.tsv").write_text(content)
        assert sentence in str(self.load(tmp_path, TSV))

    def test_tsv_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "small.tsv").write_bytes(b"index\timage\tquestion\tchoices\tanswer\n1\t\t\xff")
        assert "not a readable TSV near byte" in str(self.load(tmp_path, TSV))

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            ("\n{", "line 2"),
            ("[1]\n", "row 1: an object was expected"),
            ('{"id": "1"}\n', "has no column 'question'"),
            (
                '{"id": "1", "question": "", "answer": "", "image": "../../x.png"}\n',
                "leads out of",
            ),
        ],
    )
    def test_broken_jsonl(self, tmp_path: Path, content: str, sentence: str) -> None:
        (tmp_path / "rows.jsonl").write_text(content)
        source = {"kind": "json", "file": "rows.jsonl", "images": ".", "fields": {"index": "id"}}
        assert sentence in str(self.load(tmp_path, source))

    @pytest.mark.parametrize(
        ("questions", "sentence"),
        [("[1]", "does not hold an object of questions"), ("{", "is not valid JSON")],
    )
    def test_broken_questions(self, tmp_path: Path, questions: str, sentence: str) -> None:
        (tmp_path / "rows.json").write_text('[{"index": "1", "answer": "", "image": ""}]')
        (tmp_path / "questions.json").write_text(questions)
        source = {"kind": "json", "file": "rows.json", "images": ".", "questions": "questions.json"}
        assert sentence in str(self.load(tmp_path, source))

    def test_json_without_rows(self, tmp_path: Path) -> None:
        (tmp_path / "rows.json").write_text("1")
        source = {"kind": "json", "file": "rows.json", "images": "."}
        assert "a list or an object of rows is expected" in str(self.load(tmp_path, source))

    def test_json_without_the_image_column(self, tmp_path: Path) -> None:
        (tmp_path / "rows.json").write_text('[{"index": "1", "question": "", "answer": ""}]')
        source = {"kind": "json", "file": "rows.json", "images": "."}
        assert "has no column 'image'" in str(self.load(tmp_path, source))

    @pytest.mark.parametrize("more", [{"url": "http://x"}, {"md5": "0" * 32, "parts": {"n": [1]}}])
    def test_several_files_are_not_downloaded(
        self, tmp_path: Path, more: dict[str, object]
    ) -> None:
        source = {"kind": "json", "file": "rows.json", "images": ".", "questions": "q.json", **more}
        assert "neither url nor hashes" in str(self.load(tmp_path, source))

    def test_broken_json(self, tmp_path: Path) -> None:
        (tmp_path / "rows.json").write_text("[{")
        source = {"kind": "json", "file": "rows.json", "images": "."}
        assert "is not valid JSON" in str(self.load(tmp_path, source))

    def test_data_root_that_is_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(MissingError, match="is not a folder"):
            load_benchmark("MathVision", data_root=tmp_path / "nowhere")

    def test_unknown_key_in_a_yaml(self, tmp_path: Path) -> None:
        error = self.load(tmp_path, {**TSV, "sha1": "x"})
        assert isinstance(error, ConfigError)
        assert "sources.0.tsv.sha1: there is no such key" in str(error)

    def test_breakdown_that_no_source_gives(self, tmp_path: Path) -> None:
        path = write_spec(tmp_path / "Small.yaml", TSV, 2)
        path.write_text(path.read_text().replace("breakdowns: []", "breakdowns: [level]"))
        with pytest.raises(ConfigError, match="no source has the breakdown 'level'"):
            load_benchmark(str(path))

    def test_tsv_with_several_image_columns(self, tmp_path: Path) -> None:
        error = self.load(tmp_path, {**TSV, "fields": {"image": ["a", "b"]}})
        assert "one image column" in str(error)

    def test_unreadable_yaml(self, tmp_path: Path) -> None:
        path = tmp_path / "x.yaml"
        with pytest.raises(ConfigError, match="cannot be read"):
            load_benchmark(str(path))
        path.write_text("a: [")
        with pytest.raises(ConfigError, match="is not valid YAML"):
            load_benchmark(str(path))
        path.write_text("- a")
        with pytest.raises(ConfigError, match="must contain a mapping"):
            load_benchmark(str(path))

    def test_unknown_benchmark_says_the_nearest(self) -> None:
        with pytest.raises(UnknownNameError, match="The nearest: MathVision"):
            load_benchmark("MathVsion")
