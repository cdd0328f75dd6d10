"""A loaded captioner and reasoner are asked as a run asks them, and so answer as in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval import Captioner, ModelEntry, Reasoner, RunConfig, load_benchmark, load_prompts, run
from racro_eval.engines.model_entry import SamplingOverrides
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv

DRAWS, SEED = 2, 7
ENTRIES = (
    ModelEntry(name="m", model="m", engine="echo", sampling=SamplingOverrides(temperature=0.5)),
    ModelEntry(name="r", model="r", engine="echo", system_prompt=False),
)


@pytest.mark.parametrize("variant", ["qcap+sol", "cap", "sol", "none"])
def test_they_answer_as_in_a_run(tmp_path: Path, variant: str) -> None:
    path = make_json_benchmark(tmp_path, 4, without_image=(2,))
    results = tmp_path / "results"
    run(
        RunConfig(
            data=[str(path)],
            mllm=["m"],
            reasoner=["r"],
            variant=[variant],
            models=ENTRIES,
            samples=DRAWS,
            seed=SEED,
            data_root=tmp_path,
            results=results,
        )
    )
    expected = [
        (row["index"], row["sample"], row["prediction"], row["seed"])
        for row in read_csv(only(results, variant))
    ]
    prompts = load_prompts("racro")
    answered = []
    with Captioner(ENTRIES[0]) as captioner, Reasoner(ENTRIES[1]) as reasoner:
        for sample in load_benchmark(str(path), data_root=tmp_path):
            role = "generic_caption" if variant == "cap" else "caption"
            caption, tentative = captioner.answer(
                [
                    captioner.caption_request(sample, prompts, role, seed=SEED),  # type: ignore[arg-type]
                    captioner.tentative_request(sample, prompts, seed=SEED),
                ]
            )
            asked = [
                reasoner.request(
                    sample,
                    prompts,
                    caption=caption.texts[0],
                    tentative=tentative.texts[0],
                    variant=variant,
                    seed=SEED,
                    draw=draw,
                )
                for draw in range(DRAWS)
            ]
            for draw, (request, completion) in enumerate(
                zip(asked, reasoner.answer(asked), strict=True)
            ):
                seed = str(request.sampling.seed)
                answered.append((sample.index, str(draw), completion.texts[0], seed))
    assert answered == expected
