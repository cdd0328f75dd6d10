"""What holds for every text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from racro_eval.data.sample import Sample
from racro_eval.grading import Status, extract, grade, is_equivalent
from racro_eval.grading.comparison.equivalence import compare
from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.comparison.words import is_words
from racro_eval.grading.maths.workers import close_workers

_PIECES = (
    r"\frac \dfrac \sqrt \boxed \text \left \right { } ( ) [ ] \{ \} ^ _ + - * / = < > \le , ; : . "
    r"| ! % ° \pi \infty \cup \pm \in x y n e i 0 1 2 12 0.5 \begin{pmatrix} \end{pmatrix} & \\ $ "
    r"and or A B cm m/s apples the ½ √ ² 度 答案 is \sum \choose"
)
PIECES = st.sampled_from(_PIECES.split())
LATEXLIKE = st.lists(PIECES | st.just(" "), max_size=14).map("".join)
NUMBERS = st.fractions(max_denominator=999).filter(lambda f: f.denominator > 1)
LETTERS = {"A": "12", "B": "x+1", "C": "none"}

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True, scope="module")
def _no_workers_left() -> Iterator[None]:
    yield
    close_workers()


@relaxed
@given(st.text(max_size=60) | LATEXLIKE, st.text(max_size=20) | LATEXLIKE)
@pytest.mark.slow
def test_nothing_raises(prediction: str, answer: str) -> None:
    sample = Sample(index="1", question="", answer=answer)
    grade(f"\\boxed{{{prediction}}}", sample)
    grade(prediction, sample)
    grade(prediction, Sample(index="1", question="", answer="B", options=LETTERS))


@relaxed
@given(st.text() | LATEXLIKE)
def test_extraction_never_raises_and_is_part_of_the_response(response: str) -> None:
    extraction = extract(response)
    assert extraction is None or extraction.text in response


@relaxed
@given(LATEXLIKE)
def test_every_answer_equals_itself(text: str) -> None:
    assume(text.strip())
    assert is_equivalent(text, f" {text} ")


@relaxed
@given(LATEXLIKE)
def test_normalising_twice_changes_nothing_that_matters(text: str) -> None:
    once = normalize(text)
    assume(once)
    assert compare(once, text).status is not Status.error


@relaxed
@given(NUMBERS)
def test_ways_to_write_a_fraction(value: object) -> None:
    top, bottom = str(value).split("/")
    gold = rf"\frac{{{top}}}{{{bottom}}}"
    for other in (
        rf"\dfrac{{{top}}}{{{bottom}}}",
        rf"\tfrac {{ {top} }} {{ {bottom} }}",
        f"{top}/{bottom}",
        f"$ {top} / {bottom} $.",
        rf"\left( \frac{{{top}}}{{{bottom}}} \right)",
        rf"\boxed{{\frac{{{top}}}{{{bottom}}}}}",
    ):
        assert is_equivalent(other, gold)


@relaxed
@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_another_number_is_another_number(value: int, step: int) -> None:
    assert is_equivalent(f"{value:,}", str(value))
    assert not is_equivalent(str(value + step), str(value))


FORMULAS = st.recursive(
    st.sampled_from(["x", "y", "2", "3", r"\pi", "n"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: rf"\frac{{{pair[0]}}}{{{pair[1]}}}"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}+{pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) ({pair[1]})"),
        inner.map(lambda part: rf"\sqrt{{{part}}}"),
        inner.map(lambda part: rf"\left({part}\right)^{{2}}"),
    ),
    max_leaves=6,
)


@relaxed
@given(FORMULAS)
def test_latex_spellings_do_not_matter(formula: str) -> None:
    for other in (
        formula.replace(r"\frac", r"\dfrac"),
        formula.replace(r"\frac", r"\tfrac").replace("+", " + "),
        formula.replace(r"\left", "").replace(r"\right", ""),
        f"${formula}$",
        rf"\( {formula} \)",
        rf"\boxed{{{formula}}}",
        rf"\displaystyle {formula}.",
    ):
        assert is_equivalent(other, formula)


@relaxed
@given(FORMULAS, FORMULAS)
def test_formulas_are_compared_in_both_directions(left: str, right: str) -> None:
    assert is_equivalent(left, right) is is_equivalent(right, left)
    assert is_equivalent(f"{left}+{right}", f"{right}+{left}")


@relaxed
@given(LATEXLIKE, LATEXLIKE)
def test_symmetry_where_no_precision_is_at_stake(left: str, right: str) -> None:
    assume("." not in left + right and r"\pi" not in left + right)
    assume(not is_words(normalize(left)) and not is_words(normalize(right)))
    assume(not ({"A", "B"} & set(left + right)))  # a gold letter makes it a choice
    assert is_equivalent(left, right) is is_equivalent(right, left)
