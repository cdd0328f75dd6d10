"""Normalisation: one notation for answers that differ only in how they are typed.

The result is a string in the notation that all parsers of the grader read: ASCII digits and
operators (`*`, `/`, `^{..}`, `<=`, `>=`, `!=`, `≈`), LaTeX commands for everything else, `°` for
degrees and `%` for percent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

MAX_CHARS = 4000
MAX_DIGITS = 2000
MAX_NESTING = 64

# Where JSON or Python has read the backslash of "\frac" as an escape, the control character and
# the letters after it show which command it was.
_REPAIRS = (
    (re.compile("\x0c(?=rac)"), r"\\f"),
    (re.compile("\x08(?=oxed|inom|eta|ar|egin)"), r"\\b"),
    (re.compile("\t(?=ext|imes|heta|frac|an[^a-z])"), r"\\t"),
    (re.compile("\r(?=ight|ho)"), r"\\r"),
)

_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("−–—‐‑‒﹣", "-"),
        **dict.fromkeys("×∙·⋅•∗", "*"),
        **dict.fromkeys("’‘′", "'"),
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("\u200b\u200c\u200d\ufeff\u2061", ""),
        "÷": "/",
        "∕": "/",
        "∶": ":",
        "≤": "<=",
        "⩽": "<=",
        "≥": ">=",
        "⩾": ">=",
        "≠": "!=",
        "≃": "≈",
        "º": "°",
        "π": r"\pi ",
        "θ": r"\theta ",
        "α": r"\alpha ",
        "β": r"\beta ",
        "γ": r"\gamma ",
        "λ": r"\lambda ",
        "φ": r"\phi ",
        "ω": r"\omega ",
        "∞": r"\infty ",
        "∪": r"\cup ",
        "∩": r"\cap ",
        "∅": r"\emptyset ",
        "∈": r"\in ",
        "±": r"\pm ",
        "√": r"\sqrt ",
        "∛": r"\sqrt[3] ",
        "∠": r"\angle ",
        "ℝ": r"\mathbb{R}",
        "ℤ": r"\mathbb{Z}",
        "ℕ": r"\mathbb{N}",
        "ℚ": r"\mathbb{Q}",
        "ℂ": r"\mathbb{C}",
        "。": ".",
        "、": ",",
        "度": "°",
    }
)

_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|textnormal|mathrm|mathbf|mathit|mathsf"
    r"|mathtt|mathcal|mbox|hbox|emph|bm|boldsymbol|operatorname|underline|vec|overrightarrow"
    r"|ensuremath)\*?\s*\{([^{}]*)\}"
)
_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*\{")
_DECORATION = re.compile(
    r"\\(?:left|right|[bB]ig{1,2}[lrm]?)\s*\.|\\(?:left|right|[bB]ig{1,2}[lrm]?)(?![a-zA-Z])"
    r"|\\(?:displaystyle|textstyle|limits|nolimits|boldsymbol|mathrm|rm|bf|it|hline|nonumber)"
    r"(?![a-zA-Z])|\\!"
)
_SPACES = re.compile(
    r"(?<!\\)\\[,;: >]|\\(?:quad|qquad|thinspace|enspace|space)(?![a-zA-Z])|~|&nbsp;"
)
_THOUSANDS_SPACE = re.compile(r"(?<![\d.])\d{1,3}(?:(?:\\[,; ]|~| )\d{3})+(?!\d)")

_COMMANDS: dict[str, str] = {
    **dict.fromkeys(("dfrac", "tfrac", "cfrac"), r"\frac"),
    **dict.fromkeys(("times", "cdot", "ast", "cdotp"), "*"),
    **dict.fromkeys(("leq", "le", "leqslant", "leqq"), "<="),
    **dict.fromkeys(("geq", "ge", "geqslant", "geqq"), ">="),
    **dict.fromkeys(("neq", "ne"), "!="),
    **dict.fromkeys(("approx", "approxeq", "simeq"), "≈"),
    **dict.fromkeys(("varnothing", "O"), r"\emptyset "),
    **dict.fromkeys(("infin", "infinity"), r"\infty "),
    **dict.fromkeys(("lvert", "rvert", "vert", "mid"), "|"),
    **dict.fromkeys(("degree", "textdegree"), "°"),
    "lt": "<",
    "gt": ">",
    "div": "/",
    "colon": ":",
    "lbrace": r"\{",
    "rbrace": r"\}",
    "lbrack": "[",
    "rbrack": "]",
    "langle": "⟨",
    "rangle": "⟩",
    "cong": "=",
    "equiv": "=",
    "reals": r"\mathbb{R}",
}
_COMMAND = re.compile(r"\\([a-zA-Z]+)")

_DEGREES = re.compile(
    r"\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-zA-Z])|\{\s*°\s*\}|°)|\{?\b[dD]egrees?\b\}?"
)
_PERCENT = re.compile(r"\\%|\{?\bper\s?cent(?:age)?\b\}?|\bpct\b", re.IGNORECASE)
_FUNCTION_WORDS = re.compile(
    r"(?<![\\a-zA-Z])(arcsin|arccos|arctan|sinh|cosh|tanh|sin|cos|tan|cot|sec|csc|log|ln|exp"
    r"|sqrt|pi|infty)(?=[^a-zA-Z]|$)"
)
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+")
_SUBSCRIPTS = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋ₙ]+")
_FRACTION_ARGUMENT = r"\s*(\{[^{}]*\}|\d|[a-zA-Z]|\\[a-zA-Z]+)"
_BARE_FRACTION = re.compile(r"\\frac" + _FRACTION_ARGUMENT + _FRACTION_ARGUMENT)
_HALF_BRACED = re.compile(r"(\\frac\s*)(\d)\s*(?=\{)")
_BARE_ROOT = re.compile(r"\\sqrt\s*(\[[^\[\]]*\])?\s*(\d+(?:\.\d+)?|[a-zA-Z]|\\pi)")
_BARE_POWER = re.compile(r"\^\s*(-?\d+)(?![\d.])")
_BARE_INDEX = re.compile(r"_\s*(\d+|[a-zA-Z](?![a-zA-Z])|\\[a-zA-Z]+)")
_PAREN_POWER = re.compile(r"\^\s*\(([^()]*)\)")
_OVERLINED_DECIMAL = re.compile(r"(\d{1,9})\.(\d{0,9})\\(?:overline|bar|dot)\s*\{(\d{1,9})\}")
_REPEATED_DECIMAL = re.compile(r"(\d{1,9})\.(\d{0,9}?)(\d)\3{2,}(?:\.\.\.|…|\\[lc]?dots)")
_BARE_BINOMIAL = re.compile(r"\\[dt]?binom" + _FRACTION_ARGUMENT + _FRACTION_ARGUMENT)
_TIMES_TEN = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*\^)")
_BLACKBOARD = re.compile(r"\\mathbb\s*([A-Z])(?![a-zA-Z])")
_CHOOSE = re.compile(r"\{([^{}]*)\\choose([^{}]*)\}")
_MIXED = re.compile(r"(?<![\d.^/*})])(\d+)\s+(\d+)\s*/\s*(\d+)(?![\d.])")


def within_budget(text: str) -> bool:
    """Whether `text` is small enough to be parsed: its length, its numbers, and its nesting."""
    if len(text) > MAX_CHARS or re.search(rf"\d{{{MAX_DIGITS + 1}}}", text):
        return False
    depth = 0
    for character in text:
        if character in "([{":
            depth += 1
            if depth > MAX_NESTING:
                return False
        elif character in ")]}":
            depth = max(0, depth - 1)
    # Commands and signs can nest without brackets: \sqrt\sqrt..., ---...
    return not re.search(rf"(?:\\[a-zA-Z]+\s*|[-+^!|_]\s*){{{MAX_NESTING + 1}}}", text)


@lru_cache(maxsize=512)
def normalize(text: str) -> str:
    """`text` (at most MAX_CHARS characters) in the notation described above."""
    for pattern, replacement in _REPAIRS:
        text = pattern.sub(replacement, text)
    text = _plain_characters(_single_backslashes(text))
    text = _repeating_decimals(text.strip().strip('"').strip("`").strip("*").replace("**", "^"))
    text = re.sub(r"(?<!\\)\\[()\[\]]", " ", text.replace(r"\$", "$"))
    text = re.sub(r"\$(?=\s*\d)", "¤", text) if text.count("$") % 2 else text
    text = text.replace("$", " ").replace("¤", "$")
    text = _THOUSANDS_SPACE.sub(lambda match: re.sub(r"\\[,; ]|~| ", "", match[0]), text)
    text = re.sub(r",\s*\\!\s*|\s*\{,\s*\}\s*(?=\d)", ",", text)
    text = until_stable(_unbox, text)
    text = until_stable(lambda value: _TEXT.sub(r" \1 ", value), text)
    text = re.sub(r"\\(?:begin|end)boxed", "", text)
    text = re.sub(r"\\overline\s*\{([A-Z]{1,3})\}", r"\1", text)
    text = _DEGREES.sub("°", _SPACES.sub(" ", _DECORATION.sub("", text)))
    text = re.sub(r"°\s*(C|F)(?:elsius|ahrenheit)\b", r"°\1", text)
    text = _COMMAND.sub(lambda match: _COMMANDS.get(match[1], match[0]), text)
    text = _PERCENT.sub("%", text)
    text = _FUNCTION_WORDS.sub(r"\\\1 ", text)
    text = _braces(text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s*([*/^=<>+,:;()\[\]{}!|%°])\s*", _without_spaces, text)
    return re.sub(
        r"(?:[\s.,;]|\\\\)+$",
        "",
        re.sub(r"^(?:[=≈\s]|\b(?:about|approximately|approx\.?|roughly|around)\s)+", "", text),
    ).strip()


def _repeating_decimals(text: str) -> str:
    """`0.\\overline{3}`, `0.\\dot{3}`, `0.333...` as fractions."""

    def fraction(match: re.Match[str]) -> str:
        whole, lead, cycle = match.groups()
        top = int(whole + lead + cycle) - int(whole + lead)
        return rf"\frac{{{top}}}{{{(10 ** len(cycle) - 1) * 10 ** len(lead)}}}"

    return _REPEATED_DECIMAL.sub(fraction, _OVERLINED_DECIMAL.sub(fraction, text))


def until_stable(step: Callable[[str], str], text: str) -> str:
    """Apply `step` until the text no longer changes, at most MAX_NESTING times."""
    for _ in range(MAX_NESTING):
        changed = step(text)
        if changed == text:
            break
        text = changed
    return text


def _single_backslashes(text: str) -> str:
    """Remove one level of escaping if all commands are written with two backslashes."""
    runs = re.findall(r"(\\+)[a-zA-Z]", text)
    if runs and all(len(run) % 2 == 0 for run in runs):
        return text.replace("\\\\", "\\")
    return text


def _unbox(text: str) -> str:
    """Remove the first box around a formula, which may have braces of its own."""
    match = _BOX.search(text)
    if match is None:
        return text
    depth = 0
    for index in range(match.end() - 1, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return f"{text[: match.start()]} {text[match.end() : index]} {text[index + 1 :]}"
    return text  # the box is not closed


def _plain_characters(text: str) -> str:
    def vulgar(match: re.Match[str]) -> str:
        top, bottom = unicodedata.normalize("NFKC", match[0]).split("⁄")
        return f" {top}/{bottom}"

    def script(mark: str) -> Callable[[re.Match[str]], str]:
        return lambda match: f"{mark}{{{unicodedata.normalize('NFKC', match[0])}}}"

    if not text.isascii():
        text = re.sub("[¼-¾⅐-⅞]", vulgar, text)
        text = _SUPERSCRIPTS.sub(script("^"), text)
        text = _SUBSCRIPTS.sub(script("_"), text)
        text = unicodedata.normalize("NFKC", text.translate(_CHARACTERS)).translate(_CHARACTERS)
    return text


def _braces(text: str) -> str:
    """Add the braces that LaTeX allows to leave out: of \\frac, \\sqrt, powers and indices."""

    def braced(match: re.Match[str]) -> str:
        top, bottom = (part if part.startswith("{") else f"{{{part}}}" for part in match.groups())
        return rf"\frac{top}{bottom}"

    text = re.sub(r"\\sqrt\s*\(([^()]*)\)", r"\\sqrt{\1}", text)
    text = _BARE_ROOT.sub(lambda match: rf"\sqrt{match[1] or ''}{{{match[2]}}}", text)
    text = _BARE_FRACTION.sub(braced, text)
    text = _BARE_BINOMIAL.sub(lambda match: braced(match).replace("frac", "binom"), text)
    text = _BLACKBOARD.sub(r"\\mathbb{\1}", _TIMES_TEN.sub("*", text))
    text = _HALF_BRACED.sub(r"\1{\2}", text)
    text = re.sub(r"(\\frac\{[^{}]*\})\s*(\d)(?!\})", r"\1{\2}", text)
    text = _CHOOSE.sub(r"\\binom{\1}{\2}", _PAREN_POWER.sub(r"^{\1}", text))
    text = _MIXED.sub(r"\1\\frac{\2}{\3}", text)
    text = _BARE_POWER.sub(r"^{\1}", text)
    return _BARE_INDEX.sub(r"_{\1}", text)


def _without_spaces(match: re.Match[str]) -> str:
    """Remove the spaces around an operator, but not those that separate words and numbers."""
    mark, whole = match[1], match[0]
    if mark in "()[]{}%°|!":
        left = " " if whole[0] == " " else ""
        right = " " if whole[-1] == " " else ""
        if mark in "([{":
            right = ""
        elif mark in ")]}%°!":
            left = ""
        return f"{left}{mark}{right}"
    return mark
