"""Find the final answer of a response: one pass over up to 1 MB, and never a guess.

The rules, in this order; each looks only at the text after the thought:

boxed       the last closed, non-empty \\boxed, \\fbox or \\framebox; `\\boxed 5`; a box that the
            very end leaves open
answer-tag  <answer>...</answer>
answer-line a line "Answer: ...", "答案：...", "故选 ..."
answer-is   "the (final, correct) answer is ..."
display     a display formula that ends the response
bare        a response that is nothing but a short answer
option      "(B)" or "B" closing the response's last sentence, or opening the response
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from racro_eval.grading.verdict import Extraction

MAX_RESPONSE = 1 << 20
# A final answer is stated near the end; phrases are searched for there only.
TAIL = 20_000
MAX_OPEN_BOX = 200
MAX_BARE = 60
MAX_BARE_WORDS = 8
MAX_JOINT = 40

_BOX = r"\\{1,4}(?:boxed|fbox|framebox)"
_BRACES = re.compile(
    rf"(?P<box>{_BOX}(?![a-zA-Z])[ \t]*\{{)|\\.|(?P<open>\{{)|(?P<close>\}})", re.DOTALL
)
_UNBRACED = re.compile(rf"{_BOX}(?:[ \t]+|(?=\d))([^\s{{}}$]+)")
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_LINE = re.compile(
    r"^[\s>#*_-]*(?:(?:the\s+)?(?:final\s+|correct\s+)?answer\s*[*_]*\s*(?:[:：]|(?=\$|\\[(\[]))"
    r"|(?:最终|正确)?答案\s*[*_]*(?:[:：]|是|为)[:：]?)[*_]*[ \t]*(?P<rest>[^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_CHOSEN = re.compile(r"故选\s*[:：]?\s*(?P<rest>[^\n。.]*)")
_IS = re.compile(
    r"\b(?:final|correct|right)?[ \t]*(?:answer|option|choice)(?:[ \t]+(?:choice|option))?"
    r"[ \t]*(?:[ \t](?:is|are|should[ \t]be|must[ \t]be|would[ \t]be)\b|[:：])"
    r"[ \t]*(?:(?:therefore|thus|indeed|clearly|definitely|for[ \t]sure)[ \t]*)?[:：]?",
    re.IGNORECASE,
)
_DISPLAY = re.compile(
    r"(?:\$\$(?P<dollars>[^$]{1,2000})\$\$|\\\[(?P<bracket>.{1,2000}?)\\\])[\s.*]*\Z", re.DOTALL
)
_REASON = re.compile(
    r",?\s+(?:because|since|as|which|where|so)\b|,\s*(?:it|he|she|they|the)\b", re.IGNORECASE
)
# An announced answer that is a sentence: "The largest $n$ is 34".
_SENTENCE = re.compile(r"[A-Z][a-z]+\s.*\b(?:is|are|was|equals)\s+(\S+(?:\s\S+){0,3})", re.DOTALL)
_STOP = re.compile(r"[.。](?=\s|$|[*_\"'$)])(?!\s*\d)|[!?](?=\s|$)|。")
_PROSE = re.compile(r"(?:\S+\s+){4,}\S+[.!?]")
_CLOSING_OPTION = re.compile(
    r"(?:(?<!\bor)(?<!\band)(?<!\bnot)\s\(([A-J])\)"
    r"|\b(?:is|be|answer|option|choice|choose|select)\s+([A-J]))[.。]?\s*\Z"
)
_OPENING_OPTION = re.compile(r"\A\s*(?:\(([A-J])\)|([A-J]))(?:[.。:]\s*|\s*\n|\s*\Z)")
_BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;]|\\[,;: ]|\\\(|\\\)|\\q?quad|\\text\s*\{\s*(?:and|or)\s*\}|and|or"
    r"|\d?[a-z]_?\d?\s*=)*"
)


@dataclass(frozen=True, slots=True)
class Visible:
    """What a response says outside its thought, and whether the thought was left open."""

    text: str
    unfinished: bool


def visible_text(response: str) -> Visible:
    """The text after the last `</think>`; before an opened `<think>` that never closes."""
    _, closed, after = response.rpartition("</think>")
    text = after if closed else response
    before, opened, _ = text.partition("<think>")
    return Visible(before if opened else text, bool(opened))


def extract(response: str, *, finish_reason: str = "stop") -> Extraction | None:
    """The final answer that a response states and the rule that found it, or None.

    finish_reason "length" says that the response was cut: then a box left open, or one inside
    the thought, is no answer. Of a response over 1 MB only the last megabyte is read.
    """
    found = extract_all(response, finish_reason=finish_reason)
    return found[0] if found else None


def extract_answer(response: str) -> str | None:
    """The final answer that a response states, as written; None when it states none."""
    found = extract(response)
    return found.text if found else None


def extract_all(response: str, *, finish_reason: str = "stop") -> list[Extraction]:
    """The answer, then (for a plural gold only) the boxes of its closing sentence, joined."""
    response = response[-MAX_RESPONSE:]
    complete = finish_reason != "length"
    visible = visible_text(response)
    text = visible.text
    if not text.strip() and not visible.unfinished and complete:
        text = response.rpartition("</think>")[0]  # all was said inside the thought
        return _boxed(text, complete)
    found = _boxed(text, complete and not visible.unfinished)
    if found or visible.unfinished:
        return found
    tail = text[-TAIL:]
    for rule, finder in (("answer-tag", _tagged), ("answer-line", _line), ("answer-is", _stated)):
        answer = finder(tail)
        if answer:
            return [Extraction(answer, rule)]
    return _closing(text, tail) if complete else []


def _boxed(text: str, complete: bool) -> list[Extraction]:
    spans, open_start = _box_spans(text)
    unbraced = [match.span(1) for match in _UNBRACED.finditer(text)]
    spans = sorted(
        span for span in (*spans, *unbraced) if text[span[0] : span[1]].strip(" \t\n$.,{}")
    )
    if complete and open_start is not None and len(text) - open_start <= MAX_OPEN_BOX:
        rest = text[open_start:].strip().rstrip("$").strip()
        if rest and "\n\n" not in rest:
            return [Extraction(rest, "boxed")]
    if not spans:
        return []
    last = spans[-1]
    found = [Extraction(text[last[0] : last[1]].strip().rstrip("."), "boxed")]
    joined = _joined(text, spans)
    return [*found, joined] if joined else found


def _box_spans(text: str) -> tuple[list[tuple[int, int]], int | None]:
    """Contents of all closed outermost boxes, and the start of a last one left open."""
    spans: list[tuple[int, int]] = []
    stack: list[int | None] = []  # start of a box's content, None for other braces
    for match in _BRACES.finditer(text):
        if match["box"]:
            stack.append(match.end())
        elif match["open"]:
            stack.append(None)
        elif match["close"] and stack:
            start = stack.pop()
            if start is not None:
                while spans and spans[-1][0] >= start:
                    spans.pop()  # nested boxes are part of this one
                spans.append((start, match.start()))
    open_start = next((start for start in reversed(stack) if start is not None), None)
    if open_start is not None and spans and spans[-1][0] > open_start:
        open_start = None
    return spans, open_start


def _joined(text: str, spans: list[tuple[int, int]]) -> Extraction | None:
    """Several boxes of one closing sentence, as a list: `\\boxed{1} and \\boxed{2}`."""
    run = [spans[-1]]
    for span in reversed(spans[-MAX_JOINT:-1]):
        gap = text[span[1] + 1 : run[0][0]]
        gap = re.sub(rf"{_BOX}\s*\{{?\s*$", "", gap)
        if len(gap) > MAX_JOINT or not _BETWEEN_BOXES.fullmatch(gap):
            break
        run.insert(0, span)
    if len(run) == 1:
        return None
    return Extraction(", ".join(text[start:end].strip() for start, end in run), "boxes")


def _tagged(text: str) -> str:
    tags = [tag for tag in _TAG.findall(text) if tag.strip()]
    return str(tags[-1]).strip() if tags else ""


def _line(text: str) -> str:
    lines = [*_LINE.finditer(text), *_CHOSEN.finditer(text)]
    for match in sorted(lines, key=re.Match.start, reverse=True):
        answer = _announced(text[match.start("rest") :])
        if answer:
            return answer
    return ""


def _stated(text: str) -> str:
    for match in reversed(list(_IS.finditer(text))):
        answer = _announced(text[match.end() :])
        if answer and not re.match(r"(?:not|to|that|in|unclear|unknown)\b", answer):
            return answer
    return ""


def _announced(text: str) -> str:
    """What follows "Answer:": a display formula, the rest of the line, or the next line."""
    display = _next_display(text)
    if display:
        return display
    line, _, following = text.partition("\n")
    if line.strip(" :*_"):
        return _phrase(line)
    return _next_display(following) or _phrase(following.strip().partition("\n")[0])


def _next_display(text: str) -> str:
    """The display formula that `text` starts with."""
    match = re.match(r"\s*(?:\$\$|\\\[)(.{1,2000}?)(?:\$\$|\\\])", text, re.DOTALL)
    return match[1].strip() if match else ""


def _phrase(rest: str) -> str:
    """Cut a sentence down to the answer that opens it."""
    rest = rest.strip().lstrip("*_: ").strip()
    formula = re.match(r"(?:\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\])[\s.*]*$", rest)
    if formula:
        return next(group for group in formula.groups() if group).strip()
    stop = _STOP.search(rest)
    if stop and not re.match(r"[A-Z]\.\s*\S", rest):
        rest = rest[: stop.start()]
    reason = _REASON.search(rest)
    if reason:
        rest = rest[: reason.start()]
    rest = rest.strip().strip("*_").strip()
    rest = re.sub(r"^\$([^$]+)\$$", r"\1", rest)
    sentence = _SENTENCE.fullmatch(rest)
    return sentence[1] if sentence else rest


def _closing(text: str, tail: str) -> list[Extraction]:
    display = _DISPLAY.search(tail[-2100:])
    if display:
        formula = display["dollars"] or display["bracket"]
        return [Extraction(formula.strip(), "display")] if formula.strip() else []
    whole = text.strip()
    if _is_bare(whole):
        return [Extraction(whole, "bare")]
    closing, opening = _CLOSING_OPTION.search(tail[-40:]), _OPENING_OPTION.match(text[:40])
    # A list of options also opens with a letter; a single line does not.
    option = (closing or opening) if "\n" in whole else (opening or closing)
    if option:
        return [Extraction(option[1] or option[2], "option")]
    return []


def _is_bare(text: str) -> bool:
    """Whether a whole response is short enough to be nothing but an answer."""
    return (
        0 < len(text) <= MAX_BARE
        and len(text.split()) <= MAX_BARE_WORDS
        and not _PROSE.fullmatch(text)
        and not re.search(r"\n|\w[.!?]\s+\w|。.|[\u4e00-\u9fff]{6}", text)
    )
