"""racro-eval: evaluate decoupled multimodal reasoning.

    from racro_eval import RunConfig, run
    report = run(RunConfig(data=["MathVision_MINI"], reasoner=["R1-7B"]))

Names are imported when they are first used, so that `import racro_eval` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from racro_eval.data import Benchmark, Sample, load_benchmark
    from racro_eval.data.images import BytesImage, FileImage
    from racro_eval.engines.base import Completion, Engine, Message, Request, Sampling
    from racro_eval.engines.model_entry import ModelEntry
    from racro_eval.engines.registry import create_engine
    from racro_eval.errors import RacroError
    from racro_eval.grading import Status, Verdict, extract_answer, is_equivalent
    from racro_eval.models.resolve import resolve_model
    from racro_eval.pipeline.config import RunConfig
    from racro_eval.pipeline.execution import run
    from racro_eval.pipeline.report import RunReport
    from racro_eval.prompting import load_prompts
    from racro_eval.scoring.profiles import grade
    from racro_eval.stages.captioner import Captioner
    from racro_eval.stages.prompts import caption_messages, reasoner_messages, tentative_messages
    from racro_eval.stages.reasoner import Reasoner

_HOMES = {
    "Benchmark": "racro_eval.data",
    "BytesImage": "racro_eval.data.images",
    "Captioner": "racro_eval.stages.captioner",
    "Completion": "racro_eval.engines.base",
    "Engine": "racro_eval.engines.base",
    "FileImage": "racro_eval.data.images",
    "Message": "racro_eval.engines.base",
    "ModelEntry": "racro_eval.engines.model_entry",
    "RacroError": "racro_eval.errors",
    "Reasoner": "racro_eval.stages.reasoner",
    "Request": "racro_eval.engines.base",
    "RunConfig": "racro_eval.pipeline.config",
    "RunReport": "racro_eval.pipeline.report",
    "Sample": "racro_eval.data",
    "Sampling": "racro_eval.engines.base",
    "Status": "racro_eval.grading",
    "Verdict": "racro_eval.grading",
    "caption_messages": "racro_eval.stages.prompts",
    "create_engine": "racro_eval.engines.registry",
    "extract_answer": "racro_eval.grading",
    "grade": "racro_eval.scoring.profiles",
    "is_equivalent": "racro_eval.grading",
    "load_benchmark": "racro_eval.data",
    "load_prompts": "racro_eval.prompting",
    "reasoner_messages": "racro_eval.stages.prompts",
    "resolve_model": "racro_eval.models.resolve",
    "run": "racro_eval.pipeline.execution",
    "tentative_messages": "racro_eval.stages.prompts",
}

__all__ = [
    "Benchmark",
    "BytesImage",
    "Captioner",
    "Completion",
    "Engine",
    "FileImage",
    "Message",
    "ModelEntry",
    "RacroError",
    "Reasoner",
    "Request",
    "RunConfig",
    "RunReport",
    "Sample",
    "Sampling",
    "Status",
    "Verdict",
    "caption_messages",
    "create_engine",
    "extract_answer",
    "grade",
    "is_equivalent",
    "load_benchmark",
    "load_prompts",
    "reasoner_messages",
    "resolve_model",
    "run",
    "tentative_messages",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
