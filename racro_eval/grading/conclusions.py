"""A result stated in a plain closing sentence: "so there are 12 sequences", "因此共有12种".

The sentence must state one value as its predicate. Sentences that plan, suppose, ask or refuse
state none, and nothing is taken from them.
"""

from __future__ import annotations

import re

from racro_eval.grading.units import split_unit

_WORD_NUMBER = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|hundred)"
)
_NUMBER = (
    r"(?:[-−]?[$€£¥]?[-−]?(?:\d[\d,]*\s\d+/\d+|(?:\d[\d,]*(?:\.\d+)?|\.\d+|[√π])[\dπ√.,/^:*()a-z²³]*)"
    r"(?<![.,:])(?:\s?(?:\\?%|°[CF]?))?)"
)
_MATH = r"(?:\$\$[^$]+\$\$|\$[^$]+\$|\\\(.+?\\\)|\\\[.+?\\\]|\(\\frac\{[^{}]*\}\{[^{}]*\}\))"
_PAIR = r"(?:\((?:[^()\n]{1,40}),(?:[^()\n]{1,40})\))"
_VALUE = rf"(?P<value>\*\*[^*\n]{{1,60}}\*\*|{_MATH}|{_PAIR}|{_NUMBER}|{_WORD_NUMBER}\b)"
_ADVERB = (
    r"(?:(?:about|approximately|roughly|exactly|equal to|therefore|thus|simply|just|only|now|then"
    r"|given by|a total of|equals?|at|in total|indeed|the|also|found to be|always)\s+)*[:：]?\s*"
)
_TAIL = r"(?P<tail>(?:\s+[A-Za-z²³/^%°-]+){0,4})"
_LONG_TAIL = r"(?P<tail>(?:[\s,]+[A-Za-z'$²³/^-]+){0,20})"
_MARKER = re.compile(
    r"^\W*since\b.*,|^\W*(?:\d+\.\s*)?\W*(?:(?:and\s+)?(?:so|therefore|thus|hence|consequently"
    r"|accordingly|finally"
    r"|in total|altogether|in conclusion|to conclude|this means|it follows|overall|conclusion"
    r"|(?:we|I) (?:find|found|get|got|obtain|conclude|have|see)"
    r"|(?:that|this|which) (?:gives|leaves|makes|yields))\b)"
    r"|[,;:]\s*(?:so|therefore|thus|hence"
    r"|thereby|giving|making)\b|\b(?:in total|altogether)\b|^\s*[∴⇒]",
    re.IGNORECASE,
)
_PLANS = re.compile(
    r"\?|？|吗|^\W*(?:let|suppose|assume|if|consider|given|note|recall|first|next|step|now|check|verify"
    r"|when|where|for example|option|with)\b(?!.*\btherefore\b)"
    r"|\bto (?:determine|solve|continue|proceed|finish)\b"
    r"|\b(?:need to|have to|want to|let us|let's|we must|should|such that|try|would be|could be"
    r"|might be|may be|perhaps|maybe|guess|either|not|which of|asks?|asked|so far|we know)\b|\bor\b"
    r"|设|假设|如果|若|可能|或",
    re.IGNORECASE,
)
_ENGLISH = (
    # "$x \ge 5$ is the solution"
    (False, re.compile(
        rf"(?:^|.*\s){_VALUE}\s+(?:is|are)\s+(?:the|our|your)\s+(?:[a-z]+\s+){{0,2}}"
        r"(?P<tail>)(?:answers?|solutions?|result|value)", re.IGNORECASE | re.DOTALL)),
    # "so $n = 7$ is the smallest such integer"
    (True, re.compile(
        rf"(?:^|[^$\\]*\s){_VALUE}\s+is\s+(?:the|our)(?:\s+[a-z]+){{1,5}}(?P<tail>)",
        re.IGNORECASE | re.DOTALL)),
    (True, re.compile(
        rf".*\bthere\s+(?:is|are|were|will be|remain|must be)\s+{_ADVERB}{_VALUE}{_LONG_TAIL}",
        re.IGNORECASE | re.DOTALL)),
    (False, re.compile(
        rf".*(?:\b(?:is|are|was|were|be|equals?|becomes?|(?:simplifies|reduces|evaluates|comes|amounts"
        rf"|adds up|sums(?: up)?) to)\s+|(?:=|≈|\\approx)\s*|:\s+){_ADVERB}{_VALUE}{_TAIL}",
        re.IGNORECASE | re.DOTALL)),
    (True, re.compile(
        r".*\b(?:has|have|had|gets?|got|needs?|needed|takes?|took|costs?|earns?|earned|makes?|made|pays?"
        r"|paid|spends?|spent|saves?|saved|sold|sells?|by|contains?|left with|uses?"
        r"|used|find|found|obtain"
        rf"|gives?|giving|yields?|making|that|to|of|walks?|drove|drives?|eats?|ate|requires?|remain|in)\s+"
        rf"{_ADVERB}{_VALUE}{_LONG_TAIL}", re.IGNORECASE | re.DOTALL)),
    (True, re.compile(r"[^$\\]*(?P<value>\$[^$]+\$|\\\([^$]+?\\\))(?P<tail>)")),
    (False, re.compile(
        rf".*\b(?:find|found|obtain|get|conclude)\s+(?:that\s+)?(?P<value>{_MATH})(?P<tail>)",
        re.IGNORECASE | re.DOTALL)),
)  # fmt: skip
_ITEM = rf"(?:\*\*[^*\n]{{1,60}}\*\*|{_MATH}|{_PAIR}|{_NUMBER})"
_LIST = re.compile(
    rf".*\b(?:are|:)\s+(?:thus\s+|then\s+)?(?P<value>{_ITEM}(?:,\s*{_ITEM})*,?\s*(?:and|or)\s+{_ITEM})",
    re.DOTALL,
)
_CHINESE_MARKER = re.compile(r"所以|因此|故|综上|^答|总共|一共|共|结论|可得|得到|于是|从而|即|则|∴")
_HANZI = r"[\u4e00-\u9fffA-Za-z²³（）()]"
_CHINESE = (
    (False, re.compile(
        rf".*(?:是|为|等于|得|=|≈|约|共有|一共|总共|共)\s*[:：]?\s*{_VALUE}\s*(?P<tail>{_HANZI}{{0,6}})",
        re.DOTALL)),
    (True, re.compile(rf".*[\u4e00-\u9fff=]\s*{_VALUE}\s*(?P<tail>{_HANZI}{{0,10}})", re.DOTALL)),
)  # fmt: skip
_UNFINISHED = re.compile(
    r"(?:\b(?:so|and|then|or|because|but|to|the|a|is|are|of|by|that|with|we|thus|which|where|gives)"
    r"|[-+*/=,:(，、：]|则|所以|因此|而|是|为|和)$",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"(?<![\w.$\\(]){_NUMBER}(?![\w$])")
