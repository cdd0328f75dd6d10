"""The formats in which models write a thought before their answer, and where the answer begins.

    think       <think> ... </think>, also thinking, thought, reasoning, and with a namespace
    kimi        ◁think▷ ... ◁/think▷
    mistral     [THINK] ... [/THINK]
    harmony     <|channel|>analysis<|message|> ... <|channel|>final<|message|>, as gpt-oss does;
                also `analysis...assistantfinal...`, where a decoder dropped the special tokens
    cohere      <|START_THINKING|> ... <|END_THINKING|><|START_RESPONSE|> ... <|END_RESPONSE|>
    solution    <|begin_of_thought|> ... <|end_of_thought|> <|begin_of_solution|> ...
    gemma       <|channel>thought ... <channel|>

Some chat templates open the thought in the prompt: the text then has only the closing tag. The
last closing tag counts, since a thought may quote tags or contain further thoughts; a pair of tags
of another dialect inside a thought closes nothing. If a tag opens a thought that is never closed,
the answer is the text before that tag.
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
    """Ends the answer, if a tag of the same dialect began it."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in a text: the characters from `start` up to `end`."""

    mark: Mark
    dialect: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The two parts of a response. open: the thought was never closed."""

    thought: str
    answer: str
    open: bool = False


# Every repetition is bounded, so that a text full of unfinished tags takes linear time.
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
# recognised by a sentence directly after the name: "analysisWe need to ..."
_BARE_START = re.compile(
    r"\s{0,8}(?:analysis|commentary)(?P<adjacent>[A-Z0-9\"\\$*#(]|[^\W\d_a-z])?"
)
_BARE_TAG = re.compile(r"assistant(?:(final)|analysis|commentary)")
# How `join` opens a thought that contains tags itself: with its length in characters.
_COUNTED = re.compile(r'<think chars="([0-9]{1,12})">')
_CLOSE = "</think>"
_PROMPT_END = 400
"""The last tag of a prompt is searched for in its last characters, this many of them."""
_HARMONY_TOKENS = {"<|start|>", "<|channel|>", "<|constrain|>", "<|message|>", "<|end|>"}


def split(text: str) -> Parts:
    """Split a response into its thought and its answer, in time linear in its length.

    Only the tags between the two are removed; all other text is kept exactly, with its whitespace.
    A text without any tag is an answer.

    >>> split("<think>2 + 2 is 4.</think>4")
    Parts(thought='2 + 2 is 4.', answer='4', open=False)
    """
    all_tags = list(tags(text))
    open_tags: dict[str, Tag] = {}
    thought_end, answer_start, answer_dialect = 0, 0, ""
    for tag in all_tags:
        if tag.mark is Mark.opens:
            open_tags.setdefault(tag.dialect, tag)
        elif tag.mark is Mark.closes:
            outermost = next(iter(open_tags), tag.dialect)
            if tag.dialect != outermost and tag.dialect in open_tags:
                del open_tags[tag.dialect]
                continue
            if open_tags or text[answer_start : tag.start].strip():
                thought_end = tag.start
            open_tags.clear()
            answer_start, answer_dialect = tag.end, tag.dialect
    if open_tags:
        opener = next(iter(open_tags.values()))
        end = _answer_end(all_tags, answer_start, opener.start, answer_dialect)
        if end == opener.start:
            return Parts(text[opener.end :], text[answer_start:end], open=True)
    else:
        end = _answer_end(all_tags, answer_start, len(text), answer_dialect)
    return Parts(_without_opener(text[:thought_end], all_tags), text[answer_start:end])


def _answer_end(all_tags: list[Tag], start: int, end: int, dialect: str) -> int:
    """Where the answer from `start` ends: at an end tag of its dialect, at the latest at `end`."""
    ends = (tag.start for tag in all_tags if tag.mark is Mark.ends and tag.dialect == dialect)
    return next((position for position in ends if start <= position < end), end)


def _without_opener(thought: str, all_tags: list[Tag]) -> str:
    """The thought without its opening tag, if the text begins with that tag."""
    first = all_tags[0] if all_tags else None
    begins = first and first.mark is Mark.opens and not thought[: first.start].strip()
    return thought[first.end :] if first and begins else thought


def tags(text: str) -> Iterator[Tag]:
    """The tags of a text, in order."""
    counted = _COUNTED.match(text)
    if counted:
        end = counted.end() + int(counted[1])
        if end == len(text) or text.startswith(_CLOSE, end):
            yield Tag(Mark.opens, "think", 0, counted.end())
            if end < len(text):
                yield Tag(Mark.closes, "think", end, end + len(_CLOSE))
            return
    plain_tags = [_tag(match) for match in _TAG.finditer(text)]
    yield from _bare_tags(text, plain_tags) or plain_tags


def _tag(match: re.Match[str]) -> Tag:
    number = next(n for n in range(len(_PATTERNS)) if match[f"t{n}"] is not None)
    dialect, mark, _ = _PATTERNS[number]
    name = match["closed"] or match["opened"] or dialect
    return Tag(mark, name.lower(), match.start(), match.end())


def _bare_tags(text: str, plain_tags: list[Tag]) -> list[Tag]:
    """The tags of a harmony text whose special tokens were dropped; [] for any other text."""
    start = _BARE_START.match(text)
    if start is None:
        return []
    later_tags = [
        Tag(Mark.closes if match[1] else Mark.opens, "harmony", match.start(), match.end())
        for match in _BARE_TAG.finditer(text)
    ]
    has_answer = any(tag.mark is Mark.closes for tag in later_tags)
    if not has_answer and (plain_tags or not start["adjacent"]):
        return []
    end = start.start("adjacent") if start["adjacent"] else start.end()
    return [Tag(Mark.opens, "harmony", start.start(), end), *later_tags]


def is_open(text: str) -> bool:
    """Whether a response ended inside a thought: it was truncated, whatever its engine says."""
    return split(text).open


def reopened(prompt: str, text: str) -> str:
    """The response to a prompt; with the prompt's opening tag in front if it never closes it.

    Without that tag, such a response could not be distinguished from an answer.
    """
    end = prompt[-_PROMPT_END:]
    last = next(reversed([_tag(match) for match in _TAG.finditer(end)]), None)
    if last is None or last.mark is not Mark.opens or end[last.end :].strip():
        return text
    with_tag = end[last.start : last.end] + text
    return with_tag if is_open(with_tag) else text


def answer_of(text: str) -> str:
    """The answer of a response, without surrounding whitespace.

    A response without a thought is returned unchanged.
    """
    parts = split(text)
    return text if parts.answer == text else parts.answer.strip()


def join(thought: str, answer: str, *, open: bool = False) -> str:
    """Combine a thought and an answer into a text that `split` splits into the same parts.

    open: the thought was truncated, so there is no answer. Without a thought, returns the answer.
    """
    if not thought and not open:
        return answer
    rest = "" if open else _CLOSE + answer
    text = f"<think>{thought}{rest}"
    if split(text) == Parts(thought, "" if open else answer, open):
        return text
    return f'<think chars="{len(thought)}">{thought}{rest}'


def thought_tokens(special: Collection[str]) -> set[str]:
    """Those of a tokenizer's special tokens that separate thought and answer; decoders keep them.

    Other models end a turn with harmony's <|end|>, so it counts only together with <|channel|>.
    """
    tokens = {token for token in special if "think" in token.lower() or _is_thought_tag(token)}
    if "<|channel|>" in special:
        tokens |= _HARMONY_TOKENS.intersection(special)
    if "<channel|>" in special:
        tokens |= {"<|channel>"}.intersection(special)
    return tokens


def _is_thought_tag(token: str) -> bool:
    match = _TAG.fullmatch(token)
    return match is not None and _tag(match).mark is not Mark.ends
