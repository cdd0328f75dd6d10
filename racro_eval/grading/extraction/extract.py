"""Finds the final answer of a response of up to 1 MB in linear time; it never guesses.

The methods, in the order in which they are tried on the text that `scope.py` leaves:

boxed       the last closed, non-empty \\boxed, \\fbox or \\framebox; `\\boxed 5`; a last box that
            is not closed. A value that is announced after the box replaces it.
answer-tag  <answer>...</answer>
answer-line a line "Answer: ...", "#### ...", "答案：...", "故选 ...", or the one after "### Answer"
answer-is   "the (final, correct) answer is ...", "I change my answer to ...". The last match of
            this and of answer-line counts.
display     a display formula at the end of the response
bare        a response that consists of a short answer
option      "(B)" or "B" at the end of the response's last sentence, or at its start
conclusion  a last sentence with one value as its predicate ("so there are 12 of them"), or one that
            begins with yes or no
last-line   a last line that consists of a value
"""

from __future__ import annotations

import re

from racro_eval.grading.extraction.boxes import Box, boxed_answers, find_boxes
from racro_eval.grading.extraction.conclusions import MAX_SENTENCE, closing_sentence, stated_value
from racro_eval.grading.extraction.refusals import is_refusal, lists_options, without_boilerplate
from racro_eval.grading.extraction.scope import (
    TAIL_CHARS,
    after_retraction,
    is_example,
    own_turn,
    thought_of,
    visible_text,
    without_code,
)
from racro_eval.grading.extraction.statements import Statement, bare_value, last_statement
from racro_eval.grading.verdict import Extraction

MAX_RESPONSE = 1 << 20
"""Of a longer response only the end is read (characters)."""
MAX_BARE = 60
MAX_BARE_WORDS = 8
MAX_BOXES = 100
"""The last boxes of a response that are considered."""

