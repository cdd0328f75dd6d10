"""A result stated in a plain closing sentence: "so there are 12 sequences", "因此共有12种".

The sentence is split into clauses, and its last clause must state one value: after "is", "equals"
or "=", or as its only value if a word such as "so" marks the sentence as a conclusion. Sentences
that plan, suppose, ask, doubt or enumerate state no value.
"""

from __future__ import annotations

import re
from itertools import pairwise

from racro_eval.grading.comparison.units import split_unit
from racro_eval.grading.comparison.words import canonical
from racro_eval.grading.extraction.refusals import without_bold

_WORD_NUMBER = (
    r"(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen"
    r"|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|hundred)\b(?! of\b)"
)
_NUMBER = (
    r"(?:[-−]?[$€£¥]?[-−]?"
    r"(?:\d[\d,]*\s\d+/\d+|(?:\d[\d,]*(?:\.\d+)?|\.\d+|[√π])[\dπ√.,/^:*()a-z²³]*)"
    r"(?<![.,:(])(?:\s?(?:\\?%|°[CF]?|[AaPp]\.?[Mm]\b\.?))?)"
)
# "$45 and then $12" is money, "$45$" a formula.
_MATH = (
    r"(?:\$\$[^$]+\$\$|\$(?!\d[\d.,]*\s+[a-z][^$]*\s\$)[^$]+\$|\\\(.+?\\\)|\\\[.+?\\\]"
    r"|\(\\frac\{[^{}]*\}\{[^{}]*\}\))"
)
_PAIR = r"(?:\((?:[^()\n]{1,40}),(?:[^()\n]{1,40})\))"
# Atomic group: a list of numbers could otherwise be split in exponentially many ways.
_ITEM = rf"(?>\*\*[^*\n]{{1,60}}\*\*|{_MATH}|{_PAIR}|(?<![A-Za-z\d_.\\({{$]){_NUMBER})"
_EQUATION = r"\$[^$=]{1,20}=[^$=]+\$"
_AND = r"\s*,?\s*(?:\b(?:and|or)\b|[和或])\s*(?:[a-z](?:_\d)?\s*=\s*)?"
_VALUE = re.compile(
    rf"(?P<list>{_ITEM}(?:,\s*{_ITEM})*{_AND}{_ITEM}|{_EQUATION}(?:[,，]\s*{_EQUATION})+)"
    rf"|{_ITEM}|\b(?P<word>{_WORD_NUMBER})",
    re.DOTALL | re.IGNORECASE,
)
_ADVERBS = (
    r"(?:[\s:：]|\b(?:about|approximately|roughly|exactly|equal to|therefore|thus|simply|just|only"
    r"|now|then|given by|a total of|in total|indeed|also|found to be|always|at)\b)*\Z"
)
_COPULA = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|becomes?|measures?|totals?"
    r"|there (?:is|are|were|remain)|namely|i\.e\.,?"
    r"|(?:simplifies|reduces|evaluates|comes|amounts|adds up|sums(?: up)?) to)\b|[=≈:：]|\\approx"
    rf"|是|为|等于|得|约|有|一共|总共|共){_ADVERBS}",
    re.IGNORECASE,
)
_CONCLUDES = re.compile(
    r"^\W*(?:\d+\.\s*)?\W*(?:(?:and\s+)?(?:so|therefore|thus|hence|consequently|accordingly|finally"
    r"|overall|conclusion|altogether|in (?:total|the end|conclusion|summary)|to conclude|this means"
    r"|it follows|(?:we|I) (?:find|found|get|got|obtain|conclude|have|see)"
    r"|(?:that|this|which) (?:gives|leaves|makes|yields))\b)"
    r"|[,;:]\s*(?:so|therefore|thus|hence|thereby|giving|making|namely|i\.e)\b"
    r"|\b(?:in total|altogether|a total of)\b|\bleft\W*$|^\s*[∴⇒]|^\W*since\b.*,"
    r"|所以|因此|故|综上|^答|总共|一共|共|结论|可得|解得|得到|于是|从而|即|则|∴",
    re.IGNORECASE,
)
# Openings of sentences that plan, suppose or describe, or that state one of several answers.
_NO_CONCLUSION = re.compile(
    r"\W*(?:let|to|suppose|assume|if|consider|given|note|recall|first|next|step|now|check|verify"
    r"|when|where|for example|options?|with|part)\b(?!.*\btherefore\b)"
    r"|\W*[(（]?(?:[a-h]|[ivx]+|[1-9])[)）]|[①-⑨]|设|假设|如果|若",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"\b(?:impossible|contradict\w*|(?:an|some) error|a mistake|wrong|incorrect)\b|矛盾",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\?|？|吗|\bto (?:determine|solve|continue|proceed|finish)\b|\b(?:told|unknown)\b"
    r"|\b(?:could|might|may|would) be\b[^\0]{0,20}\0"
    r"|\b(?:need to|have to|want to|let us|let's|we must"
    r"|should(?! be)|but|such that|try|perhaps|maybe|guess|either|neither|none|not|or"
    r"|which of|asks?|asked|so far"
    r"|we know)\b|设|假设|如果|若|可能|或",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"(?:\b(?:so|and|then|or|because|but|to|the|a|is|are|of|by|that|with|we|thus|which|where|gives)"
    r"|[-+*/=,:(，、：]|则|所以|因此|而|是|为|和)$",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(
    r"[,;，；]\s*(?:(?=(?:and\s+)?(?:so|therefore|thus|hence|then|making|giving|namely|i\.e"
    r"|which (?:gives|means|makes))\b)|(?=所以|因此|则|故|从而|即|得))",
    re.IGNORECASE,
)
# Reasons and remarks, which are not part of the statement.
_ASIDE = re.compile(
    r"^\W*(?:(?:so|thus|hence|therefore),?\s+)?(?:since|because|as|when|for|from|with|given)\b"
    r"[^,]*,\s*|,?\s+(?:since|because|where|for (?:all|every|any|some))\s.*\Z"
    r"|\s+\([^()\\]*[a-z]{3,}[^()\\]*\)"
    r"|,?\s+or\s+(?:about|approximately|roughly|nearly)\s[^;]*\Z"
    r"|,\s+(?:as|which is(?!\s[\d$*])|who)\s.*\Z|[,，]\s*(?:此时|其中).*\Z",
    re.IGNORECASE | re.DOTALL,
)
# A number after one of these is a label or a bound.
_LABEL = re.compile(
    r"(?:\b(?:step|figure|fig\.|part|question|equation|eq\.|case|problem|option|table|from|between"
    r"|(?:more|less|fewer|greater|larger|smaller) than)|第)\s*\(?\Z",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\s+(?:is|are|was|were)\s+(?!the\b|our\b|your\b)[a-z]", re.IGNORECASE)
_COUNTED = re.compile(r"\*\*\d[\d.,]*\s[a-z]", re.IGNORECASE)
"""A count in bold print: "**16 apples** were sold"."""
_IS_THE = re.compile(r"\s+(?:is|are)\s+(?:the|our|your)\s+\w+", re.IGNORECASE)
_IS_THE_ANSWER = re.compile(
    r"\s+(?:is|are|as)\s+(?:the|our|your)\s+(?:\w+\s+)?(?:answers?|solutions?|result)",
    re.IGNORECASE,
)
# The text between two values of one chain: "8 + 6 + 10 = 24", "1/6 ≈ 0.167".
_CHAIN = re.compile(
    r"(?:[^A-Za-z\u4e00-\u9fff,;，；]|\b[A-Za-z]{1,3}\b)*(?:[=≈]|\\approx|\bor\b)\W*"
)
_ENDING = re.compile(
    r"(?:\s*(?!and\b)[A-Za-z²³/^°%$]+){0,4}(?:,(?!\s*(?:and|while|whereas)\b)[^\d=]*)?\W*"
    r"|\s*[\u4e00-\u9fff]{0,6}\W*"
)
_SENTENCES = re.compile(
    r"(?<=[.!?])(?<!i\.e\.)(?<!e\.g\.)[\s*]+(?=[A-Z0-9$\\*(\[“\"\u4e00-\u9fff])|(?<=[。！？；])|\n+"
    r"|(?<=\s)(?=(?:So|Therefore|Thus|Hence|Consequently)\b)|(?=所以|因此)"
)
# "Therefore the quadrilateral is a rhombus": words as the predicate of a conclusion.
_NAMED = re.compile(
    r"\W*(?:so|therefore|thus|hence)\b,?\s+(?!(?:it|this|that|there|these|we|i)\b)"
    r"[^,;:]{3,80}\s(?:is|are)\s+(?:\*\*)?"
    r"(?:an?\s+((?:[a-z]+\s){0,2}[a-z]{3,})|([a-z]{4,}(?<!ed)(?<!ing)(?<!ble)(?<!ent)(?<!clear)(?<!true)))"
    r"|(?:所以|因此|故|综上所述)[^，。不无未]{1,20}是([^，。的]{2,8})",
    re.IGNORECASE,
)
_LEAD_WORD = re.compile(r"^(?:so|thus|hence|therefore),?\s+", re.IGNORECASE)
_HAS_HANZI = re.compile(r"[\u4e00-\u9fff]")
# The rest of a formula in plain text: 16 − 4π
_MORE_TERMS = re.compile(
    r"(?:\s*[-+−*/×]\s*(?:\d[\d.]*|(?<![a-zA-Z]))(?:[a-zA-Zπ√](?![a-zA-Z]))?[²³]?(?<![-+−*/×\s]))+"
)
_UNIT = re.compile(r"\s*(?:[A-Za-z°²³/^$]+(?:\s(?:per\s)?[a-z]+)?|[\u4e00-\u9fff]{1,5})")
MAX_SENTENCE = 600
"""Characters of a sentence that may state a value."""


def closing_sentence(text: str) -> str:
    """The last sentence of `text`."""
    parts = [part.strip() for part in _SENTENCES.split(text[-2 * MAX_SENTENCE :])]
    return next((part for part in reversed(parts) if part.strip("*_ .")), "")


def stated_value(sentence: str, *, concluding: bool = False) -> str:
    """The one value that a sentence states, "" if it states none.

    concluding: whether it is known that the sentence announces the answer. Otherwise a word such as
    "so" must show it, because a verb alone ("has", "takes") may describe what is given.
    """
    closed = re.search(r"\*\*\W*\Z", sentence)
    sentence = sentence.strip().rstrip("*_.。!！ ").strip()
    if not sentence or len(sentence) > MAX_SENTENCE or _UNFINISHED.search(sentence):
        return ""
    if sentence.count("**") % 2:
        sentence = sentence + "**" if closed else without_bold(sentence)
    if _NO_CONCLUSION.match(sentence) or _REJECTED.search(sentence):
        return ""
    plain = _ASIDE.sub("", sentence)
    statement = _LEAD_WORD.sub("", plain)
    if canonical(statement) != statement:
        return statement
    concluding = concluding or any(map(_CONCLUDES.search, (sentence, plain)))
    clause = _CLAUSE_END.split(plain)[-1]
    if _UNSURE.search(_VALUE.sub("\0", clause)):
        return ""
    values = _values(clause)
    if not values:
        named = _NAMED.fullmatch(clause)
        return next(filter(None, named.groups())) if named else ""
    value = _stated(values, clause, concluding)
    return _with_unit(value, clause) if value else ""


def _values(clause: str) -> list[re.Match[str]]:
    """The possible answers: numbers, formulas with a number, bold print, pairs."""
    return [
        match
        for match in _VALUE.finditer(clause)
        if not _LABEL.search(clause[: match.start()])
        and (not _SUBJECT.match(clause, match.end()) or _COUNTED.match(match[0]))
        and "boxed{}" not in match[0]
        and (
            match["word"]
            or re.search(r"\d|\\(?:pi|sqrt|infty|emptyset|mathbb)|π|√", match[0])
            or _COPULA.search(clause[: match.start()])
        )
    ]


def _stated(values: list[re.Match[str]], clause: str, concluding: bool) -> re.Match[str] | None:
    for value in values:
        follows = clause[value.end() :]
        if _IS_THE_ANSWER.match(follows) or (concluding and _IS_THE.match(follows)):
            return value
    stated = [value for value in values if _is_predicate(value, clause)]
    exact = stated[:1]
    for earlier, value in pairwise(stated):
        between = clause[earlier.end() : value.start()]
        if not _CHAIN.fullmatch(between) or re.match(r"\d+[a-z]\b", earlier[0]):
            return None  # two statements, or an equation
        if "≈" in between or "approx" in between:
            break
        exact = [value]
    if exact:
        # A verb alone may describe what is given, unless the sentence states nothing else.
        alone = stated[-1] is values[-1] and _ENDING.fullmatch(clause, values[-1].end())
        return exact[0] if concluding or alone else None
    before, after = clause[: values[0].start()], clause[values[-1].end() :]
    if len(values) == 1 and re.fullmatch(r"\W*", before) and len(after) < 4:
        return values[0]  # nothing but a value
    numbers = [value for value in values if not value["word"]]
    bold = [value for value in values if value[0].startswith("**")]
    chosen, concluding = (bold, True) if len(bold) == 1 else (numbers, concluding)
    several = chosen and chosen[0]["list"] and "=" not in chosen[0][0]
    return chosen[0] if concluding and len(chosen) == 1 and not several else None


def _is_predicate(value: re.Match[str], clause: str) -> bool:
    """Whether the value follows "is" or "=", or is a computation at the end of the clause."""
    if _COPULA.search(clause[: value.start()]):
        return not (
            value["list"]
            and " or " in value[0]
            and re.search(r"\bis\s*\Z", clause[: value.start()])
        )
    return value[0].count("=") > 1 and value.end() == len(clause)


def _with_unit(match: re.Match[str], clause: str) -> str:
    """The value, with the unit of measurement that follows it."""
    value = match[0]
    if match["list"]:
        return value
    if value.startswith("**"):
        inner = value.strip("*").strip()
        lead = re.match(_NUMBER, inner)
        return lead[0] if lead and _HAS_HANZI.search(inner) else inner
    for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
        if value.startswith(opening) and value.endswith(closing) and len(value) > 2 * len(opening):
            return value[len(opening) : -len(closing)].strip()
    if more := _MORE_TERMS.match(clause, match.end()):
        return value + more[0]
    words = _UNIT.match(clause, match.end())
    unit = words[0] if words else ""
    while unit:
        measured = split_unit(f"1 {unit.strip()}")
        if measured and measured[1].dimension:
            return value + unit
        unit = unit[:-1] if _HAS_HANZI.search(unit) else unit.rpartition(" ")[0]
    return value.strip()
