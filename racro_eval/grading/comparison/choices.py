"""Multiple choice: which option an answer names, by its letter, its text, or both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from racro_eval.grading.comparison.normalize import normalize
from racro_eval.grading.verdict import Comparison, Status, decided

_LEAD = re.compile(
    r"^(?:the\s+)?(?:correct\s+|final\s+|right\s+)?(?:answer|(?:(?:fir|la)st|second|third|fourth|fifth)\s+option"
    r"|options?|choices?|figure|picture"
    r"|image|diagram|graph|shape|statement|选项|选择|选|答案)(?:\s*(?:is|are|是|为))?\s*:?\s*(?=[(\[{]?[A-Z])",
    re.IGNORECASE,
)
# Atomic groups: spaces have only one way to match, so that the time stays linear.
_LETTER = r"(?>[(\[{]*\s*[A-Z](?:\s*[)\]}]+)?)"
_BETWEEN = r"(?>\s*(?:,\s*(?:and|or)\b|[,;&]|\band\b|\bor\b|[和与])\s*|\s+)"
_LETTERS = re.compile(rf"{_LETTER}(?:{_BETWEEN}{_LETTER})*[.:)]*")
_RUN = re.compile(r"\(?[A-Z]{2,6}\)?")
_WITH_TEXT = re.compile(
    r"(?:\(([A-Za-z])\)|\[([A-Z])\]|([A-Z])\s*[.):,=-]|([a-z])\))\s*(\S.*)"
    r"|([A-Z])\s*(\(.*\))",
    re.DOTALL,
)
_TEXT_WITH = re.compile(r"(\S.*?)\s*\(([A-Z])\)", re.DOTALL)
_ALTERNATIVES = re.compile(r"[A-Z]\W*\bor\b")
_PREDICATE = re.compile(r"^[^.]*\b(?:is|are)\s+(?!not\b)(?=[^.]{3})")
_BECAUSE = re.compile(r"([A-Z])\s+(?:because|since|as)\b")

SameText = Callable[[str, str], Comparison]


def letters_of(text: str) -> frozenset[str] | None:
    """The option letters that normalised `text` consists of; None if it is anything else.

    `(B)`, `Option B`, `B.`, `B and D`, `BD` and a single lower-case `b` are such texts.
    """
    bare = _LEAD.sub("", text).strip(" .*<>'\"`").removesuffix("项")
    if re.fullmatch(r"[(\[{]?[a-j]{1,4}[)\]}]?", bare):
        bare = bare.upper()
    if _LETTERS.fullmatch(bare):
        return frozenset(re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", bare))
    if _RUN.fullmatch(bare):
        return frozenset(bare.strip("()"))
    return None


def names_alternatives(text: str) -> bool:
    """Whether `text` does not decide between its letters: `B or D`."""
    return bool(_ALTERNATIVES.search(text))


def letter_and_text(text: str) -> tuple[str, str] | None:
    """Split `(B) 12 cm` or `12 cm (B)` into letter and text; None for other texts."""
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
    """Compare a prediction with the gold letters of a row with `options`.

    Correct is the gold letter or the gold option's text, as in MathVision's official evaluation. A
    letter that contradicts the text beside it is incorrect, and so are letters other than the gold.
    answer: the gold letters, or the gold option's text. same_text: compares a prediction with the
    text of an option.
    """
    text, gold = normalize(prediction), gold_letters(answer, options, same_text)
    texts = {letter: normalize(option) for letter, option in options.items()}
    comparison = _compare(prediction, text, gold, options, texts, same_text)
    gold_form = ", ".join(sorted(gold))
    if len(gold) == 1 and texts.get(gold_form):
        gold_form += f": {texts[gold_form]}"
    return Comparison(comparison.status, comparison.method, (text, gold_form))


def _compare(
    prediction: str,
    text: str,
    gold: frozenset[str],
    options: Mapping[str, str],
    texts: Mapping[str, str],
    same_text: SameText,
) -> Comparison:
    gold_letter = next(iter(gold)) if len(gold) == 1 else None
    if gold_letter and text and text == texts.get(gold_letter):
        return Comparison(Status.correct, "choice-text")
    letters = letters_of(text)
    if letters is not None and letters <= set(options):
        return decided(letters == gold and not names_alternatives(text), "choice-letter")
    split = letter_and_text(text)
    if split is not None and split[0] in options:
        letter, rest = split
        agrees = _text_agrees(letter, rest, options, same_text)
        return decided(agrees and frozenset(letter) == gold, "choice-letter-and-text")
    exact = {letter for letter, option in texts.items() if option == text}
    if exact or gold_letter is None:
        return decided(gold_letter in exact, "choice-text")
    predicate = _PREDICATE.sub("", text)
    if any(option == predicate for option in texts.values()):
        return decided(texts[gold_letter] == predicate, "choice-text")
    comparison = same_text(prediction, options.get(gold_letter, ""))
    others = [option for letter, option in texts.items() if letter != gold_letter]
    rivals = [option for option in others if comparison.equal and same_text(text, option).equal]
    # `2, 3` equals both "2 or 3" and "(2, 3)": then the brackets decide.
    if rivals and _is_bracketed(texts[gold_letter]) != _is_bracketed(text):
        return decided(False, "choice-ambiguous")
    return Comparison(comparison.status, f"choice-{comparison.method}")


def gold_letters(answer: str, options: Mapping[str, str], same_text: SameText) -> frozenset[str]:
    """The letters of the gold answer, which in some benchmarks is the text of an option."""
    letters = letters_of(normalize(answer))
    if letters is not None and letters <= set(options):
        return letters
    return frozenset(letter for letter, text in options.items() if same_text(text, answer).equal)


def _is_bracketed(text: str) -> bool:
    return text[:1] in tuple("([{⟨\\")


def _text_agrees(letter: str, rest: str, options: Mapping[str, str], same_text: SameText) -> bool:
    """Whether the text beside a letter is the text of that option, or only an explanation."""
    if not rest or same_text(rest, options[letter]).equal:
        return True
    if letters_of(rest) is not None:
        return letters_of(rest) == frozenset(letter)
    if any(same_text(rest, text).equal for other, text in options.items() if other != letter):
        return False
    # Options in the picture have no text that could be contradicted; a sentence is an explanation.
    in_picture = letters_of(normalize(options[letter])) == frozenset(letter)
    return in_picture or len(re.findall(r"[A-Za-z]{3,}", rest)) > 3