_DISPLAY = re.compile(
    r"(?:\$\$(?P<dollars>[^$]{1,2000})\$\$|\\\[(?P<bracket>(?:[^\\]|\\[^][]){1,2000})\\\]"
    r"|(?P<rows>\\begin\{(?P<name>(?:align|equation|gather)\*?)\}"
    r"(?:(?!\\(?:begin|end)\{(?P=name)\}).){1,2000}\\end\{(?P=name)\}))[\s.*]*\Z",
    re.DOTALL,
)
# A formula that ends in the middle: the response was cut, whatever its finish reason is.
_CUT = re.compile(r"\\[a-zA-Z]+\s*(?:\{[^{}\n]*\}\s*)?\{[^{}\n]*\Z")
_IMPLIES = re.compile(r"\\(?:implies|Rightarrow|Longrightarrow|therefore)(?![a-zA-Z])|[⇒⟹∴]")
_PROSE = re.compile(r"(?:\S+\s+){4,}\S+[.!?]")
_TALK = re.compile(
    r"^(?:hm+|ok|okay|so|thus|hence)\b|^[∴则]|不是"
    r"|\b(?:I|we|you|let|can|cannot|because|please|sure|okay|hello|choose|pick|step|it's|which|not)\b"
    r"|\b(?:is|are|was|this|that)\b"
    r"|therefore|因此|所以|^故|一共|\\boxed",
    re.I,
)
_OPTION_AT_END = re.compile(
    r"(?:(?<!\bor)(?<!\band)(?<!\bnot)\s\(([A-J])\)"
    r"|\b(?:is|be|it's|answer|option|choice|[Cc]hoose|chose|select|with|leaves|leaving)"
    r"[ :*]*\(?([A-J])\)?"
    r"|(?<![不能许猜概])[选是为][ :*]*[(（]?([A-J])[)）]?"
    r"|\bit(?:'s| is) \(?([a-j])\)?)"
    r"[*.。]*\s*\Z"
)
_BECAUSE = re.compile(r"(?<=[A-J)*]),?\s+(?:because|since|as)\s[^.,\n]*\.?\s*\Z")
_OPTION_IS_CORRECT = re.compile(
    r"(?:\b(?:option|choice|answer|statement|figure)\s+|^|[\s,*(])\(?([A-J])\)?[*:]*"
    r"(?:\s+[^.\n]{0,40}?)?\s+(?:is|must be|would be)\s+(?:the\s+)?(?:only\s+)?"
    r"(?:correct|right|best|answer|option|choice|one)"
    r"(?:\s+(?:answer|option|choice|one))?(?:\s+that \w+)?[*.\s]*\Z"
    r"|选项\s*([A-J])\s*(?:是)?正确[的。]*\s*\Z|([A-J])\s*选?项?是?(?:正确|对)[的。]*\s*\Z"
    r"|\b[Oo]nly\s+(?:option|choice|statement|figure)?\s*\(?([A-J])\)?\s+\w+[^.\n]{0,60}[*.\s]*\Z"
    r"|\b(?:[Ss]o|[Tt]hus|[Hh]ence|[Tt]herefore)[,:]?\s+\(?([A-J])\)?[*.\s]*\Z"
)
_OPTION_AT_START = re.compile(
    r"\A\s*[*]*(?:\(([A-J])\)|([A-J]))[*]*(?:[.。:]\s*|\s*\n|\s*\Z"
    r"|(?=[\u4e00-\u9fff])(?![和或与及]|选?项?(?:是?错|不对|不正确)))"
)
_LABEL = re.compile(
    r"\A\*{0,2}[^\W\d_]{3,12}(?: [^\W\d_]{3,12})?\s*[:：]\*{0,2}(?=\s*(?:[-$\\\d]|\(?[A-J]\)?$))\s*"
    r"|\A(?:total|result) = ",
    re.I,
)
# A single sentence is an answer, unless it only describes what is seen.
_NOT_BARE = re.compile(
    r"\n|(?<!^)\w[.!?]\s+\w|。.|[\u4e00-\u9fff]{6}|[?？]$|[，；、].*[\u4e00-\u9fff]"
    r"|[\u4e00-\u9fff]\s*[$\\\d].*。$|可能。?$|^答案|^[A-J] or [A-J]$|[-+*/=(,:]$|^</?\w+>$"
    r"|^Q\.?E\.?D|^[Nn]/[Aa]\W*$|求[^=]*$|(?:\.\.\.|…)$"
)
_ENTRY = re.compile(r"^[^:：\n=]{1,40}[:：][ \t]*[-$\d][^\n=]{0,20}$", re.MULTILINE)
_CHAIN = re.compile(r"=(?:(?!\b(?:or|and)\b)[^,;=])*=")
_YES_OR_NO = re.compile(
    r"\**(yes|no|true|false|是|否|对|错)\**(?:[.!。]?[ \t]*(?=\n)|\s*[,.，。])(?!\s*\w+\?)",
    re.IGNORECASE,
)
# "Yes, Red is larger than Blue." has a subject, so that it does not answer a question of the model.
_CONCLUDING_YES_OR_NO = re.compile(
    r"\**(yes|no)\**,\s+(?!(?:if|but|maybe|perhaps|wait|not|let|I|we|you|that|this|it|there)\b)"
    r"[^?]{8,200}[.!]",
    re.IGNORECASE,
)
_LONE_VALUE = re.compile(r"(?![-*•]?\s*\d+[.)]\s*\Z)(?=.*\d)[^|=A-Za-z\u4e00-\u9fff]{1,60}\Z")


def extract(response: str, *, finish_reason: str = "stop") -> Extraction | None:
    """The final answer that a response states, and the method that found it; None without one.

    finish_reason: "length" if the response was cut. Then a box that is not closed is no answer, and
    neither is a box inside the thought. Of an answer over 1 MB only the last megabyte is read.
    """
    extractions = extract_all(response, finish_reason=finish_reason)
    return extractions[0] if extractions else None


def extract_answer(response: str) -> str | None:
    """The final answer that a response states, as written; None if it states none.

    >>> from racro_eval import extract_answer
    >>> extract_answer("So the angle is 40 degrees. The answer is 40.")
    '40'
    """
    extraction = extract(response)
    return extraction.text if extraction else None


def extract_all(response: str, *, finish_reason: str = "stop") -> list[Extraction]:
    """The answer, and then, if its sentence has several boxes, all of these as one list.

    Only a gold answer with several items can equal the list.
    """
    response = own_turn(response)
    complete = finish_reason != "length"
    visible = visible_text(response)
    text = after_retraction(without_code(visible.text[-MAX_RESPONSE:]))
    if not visible.text.strip() and not visible.unfinished and complete:
        # The whole response is its thought.
        thought = after_retraction(thought_of(response)[-MAX_RESPONSE:])
        boxes = _boxes(thought, complete)
        return boxed_answers(thought, boxes) if boxes else []
    complete = complete and not visible.unfinished
    boxes = _boxes(text, complete)
    offset = max(0, len(text) - TAIL_CHARS)
    statement = last_statement(text[offset:], complete)
    if boxes and not (statement and _replaces(statement, offset, boxes[-1])):
        (last, *joined) = boxed_answers(text, boxes)
        return [Extraction(bare_value(last.text), last.method), *joined]
    if statement:
        return [Extraction(statement.text, statement.method)]
    return _closing(text, text[offset:]) if complete else []


