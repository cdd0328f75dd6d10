"""The part of a response that counts: its own turn, after the thought and the last retraction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from racro_eval.thought import Mark, split, tags

# A model that does not stop may write the next turn of the user itself.
_NEXT_TURN = re.compile(
    r"<\|im_start\|>\s*user\b|<\|user\|>|<\|start_header_id\|>\s*user\b|\[INST\]"
    r"|\n[ \t]{0,4}(?:#{1,6}[ \t])?(?:Human|User) ?:"
)
_RETRACTION = re.compile(
    r"(?:^|(?<=[.!?。！？…\n*,，;]))\s{0,3}"
    r"(?:(?:hm{1,9}|oh|but|well|actually|sorry|oops|wait|hold on|no)\b[\s,.!…—–-]{0,5}){0,4}"
    r"(?:\b(?:wait|actually|oops|sorry|hm{1,9})[\s,.!…—–-]{1,5}no\b"
    r"|\bno[\s,.!…—–-]{1,5}wait\b"
    r"|scratch that\b"
    r"|\b(?:that|this|it)(?:['’]s| is| was| can['’]?t be| cannot be| must be| seems)\s+"
    r"(?:wrong|incorrect|mistaken|a mistake|an error|not (?:right|correct|possible)"
    r"|(?<=be )(?:right|correct))\b"
    r"|\bI (?:made (?:a|an) (?:\w+ )?(?:mistake|error|slip)|was wrong|misread)\b"
    r"|(?:等等|等一下|哦|啊|嗯)?[，,。…\s]{0,4}(?:不对(?=[，,。！…\s])|算错了|我错了|我?重新(?:计?算|考虑)))",
    re.IGNORECASE,
)
_HYPOTHETICAL = re.compile(
    r"\b(?:for (?:example|instance)|as an example|e\.g\.|such as|like|(?:the )?format"
    r"|(?:write|put|use|using|inside|like)\W{0,3}boxed\s*\{\Z|if\b.*\b(?:would|should|write|put))|例如|比如|格式|如果|假如",
    re.IGNORECASE,
)
_CODE = re.compile(r"```(?:python|py|c|cpp|java|javascript|matlab)\b.*?```", re.DOTALL)
_SENTENCE_START = re.compile(r"[.!?。！？]\s|\n")
TAIL_CHARS = 20_000
"""Final answers are near the end of a response: phrases are searched there only."""
_LEAD_IN_CHARS = 300
"""Characters before a box that may show that it is an example."""


@dataclass(frozen=True, slots=True)
class Visible:
    """The text outside of the thought. unfinished: whether the thought was never closed."""

    text: str
    unfinished: bool


def visible_text(response: str) -> Visible:
    """A response without its thought; if the thought is not closed, the text before it."""
    parts = split(response)
    return Visible(parts.answer, parts.open)


def thought_of(response: str) -> str:
    """The thought of a response, "" if there is none."""
    return split(response).thought


def own_turn(text: str) -> str:
    """`text` up to a turn that the model writes as the user; a thought may quote such a turn."""
    marks = list(tags(text))
    place = 0
    for turn in _NEXT_TURN.finditer(text):
        while place < len(marks) and marks[place].start < turn.start():
            place += 1
        in_thought = place < len(marks) and marks[place].mark is Mark.closes
        if not in_thought and text[: turn.start()].strip():
            return text[: turn.start()]
    return text


def without_code(text: str) -> str:
    """`text` without its programs, in which `answer = 5` is not a statement."""
    return _CODE.sub("", text)


def after_retraction(text: str) -> str:
    """The text after the last "wait, no", which retracts all statements before it."""
    start = max(0, len(text) - TAIL_CHARS)
    return text[max((match.end() for match in _RETRACTION.finditer(text, start)), default=0) :]


def is_example(text: str, position: int) -> bool:
    """Whether the sentence before `position` introduces an example of how to write an answer."""
    before = text[max(0, position - _LEAD_IN_CHARS) : position]
    starts = [match.end() for match in _SENTENCE_START.finditer(before)]
    return bool(_HYPOTHETICAL.search(before[starts[-1] if starts else 0 :]))
