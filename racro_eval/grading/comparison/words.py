"""Answers in words: which texts are words, and whether two of them are equal."""

from __future__ import annotations

import re

_ARTICLE = re.compile(r"a|an|the|is|are|its?|it's|that|there")
# Only between spaces: `ax+by` has no words.
_SHORT = re.compile(
    r"(?:^|\s)(?:no|on|up|in|is|it|of|at|ok|we|by|an|as|be|do|go|to)(?=[\s.,]|$)", re.IGNORECASE
)
_TRAILING = re.compile(
    r"triangles?|quadrilateral|numbers?|function|angles?|lines?|circle|figure|shape|sides?"
    r"|integers?|values?|people|persons|colou?r"
)
_BREAK = re.compile(r",\s*|\b(?:because|since|as|so|for)\b")

_PHRASES = (
    (
        re.compile(
            r"(?:there (?:is|are) )?no (?:real )?(?:solutions?|roots?)(?: exists?)?|empty set"
        ),
        r"\emptyset",
    ),
    (re.compile(r"(?:the )?(?:limit )?(?:does not|doesn't) exist|undefined|dne"), "dne"),
    (re.compile(r"(?:all|any|every) (?:the )?reals?(?: numbers?)?"), r"\mathbb{R}"),
    (re.compile(r"(?:positive )?infinity"), r"\infty"),
    (re.compile(r"negative infinity|minus infinity"), r"-\infty"),
)

_PARTS = {
    **dict.fromkeys(("half", "one half", "a half", "one-half"), r"\frac{1}{2}"),
    **dict.fromkeys(("one third", "a third", "one-third"), r"\frac{1}{3}"),
    **dict.fromkeys(("two thirds", "two-thirds"), r"\frac{2}{3}"),
    **dict.fromkeys(("quarter", "one quarter", "a quarter", "one fourth"), r"\frac{1}{4}"),
    **dict.fromkeys(("three quarters", "three fourths", "three-quarters"), r"\frac{3}{4}"),
}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    " fifteen sixteen seventeen eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS = {
    **{word: value for value, word in enumerate(_ONES.split())},
    **{word: 10 * value for value, word in enumerate(_TENS.split(), start=2)},
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_HANZI_DIGITS = {**{c: n for n, c in enumerate("零一二三四五六七八九")}, "两": 2, "〇": 0}
_HANZI_SCALES = {"十": 10, "百": 100, "千": 1000}
_HANZI_NUMBER = re.compile(
    r"([零〇一二两三四五六七八九十百千万]+)"
    r"(|个|只|条|张|元|角|人|名|本|颗|次|种|天|岁|辆|件|小时|分钟|秒|(?:平方|立方)?(?:厘|千)?米|度|倍)"
)


def is_words(text: str) -> bool:
    """Whether normalised `text` has words and is not mathematics."""
    bare = re.sub(r"\\(?:begin|end)\{\w+\*?\}|\\[a-zA-Z]+", " ", text)
    if re.search(r"[^\x00-\x7f°⟨⟩√≈€£¥¢]", bare):
        return True
    runs = re.findall(r"[A-Za-z]+", bare)
    return bool(_SHORT.search(bare)) or any(
        len(run) > 4 or (len(run) > 2 and not run.isupper()) for run in runs
    )


def canonical(text: str) -> str:
    """The symbol or number that a phrase means ("no solution", "twenty-five"); else the text."""
    phrase = text.lower().strip(" .")
    for pattern, symbol in _PHRASES:
        if pattern.fullmatch(phrase):
            return symbol
    if phrase in _PARTS:
        return _PARTS[phrase]
    number = parse_number_words(phrase)
    return text if number is None else str(number)


def parse_number_words(phrase: str) -> int | None:
    """`one thousand six hundred twenty-five` → 1625; None for other texts."""
    words = [word for word in re.split(r"[\s-]+", phrase) if word != "and"]
    total = current = 0
    for word in words:
        if word in _NUMBERS:
            current += _NUMBERS[word]
        elif word == "hundred":
            current = max(current, 1) * 100
        elif word in _SCALES:
            total, current = total + max(current, 1) * _SCALES[word], 0
        else:
            return None
    return total + current if words else None


def hanzi_number(text: str) -> str:
    """`二十三个` → `23个`; other texts unchanged."""
    match = _HANZI_NUMBER.fullmatch(text)
    if match is None:
        return text
    total = section = digit = 0
    for character in match[1]:
        if character in _HANZI_DIGITS:
            digit = 10 * digit + _HANZI_DIGITS[character]
        elif character == "万":
            total, section, digit = (section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _HANZI_SCALES[character]
            digit = 0
    return f"{total + section + digit}{match[2]}"


def same_words(prediction: str, answer: str) -> bool:
    """Whether texts are equal up to case, articles, punctuation and an explanation at the end."""
    left, right = _tokens(prediction), _tokens(answer)
    if left == right:
        return bool(left)
    head = _tokens(_BREAK.split(prediction.lower(), maxsplit=1)[0])
    if head and head == right:
        return True
    short, long = sorted((left, right), key=len)
    return bool(short) and long[:-1] == short and bool(_TRAILING.fullmatch(long[-1]))


def _tokens(text: str) -> list[str]:
    text = re.sub(r"[{}\\]", " ", text.lower())
    tokens = re.findall(r"\d+(?:\.\d+)?|[^\W_]+(?:'[^\W_]+)*|[-+=<>/*^°%$€£¥¢]", text)
    return [str(_NUMBERS.get(token, token)) for token in tokens if not _ARTICLE.fullmatch(token)]
