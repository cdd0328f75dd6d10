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
    from racro_eval.errors import RacroError
    from racro_eval.grading import Status, Verdict, extract_answer, is_equivalent
    from racro_eval.pipeline.config import RunConfig
    from racro_eval.pipeline.execution import RunReport, run
    from racro_eval.scoring.profiles import grade

_HOMES = {
    "Benchmark": "racro_eval.data",
    "RacroError": "racro_eval.errors",
    "RunConfig": "racro_eval.pipeline.config",
    "RunReport": "racro_eval.pipeline.execution",
    "Sample": "racro_eval.data",
    "Status": "racro_eval.grading",
    "Verdict": "racro_eval.grading",
    "extract_answer": "racro_eval.grading",
    "grade": "racro_eval.scoring.profiles",
    "is_equivalent": "racro_eval.grading",
    "load_benchmark": "racro_eval.data",
    "run": "racro_eval.pipeline.execution",
}

__all__ = [
    "Benchmark",
    "RacroError",
    "RunConfig",
    "RunReport",
    "Sample",
    "Status",
    "Verdict",
    "extract_answer",
    "grade",
    "is_equivalent",
    "load_benchmark",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