def _boxes(text: str, complete: bool) -> list[Box]:
    last = find_boxes(text, complete)[-MAX_BOXES:]
    return [box for box in last if not is_example(text, box.start)]


def _replaces(statement: Statement, offset: int, box: Box) -> bool:
    """Whether a value was announced after the last box."""
    value = re.search(r"\d|\\[a-z]|^\W*[A-J]\W*$", statement.text)
    return bool(value) and "boxed" not in statement.text and statement.start + offset > box.end


def _closing(text: str, tail: str) -> list[Extraction]:
    """The weaker methods, which need a response that was not cut."""
    if _CUT.search(tail[-200:]):
        return []
    text, tail = without_boilerplate(text), without_boilerplate(tail)
    display = _DISPLAY.search(tail[-2100:])
    if display:
        formula = display["dollars"] or display["bracket"] or display["rows"]
        concluded = _IMPLIES.split(formula)[-1].strip(" \n.,")
        return [Extraction(concluded or formula.strip(), "display")] if formula.strip() else []
    whole = text.strip()
    if not whole or is_refusal(tail[-600:]):
        return []
    option = _option(text, tail)
    alone = len(whole.split()) > 3 and whole[-1] in ".!" and closing_sentence(text) == whole
    value = stated_value(whole) if alone and not option else ""
    if value:
        return [Extraction(value, "conclusion")]
    bare = _LABEL.sub("", whole)
    if not _CHAIN.search(whole) and _is_bare(bare) and not _TALK.search(bare):
        if option and len(bare.split()) > 2 and not _OPTION_AT_START.match(bare):
            return [Extraction(option, "option")]  # "It must be E."
        sentence = len(bare.split()) > 3 and bare[-1] == "."
        value = stated_value(bare, concluding=True) if sentence else ""
        return [Extraction(value or bare, "bare")]
    word = _YES_OR_NO.match(whole)
    if word and ("\n" not in whole or whole.startswith("\n", word.end())):
        return [Extraction(word[1], "bare")]
    if option:
        return [Extraction(option, "option")]
    closing = closing_sentence(tail)
    if _ends_in_list(closing, tail):
        return []
    value = stated_value(closing)
    if value:
        return [Extraction(value, "conclusion")]
    word = _CONCLUDING_YES_OR_NO.fullmatch(closing)
    if word:
        return [Extraction(word[1], "conclusion")]
    last = whole.rpartition("\n")[2].strip()
    if "\n" in whole and _LONE_VALUE.match(last):
        return [Extraction(last, "last-line")]
    return []


def _ends_in_list(closing: str, tail: str) -> bool:
    """Whether a response ends with options or with a row of a list or table."""
    return (
        lists_options(tail[-600:])
        or (closing.startswith("|") and "**" not in closing)  # totals are in bold print
        or _is_next_number(closing, tail)
        or (bool(_ENTRY.fullmatch(closing)) and len(_ENTRY.findall(tail[-600:])) > 1)
    )


def _is_next_number(closing: str, tail: str) -> bool:
    """Whether a response ends with the number of the next item of a list."""
    number = re.fullmatch(r"(\d{1,2})[.)]", closing)
    return bool(number and re.search(rf"^\s*{int(number[1]) - 1}[.)]\s", tail, re.MULTILINE))


def _option(text: str, tail: str) -> str:
    tail = _BECAUSE.sub("", tail[-MAX_SENTENCE:])
    closing = _OPTION_IS_CORRECT.search(tail[-120:]) or _OPTION_AT_END.search(tail[-40:])
    opening = _OPTION_AT_START.match(text[:40])
    # A list of options begins with a letter too, but a single line is not a list.
    option = (closing or opening) if "\n" in text.strip() else (opening or closing)
    if opening is option and lists_options(text[:2000]):
        return ""
    return next((group for group in option.groups() if group), "") if option else ""


def _is_bare(text: str) -> bool:
    """Whether a whole response is short enough to consist of an answer only."""
    return (
        0 < len(text) <= MAX_BARE
        and len(text.split()) <= MAX_BARE_WORDS
        and not _PROSE.fullmatch(text)
        and not _NOT_BARE.search(text)
    )
