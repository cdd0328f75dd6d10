"""Lessons, the training examples: a chat exactly as the pipeline sends it, and the right answer.

The chats come from the prompt sets that ship with racro-eval, so after a change of a prompt the
models must be trained again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from racro_eval.data.questions import QuestionParts, mcq_or_plain, vqa
from racro_eval.data.sample import Sample
from racro_eval.demo.problems import Problem, Skill, make_problem
from racro_eval.demo.train import chains
from racro_eval.engines.base import Message
from racro_eval.prompting import PromptSet, Role, load_prompts
from racro_eval.stages.prompts import role_messages

PROMPT_SETS = {"racro": 0.55, "racro2-release": 0.15, "quickstart": 0.15, "rapid": 0.15}
"""Prompt set → share, here and below."""
CAPTIONER_ROLES: dict[Role, float] = {"caption": 0.47, "generic_caption": 0.03, "tentative": 0.5}
READING_SHARE = 0.68
"""Of the captioner's training. In the rest most lessons are about guessing (`LATE_ROLES`)."""
LATE_ROLES: dict[Role, float] = {"caption": 0.12, "generic_caption": 0.03, "tentative": 0.85}
REASONER_ROLES: dict[Role, float] = {
    "joint": 0.55,
    "caption_only": 0.27,
    "tentative_only": 0.15,
    "question_only": 0.03,
}
CAPTIONER_SKILLS: dict[Skill, float] = {"count": 2, "bars": 1, "expr": 1, "tri": 0.6}
LATE_SKILLS: dict[Skill, float] = {"count": 1.2, "bars": 1, "expr": 0.8, "tri": 1.2}
REASONER_SKILLS: dict[Skill, float] = {"count": 1, "bars": 1.5, "expr": 1.2, "tri": 0.8}
"""Skills that are harder to learn come more often than in the benchmark."""
SHORT_ANSWER_SHARE = 0.1
"""Of the free-form questions: those that end with the paper's short-answer sentence."""
VAGUE_SHARE = 0.06
"""Of the captions in a reasoner's lessons."""
WRONG_SHARE = 0.5
"""Of the tentative responses in a reasoner's lessons."""

_Key = TypeVar("_Key", bound=str)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A chat and the answer to learn. seen: whether the problem's picture is part of the chat."""

    messages: tuple[Message, ...]
    target: str
    problem: Problem
    seen: bool


def captioner_lesson(rng: random.Random, done: float) -> Lesson:
    """A caption or a tentative answer. done: the share of the training that is over."""
    late = done >= READING_SHARE
    problem = make_problem(_draw(LATE_SKILLS if late else CAPTIONER_SKILLS, rng), rng)
    role = _draw(LATE_ROLES if late else CAPTIONER_ROLES, rng)
    question = _question(problem, rng)
    match role:
        case "caption":
            target = problem.caption
        case "generic_caption":
            target = chains.VAGUE[problem.skill]
        case _:
            target = chains.tentative(problem, problem.value)
    prompts = _draw(PROMPT_SETS, rng)
    return Lesson(chat(prompts, role, question=question), target, problem, seen=True)


def reasoner_lesson(rng: random.Random, done: float) -> Lesson:
    """A solution from a caption and a tentative answer, which may be bad; `done` is not used."""
    problem = make_problem(_draw(REASONER_SKILLS, rng), rng)
    role = _draw(REASONER_ROLES, rng)
    guess = problem.value
    if rng.random() < WRONG_SHARE:
        guess = chains.wrong_value(problem, rng)
    vague = rng.random() < VAGUE_SHARE
    values = {
        "question": _question(problem, rng),
        "caption": chains.VAGUE[problem.skill] if vague else problem.caption,
        "tentative": chains.tentative(problem, guess),
    }
    messages = chat(_draw(PROMPT_SETS, rng), role, **values)
    return Lesson(messages, _solution(problem, role, vague, guess), problem, seen=False)


def _solution(problem: Problem, role: Role, vague: bool, guess: str) -> str:
    """The answer of a good reasoner. A tentative response also contains the caption."""
    if role == "question_only" or (vague and role == "caption_only"):
        return chains.UNKNOWN
    if vague and role == "joint":
        return chains.keep_tentative(problem, guess)
    return chains.solution(problem)


def _question(problem: Problem, rng: random.Random) -> str:
    """A question text in the layout of the Demo benchmark; sometimes in those of the paper."""
    if not problem.options and rng.random() < SHORT_ANSWER_SHARE:
        return vqa(QuestionParts(problem.question, problem.options))
    return mcq_or_plain(QuestionParts(problem.question, problem.options))


def chat(prompts: str, role: Role, question: str, **texts: str) -> tuple[Message, ...]:
    """The chat of a role as the pipeline sends it: only captions keep the short-answer sentence.

    texts: `caption` and `tentative`; a template ignores those that it does not use.
    """
    return role_messages(Sample("", question), _prompts(prompts), role, **texts)


@cache
def _prompts(name: str) -> PromptSet:
    return load_prompts(name)


def _draw(shares: Mapping[_Key, float], rng: random.Random) -> _Key:
    return rng.choices(list(shares), list(shares.values()))[0]
