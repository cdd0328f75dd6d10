"""The settings of a run; the command line and a sweep file have the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from racro_eval.data.questions import QuestionStyle
from racro_eval.engines.model_entry import ModelEntry, TensorParallel
from racro_eval.prompting import DEFAULT_VARIANT, VARIANTS
from racro_eval.scoring.profiles import DEFAULT_PROFILE, Profile
from racro_eval.settings import Strict
from racro_eval.store.shards import Shard

DEFAULT_MLLM = "RACRO-7B-CRO-GRPO"
"""The paper's released captioner."""
DEFAULT_RESULTS = Path("results")


class RunConfig(Strict):
    """A run: the cross product of benchmarks, MLLMs, reasoners and variants.

    data: benchmark names or YAML paths. mllm, reasoner, answerer: models as `models.resolve_model`
    takes them; the answerer writes the tentative answers in place of the MLLM. prompts: a prompt
    set. caption_file, tentative_file: CSVs to use in place of a model's texts. index: these rows
    only; limit: at most so many; shard: every N-th of them, as i/N. samples: answers per row and
    reasoner. seed: base of all rows' seeds. models: own model entries. max_failures: failed rows
    that still count as success. load_timeout: seconds that loading one model may take; None for no
    limit.

    >>> from racro_eval import RunConfig
    >>> config = RunConfig(data="Demo_MINI", reasoner=["R1-7B", "Qwen3-8B"], samples=4)
    >>> config.data, config.variant
    (('Demo_MINI',), ('qcap+sol',))
    """

    data: tuple[str, ...] = Field(min_length=1)
    mllm: tuple[str, ...] = (DEFAULT_MLLM,)
    reasoner: tuple[str, ...] = ()
    answerer: str | None = None
    variant: tuple[str, ...] = (DEFAULT_VARIANT,)
    prompts: str = "racro"
    question_style: QuestionStyle = "racro"
    """Question text of the paper's evaluation code, or the benchmark's own prompt."""
    caption_file: Path | None = None
    tentative_file: Path | None = None
    limit: int | None = Field(None, gt=0)
    index: tuple[str, ...] | None = None
    shard: Shard | None = None
    samples: int = Field(1, ge=1)
    seed: int = 0
    engine: str | None = None
    tp: TensorParallel | None = None
    dp: int | None = Field(None, ge=1)
    results: Path = DEFAULT_RESULTS
    data_root: Path | None = None
    offline: bool = False
    dry_run: bool = False
    max_failures: int = Field(0, ge=0)
    load_timeout: float | None = Field(None, gt=0, le=31_536_000)
    scoring: Profile = DEFAULT_PROFILE
    """Whose rules grade the answers (`scoring/profiles.py`)."""
    judge: str | None = None
    """A model that decides the rows in which those rules find no answer; it has its own score."""
    models: tuple[ModelEntry, ...] = ()

    @field_validator("data", "mllm", "reasoner", "variant", "index", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        """A list may be written as a single name, and indices as numbers."""
        items = list(value) if isinstance(value, (list, tuple)) else [value]
        return None if value is None else [str(item) for item in items]

    @field_validator("shard", mode="before")
    @classmethod
    def _parsed_shard(cls, value: Any) -> Any:
        return Shard.parse(value) if isinstance(value, str) else value

    @field_validator("data", "mllm", "reasoner", "variant", "index")
    @classmethod
    def _without_duplicates(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else tuple(dict.fromkeys(value))

    @field_validator("variant")
    @classmethod
    def _checked_variants(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in VARIANTS:
                raise ValueError(f"there is no variant {name!r}; known: {', '.join(VARIANTS)}")
        return value
