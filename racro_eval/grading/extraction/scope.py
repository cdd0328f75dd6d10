"""Which part of a response speaks: its own turn, outside the thought, after the last retraction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from racro_eval.thought import Mark, split, tags

# A model that runs on writes the user's next turn itself.
_NEXT_TURN = re.compile(
    r"<\|im_start\|>\s*user\b|<\|user\|>|<\|start_header_id\|>\s*user\b|\[INST\]"
    r"|\n[ \t]{0,4}(?:#{1,6}[ \t])?(?:Human|User) ?:"
)
_TAKEN_BACK = re.compile(
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
MAX_SENTENCE = 300
MAX_TAIL = 20_000


@dataclass(frozen=True, slots=True)
class Visible:
    """What a response says outside its thought, and whether the thought was left open."""

    text: str
    unfinished: bool


def visible_text(response: str) -> Visible:
    """The answer's part of a response; of one whose thought is open, what stood before it."""
    parts = split(response)
    return Visible(parts.answer, parts.open)


def thought_of(response: str) -> str:
    """The thought of a response, "" without one."""
    return split(response).thought


def own_turn(text: str) -> str:
    """`text` up to where the model goes on as its user; a thought may quote such a turn."""
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
    """`text` without its programs: `answer = 5` states nothing there."""
    return _CODE.sub("", text)


def still_held(text: str) -> str:
    """What follows the last "wait, no": whatever was stated before is taken back."""
    start = max(0, len(text) - MAX_TAIL)
    return text[max((match.end() for match in _TAKEN_BACK.finditer(text, start)), default=0) :]


def is_example(text: str, position: int) -> bool:
    """Whether the sentence that leads to `position` only shows how an answer would look."""
    before = text[max(0, position - MAX_SENTENCE) : position]
    starts = [match.end() for match in _SENTENCE_START.finditer(before)]
    return bool(_HYPOTHETICAL.search(before[starts[-1] if starts else 0 :]))
