"""Text written to hurt: nothing runs it, nothing hangs on it, nothing is left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from racro_eval.data.sample import Sample
from racro_eval.grading import grade, is_equivalent
from racro_eval.grading.workers import close_workers, worker_pids

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
}


@pytest.fixture(autouse=True, scope="module")
def _warm() -> Iterator[None]:
    for _ in range(2):
        is_equivalent("x+1", "1+x")
    yield
    pids = worker_pids()
    close_workers()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_comes_in_time(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for gold in ("42", "(1,2)"):
        started = time.monotonic()
        assert not grade(f"\\boxed{{{text}}}", Sample(index="", question="", answer=gold)).correct
        assert not is_equivalent(text, gold)
        assert time.monotonic() - started < 5  # two comparisons of 2.5 s
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["9^{9^{9^9}}", "99999999!", "{" * 3999])
def test_the_same_text_is_still_equal(text: str) -> None:
    assert is_equivalent(text, text)
