"""Multiple choice: which option an answer names, by its letter, its text, or both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Comparison, Status

_LEAD = re.compile(
    r"^(?:the\s+)?(?:correct\s+|final\s+|right\s+)?(?:answer|(?:(?:fir|la)st|second|third|fourth|fifth)\s+option"
    r"|options?|choices?|figure|picture"
    r"|image|diagram|graph|shape|statement|选项|选择|选|答案)(?:\s*(?:is|are|是|为))?\s*:?\s*(?=[(\[{]?[A-Z])",
    re.IGNORECASE,
)
# Atomic: blanks belong to a letter or to what stands between two, and that in one way only.
_ONE = r"(?>[(\[{]*\s*[A-Z](?:\s*[)\]}]+)?)"
_BETWEEN = r"(?>\s*(?:,\s*(?:and|or)\b|[,;&]|\band\b|\bor\b|[和与])\s*|\s+)"
_LETTERS = re.compile(rf"{_ONE}(?:{_BETWEEN}{_ONE})*[.:)]*")
_RUN = re.compile(r"\(?[A-Z]{2,6}\)?")
_WITH_TEXT = re.compile(
    r"(?:\(([A-Za-z])\)|\[([A-Z])\]|([A-Z])\s*[.):,=-]|([a-z])\))\s*(\S.*)"
    r"|([A-Z])\s*(\(.*\))",
    re.DOTALL,
)
_TEXT_WITH = re.compile(r"(\S.*?)\s*\(([A-Z])\)", re.DOTALL)
_EITHER = re.compile(r"[A-Z]\W*\bor\b")
_PREDICATE = re.compile(r"^[^.]*\b(?:is|are)\s+(?!not\b)(?=[^.]{3})")
_BECAUSE = re.compile(r"([A-Z])\s+(?:because|since|as)\b")

SameText = Callable[[str, str], Comparison]


def letters_of(text: str) -> frozenset[str] | None:
    """The letters that normalised `text` consists of, in any decoration, else None.

    `(B)`, `Option B`, `B.`, `B and D`, `BD` and a lone lower-case `b` all count.
    """
    bare = _LEAD.sub("", text).strip(" .*<>'\"`").removesuffix("项")
    if re.fullmatch(r"[(\[{]?[a-j]{1,4}[)\]}]?", bare):
        bare = bare.upper()
    if _LETTERS.fullmatch(bare):
        return frozenset(re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", bare))
    if _RUN.fullmatch(bare):
        return frozenset(bare.strip("()"))
    return None


def either(text: str) -> bool:
    """Whether `text` leaves open which of its letters it means: `B or D`."""
    return bool(_EITHER.search(text))


def letter_and_text(text: str) -> tuple[str, str] | None:
    """Split `(B) 12 cm` into its letter and the text behind it."""
    bare = _LEAD.sub("", text)
    match = _WITH_TEXT.fullmatch(bare)
    if match:
        letter, rest = (part for part in match.groups() if part)
        return letter.upper(), rest
    match = _TEXT_WITH.fullmatch(bare)
    if match:
        return match[2], match[1]
    match = _BECAUSE.match(bare)
    return (match[1], "") if match else None


def compare_choice(
    prediction: str, answer: str, options: Mapping[str, str], same_text: SameText
) -> Comparison:
    """Compare a prediction with the gold letter(s) of a row with `options`.

    Correct is the gold letter or the gold option's text (MathVision's official rule). A letter
    that contradicts the text beside it, or other letters than the gold's, are incorrect.
    same_text compares a prediction with an option's text.
    """
    text, gold = normalize(prediction), gold_letters(answer, options, same_text)
    texts = {letter: normalize(option) for letter, option in options.items()}
    outcome = _compare(prediction, text, gold, options, texts, same_text)
    shown = ", ".join(sorted(gold))
    if len(gold) == 1 and texts.get(shown):
        shown += f": {texts[shown]}"
    return Comparison(outcome.status, outcome.method, (text, shown))


def _compare(
    prediction: str,
    text: str,
    gold: frozenset[str],
    options: Mapping[str, str],
    texts: Mapping[str, str],
    same_text: SameText,
) -> Comparison:
    only = next(iter(gold)) if len(gold) == 1 else None
    if only and text and text == texts.get(only):
        return Comparison(Status.correct, "choice-text")
    letters = letters_of(text)
    if letters is not None and letters <= set(options):
        return _verdict(letters == gold and not either(text), "choice-letter")
    split = letter_and_text(text)
    if split is not None and split[0] in options:
        letter, rest = split
        agrees = _agrees(letter, rest, options, same_text)
        return _verdict(agrees and frozenset(letter) == gold, "choice-letter-and-text")
    exact = {letter for letter, option in texts.items() if option == text}
    if exact or only is None:
        return _verdict(only in exact, "choice-text")
    predicate = _PREDICATE.sub("", text)
    if any(option == predicate for option in texts.values()):
        return _verdict(texts[only] == predicate, "choice-text")
    outcome = same_text(prediction, options.get(only, ""))
    others = [option for letter, option in texts.items() if letter != only]
    rivals = [option for option in others if outcome.equal and same_text(text, option).equal]
    # `2, 3` is both "2 or 3" and "(2, 3)": then the brackets tell.
    if rivals and _bracketed(texts[only]) != _bracketed(text):
        return _verdict(False, "choice-ambiguous")
    return Comparison(outcome.status, f"choice-{outcome.method}")


def gold_letters(answer: str, options: Mapping[str, str], same_text: SameText) -> frozenset[str]:
    """The letters of the gold answer, which some benchmarks give as the option's text."""
    letters = letters_of(normalize(answer))
    if letters is not None and letters <= set(options):
        return letters
    return frozenset(letter for letter, text in options.items() if same_text(text, answer).equal)


def _bracketed(text: str) -> bool:
    return text[:1] in tuple("([{⟨\\")


def _agrees(letter: str, rest: str, options: Mapping[str, str], same_text: SameText) -> bool:
    """Whether the text beside a letter is its option's, or a mere explanation."""
    if not rest or same_text(rest, options[letter]).equal:
        return True
    if letters_of(rest) is not None:
        return letters_of(rest) == frozenset(letter)
    if any(same_text(rest, text).equal for other, text in options.items() if other != letter):
        return False
    # Options that live in the picture have no text to contradict; a sentence explains.
    in_picture = letters_of(normalize(options[letter])) == frozenset(letter)
    return in_picture or len(re.findall(r"[A-Za-z]{3,}", rest)) > 3


def _verdict(correct: bool, method: str) -> Comparison:
    return Comparison(Status.correct if correct else Status.incorrect, method)
