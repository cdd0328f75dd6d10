"""The worker's own comparison, called in this process."""

from __future__ import annotations

import io
import json

import pytest

from racro_eval.grading.maths import symbolic


def ask(left: str, right: str, op: str = "equal") -> dict[str, object]:
    return symbolic.reply_to({"op": op, "left": left, "right": right})


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ("x+1", "\\frac{x^2-1}{x-1}", "equal"),
        ("\\sqrt{x^2}", "x", "different"),
        ("|x|", "x", "different"),
        ("\\sqrt{1/n}", "\\frac{1}{\\sqrt{n}}", "equal"),
        ("x^2-x^2", "0", "equal"),
        ("\\sqrt{8}-2\\sqrt{2}", "0", "equal"),
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}", "unknown"),
        ("\\sin(x)", "\\cos(x)", "different"),
        ("AB", "ab", "different"),
        ("\\int_0^1 x dx", "\\frac{1}{2}", "equal"),
        ("\\frac{1}{0}", "1", "unknown"),
        ("x=1", "1", "unknown"),
        ("12+", "12", "unknown"),
        ("e^{i\\pi}", "-1", "equal"),
    ],
)
def test_equal(left: str, right: str, verdict: str) -> None:
    assert ask(left, right)["verdict"] == verdict


def test_constants_come_with_their_values() -> None:
    values = ask("\\sqrt{2}", "1")["values"]
    assert isinstance(values, list) and values[0].startswith("1.41421356")
    assert ask("x", "1")["values"] == [None, None]


def test_factor() -> None:
    assert ask("2x-2y", "x-y", "factor") == {"verdict": "equal", "factor": 1}
    assert ask("x-1", "1-x", "factor") == {"verdict": "equal", "factor": -1}
    assert ask("x-1", "x+1", "factor")["verdict"] == "different"
    assert ask("0", "x", "factor")["verdict"] == "unknown"


def test_a_comparison_that_eats_memory_is_too_big(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(latex: str) -> None:
        raise MemoryError

    monkeypatch.setattr(symbolic, "parse", exhausted)
    assert ask("1", "2") == {"verdict": "too-big"}


def test_serve_answers_line_by_line() -> None:
    request = json.dumps({"op": "equal", "left": "1", "right": "1"})
    replies = io.StringIO()
    symbolic.serve(io.StringIO(f"{request}\n{request}\n"), replies)
    ready, *answers = map(json.loads, replies.getvalue().splitlines())
    assert ready == {"ready": True}
    assert [answer["verdict"] for answer in answers] == ["equal", "equal"]
