"""Prompts are the paper's to the byte."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from racro_eval.data.questions import BUILDERS, SHORT_ANSWER, QuestionParts, without_short_answer
from racro_eval.engines.base import Message
from racro_eval.errors import ConfigError, UnknownNameError
from racro_eval.prompting import PROMPTS, ROLES, VARIANTS, load_prompts
from tests.support.paths import shared_facts

HASHES = json.loads((Path(__file__).parent / "prompt_hashes.json").read_text())
"""Set → role → SHA-256 of the template, as published for the paper's prompts."""


@pytest.mark.parametrize("name", HASHES)
def test_every_shipped_set_has_the_published_hashes(name: str) -> None:
    prompts = load_prompts(name)
    assert {role: prompts[role].sha256 for role in HASHES[name]} == HASHES[name]


def test_all_shipped_sets_are_checked() -> None:
    assert sorted(HASHES) == sorted(PROMPTS)


def test_the_hashes_and_the_rendered_texts_are_those_of_the_fact_sheet() -> None:
    facts = json.loads((shared_facts() / "prompts.json").read_text())
    assert {
        name: {role: prompt["sha256"] for role, prompt in prompts.items()}
        for name, prompts in facts["sets"].items()
    } == HASHES
    values = {"question": "Q {x}?", "caption": "C {} \\boxed{1}", "tentative": "T"}
    for name, prompts in facts["sets"].items():
        for role, prompt in prompts.items():
            rendered = load_prompts(name)[role].render(**values)
            expected = [prompt["system"]] if prompt["system"] is not None else []
            assert [message.content for message in rendered] == [
                *expected,
                prompt["user"].format(**values),
            ]
    pieces = {
        "generic_caption": "generic_caption",
        "caption_only_reasoner": "caption_only",
        "tentative_only_reasoner": "tentative_only",
        "question_only_reasoner": "question_only",
    }
    for piece, role in pieces.items():
        template = load_prompts("racro")[role]  # type: ignore[index]
        assert template.user == facts["pieces"][piece]["user"]
        assert template.system == facts["pieces"][piece].get("system")
    assert facts["strip_for_tentative_and_reasoner"] == SHORT_ANSWER


def test_values_are_never_parsed() -> None:
    (user,) = load_prompts("racro2-release")["tentative"].render(question="{caption} {0} {")[1:]
    assert user == Message("user", "{caption} {0} {")


def test_a_null_system_prompt_gives_no_system_message() -> None:
    rendered = load_prompts("quickstart")["tentative"].render(question="Q")
    assert [message.role for message in rendered] == ["user"]


def test_the_hash_is_over_system_nul_user() -> None:
    template = load_prompts("racro")["caption"]
    content = f"{template.system}\0{template.user}".encode()
    assert template.sha256 == hashlib.sha256(content).hexdigest()


def test_the_short_answer_sentence_is_removed_and_its_newline_stays() -> None:
    text = BUILDERS["vqa"](QuestionParts("Q"))
    assert text == f"Q\n{SHORT_ANSWER}"
    assert without_short_answer(text) == "Q\n"


@pytest.mark.parametrize(
    ("question", "options", "text"),
    [
        ("Q", {}, "Question: Q"),
        (
            "Q",
            {"A": "x", "B": "y"},
            "Question: Q\nOptions:\nA. x\nB. y\n"
            "Please select the correct answer from the options above.",
        ),
        ("问", {"A": "x"}, "Question: 问\nOptions:\nA. x\n请直接回答选项字母。"),
    ],
)
def test_the_multiple_choice_builder(question: str, options: dict[str, str], text: str) -> None:
    assert BUILDERS["mcq"](QuestionParts(question, options)) == text


@pytest.mark.parametrize(
    ("name", "caption", "tentative", "reasoner"),
    [
        ("qa", None, True, None),
        ("none", None, False, "question_only"),
        ("cap", "generic_caption", False, "caption_only"),
        ("qcap", "caption", False, "caption_only"),
        ("sol", None, True, "tentative_only"),
        ("cap+sol", "generic_caption", True, "joint"),
        ("qcap+sol", "caption", True, "joint"),
    ],
)
def test_variants(name: str, caption: str | None, tentative: bool, reasoner: str | None) -> None:
    variant = VARIANTS[name]
    assert (variant.caption, variant.tentative, variant.reasoner) == (caption, tentative, reasoner)


class TestOwnSets:
    def test_a_file_may_extend_a_shipped_set(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(
            "name: mine\ndescription: d\nextends: racro\n"
            "prompts: {tentative: {user: 'Answer: {question}'}}\n"
        )
        mine, racro = load_prompts(str(path)), load_prompts("racro")
        assert mine["tentative"].render(question="Q") == (Message("user", "Answer: Q"),)
        assert all(mine[role] == racro[role] for role in ROLES if role != "tentative")

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            ("prompts: {}", "has no prompt 'caption'"),
            ("extends: racro\nprompts: {tentative: {user: '{caption}'}}", r"no {caption} here"),
            ("extends: racro\nprompts: {tentative: {user: '{question.x}'}}", "no {question.x}"),
            ("extends: racro\nprompts: {tentative: {user: '{'}}", "for braces"),
            ("extends: racro\nprompts: {tentativ: {user: x}}", "tentativ"),
            ("extends: racro\nprompts: {tentative: {user: x, sytem: y}}", "there is no such key"),
            ("extends: nothing\nprompts: {}", "There is no prompt set 'nothing'"),
        ],
    )
    def test_a_wrong_file_is_refused(self, tmp_path: Path, body: str, sentence: str) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(f"name: mine\ndescription: d\n{body}\n")
        with pytest.raises((ConfigError, UnknownNameError)) as caught:
            load_prompts(str(path))
        assert sentence in str(caught.value)

    def test_a_set_cannot_extend_itself(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(f"name: mine\ndescription: d\nextends: {path}\nprompts: {{}}\n")
        with pytest.raises(ConfigError, match="extends itself"):
            load_prompts(str(path))
