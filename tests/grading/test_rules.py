"""The small grammar of answer rules."""

from __future__ import annotations

from fractions import Fraction

import pytest

from racro_eval.errors import ConfigError
from racro_eval.grading.rules import RULES, AnswerRule, parse_rule


def test_every_rule_is_read() -> None:
    for name in RULES:
        assert parse_rule(name) == AnswerRule(name)
    assert parse_rule("float:2") == AnswerRule("float", places=2)
    assert parse_rule("float:tol=0.001") == AnswerRule("float", tolerance=Fraction(1, 1000))


@pytest.mark.parametrize(
    "spelling", ["", "Float", "float:", "float:-1", "float:tol=", "float:tol=x", "int", "list:2"]
)
def test_everything_else_is_a_config_error(spelling: str) -> None:
    with pytest.raises(ConfigError, match="There is no answer rule"):
        parse_rule(spelling)
