"""The one place where messages and images become a chat."""

from __future__ import annotations

from racro_eval.engines.base import Message
from racro_eval.engines.chat import chat

MESSAGES = (Message("system", "S"), Message("user", "U"))
IMAGES = [{"type": "image", "number": 1}, {"type": "image", "number": 2}]


def test_text_alone_stays_text() -> None:
    assert chat(MESSAGES) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U"},
    ]


def test_images_come_before_the_text_of_the_user_and_nowhere_else() -> None:
    assert chat(MESSAGES, IMAGES) == [
        {"role": "system", "content": "S"},
        {"role": "user", "content": [*IMAGES, {"type": "text", "text": "U"}]},
    ]


def test_text_alone_can_be_a_list_of_parts_too() -> None:
    assert chat(MESSAGES, always_parts=True) == [
        {"role": "system", "content": [{"type": "text", "text": "S"}]},
        {"role": "user", "content": [{"type": "text", "text": "U"}]},
    ]
