"""Announcements of the answer: tags, "Answer: ...", "the answer is ...", "故选 ..."."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from racro_eval.grading.extraction.conclusions import MAX_SENTENCE, stated_value
from racro_eval.grading.extraction.refusals import is_refusal, without_bold

_TAG = re.compile(
    r"(?:<(?:final[_ ])?answer>|<\|begin_of_box\|>)(.*?)"
    r"(?:</(?:final[_ ])?answer>|<\|end_of_box\|>)",
    re.DOTALL | re.IGNORECASE,
)
_HASHES = re.compile(r"^####[ \t]+(?P<rest>\S[^\n]*)", re.MULTILINE)
_LINE = re.compile(
    r"(?:^[ \t\r>#*_-]*|(?<=[.!?。])[ \t]+[*_]*(?=(?:the\s+)?final\s+answer))(?:"
    r"(?:(?:so|therefore|thus|hence|my),?\s+)?(?:the\s+)?\[?"
    r"(?:final\s+|correct\s+)?(?:answers?(?:\s+\([a-z\d]\))?|ans\b\.?)\s*[*_]*\s*"
    r"(?:[:：=→\]]|->|[-–—](?=\s)|(?<=ans\.)|(?=\$|\\[(\[]))"
    r"|【?(?:最终|正确)?答案?】?\s*[*_]*(?:[:：]|是|为|选|(?<=】))[:：]?"
    r"|(?:the\s+)?(?:correct\s+|final\s+)?(?:option|choice)\s*[:：]"
    r"|(?:the\s+)?(?:final\s+(?:answer|result)|(?:correct\s+)?answer)[*_]*[ \t]*(?=\n)"
    r")[*_\"]*[ \t]*(?P<rest>[^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_JSON = re.compile(
    r"[\"'](?:(?:final|short|correct)?[_ ]?answer|choice|option)[\"']\s*:\s*(?!null\b|none\b)"
    r"(?:[\"'](?P<quoted>(?:[^\"'\\\n]|\\.)+)[\"']|(?P<rest>[^\s\"',}][^\"',\n}]*))",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"(?:(?:(?:故|应|因此|所以|正确|答案)|(?!选项\s*[:：]))选(?:项)?(?:择)?|答案应?该?(?=是|为|[:：])"
    r"|答案不是[^。\n]{1,10}而)[*\s]*(?:是|为)?\s*[:：]?\s*[*(（]*"
    r"(?P<rest>[A-J]{1,5}(?![A-Za-z])(?:[\s*)）]*[,、和与]?[\s*(（]*[A-J](?![A-Za-z]))*)(?!项?[也都是]?[不错])"
)
_SAID = re.compile(
    r"(?:故选|应选|答案(?:应)?(?:是|为|：|:|选))\s*[:：]?\s*(?P<rest>(?![A-J](?![A-Za-z]))[^\n。]*)"
)
_IS = re.compile(
    r"\b(?:(?:(?:final|correct|right)?[ \t]*(?:answers?|option|choice)"
    r"(?:[ \t]+(?:choice|option|here))?"
    r"|(?:final|correct|right)[ \t]+(?:value|result|number))"
    r"(?:[ \t]+(?:to|for)[ \t]+[^.:=\n]{1,80}?)?"
    r"[ \t]*(?:[ \t](?:is|are|should[ \t]be|must[ \t]be|(?P<would>would[ \t]be))\b|[:：=])"
    r"|(?:chang|revis|correct|switch)\w*[ \t]+(?:my|the)[ \t]+(?:final[ \t]+)?"
    r"(?:answer|choice)[ \t]+to\b)"
    r"[ \t]*(?:(?:therefore|thus|indeed|clearly|definitely|simply|for[ \t]sure)\b[ \t]*)?[:：]?",
    re.IGNORECASE,
)
# Texts before an announcement that show that it is none: "if the answer is 5", "是否".
_DOUBT = re.compile(
    r"\b(?:whether|if|suppose|assum\w+|wonder|unsure|(?:not|n't) (?:sure|know)|what|claims?|says?"
    r"|to (?:find|get|give|know|see|check|reach)|maybe|perhaps|possibl[ey]"
    r"|(?:might|may|could|would) (?:think|be|seem)|tempt\w+)"
    r"\b[^.\n]{0,25}\Z|[\"“'`][ \t]*(?:the|my|final|correct|[ \t])*\Z"
    r"|(?:如果|假设|假如|若|是否|设)[^。，\n]{0,10}\Z",
    re.IGNORECASE,
)
# Texts after an announcement that states no answer.
_EVASION = re.compile(
    r"(?:not|n't|to|that|in|unclear|unknown|un\w*determin\w*|none of your|based|wrong|incorrect"
    r"|correct|right|given|above|below|as|supposed|expected|likely|probably|either|also|one|found"
    r"|left (?:blank|out|open)"
    r"|\w+ed by)\b",
    re.IGNORECASE,
)
_NONE_GIVEN = re.compile(
    r"(?:I|we|let|let's|first|unable|sorry|unknown|unclear|n/a|to|see|as follows|pending"
    r"|the following)\b"
    r"|(?-i:\(?X\)?$)|无法|不知道|抱歉|见解析|略$|\?+$",
    re.IGNORECASE,
)
# "not 7, it is 9"
_RATHER = re.compile(
    r"not\b[^,;.，。\n]{1,40}[,;，]?\s*(?:\bbut(?: rather)?|\bit(?:'s| is)|\brather|而是)"
    r"\s*[:：]?\s*",
    re.IGNORECASE,
)
_EMPTY_BOX = re.compile(r"\W*\\(?:boxed|fbox|framebox)\s*\{?[\s?.…]*\}?\W*")
_REASON = re.compile(
    r",?\s+(?:because|since|as|which|where|so|but|although|though|however)\b"
    r"|,\s*(?:it|he|she|they|the|we|I|not)\b"
    r"|\s+\((?:since|because|option|see|about|approx\w*|rounded|≈)(?!\w)|\s*[,，]?\s*(?:因为|理由)",
    re.IGNORECASE,
)
# An announced answer that is a sentence: "The largest $n$ is 34".
_SENTENCE = re.compile(r"[A-Z][a-z]+\s.*\b(?:is|are|was|equals)\s+(\S+(?:\s\S+){0,3})", re.DOTALL)
_STATES = re.compile(r"[A-Za-z]{2,}\s.*\b(?:is|are|equals)\s")
_STOP = re.compile(r"[.。](?=\s|$|[*_\"'$)])(?!\s*\d)|[!?](?=\s|$)|。")
_FORMULA = re.compile(
    r"(?:\$\$?([^$]+)\$\$?|\\\(((?:[^\\]|\\[^()])+)\\\)|\\\[((?:[^\\]|\\[^][])+)\\\])[\s.*]*$"
)
_DISPLAY = re.compile(r"\s*(?:\$\$|\\\[)(.{1,2000}?)(?:\$\$|\\\])", re.DOTALL)


MAX_STATEMENTS = 12
"""The last announcements that are considered; a response with more repeats itself."""


@dataclass(frozen=True, slots=True)
class Statement:
    """An announced answer. start: of the announcement. method: as in `Extraction`."""

    text: str
    start: int
    method: str


def last_statement(text: str, complete: bool) -> Statement | None:
    """The last announcement with an answer. Tags are preferred to others, and these to "would be".

    complete: whether an answer counts that extends to the end of `text`.
    """
    tags = [match for match in _TAG.finditer(text) if match[1].strip()]
    if tags:
        return Statement(bare_value(tags[-1][1].strip()), tags[-1].start(), "answer-tag")
    announcements = sorted(_announcements(text), key=lambda item: (item[1], item[0]), reverse=True)
    for _, start, answer, method in announcements:
        ends = text.rstrip().endswith(answer) and not complete
        if answer and not ends:
            return Statement(answer, start, method)
    return None


def _announcements(text: str) -> Iterator[tuple[bool, int, str, str]]:
    """Of each announcement: whether it is definite, its start, the answer or "", and the method."""
    for pattern in (_HASHES, _LINE, _SAID, _CHOSEN, _JSON):
        for match in _latest(pattern, text):
            start = match.start("rest")
            if start < 0:
                answer, start = match["quoted"], match.start()
            elif pattern in (_CHOSEN, _JSON):
                answer = match["rest"].replace("*", "").strip()
            else:
                answer = announced(text[start:])
            if _is_no_answer(answer):
                answer = ""
            yield True, start, answer, "answer-line"
    for match in _latest(_IS, text):
        rest = text[match.end() :]
        rather = _RATHER.match(rest)
        rest = rest[rather.end() :] if rather else rest
        answer = announced(rest)
        asked = re.match(r"[^.!?\n]{0,80}\?", rest)
        before = text[max(0, match.start() - 200) : match.start()]
        supposed = match["would"] and (
            re.match(r"[^.\n]*\bif\b", rest) or re.search(r"\bif\b[^.\n]*\Z", before, re.IGNORECASE)
        )
        evades = _EVASION.match(rest.lstrip('*_: "')) or _is_no_answer(answer)
        if asked or supposed or evades:
            answer = ""
        yield not match["would"], match.start(), answer, "answer-is"


def _is_no_answer(answer: str) -> bool:
    return bool(_NONE_GIVEN.match(answer) or _EMPTY_BOX.fullmatch(answer) or is_refusal(answer))


def _latest(pattern: re.Pattern[str], text: str) -> list[re.Match[str]]:
    """The last matches, without those that the text before them puts in doubt."""
    matches = list(pattern.finditer(text))[-MAX_STATEMENTS:]
    return [m for m in matches if not _DOUBT.search(text[max(0, m.start() - 60) : m.start()])]


def bare_value(text: str) -> str:
    """The value of an answer that is a sentence ("The area is 12 cm"), else `text`."""
    if len(text) > MAX_SENTENCE or not _STATES.search(text):
        return text
    return stated_value(text, concluding=True) or text


def announced(text: str) -> str:
    """The answer after "Answer:": a display formula, the rest of the line, or the next line."""
    display = _display(text)
    if display:
        return display
    line, _, following = text.partition("\n")
    if line.strip(' :*_"='):
        return _phrase(line)
    return _display(following) or _phrase(following.strip().partition("\n")[0])


def _display(text: str) -> str:
    """The display formula at the start of `text`; "" without one."""
    match = _DISPLAY.match(text)
    return match[1].strip() if match else ""


def _phrase(rest: str) -> str:
    """The answer at the start of a sentence."""
    whole = rest
    rest = without_bold(rest).strip().lstrip('*_: "→').strip()
    rest = re.sub(
        r"^(?:[-•]\s+)?(?:(?:option|choice)\s+(?=\W?[a-zA-Z]))?", "", rest, flags=re.IGNORECASE
    )
    formula = _FORMULA.match(rest)
    if formula:
        return next(group for group in formula.groups() if group).strip()
    stop = _STOP.search(rest)
    if stop and not re.match(r"[A-Z]\.\s*\S", rest):
        rest = rest[: stop.start()]
    reason = _REASON.search(rest)
    if reason:
        rest = rest[: reason.start()]
    rest = rest.strip().strip('*_"').rstrip(".").rstrip("*_ ").strip()
    if rest.count("(") > rest.count(")") and not is_refusal(whole):
        rest = rest[: rest.rindex("(")].rstrip()
    rest = re.sub(r"^\$([^$]+)\$$", r"\1", rest)
    lettered = re.match(r"\(?[A-J][).:]\s", rest)
    if not lettered and (
        len(rest.split()) > 4
        or re.search(r"[\u4e00-\u9fff]{4}|^[\u4e00-\u9fff]+\d|[是为]\s*[-$\\\d]", rest)
    ):
        value = stated_value(rest, concluding=True)
        if value:
            return value
    sentence = _SENTENCE.fullmatch(rest)
    return sentence[1] if sentence else rest
