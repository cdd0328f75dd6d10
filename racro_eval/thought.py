"""The dialects in which models write a thought before their answer, and where the two part.

    think       <think> ... </think>, also thinking, thought, reasoning, and with a name space
    kimi        ◁think▷ ... ◁/think▷
    mistral     [THINK] ... [/THINK]
    harmony     <|channel|>analysis<|message|> ... <|channel|>final<|message|>, as gpt-oss does;
                also `analysis...assistantfinal...`, where a decoder dropped the special tokens
    cohere      <|START_THINKING|> ... <|END_THINKING|><|START_RESPONSE|> ... <|END_RESPONSE|>
    solution    <|begin_of_thought|> ... <|end_of_thought|> <|begin_of_solution|> ...
    gemma       <|channel>thought ... <channel|>

Some chat templates open the thought in the prompt: the text then has only the closing tag. The
last closing tag counts, since a thought may quote tags or hold further thoughts; a pair of another
dialect inside a thought closes nothing. A tag that opens a thought for good leaves it open, and
the answer is what stood before it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum


class Mark(Enum):
    """What a tag does."""

    opens = "opens"
    closes = "closes"
    ends = "ends"
    """It ends the answer, where the same dialect began one."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in a text, from `start` up to `end`."""

    mark: Mark
    dialect: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts of a response; `open` says that the thought was never closed."""

    thought: str
    answer: str
    open: bool = False


# Every repetition has a bound, so that a text of nothing but beginnings of tags costs linear time.
_NAME = r"(?:\w{1,12}[:|])?(?:thinking|think|thought|reasoning)"
_ATTRIBUTES = r"(?::[\w-]{1,30})?(?:\s[^<>=]{0,50}=[^<>]{0,200}|\s{0,8})"
_ASSISTANT = r"(?:<\|end\|>\s{0,8})?<\|start\|>\s{0,8}assistant\b[^<]{0,100}"
_MESSAGE = r"(?:[^<]{0,100}(?:<\|constrain\|>[^<]{0,100})?<\|message\|>)?"
_CHANNEL = rf"(?:{_ASSISTANT})?<\|channel\|>\s{{0,8}}"
_PATTERNS: tuple[tuple[str, Mark, str], ...] = (
    (
        "think",
        Mark.closes,
        rf"(?i:<\s{{0,8}}/\s{{0,8}}(?P<closed>{_NAME}){_ATTRIBUTES}>)",
    ),
    ("think", Mark.opens, rf"(?i:<\s{{0,8}}(?P<opened>{_NAME}){_ATTRIBUTES}(?<!/)>)"),
    ("kimi", Mark.closes, r"(?i:◁\s{0,8}/\s{0,8}think\s{0,8}▷)"),
    ("kimi", Mark.opens, r"(?i:◁\s{0,8}think\s{0,8}▷)"),
    ("mistral", Mark.closes, r"(?i:\[\s{0,8}/\s{0,8}THINK\s{0,8}\])"),
    ("mistral", Mark.opens, r"(?i:\[\s{0,8}THINK\s{0,8}\])"),
    ("harmony", Mark.closes, rf"(?i:{_CHANNEL}final{_MESSAGE}|{_ASSISTANT}<\|message\|>)"),
    ("harmony", Mark.opens, rf"(?i:{_CHANNEL}(?:analysis|commentary){_MESSAGE})"),
    ("harmony", Mark.ends, r"(?i:<\|(?:end|return|call|start)\|>)"),
    ("cohere", Mark.closes, r"(?i:<\|(?:END_THINKING|START_(?:RESPONSE|TEXT))\|>)"),
    ("cohere", Mark.opens, r"(?i:<\|START_THINKING\|>)"),
    ("cohere", Mark.ends, r"(?i:<\|END_(?:RESPONSE|TEXT)\|>)"),
    ("solution", Mark.closes, r"(?i:<\|(?:end_of_thought|begin_of_solution)\|>)"),
    ("solution", Mark.opens, r"(?i:<\|begin_of_thought\|>)"),
    ("solution", Mark.ends, r"(?i:<\|end_of_solution\|>)"),
    ("gemma", Mark.closes, r"<channel\|>"),
    ("gemma", Mark.opens, r"<\|channel>thought\b"),
)
_TAG = re.compile("|".join(f"(?P<t{n}>{pattern})" for n, (*_, pattern) in enumerate(_PATTERNS)))
# A text whose special tokens were dropped begins with a channel's name. Without an answer it is
# known by a sentence that touches the name: "analysisWe need to ..."
_BARE_START = re.compile(
    r"\s{0,8}(?:analysis|commentary)(?P<touched>[A-Z0-9\"\\$*#(]|[^\W\d_a-z])?"
)
_BARE_TAG = re.compile(r"assistant(?:(final)|analysis|commentary)")
# How `join` opens a thought whose text would be split otherwise: by its length in characters.
_COUNTED = re.compile(r'<think chars="([0-9]{1,12})">')
_CLOSE = "</think>"
_PROMPT_END = 400
"""Characters of a prompt in which its last tag is looked for."""
_HARMONY_TOKENS = {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>"}


def split(text: str) -> Parts:
    """The thought and the answer of a response. Costs time linear in its length.

    What is not one of the tags that part the two is kept to the letter, blanks too. A text without
    any tag is all answer.
    """
    marks = list(tags(text))
    inside: dict[str, Tag] = {}
    thought, answer, answering = (0, 0), 0, ""
    for tag in marks:
        if tag.mark is Mark.opens:
            inside.setdefault(tag.dialect, tag)
        elif tag.mark is Mark.closes:
            outermost = next(iter(inside), tag.dialect)
            if tag.dialect != outermost and tag.dialect in inside:
                del inside[tag.dialect]
                continue
            if inside or text[answer : tag.start].strip():
                thought = (0, tag.start)
            inside.clear()
            answer, answering = tag.end, tag.dialect
    if inside:
        opener = next(iter(inside.values()))
        end = _answer_end(marks, answer, opener.start, answering)
        if end == opener.start:
            return Parts(text[opener.end :], text[answer:end], open=True)
    else:
        end = _answer_end(marks, answer, len(text), answering)
    return Parts(_without_opener(text[slice(*thought)], marks), text[answer:end])


def _answer_end(marks: list[Tag], start: int, end: int, dialect: str) -> int:
    """Where the answer from `start` ends: `end`, or a tag of its dialect that says so before."""
    ends = (tag.start for tag in marks if tag.mark is Mark.ends and tag.dialect == dialect)
    return next((place for place in ends if start <= place < end), end)


def _without_opener(thought: str, marks: list[Tag]) -> str:
    """The thought without the tag that opens it, if that is how the text begins."""
    first = marks[0] if marks else None
    opened = first and first.mark is Mark.opens and not thought[: first.start].strip()
    return thought[first.end :] if first and opened else thought


def tags(text: str) -> Iterator[Tag]:
    """The tags of a text in their order."""
    counted = _COUNTED.match(text)
    if counted:
        end = counted.end() + int(counted[1])
        if end == len(text) or text.startswith(_CLOSE, end):
            yield Tag(Mark.opens, "think", 0, counted.end())
            if end < len(text):
                yield Tag(Mark.closes, "think", end, end + len(_CLOSE))
            return
    written = [_tag(match) for match in _TAG.finditer(text)]
    yield from _bare_tags(text, written) or written


def _tag(match: re.Match[str]) -> Tag:
    number = next(n for n in range(len(_PATTERNS)) if match[f"t{n}"] is not None)
    dialect, mark, _ = _PATTERNS[number]
    name = match["closed"] or match["opened"] or dialect
    return Tag(mark, name.lower(), match.start(), match.end())


def _bare_tags(text: str, written: list[Tag]) -> list[Tag]:
    """The tags of a harmony text whose special tokens were dropped; [] if it is none."""
    start = _BARE_START.match(text)
    if start is None:
        return []
    found = [
        Tag(Mark.closes if match[1] else Mark.opens, "harmony", match.start(), match.end())
        for match in _BARE_TAG.finditer(text)
    ]
    answered = any(tag.mark is Mark.closes for tag in found)
    if not answered and (written or not start["touched"]):
        return []
    end = start.start("touched") if start["touched"] else start.end()
    return [Tag(Mark.opens, "harmony", start.start(), end), *found]


def is_open(text: str) -> bool:
    """Whether a response ended inside a thought: it was truncated, whatever its engine says."""
    return split(text).open


def reopened(prompt: str, text: str) -> str:
    """A response to a prompt that opens the thought, with that tag in front if nothing closes it.

    Such a response has no tag of its own, and could not be told from an answer.
    """
    end = prompt[-_PROMPT_END:]
    last = next(reversed([_tag(match) for match in _TAG.finditer(end)]), None)
    if last is None or last.mark is not Mark.opens or end[last.end :].strip():
        return text
    whole = end[last.start : last.end] + text
    return whole if is_open(whole) else text


def answer_of(text: str) -> str:
    """What a response hands on to a reader: its answer, without the blanks at its ends.

    A response without a thought is handed on to the letter.
    """
    parts = split(text)
    return text if parts.answer == text else parts.answer.strip()


def join(thought: str, answer: str, *, open: bool = False) -> str:
    """A thought and an answer that came apart, as the one text that `split` parts again.

    open: the thought was cut; there is no answer then. Without a thought, the answer alone.
    """
    if not thought and not open:
        return answer
    rest = "" if open else _CLOSE + answer
    text = f"<think>{thought}{rest}"
    if split(text) == Parts(thought, "" if open else answer, open):
        return text
    return f'<think chars="{len(thought)}">{thought}{rest}'


def parting_tokens(special: Collection[str]) -> set[str]:
    """Those of a tokenizer's special tokens that part thought and answer: a decoder keeps them.

    Other models end a turn with harmony's <|end|>, so it counts beside <|channel|> only.
    """
    kept = {token for token in special if "think" in token.lower() or _parts_alone(token)}
    if "<|channel|>" in special:
        kept |= _HARMONY_TOKENS.intersection(special)
    if "<channel|>" in special:
        kept |= {"<|channel>"}.intersection(special)
    return kept


def _parts_alone(token: str) -> bool:
    match = _TAG.fullmatch(token)
    return match is not None and _tag(match).mark is not Mark.ends
