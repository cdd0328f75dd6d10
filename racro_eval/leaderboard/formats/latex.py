"""LaTeX: a complete document, whose table can be copied into a paper."""

from __future__ import annotations

from collections.abc import Iterator

from racro_eval.common.printable import printable
from racro_eval.leaderboard.document import Column, Document, Field, Sheet

_HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage{booktabs}
\usepackage{graphicx}
\usepackage[dvipsnames]{xcolor}
% A table needs booktabs, graphicx, xcolor and these three:
\newcommand{\racroup}[1]{{\scriptsize\textcolor{OliveGreen}{(#1)}}}
\newcommand{\racrodown}[1]{{\scriptsize\textcolor{BrickRed}{(#1)}}}
\newcommand{\racrosmall}[1]{{\tiny\textcolor{gray}{#1}}}
\begin{document}
\pagestyle{empty}
"""
_SPECIAL = {
    "\\": r"\ensuremath{\backslash}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "|": r"\ensuremath{|}",
    '"': "{''}",
    "'": "{'}",
    "`": "{`}",
    "-": "{-}",
    "–": "--",
    "—": "---",
    "−": r"\ensuremath{-}",
    "†": r"\ensuremath{\dagger}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "≥": r"\ensuremath{\geq}",
    "≤": r"\ensuremath{\leq}",
}


def render(document: Document) -> dict[str, bytes]:
    """A table per sheet, the notes below."""
    parts = [part for sheet in document.sheets for part in _table(sheet)]
    notes = [f"\\noindent {escape(note)}\\par" for note in document.notes]
    lines = [*parts, "\\footnotesize", *notes, "\\end{document}", ""]
    return {".tex": (_HEAD + "\n".join(lines)).encode()}


def _table(sheet: Sheet) -> Iterator[str]:
    kinds = "".join("l" if column.text else "r" for column in sheet.columns)
    yield "\\begin{center}"
    if sheet.title:
        yield f"{escape(sheet.title)}\\\\[4pt]"
    yield "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%"
    yield f"\\begin{{tabular}}{{l{kinds}}}\n\\toprule"
    heads = [_bold(sheet.label), *map(_head, sheet.columns)]
    yield " & ".join(heads) + r" \\"
    for block in sheet.blocks:
        yield r"\midrule"
        for line in block:
            label = _bold(line.label) if line.strong else escape(line.label)
            yield " & ".join([label, *map(_field, line.fields)]) + r" \\"
            if any(field.small for field in line.fields):
                small = (f"\\racrosmall{{{escape(field.small)}}}" for field in line.fields)
                yield " & ".join(["", *small]) + r" \\"
    yield "\\bottomrule\n\\end{tabular}}\n\\end{center}"


def _head(column: Column) -> str:
    small = f" \\racrosmall{{{escape(column.small)}}}" if column.small else ""
    return _bold(column.title) + small


def _field(field: Field) -> str:
    text = _bold(field.text) if field.best else escape(field.text)
    if field.difference is None:
        return text
    macro = "racrodown" if round(field.difference, 1) < 0 else "racroup"
    return f"{text} \\{macro}{{${field.difference:+.1f}$}}"


def _bold(text: str) -> str:
    return f"\\textbf{{{escape(text)}}}"


def escape(text: str) -> str:
    """Text with LaTeX's special characters escaped; others than pdflatex's are code points."""
    letters = "".join(map(_letter, " ".join(printable(text).split())))
    # After a line break (two backslashes), a bracket or a star would be its argument.
    return f"{{}}{letters}" if letters.startswith(("[", "*")) else letters


def _letter(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii() or "\u00c0" <= character <= "\u00ff":
        return character
    return f"\\texttt{{U+{ord(character):04X}}}"