_HAS_HANZI = re.compile(r"[\u4e00-\u9fff]")
_SENTENCES = re.compile(
    r"(?<=[.!?])[\s*]+(?=[A-Z0-9$\\*(\[“\"\u4e00-\u9fff])|(?<=[。！？；])|\n+"
    r"|(?<=\s)(?=(?:So|Therefore|Thus|Hence|Consequently)\b)|(?=所以|因此)"
)
MAX_SENTENCE = 600


def closing_sentence(text: str) -> str:
    """The last sentence of `text`; a formula keeps its line breaks out of it."""
    parts = [part.strip() for part in _SENTENCES.split(text[-2 * MAX_SENTENCE :])]
    return next((part for part in reversed(parts) if part.strip("*_ .")), "")


def stated_value(sentence: str, *, concluding: bool = False) -> str:
    """The one value that a sentence states, "" when it states none.

    concluding: the sentence is known to announce the answer; otherwise a word such as "so" must
    say so where the verb alone ("has", "takes") could also describe what is given.
    """
    sentence = sentence.strip().rstrip("*_.。!！ ").strip()
    if not sentence or len(sentence) > MAX_SENTENCE or _UNFINISHED.search(sentence):
        return ""
    listed = _LIST.fullmatch(sentence)
    if listed and not _PLANS.search(sentence[: listed.start("value")]):
        return listed["value"]
    if _PLANS.search(sentence):
        return ""
    chinese = bool(_HAS_HANZI.search(sentence))
    marker = _CHINESE_MARKER if chinese else _MARKER
    marked = concluding or bool(marker.search(sentence))
    for needs_marker, pattern in _CHINESE if chinese else _ENGLISH:
        if needs_marker and not marked:
            continue
        match = pattern.fullmatch(sentence) or pattern.fullmatch(sentence + "**")
        if match:
            return _with_unit(match)
    plain = re.sub(r"\$[^$\d]*\$", " ", sentence)  # $\\triangle ABC$
    only = _ALONE.findall(plain) if marked and "$" not in plain.strip("$") else []
    return only[0].strip() if len(only) == 1 else ""


def _with_unit(match: re.Match[str]) -> str:
    """The value, with the unit of measurement that stands behind it."""
    value, tail = match["value"], match["tail"]
    if value.startswith("**"):
        inner = value.strip("*").strip()
        lead = re.match(_NUMBER, inner)
        return lead[0] if lead and _HAS_HANZI.search(inner) else inner
    for mark in ("$$", "$"):
        if value.startswith(mark) and value.endswith(mark) and len(value) > 2 * len(mark):
            value = value[len(mark) : -len(mark)].strip()
            return value
    if value.startswith(("\\(", "\\[")):
        return value[2:-2].strip()
    words = re.match(r"\s*\S+", tail)
    if words:
        measured = split_unit(f"1 {words[0].strip()}")
        if measured and measured[1].dimension:
            return match.string[match.start("value") : match.start("tail") + words.end()]
    return value.strip()
