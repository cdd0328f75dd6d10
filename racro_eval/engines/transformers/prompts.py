"""From requests to a model's input tensors, and from its token ids back to text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jinja2 import TemplateError

from racro_eval.data.images import decode
from racro_eval.engines.base import Request
from racro_eval.engines.chat import chat
from racro_eval.errors import DataError, MissingError
from racro_eval.thought import reopened, thought_tokens

_PATCH_AREA = 28 * 28  # pixels that become about one token, in the Qwen-VL family
_USUAL_MAX_PIXELS = 1280 * _PATCH_AREA


class Prompts:
    """The chat template, the processor and the tokenizer of one model.

    Some chat templates end the prompt with an opening `<think>`, so that the answer starts inside
    the thought and has only the closing `</think>`. If a truncated answer has neither, the tag is
    put in front of it; otherwise a box inside the thought would count as its answer.
    """

    def __init__(
        self,
        tokenizer: Any,
        processor: Any | None,
        template_kwargs: dict[str, Any],
        min_pixels: int | None = None,
        max_pixels: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._processor = processor
        self._template = _chat_template(tokenizer, processor)
        self._template_kwargs = template_kwargs
        self._size = _size(processor, min_pixels, max_pixels)
        self._most_pixels = max_pixels or _USUAL_MAX_PIXELS
        self._dropped_ids = _dropped_ids(tokenizer)

    @property
    def takes_images(self) -> bool:
        """Whether the model reads images."""
        return self._processor is not None

    def render(self, request: Request) -> str:
        """The prompt as text, with one placeholder for each image.

        Raises DataError if there are images but the model takes text only, or if its chat template
        rejects the messages, as some reject a system message.
        """
        if request.images and self._processor is None:
            raise DataError("The request has images, but the model reads text only.")
        placeholders = [{"type": "image"} for _ in request.images]
        conversation = chat(request.messages, placeholders, always_parts=self.takes_images)
        try:
            text: str = self._tokenizer.apply_chat_template(
                conversation,
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=True,
                **self._template_kwargs,
            )
        except TemplateError as error:
            raise DataError(self._refusal(request, str(error))) from error
        return text

    def _refusal(self, request: Request, reason: str) -> str:
        has_system = any(message.role == "system" for message in request.messages)
        advice = " `system_prompt: false` in its entry leaves the system message out."
        return (
            f"The chat template of {self._tokenizer.name_or_path} refuses the messages: "
            f"{reason.rstrip('.')}.{advice if has_system else ''}"
        )

    def length(self, request: Request, text: str) -> int:
        """The number of tokens of a rendered prompt: exact without images, approximate with images.

        Raises DataError if an image cannot be read or decoded.
        """
        tokens = len(self.ids(text))
        for image in request.images:
            width, height = decode(image).size
            tokens += min(width * height, self._most_pixels) // _PATCH_AREA
        return tokens

    def ids(self, text: str) -> list[int]:
        """The token ids of a rendered prompt; the placeholder of an image is a single token."""
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return tokens

    def encode(self, requests: Sequence[Request], texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """The model's inputs for a batch, padded on the left. Opens the images of all requests."""
        if self._processor is None:
            return dict(
                self._tokenizer(
                    list(texts),
                    padding=True,
                    add_special_tokens=False,
                    return_token_type_ids=False,
                    return_tensors="pt",
                )
            )
        images = [[decode(image) for image in request.images] for request in requests]
        return dict(
            self._processor(
                text=list(texts),
                images=images if any(images) else None,
                text_kwargs={"padding": True, "add_special_tokens": self._needs_bos(texts[0])},
                images_kwargs=self._size,
                return_tensors="pt",
            )
        )

    def _needs_bos(self, text: str) -> bool:
        """Whether the tokenizer must add the BOS token because the chat template has not."""
        bos = self._tokenizer.bos_token
        return bos is not None and not text.startswith(bos)

    def text(self, ids: Sequence[int], prompt: str) -> str:
        """The ids of an answer as text, without special tokens except the tags of a thought.

        prompt: the rendered prompt, which may have opened the thought.
        """
        kept = [i for i in ids if i not in self._dropped_ids]
        text: str = self._tokenizer.decode(
            kept, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return reopened(prompt, text)


def _chat_template(tokenizer: Any, processor: Any | None) -> str:
    template = getattr(processor, "chat_template", None) or tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    if not template:
        raise MissingError(
            f"The model {tokenizer.name_or_path} has no chat template; use a model made for chat."
        )
    return str(template)


def _size(processor: Any | None, least: int | None, most: int | None) -> dict[str, Any]:
    """The argument of an image processor that limits the area of an image, in pixels.

    Image processors still call these areas "edges".
    """
    if processor is None or (least is None and most is None):
        return {}
    own = dict(processor.image_processor.size)
    return {
        "size": {
            "shortest_edge": least or own["shortest_edge"],
            "longest_edge": most or own["longest_edge"],
        }
    }


def _dropped_ids(tokenizer: Any) -> frozenset[int]:
    """Ids of the special tokens, except those that separate the thought from the answer."""
    special = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    special |= set(tokenizer.all_special_ids)
    tokens = dict(
        zip(tokenizer.convert_ids_to_tokens(sorted(special)), sorted(special), strict=True)
    )
    kept = thought_tokens(tokens.keys())
    return frozenset(i for token, i in tokens.items() if token not in kept)
