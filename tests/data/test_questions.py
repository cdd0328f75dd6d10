"""Native prompts, to the byte."""

from __future__ import annotations

import pytest

from racro_eval.data.olympiadbench import instruction
from racro_eval.data.questions import BUILDERS, Native, QuestionParts, bare_question, hint_choices
from racro_eval.data.spec import load_spec
from racro_eval.errors import ConfigError, DataError
from racro_eval.settings import parse_settings

TWO = {"A": "3", "B": "4"}


def native(name: str, item: QuestionParts) -> str:
    own = load_spec(name).native
    assert isinstance(own, Native)
    return own.render(item)


MATHVISION = (
    'Please solve the problem step by step and put your answer in one "\\boxed{}". If it is a '
    'multiple choice question, only one letter is allowed in the "\\boxed{}".\n'
)


@pytest.mark.parametrize(
    ("name", "item", "text"),
    [
        ("MathVision", QuestionParts("Q", TWO), MATHVISION + "Q\n(A) 3\n(B) 4\n"),
        ("MathVision", QuestionParts("Q"), MATHVISION + "Q\n"),
        (
            "MathVision",  # the choices are in the picture
            QuestionParts("Q", {letter: letter for letter in "ABCDE"}),
            MATHVISION + "Q\n",
        ),
        ("MathVista_MINI", QuestionParts("Hint: ...\nQuestion: Q", TWO), "Hint: ...\nQuestion: Q"),
        (
            "MathVerse_MINI_Vision_Only",
            QuestionParts("Please directly answer."),
            "Please directly answer.",
        ),
        ("LogicVista", QuestionParts("Q"), "Q"),
        (
            "MMMU_DEV_VAL",
            QuestionParts("Q <image 1>", TWO),
            "Q <image 1>\n(A) 3\n(B) 4\n\n"
            "Answer with the option's letter from the given choices directly.",
        ),
        (
            "MMMU_DEV_VAL",
            QuestionParts("Q"),
            "Q\n\nAnswer the question using a single word or phrase.",
        ),
        (
            "MMMU_Pro_10c",
            QuestionParts("Q", TWO),
            "Question: Q\nOptions:\nA. 3\nB. 4\n"
            "Answer directly with the option letter from the given choices. ",
        ),
        (
            "WeMath",
            QuestionParts("Q", TWO),
            "Now, we require you to solve a multiple-choice math question. Please briefly describe "
            "your thought process and provide the final answer(option).\nQuestion: Q\n"
            "Option: A. 3; B. 4\nRegarding the format, please answer following the template below, "
            "and be sure to include two <> symbols:\n"
            "<Thought process>: <<your thought process>> <Answer>: <<your option>>",
        ),
        (
            "DynaMath",
            QuestionParts("Q", meta={"answer_type": "float"}),
            "## Question\n Q\n## Answer Instruction Please provide an answer to the question "
            "outlined above. Your response should adhere to the following JSON format, which "
            "includes two keys: 'solution' and 'short answer'. The 'solution' key can contain "
            "detailed steps needed to solve the question, and the 'short answer' key should "
            "provide a concise response. Format the answer as a three-digit floating-point number "
            "and provide it in the 'short answer' key.\n\nExample of expected JSON response "
            'format:\n\n{\n    "solution": "[Detailed step-by-step explanation]",\n'
            '    "short answer": "[Concise Answer]"\n}',
        ),
    ],
)
def test_native_prompts(name: str, item: QuestionParts, text: str) -> None:
    assert native(name, item) == text


def test_dynamath_guides_by_answer_type() -> None:
    choice = native("DynaMath", QuestionParts("Q", meta={"answer_type": "multiple choice"}))
    assert "Provide the corresponing choice option in the 'short answer' key, such as" in choice
    text = native("DynaMath", QuestionParts("Q", meta={"answer_type": "text"}))
    assert "Float numbers in the answer should be formatted as three-digit" in text
    with pytest.raises(DataError, match="no text for answer_type ''"):
        native("DynaMath", QuestionParts("Q"))


def test_texts_of_rows_are_never_parsed() -> None:
    hostile = QuestionParts("{options} {0} {", {"A": "{question}", "B": "{x"})
    assert native("MathVision", hostile) == MATHVISION + (
        "{options} {0} {\n(A) {question}\n(B) {x\n"
    )


@pytest.mark.parametrize("text", ["{wrong}", "{", "{0}", "{}", "{question.__class__}"])
def test_a_template_that_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"there is no \{|format string"):
        parse_settings(Native, {"text": text}, "x.yaml")


def test_mcq_with_a_hint_and_in_chinese() -> None:
    assert BUILDERS["mcq"](QuestionParts("Q", TWO, hint="Look.")) == (
        "Hint: Look.\nQuestion: Q\nOptions:\nA. 3\nB. 4\n"
        "Please select the correct answer from the options above."
    )
    assert BUILDERS["mcq"](QuestionParts("问", TWO)).endswith("B. 4\n请直接回答选项字母。")


