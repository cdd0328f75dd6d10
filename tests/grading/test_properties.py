"""What holds for every text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from racro_eval.data.sample import Sample
from racro_eval.grading import Status, extract, grade, is_equivalent
from racro_eval.grading.equivalence import compare
from racro_eval.grading.normalize import normalize
from racro_eval.grading.workers import close_workers

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
    found = extract(response)
    assert found is None or found.text in response


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
