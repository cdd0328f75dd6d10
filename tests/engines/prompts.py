"""Requests, pictures and model entries for the specs of engines."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image as pillow

from racro_eval.data.images import BytesImage
from racro_eval.engines import Completion, Engine, Message, Request, Sampling
from racro_eval.engines.model_entry import ModelEntry

UNREADABLE = BytesImage(b"\x89PNG and then nothing of the kind", name="broken.png")


def entry(model: Path | str, **settings: Any) -> ModelEntry:
    return ModelEntry(name=Path(model).name, model=str(model), **settings)


def ask(id: str, text: str, *images: BytesImage, **sampling: Any) -> Request:
    """A request of one user message; at most 12 new tokens unless told."""
    sampling.setdefault("max_tokens", 12)
    return Request(id, (Message("user", text),), images, Sampling(**sampling))


def picture(width: int, height: int, shade: int = 0) -> BytesImage:
    """A PNG with a gradient; another shade is another picture."""
    image = pillow.linear_gradient("L").resize((width, height)).convert("RGB")
    buffer = io.BytesIO()
    image.point(lambda value: (value + shade) % 256).save(buffer, "PNG")
    return BytesImage(buffer.getvalue(), name=f"{width}x{height}.png")


def by_id(engine: Engine, requests: Iterable[Request]) -> dict[str, Completion]:
    """All completions; one for each request, or the spec fails."""
    requests = list(requests)
    completions = list(engine.stream(requests))
    assert sorted(c.id for c in completions) == sorted(r.id for r in requests)
    return {completion.id: completion for completion in completions}


def text_of(engine: Engine, request: Request) -> str:
    """The text of one request completed alone."""
    (completion,) = engine.stream([request])
    assert completion.error is None
    return completion.texts[0]


def texts(engine: Engine, requests: Iterable[Request]) -> dict[str, str]:
    """The text of each request, all completed in one stream."""
    completions = by_id(engine, requests)
    assert [c.error for c in completions.values() if c.error] == []
    return {id: completion.texts[0] for id, completion in completions.items()}
