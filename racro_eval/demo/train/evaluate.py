"""The scores of the models, through the real pipeline.

    python -m racro_eval.demo.train.evaluate racro_eval/demo/models --seed 20000000

Without a seed, it is the Demo benchmark itself.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from racro_eval.data.spec import load_spec
from racro_eval.demo.problems import SKILLS, problem
from racro_eval.engines.model_entry import ModelEntry, SamplingOverrides
from racro_eval.leaderboard.collect import collect, find_graded
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.execution import run
from racro_eval.scoring.metrics.registry import Part
from racro_eval.stages.own_texts import read_predictions
from racro_eval.store.sidecar import read_sidecar

CAPTIONER, REASONERS = "captioner", ("reasoner", "reasoner-weak")
_SAMPLING = SamplingOverrides(max_tokens=128)
"""Trained models need less; without it, a model that never ends its answers takes hours."""
VARIANTS = ("qa", "none", "cap", "cap+sol", "sol", "qcap", "qcap+sol")


def evaluate(
    models: Path, seed: int | None = None, count: int | None = None, prompts: str = "racro"
) -> str:
    """Run the Demo benchmark, or one of another seed or size, with the models in a folder.

    Returns a Markdown table: right answers in percent, by skill. Raises RacroError.
    """
    with tempfile.TemporaryDirectory() as folder:
        benchmark, results = Path(folder) / "Demo.yaml", Path(folder) / "results"
        seed = _write_benchmark(benchmark, seed, count)
        report = run(
            RunConfig(
                data=(str(benchmark),),
                mllm=(CAPTIONER,),
                reasoner=REASONERS,
                variant=VARIANTS,
                prompts=prompts,
                results=results,
                models=tuple(
                    ModelEntry(name=name, model=str(models / name), sampling=_SAMPLING)
                    for name in (CAPTIONER, *REASONERS)
                ),
            )
        )
        if report.errors:
            raise report.errors[0]
        return "\n".join(_table(results, seed))


def exact_captions(path: Path, seed: int) -> dict[str, Part]:
    """How many captions of a CSV are exactly those of the problems, by skill."""
    parts: dict[str, Part] = {skill: Part() for skill in SKILLS}
    for index, caption in read_predictions(path).items():
        item = problem(seed, int(index))
        parts[item.skill].rows += 1
        parts[item.skill].correct += caption == item.caption
    return parts


def _write_benchmark(path: Path, seed: int | None, count: int | None) -> int:
    """Write the Demo benchmark's spec with another seed or size. Returns the seed."""
    content = load_spec("Demo").model_dump(mode="json", exclude_unset=True)
    (source,) = content["sources"]
    source["seed"] = source["seed"] if seed is None else seed
    content["rows"] = source["count"] = source["count"] if count is None else count
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return int(source["seed"])


def _table(results: Path, seed: int) -> Iterator[str]:
    yield f"| | {' | '.join(SKILLS)} | all |"
    yield "|---|" + "---|" * (len(SKILLS) + 1)
    for path in results.glob(f"Demo/{CAPTIONER}/caption-*.csv"):
        if read_sidecar(path)["labels"]["variant"] == "caption":
            yield _line("caption exactly right", exact_captions(path, seed))
    cells = {(cell.variant, cell.reasoner): cell for cell in collect(find_graded(results))}
    for variant in VARIANTS:
        for reasoner in REASONERS if variant != "qa" else (None,):
            parts = cells[variant, reasoner].score.breakdowns["skill"]
            yield _line(f"{variant}, {reasoner}" if reasoner else variant, parts)


def _line(label: str, parts: Mapping[str, Part]) -> str:
    whole = Part(sum(p.correct for p in parts.values()), sum(p.rows for p in parts.values()))
    numbers = [f"{part.percent:.0f}" for part in (parts[skill] for skill in SKILLS)]
    return f"| {label} | {' | '.join(numbers)} | {whole.percent:.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m racro_eval.demo.train.evaluate", description="Score the demo's models."
    )
    parser.add_argument("models", type=Path, help="folder with the three models' folders")
    parser.add_argument("--seed", type=int, help="of the problems (that of Demo)")
    parser.add_argument("--count", type=int, help="how many problems (400)")
    parser.add_argument("--prompts", default="racro", help="prompt set (%(default)s)")
    arguments = parser.parse_args()
    print(evaluate(arguments.models, arguments.seed, arguments.count, arguments.prompts))


if __name__ == "__main__":
    main()
