"""Words of a server or a model, made fit to stand in a sentence of ours."""

from __future__ import annotations

from racro_eval.common.redaction import redacted

MOST = 300
"""Characters of a quotation."""


def quoted(text: str, most: int = MOST) -> str:
    """The text on one line, without control and direction characters, shortened to `most`."""
    text = redacted(text)  # before it is cut, so that no half of a secret stays
    start = text[: 20 * most]  # a text of many megabytes is not gone through for its beginning
    words = "".join(c if c.isprintable() else " " for c in start).split()
    line = " ".join(words)
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
