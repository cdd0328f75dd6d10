"""Text written to hurt: nothing runs it, nothing hangs on it, nothing is left behind."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import grade, is_equivalent
from racro_eval.grading.maths.workers import close_workers, worker_pids
from tests.support.effort import cpu_seconds

pytestmark = pytest.mark.slow

HOSTILE = {
    "import": "__import__('os').system('touch pwned')",
    "eval": "eval(\"open('pwned','w')\")",
    "format": "{x.__class__.__mro__}%s%n",
    "tower of stars": "9**9**9",
    "tower": "9^{9^{9^9}}",
    "wide tower": "10^{10^{10^{10}}}",
    "factorial": "99999999!",
    "factorials": "(((((9!)!)!)!)!)",
    "power": "x^{99999999}-1",
    "product": "\\prod_{k=1}^{99999999} k",
    "binomial": "\\binom{99999999}{4999999}",
    "sine": "\\sin(10^{10^{10}})",
    "integral": "\\int_0^1 x^{x^{x}} dx",
    "limit": "\\lim_{x \\to 0} \\frac{x^{x^x}-1}{x}",
    "fractions": "\\frac{1}{" * 60 + "x" + "}" * 60,
    "braces": "{" * 3999,
    "roots": "\\sqrt" * 700,
    "signs": "-" * 3999,
    "items": "1," * 1999,
    "plus or minus": "\\pm" * 100 + "1",
    "superscripts": "²" * 4000,
    "exponent": "1e9999999",
    "negative exponent": "2^{-99999999}",
    "chain": "=".join("ab" * 1000),
    "words": "x and " * 660,
    "controls": "\x00\x01\ud800",
    "spaces": "1" + " " * 3990 + "1",
    "digits": "9" * 2000,
    "sines": "\\sin" * 60 + "x",
    "sums of sums": "\\sum_{k=1}^{400}" * 10 + "k",
    "divisions": "1/" * 1900 + "3",
    "many powers": "+".join(f"x^{{{power}}}" for power in range(400)),
    "many factors": "*".join(f"(x+{term})" for term in range(500)),
    "set of roots": "\\{" + ",".join(f"\\sqrt{{{n}}}" for n in range(2, 66)) + "\\}",
    "wild integral": "\\int_0^1 \\frac{\\sin(x^{x^{x}})}{x^{7}+\\cos(x)} dx",
    "wild limit": "\\lim_{x\\to\\infty}(1+1/x)^{x^{x}}",
    "cosine": "\\cos(\\pi^{10^{6}})",
    "tower of e": "e^{e^{e^{e^{e}}}}",
    "number words": "one hundred " * 300,
    "ratios": "1:" * 1900,
    "unions": "(1,2)\\cup" * 400 + "(3,4)",
    "degrees": "1°" * 1900,
    "primes": "x" + "'" * 3000,
    "indices": "x_{" * 60 + "1" + "}" * 60,
    "repeated decimals": "0.3333333" * 500 + "...",
    "compound units": "1 h " * 900,
}


def _correct(response: str, sample: Sample) -> bool:
    return grade(response, sample).correct


@pytest.fixture(autouse=True, scope="module")
def _warm() -> Iterator[None]:
    yield
    pids = worker_pids()
    close_workers()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.fixture(scope="module")
def table_seconds() -> float:
    """The CPU time of all comparisons of the table of cases, none of which needs a worker."""
    text = Path(__file__).with_name("equivalence.json").read_text(encoding="utf-8")
    pairs = [(case["prediction"], case["answer"]) for case in json.loads(text)]
    plain = [pair for pair in pairs if "\\int" not in "".join(pair)]
    return cpu_seconds(lambda: [is_equivalent(*pair) for pair in plain])


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_comes_and_costs_no_more_than_a_few_tables(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table_seconds: float
) -> None:
    """In this process; what the workers may take is their own limit, and tested with them."""
    monkeypatch.chdir(tmp_path)
    for gold in ("42", "(1,2)", "\\int_0^1 x dx"):
        sample = Sample(index="", question="", answer=gold)
        calls: list[Callable[[], bool]] = [
            partial(_correct, f"\\boxed{{{text}}}", sample),
            partial(_correct, f"So it is {text}.", sample),
            partial(is_equivalent, text, gold),
        ]
        for call in calls:
            started = time.thread_time()
            assert not call()
            assert time.thread_time() - started < 5 * table_seconds
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["9^{9^{9^9}}", "99999999!", "{" * 3999])
def test_the_same_text_is_still_equal(text: str) -> None:
    assert is_equivalent(text, text)
