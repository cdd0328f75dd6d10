"""From messages and images to a chat as chat templates and OpenAI's API take it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from racro_eval.engines.base import Message

Part = dict[str, Any]
"""A part of a message's content: {"type": "text", "text": ...}, or something for an image."""


def chat(
    messages: Iterable[Message], images: Sequence[Part] = (), *, always_parts: bool = False
) -> list[dict[str, Any]]:
    """One {"role": ..., "content": ...} per message, the images before the text of the user.

    images: a part for each image; what it holds depends on who reads the chat. always_parts:
    whether the content of a message without images is a list of parts too, as many templates of
    vision-language models require, and not plain text.

    >>> chat([Message("system", "S"), Message("user", "U")], [{"type": "image"}])[1]["content"]
    [{'type': 'image'}, {'type': 'text', 'text': 'U'}]
    """

    def content(message: Message) -> str | list[Part]:
        shown = images if message.role == "user" else ()
        if not shown and not always_parts:
            return message.content
        return [*shown, {"type": "text", "text": message.content}]

    return [{"role": message.role, "content": content(message)} for message in messages]
