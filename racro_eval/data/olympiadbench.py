"""The instruction that OlympiadBench's own code puts before a problem, in English or Chinese.

Written from inference/code/evaluators/evaluator.py of its repository, word for word. A unit is
mentioned only where the row has one (VLMEvalKit's copy mentions it in every row of its TSV).
"""

from __future__ import annotations

from collections.abc import Mapping

_KINDS = {
    "Numerical": ("a numerical value", "数值"),
    "Expression": ("an expression", "表达式"),
    "Equation": ("an equation", "方程"),
    "Interval": ("an interval", "区间"),
}


def instruction(meta: Mapping[str, str]) -> str:
    """The instruction of a row.

    meta: language (en, zh), subject (maths, physics), source (the configuration's name),
    answer_type (such as `Numerical` or `Expression,Numerical`), is_multiple_answer, unit.
    """
    proof = meta["source"].startswith("TP")
    unit = bool(meta["unit"])
    several = meta["is_multiple_answer"] == "True"
    kinds = _kinds(meta["answer_type"], several)
    if meta["language"] == "zh":
        return _chinese(
            "数学" if meta["subject"] == "maths" else "物理", kinds, several, unit, proof
        )
    return _english(
        "Math" if meta["subject"] == "maths" else "Physics", kinds, several, unit, proof
    )


def _kinds(answer_type: str, several: bool) -> list[tuple[str, str]]:
    """The kinds of answer that are named: none for tuples, one if all are the same."""
    if "Need_human_evaluate" in answer_type or "Tuple" in answer_type:
        return []
    types = answer_type.split(",") if several else [answer_type]
    found = [text for part in types for name, text in _KINDS.items() if name in part]
    return found[:1] if len(set(found)) == 1 else found


def _english(
    subject: str, kinds: list[tuple[str, str]], several: bool, unit: bool, proof: bool
) -> str:
    if proof:
        return (
            f"The following is a theorem proving problem from an International {subject} "
            "competition. Please use logical reasoning and common theorems to prove the "
            "proposition in the problem according to the given requirements. Please use LaTeX "
            "format to represent the variables and formulas used in the proof."
        )
    names = ", ".join(english for english, _ in kinds)
    if not kinds:
        kind = ""
    elif not several:
        kind = f"The answer of The problem should be {names}. "
    elif len(kinds) == 1:
        kind = f"The problem has multiple answers, each of them should be {names}. "
    else:
        kind = f"The problem has multiple answers, with the answers in order being {names}. "
    answer = r"\boxed{multiple answers connected with commas}" if several else r"\boxed{answer}"
    answer += "(unit)" if unit else ""
    note = r", note that the unit of the answer should not be included in \boxed{}" if unit else ""
    return (
        f"The following is an open-ended problem from an International {subject} competition. "
        f"{kind}Please calculate the answer according to the given requirements and the "
        "information provided. Please use LaTeX format to represent the variables and formulas "
        "used in the solution process and results. Please end your solution with "
        f'"So the final answer is {answer}." and give the result explicitly{note}.'
    )


def _chinese(
    subject: str, kinds: list[tuple[str, str]], several: bool, unit: bool, proof: bool
) -> str:
    if proof:
        return (
            f"以下是中国{subject}竞赛中的证明题。请根据题目的要求，运用逻辑推理及常用定理证明题目中的命题。"
            "证明过程中使用的变量和公式请使用LaTeX格式表示。"
        )
    names = "、".join(chinese for _, chinese in kinds)
    if not kinds:
        kind = ""
    elif not several:
        kind = f"，答案类型为{names}"
    elif len(kinds) == 1:
        kind = f"，题目有多个答案，答案类型均为{names}"
    else:
        kind = f"，题目有多个答案，答案类型分别为{names}"
    answer = r"\boxed{用英文逗号连接的多个答案}" if several else r"\boxed{答案}"
    answer += "(单位)" if unit else ""
    note = r"，注意答案的单位不要放在\boxed{}中" if unit else ""
    return (
        f"以下是中国{subject}竞赛中的解答题{kind}。请根据题目的要求和所提供的信息计算得出答案。"
        "解答过程和结果中使用的变量和公式请使用LaTeX格式表示。"
        f"请在最后以“所以最终答案是{answer}。”显式给出结果{note}。"
    )
