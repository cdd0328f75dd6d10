"""Loading a model with transformers: from the hub, its cache, or a folder on this machine.

Code that comes with a model is never executed.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from racro_eval.engines.model_entry import model_folder
from racro_eval.engines.transformers.process_settings import quiet
from racro_eval.engines.transformers.prompts import Prompts
from racro_eval.errors import ConfigError, EngineError, MissingError, RacroError

if TYPE_CHECKING:
    from racro_eval.engines.model_entry import ModelEntry

_TOKENIZER_FILES = ("tokenizer.json", "*.model", "vocab.*", "tekken.json", "*.tiktoken")
_PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
_WEIGHT_FILES = ("*.safetensors", "*.bin")
_DTYPES = ("auto", "bfloat16", "float16", "float32")


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """A model that is ready to generate, with its tokenizer and processor.

    processor: None for a model that takes text only. eos_ids: every id that ends an answer.
    context: the limit of tokens of prompt and answer together; None if the model has none.
    """

    model: Any
    tokenizer: Any
    processor: Any | None
    eos_ids: frozenset[int]
    context: int | None


def load_model(entry: ModelEntry, device: torch.device) -> LoadedWeights:
    """Load the model of an entry onto a device, without transformers' progress bars and advice.

    Raises MissingError for missing files of the model or packages, ConfigError for a setting
    that this model does not have, EngineError if transformers cannot load it.
    """
    dtype = _dtype(entry.dtype, device)
    with _translated_errors(entry):
        return _load(entry, device, dtype)


@contextmanager
def _translated_errors(entry: ModelEntry) -> Iterator[None]:
    """Translate the errors of transformers into ours; hide its progress bars and warnings."""
    try:
        with quiet():
            yield
    except RacroError:
        raise
    except ImportError as error:
        raise MissingError(
            f"The model {entry.model} needs a package that is not installed: {_first_line(error)}"
        ) from error
    except OSError as error:  # transformers raises it for missing files and unknown names
        raise MissingError(
            f"The model {entry.model} cannot be found: {_first_line(error)}"
        ) from error
    except Exception as error:
        raise EngineError(
            f"The model {entry.model} cannot be loaded: {type(error).__name__}: "
            f"{_first_line(error)}"
        ) from error


def load_prompts(entry: ModelEntry) -> Prompts:
    """The prompts of a model without its weights. Raises what `load_model` raises."""
    with _translated_errors(entry):
        _, tokenizer, processor = _load_text_side(entry)
        return make_prompts(entry, tokenizer, processor)


def make_prompts(entry: ModelEntry, tokenizer: Any, processor: Any | None) -> Prompts:
    """The prompts for a loaded tokenizer and processor, with the entry's settings."""
    return Prompts(
        tokenizer,
        processor,
        entry.chat_template_kwargs,
        min_pixels=entry.min_pixels,
        max_pixels=entry.max_pixels,
    )


def _load_text_side(entry: ModelEntry) -> tuple[Any, Any, Any | None]:
    """The model's config, its tokenizer, and its processor if it reads images."""
    name, where = _place(entry)
    config = transformers.AutoConfig.from_pretrained(name, **where)
    vision = getattr(config, "vision_config", None) is not None
    if entry.local_folder is not None:
        _check_files(entry.local_folder, vision=vision)
    if vision:
        processor = _load_processor(name, config, where)
        tokenizer = processor.tokenizer
    else:
        processor = None
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **where)
    _check_pixel_limits(entry, processor)
    return config, tokenizer, processor


def _load(entry: ModelEntry, device: torch.device, dtype: torch.dtype) -> LoadedWeights:
    config, tokenizer, processor = _load_text_side(entry)
    name, where = _place(entry)
    kind = transformers.AutoModelForCausalLM
    if processor is not None:
        kind = transformers.AutoModelForImageTextToText
    tokenizer.padding_side = "left"  # an answer continues its prompt without a gap
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = kind.from_pretrained(name, config=config, dtype=dtype, **where).to(device).eval()
    if getattr(model, "_hf_peft_config_loaded", False):
        raise ConfigError(
            f"{entry.name} is an adapter, and its fingerprint does not include its base model: "
            "merge the two into one checkpoint."
        )
    eos_ids = _eos_ids(model.generation_config, tokenizer)
    # Keep only the ids: the model's own sampling defaults would apply to every request.
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=sorted(eos_ids) or None, pad_token_id=tokenizer.pad_token_id
    )
    return LoadedWeights(model, tokenizer, processor, eos_ids, _context(entry, config))


