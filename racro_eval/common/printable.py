"""Text of models, servers and files, made safe to show.

Characters are escaped (as `\\x1b`, `\\u202e`) if they could control a terminal, change the text
direction, end a line other than by a line feed, or hide text: control characters, bidirectional
marks, line separators, invisible format characters, fillers and tags, and what UTF-8 cannot encode.

Text in every script stays readable. The joiners U+200C and U+200D are kept between two non-ASCII
characters, as in Persian and in joined emoji; so are variation selectors (U+FE0F makes an emoji).
"""

from __future__ import annotations

import json
import re

from racro_eval.common.redaction import redacted

_HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters except line feed and tab
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # invisible
    "\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # directions, separators
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # surrogates and noncharacters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # format characters, tags
    "\u200c\u200d]"
)
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    """The text with secrets redacted and control and invisible characters escaped."""
    return _HIDDEN.sub(_escape, redacted(text))


def printable_json(text: str) -> str:
    """JSON text with hidden characters as JSON escapes; its meaning does not change."""
    return _HIDDEN.sub(lambda match: json.dumps(match.group())[1:-1], text)


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in _JOINERS and _is_joining(match):
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _is_joining(match: re.Match[str]) -> bool:
    before = match.string[max(match.start() - 1, 0) : match.start()]
    after = match.string[match.end() : match.end() + 1]
    return before > "\x7f" and after > "\x7f" and before not in _JOINERS
