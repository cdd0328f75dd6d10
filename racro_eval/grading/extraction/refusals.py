"""Text that states no answer: refusals, questions, requests for information, repeated options."""

from __future__ import annotations

import re

_REFUSAL = re.compile(
    r"\b(?:can(?:\s?not|'t|’t)|unable to|(?:not|im)possible to|could(?:\s?not|n't)|do(?:es)? not"
    r"|don't"
    r"|didn't|hard to|difficult to|how to)\s+(?:\w+\s+){0,2}"
    r"(?:determin\w+|answer\w*|solv\w+|see|provid\w+|tell|conclud\w+|calculat\w+|comput\w+|view"
    r"|access|identif\w+|help|assist|know|say|decid\w+|give|given|read|process)\b"
    r"|\b(?:not (?:enough|sufficient)|insufficient|more (?:information|details|context)|unclear"
    r"|unsure|not (?:sure|certain|clear|given|visible|specified|provided)|ambiguous|depends on"
    r"|(?:no|any|missing|without)(?: the| an?)? (?:image|figure|picture|diagram)"
    r"|(?:sorry|apologi\w+)"
    r"(?! for (?:the|my|that|this) (?:\w+ )?(?:slip|mistake|error|confusion|typo))"
    r"|please (?:provide|share|upload|clarify|specify)|i need (?:to know|more)"
    r"|need to (?:find|know|determine|compute|calculate|solve)"
    r"|left as an exercise|as an ai)\b"
    r"|无法|不能(?:确定|得出|回答|判断)|不知道|不确定|条件不足|信息不足|请提供|请问|缺少|看不到|抱歉|没有足够",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"(?:<\|[^|\n]{0,40}\|>[^\n]{0,40}|\bI hope (?:it|this|that)[^.!\n]{0,60}[.!]?"
    r"|\bHope this[^.!\n]{0,40}[.!]?"
    r"|\bThis (?:completes|finishes|concludes) (?:the|our) (?:solution|proof|argument)[.!]?"
    r"|\bLet me know[^\n]{0,120}|\bFeel free[^\n]{0,120}|\bIf you have any[^\n]{0,120}"
    r"|\b(?:Is there anything|Can I help)[^\n]{0,100}\?|\bWould you like[^\n]{0,120}"
    r"|\bDo you (?:have|want|need)[^\n]{0,100}\?"
    r"|希望[^\n]{0,30}帮助[^\n]{0,10}"
    r"|(?<=[.!?]\s)That(?:'s| is) (?:the|our|my) (?:final )?(?:answer|result)[.!]?"
    r"|\$?\\blacksquare|\\qed|Q\.?E\.?D\.?|[■□✅✓\U0001F300-\U0001FAFF]|```|</?\w{1,12}>|---+)[\s$]*\Z",
    re.IGNORECASE,
)
# `2**3` is a power.
_BOLD = re.compile(r"(?<![\w)*])\*\*|\*\*(?![\w(*])")
_OPTION_LINE = re.compile(r"^[ \t]*\(?[A-J](?:[).:]\s*\S|[ \t]*$)", re.MULTILINE)


def without_bold(text: str) -> str:
    """`text` without the Markdown of bold print."""
    return _BOLD.sub("", text)


def is_option_line(line: str) -> bool:
    """Whether a line is an option of the question, such as `B. 12 cm`."""
    return bool(_OPTION_LINE.match(line))


def lists_options(text: str) -> bool:
    """Whether `text` has several options of the question, each on a line of its own."""
    return len(_OPTION_LINE.findall(text)) > 1


def is_refusal(text: str) -> bool:
    """Whether `text` says that there is no answer, or asks for missing information."""
    return bool(_REFUSAL.search(text))


def without_boilerplate(text: str) -> str:
    """`text` without polite phrases and end marks at its end."""
    text = text.rstrip()
    for _ in range(6):
        # Only the last few lines can be such an ending.
        head, tail = text[:-400], text[-400:]
        shorter = _BOILERPLATE.sub("", tail).rstrip()
        if shorter == tail or not (head + shorter).strip():
            break
        text = head + shorter
    return text