def _place(entry: ModelEntry) -> tuple[str, dict[str, Any]]:
    """What to load, and how. A folder on this machine is never looked up on the hub."""
    where: dict[str, Any] = {"trust_remote_code": False}
    if (folder := model_folder(entry.model)) is not None:
        return str(folder), where | {"local_files_only": True}
    return entry.model, where | ({"revision": entry.revision} if entry.revision else {})


def _check_files(folder: Path, *, vision: bool) -> None:
    """Raise MissingError if a part of a model folder is missing; transformers would ask the hub."""
    wanted = {"tokenizer": _TOKENIZER_FILES, "weights": _WEIGHT_FILES}
    if vision:
        wanted["image processor"] = _PROCESSOR_FILES
    for part, patterns in wanted.items():
        if not any(next(folder.glob(pattern), None) for pattern in patterns):
            raise MissingError(
                f"The model folder {folder} has no {part}: it contains none of "
                f"{', '.join(patterns)}."
            )


def _load_processor(name: str, config: Any, where: dict[str, Any]) -> Any:
    """The model's own processor; without torchvision, the same one without its video part."""
    try:
        return transformers.AutoProcessor.from_pretrained(name, **where)
    except (ImportError, ValueError) as error:  # which of them depends on the model's files
        images_only = _images_only(transformers.PROCESSOR_MAPPING.get(type(config), None))
        if images_only is None or "torchvision" not in str(error).lower():
            raise
        return images_only.from_pretrained(name, **where)


def _images_only(processor_class: Any) -> Any | None:
    """The processor class without video, or None if it takes more than images and text.

    transformers needs torchvision for video processors, but not for images. `from_pretrained` loads
    the parts that are parameters of the constructor, so this constructor leaves one out.
    """
    if processor_class is None:
        return None
    known = {"self", "image_processor", "tokenizer", "video_processor", "chat_template", "kwargs"}
    if not set(inspect.signature(processor_class.__init__).parameters) <= known:
        return None

    def __init__(
        self: Any, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None
    ) -> None:
        processor_class.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return type(processor_class.__name__, (processor_class,), {"__init__": __init__})


def _check_pixel_limits(entry: ModelEntry, processor: Any | None) -> None:
    if entry.min_pixels is None and entry.max_pixels is None:
        return
    if processor is None:
        raise ConfigError(f"The model {entry.name} takes text only: it has no pixel limits to set.")
    known = getattr(processor.image_processor.valid_kwargs, "__annotations__", {})
    if "max_pixels" not in known:
        raise ConfigError(f"The image processor of {entry.name} has no pixel limits to set.")


def load_eos_ids(entry: ModelEntry) -> frozenset[int]:
    """Every id that ends an answer, without loading the model. Raises what `load_model` raises."""
    with _translated_errors(entry):
        _, tokenizer, _ = _load_text_side(entry)
        name, where = _place(entry)
        try:
            config = transformers.GenerationConfig.from_pretrained(name, **where)
        except OSError:  # a model does not have to have one
            config = transformers.GenerationConfig()
        return _eos_ids(config, tokenizer)


def _eos_ids(generation_config: Any, tokenizer: Any) -> frozenset[int]:
    own = generation_config.eos_token_id
    ids = own if isinstance(own, list) else [own]
    return frozenset(i for i in [*ids, tokenizer.eos_token_id] if i is not None)


def _context(entry: ModelEntry, config: Any) -> int | None:
    own = getattr(config.get_text_config(), "max_position_embeddings", None)
    limits = [limit for limit in (entry.max_model_len, own) if limit]
    return min(limits, default=None)


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name not in _DTYPES:
        raise ConfigError(f"There is no dtype {name!r}: it is one of {', '.join(_DTYPES)}.")
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
