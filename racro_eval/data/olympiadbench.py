"""The instruction that OlympiadBench's own code puts before a problem, in English or Chinese.

The texts are those of inference/code/evaluators/evaluator.py of its repository. A unit is mentioned
only if the row has one (VLMEvalKit's copy mentions it in every row of its TSV).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The parts of the instruction in one language, as templates."""

    maths: str
    physics: str
    problem: str
    proof: str
    kinds: Mapping[str, str]
    comma: str
    one_kind: str
    """The sentence on the kind of answer: of one answer, of several answers of the same kind, and
    of several answers of different kinds."""
    same_kinds: str
    different_kinds: str
    answer: str
    answers: str
    unit: str
    note: str


_ENGLISH = _Phrases(
    maths="Math",
    physics="Physics",
    problem=(
        "The following is an open-ended problem from an International {subject} competition. "
        "{kind}Please calculate the answer according to the given requirements and the "
        "information provided. Please use LaTeX format to represent the variables and formulas "
        "used in the solution process and results. Please end your solution with "
        '"So the final answer is {answer}." and give the result explicitly{note}.'
    ),
    proof=(
        "The following is a theorem proving problem from an International {subject} "
        "competition. Please use logical reasoning and common theorems to prove the "
        "proposition in the problem according to the given requirements. Please use LaTeX "
        "format to represent the variables and formulas used in the proof."
    ),
    kinds={
        "Numerical": "a numerical value",
        "Expression": "an expression",
        "Equation": "an equation",
        "Interval": "an interval",
    },
    comma=", ",
    one_kind="The answer of The problem should be {kinds}. ",
    same_kinds="The problem has multiple answers, each of them should be {kinds}. ",
    different_kinds="The problem has multiple answers, with the answers in order being {kinds}. ",
    answer=r"\boxed{answer}",
    answers=r"\boxed{multiple answers connected with commas}",
    unit="(unit)",
    note=r", note that the unit of the answer should not be included in \boxed{}",
)
_CHINESE = _Phrases(
    maths="数学",
    physics="物理",
    problem=(
        "以下是中国{subject}竞赛中的解答题{kind}。请根据题目的要求和所提供的信息计算得出答案。"
        "解答过程和结果中使用的变量和公式请使用LaTeX格式表示。"
        "请在最后以“所以最终答案是{answer}。”显式给出结果{note}。"
    ),
    proof=(
        "以下是中国{subject}竞赛中的证明题。请根据题目的要求，运用逻辑推理及常用定理证明题目中的命题。"
        "证明过程中使用的变量和公式请使用LaTeX格式表示。"
    ),
    kinds={
        "Numerical": "数值",
        "Expression": "表达式",
        "Equation": "方程",
        "Interval": "区间",
    },
    comma="、",
    one_kind="，答案类型为{kinds}",
    same_kinds="，题目有多个答案，答案类型均为{kinds}",
    different_kinds="，题目有多个答案，答案类型分别为{kinds}",
    answer=r"\boxed{答案}",
    answers=r"\boxed{用英文逗号连接的多个答案}",
    unit="(单位)",
    note=r"，注意答案的单位不要放在\boxed{}中",
)


def instruction(meta: Mapping[str, str]) -> str:
    """The instruction of a row.

    meta: language (en, zh), subject (maths, physics), source (the configuration's name),
    answer_type (such as `Numerical` or `Expression,Numerical`), is_multiple_answer, unit.
    """
    phrases = _CHINESE if meta["language"] == "zh" else _ENGLISH
    subject = phrases.maths if meta["subject"] == "maths" else phrases.physics
    if meta["source"].startswith("TP"):
        return phrases.proof.format(subject=subject)
    several = meta["is_multiple_answer"] == "True"
    answer = phrases.answers if several else phrases.answer
    return phrases.problem.format(
        subject=subject,
        kind=_kind(meta["answer_type"], several, phrases),
        answer=answer + (phrases.unit if meta["unit"] else ""),
        note=phrases.note if meta["unit"] else "",
    )


def _kind(answer_type: str, several: bool, phrases: _Phrases) -> str:
    """The sentence on the kind of answer; "" for tuples and unknown kinds."""
    if "Need_human_evaluate" in answer_type or "Tuple" in answer_type:
        return ""
    types = answer_type.split(",") if several else [answer_type]
    kinds = [text for part in types for name, text in phrases.kinds.items() if name in part]
    if not kinds:
        return ""
    if not several:
        return phrases.one_kind.format(kinds=phrases.comma.join(kinds))
    if len(set(kinds)) == 1:
        return phrases.same_kinds.format(kinds=kinds[0])
    return phrases.different_kinds.format(kinds=phrases.comma.join(kinds))
