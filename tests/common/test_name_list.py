"""Long lists of names in messages."""

from __future__ import annotations

import pytest

from racro_eval.common.name_list import abbreviated


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a, b"),
        (["a", "b", "c", "d"], "a, b and 2 more"),
    ],
)
def test_names_beyond_the_limit_are_counted(names: list[str], text: str) -> None:
    assert abbreviated(names, limit=2) == text
