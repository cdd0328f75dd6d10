"""What reaches no terminal and no export as it is, and what stays readable."""

from __future__ import annotations

import json
import unicodedata

import pytest

from racro_eval.common.printable import printable, printable_json
from tests.support.hostile import NAMES, REAL_TEXTS, STEERING, TEXTS


@pytest.mark.parametrize("odd", STEERING.values(), ids=STEERING)
def test_what_steers_or_hides_is_spelt_out(odd: str) -> None:
    shown = printable(f"before{odd}after")
    assert odd not in shown and "\\" in shown
    assert shown.startswith("before") and shown.endswith("after")
    assert printable(shown) == shown
    shown.encode("utf-8")


@pytest.mark.parametrize("text", REAL_TEXTS)
def test_real_text_stays(text: str) -> None:
    assert printable(text) == text


def test_no_control_no_direction_and_no_format_character_is_left() -> None:
    """But the joiners of scripts and emoji, and the signs with which Arabic writes numbers."""
    seen = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
            continue
        if character in "\n\t" or character in seen or 0x13430 <= code <= 0x1345F:
            continue
        assert character not in printable(f"a{character}b"), hex(code)


@pytest.mark.parametrize("text", [*NAMES, *TEXTS[:60]])
def test_json_means_the_same_as_before(text: str) -> None:
    safe = printable_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(safe) == [text]
    assert not any(odd in safe for odd in STEERING.values())
