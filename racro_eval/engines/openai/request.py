"""From a request to the JSON body of OpenAI's chat API."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

from racro_eval.data.images import Image, decode
from racro_eval.engines.base import Request, Sampling
from racro_eval.engines.chat import Part, chat

_MEDIA_TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


def request_body(model: str, request: Request, template_kwargs: Mapping[str, Any]) -> bytes:
    """The body of a chat request to the model. Raises DataError if an image cannot be read."""
    content = {
        "model": model,
        "messages": chat(request.messages, [_image_part(image) for image in request.images]),
        **_parameters(request.sampling),
    }
    if template_kwargs:
        content["chat_template_kwargs"] = dict(template_kwargs)
    return json.dumps(content).encode()


def _image_part(image: Image) -> Part:
    return {"type": "image_url", "image_url": {"url": _data_url(image)}}


def _data_url(image: Image) -> str:
    """The image's own bytes if servers can read their format, else as PNG."""
    data = image.read()
    kind = next((name for start, name in _MEDIA_TYPES.items() if data.startswith(start)), None)
    if kind is None:
        buffer = io.BytesIO()
        decode(image).save(buffer, "PNG")
        data, kind = buffer.getvalue(), "image/png"
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _parameters(sampling: Sampling) -> dict[str, Any]:
    """Parameters of the API; those that only some servers know are sent only if they are set."""
    parameters: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if sampling.seed is not None:
        parameters["seed"] = sampling.seed
    if sampling.logprobs:
        parameters["logprobs"] = True
    if sampling.top_k:
        parameters["top_k"] = sampling.top_k
    if sampling.repetition_penalty != 1:
        parameters["repetition_penalty"] = sampling.repetition_penalty
    return parameters