@pytest.mark.parametrize("question", ["Q", "", "Why?\nChoices: none\n<image1>"])
@pytest.mark.parametrize("options", [{}, TWO])
def test_taking_a_composed_text_apart_gives_the_question_back(
    question: str, options: dict[str, str]
) -> None:
    assert bare_question(hint_choices(question, options)) == question


OLYMPIAD = {
    "source": "OE_TO_maths_en_COMP",
    "language": "en",
    "subject": "maths",
    "answer_type": "Numerical",
    "is_multiple_answer": "False",
    "unit": "",
}


class TestOlympiadBench:
    def test_english(self) -> None:
        assert instruction(OLYMPIAD) == (
            "The following is an open-ended problem from an International Math competition. The "
            "answer of The problem should be a numerical value. Please calculate the answer "
            "according to the given requirements and the information provided. Please use LaTeX "
            "format to represent the variables and formulas used in the solution process and "
            'results. Please end your solution with "So the final answer is \\boxed{answer}." and '
            "give the result explicitly."
        )

    def test_chinese(self) -> None:
        meta = {**OLYMPIAD, "language": "zh", "subject": "physics", "unit": "m"}
        assert instruction(meta) == (
            "以下是中国物理竞赛中的解答题，答案类型为数值。请根据题目的要求和所提供的信息计算得出答案。"
            "解答过程和结果中使用的变量和公式请使用LaTeX格式表示。请在最后以“所以最终答案是"
            "\\boxed{答案}(单位)。”显式给出结果，注意答案的单位不要放在\\boxed{}中。"
        )

    def test_english_with_several_answers_and_a_unit(self) -> None:
        several = {"answer_type": "Numerical,Interval", "is_multiple_answer": "True", "unit": "m"}
        assert instruction({**OLYMPIAD, **several, "subject": "physics"}) == (
            "The following is an open-ended problem from an International Physics competition. The "
            "problem has multiple answers, with the answers in order being a numerical value, an "
            "interval. Please calculate the answer according to the given requirements and the "
            "information provided. Please use LaTeX format to represent the variables and formulas "
            "used in the solution process and results. Please end your solution with "
            '"So the final answer is \\boxed{multiple answers connected with commas}(unit)." and '
            "give the result explicitly, note that the unit of the answer should not be included "
            "in \\boxed{}."
        )

    def test_chinese_with_several_answers(self) -> None:
        several = {"answer_type": "Numerical,Interval", "is_multiple_answer": "True"}
        assert instruction({**OLYMPIAD, **several, "language": "zh"}) == (
            "以下是中国数学竞赛中的解答题，题目有多个答案，答案类型分别为数值、区间。请根据题目的要求和"
            "所提供的信息计算得出答案。解答过程和结果中使用的变量和公式请使用LaTeX格式表示。"
            "请在最后以“所以最终答案是\\boxed{用英文逗号连接的多个答案}。”显式给出结果。"
        )

    @pytest.mark.parametrize(
        ("answer_type", "several", "phrase"),
        [
            (
                "Expression",
                "False",
                "The answer of The problem should be an expression. ",
            ),
            ("Interval", "True", "multiple answers, each of them should be an interval. "),
            ("Numerical,Numerical", "True", "each of them should be a numerical value. "),
            ("Numerical,Equation", "True", "in order being a numerical value, an equation. "),
            ("Tuple", "True", "competition. Please calculate"),
            ("Need_human_evaluate", "False", "competition. Please calculate"),
        ],
    )
    def test_kinds_of_answer(self, answer_type: str, several: str, phrase: str) -> None:
        meta = {**OLYMPIAD, "answer_type": answer_type, "is_multiple_answer": several}
        assert phrase in instruction(meta)
        assert ("multiple answers connected" in instruction(meta)) == (several == "True")

    @pytest.mark.parametrize(
        ("answer_type", "several", "phrase"),
        [
            ("Equation", "False", "解答题，答案类型为方程。请根据"),
            ("Expression", "True", "解答题，题目有多个答案，答案类型均为表达式。请根据"),
            ("Tuple", "True", "解答题。请根据"),
        ],
    )
    def test_kinds_of_answer_in_chinese(self, answer_type: str, several: str, phrase: str) -> None:
        kind = {"answer_type": answer_type, "is_multiple_answer": several, "language": "zh"}
        assert phrase in instruction({**OLYMPIAD, **kind})

    def test_proofs(self) -> None:
        proof = {**OLYMPIAD, "source": "TP_TO_maths_en_COMP", "unit": "m"}
        assert instruction(proof) == (
            "The following is a theorem proving problem from an International Math competition. "
            "Please use logical reasoning and common theorems to prove the proposition in the "
            "problem according to the given requirements. Please use LaTeX format to represent the "
            "variables and formulas used in the proof."
        )
        assert instruction({**proof, "language": "zh", "subject": "physics"}) == (
            "以下是中国物理竞赛中的证明题。请根据题目的要求，运用逻辑推理及常用定理证明题目中的命题。"
            "证明过程中使用的变量和公式请使用LaTeX格式表示。"
        )
