"""What the demo's models are trained on: the pipeline's own prompts, as tokens and tensors."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch

from racro_eval import RunConfig, load_benchmark
from racro_eval.demo.problems import problem, render
from racro_eval.demo.train import chains
from racro_eval.demo.train.batches import POOL, Batches, picture_patches, prompt_ids
from racro_eval.demo.train.lessons import (
    CAPTIONER_ROLES,
    PROMPT_SETS,
    REASONER_ROLES,
    Lesson,
    captioner_lesson,
    chat,
    reasoner_lesson,
)
from racro_eval.demo.train.tokenizer import CONTROL, EOS, IMAGE, build_tokenizer, phrases
from racro_eval.pipeline.jobs import Job
from racro_eval.pipeline.planning import make_plan
from racro_eval.prompting import PROMPTS, VARIANTS
from racro_eval.stages.rows import Digests

pytestmark = pytest.mark.model

TOKENIZER = build_tokenizer()


def lessons(number: int = 4000) -> list[Lesson]:
    rng = random.Random(5)
    half = number // 2
    captioner = [captioner_lesson(rng, at / half) for at in range(half)]
    return captioner + [reasoner_lesson(rng, 0.0) for _ in range(half)]


def test_every_prompt_set_is_learnt() -> None:
    assert sorted(PROMPT_SETS) == sorted(PROMPTS)


@pytest.mark.parametrize("prompts", PROMPT_SETS)
def test_lessons_ask_what_the_pipeline_asks(prompts: str, tmp_path: Path) -> None:
    benchmark = load_benchmark("Demo")
    problems = {str(number): problem(10_000_000, number) for number in range(8)}
    texts = {
        "caption": {index: made.caption for index, made in problems.items()},
        "tentative": {i: chains.tentative(made, made.value) for i, made in problems.items()},
    }
    for name, rows in texts.items():
        lines = [f'"{index}","{text}"' for index, text in rows.items()]
        (tmp_path / name).write_text("\n".join(['"index","prediction"', *lines]), "utf-8")
    common: dict[str, Any] = {"data": "Demo", "mllm": "echo:m", "reasoner": "echo:r"}
    common |= {"prompts": prompts, "limit": len(problems)}
    files = {f"{name}_file": tmp_path / name for name in texts}
    everything = set(VARIANTS) - {"qa"}
    jobs: list[Job] = list(
        make_plan(RunConfig(**common, variant=("cap", "cap+sol", "qcap"))).perceive[0]
    )
    jobs += make_plan(RunConfig(**common, **files, variant=tuple(everything))).reason[0]
    roles = set()
    for job in jobs:
        for row in job.rows(Digests()):
            name = row.file.labels["variant"]
            role = (VARIANTS[name].reasoner or "tentative") if job.stage == "reason" else name
            role = "tentative" if role == "qa" else role
            roles.add(role)
            values = {name: rows[row.index] for name, rows in texts.items()}
            asked = chat(prompts, role, benchmark[row.index].question, **values)
            assert row.prompt.messages == asked
    assert roles == {*CAPTIONER_ROLES, *REASONER_ROLES}


def test_targets_are_of_the_problem() -> None:
    for lesson in lessons(400):
        made = lesson.problem
        if lesson.seen:
            options = {made.caption, chains.tentative(made, made.value), chains.VAGUE[made.skill]}
            assert lesson.target in options
        elif "values are not given" not in lesson.target:
            assert lesson.target == chains.solution(made)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_survives_the_tokenizer(text: str) -> None:
    ids = TOKENIZER(text)["input_ids"]
    assert TOKENIZER.decode(ids, clean_up_tokenization_spaces=False) == text


def test_texts_of_the_demo_are_short() -> None:
    for lesson in lessons():
        answer = TOKENIZER(lesson.target)["input_ids"]
        assert TOKENIZER.decode(answer) == lesson.target
        assert len(answer) < 100
        assert len(prompt_ids(TOKENIZER, lesson)) < 100


def test_every_phrase_is_one_token() -> None:
    assert len(TOKENIZER) == len(CONTROL) + 256 + len(phrases())
    for phrase in phrases():
        assert len(TOKENIZER(phrase)["input_ids"]) == 1, phrase


@pytest.mark.parametrize("lesson", [captioner_lesson, reasoner_lesson])
def test_batches(lesson: object) -> None:
    batches = Batches(TOKENIZER, lesson, 4, 100, "a seed", prompt_weight=0.5)  # type: ignore[arg-type]
    first, eighth = batches[0], batches[POOL]
    again = batches[0]  # made again: the pool of the eighth has taken its place
    assert torch.equal(first.ids, again.ids)
    assert first.ids.shape != eighth.ids.shape or not torch.equal(first.ids, eighth.ids)
    for ids, weights in zip(first.ids.tolist(), first.weights.tolist(), strict=True):
        end = max(at for at, weight in enumerate(weights) if weight)
        start = weights.index(1.0)
        assert ids[end] == TOKENIZER.convert_tokens_to_ids(EOS)
        assert set(ids[end + 1 :]) <= {TOKENIZER.pad_token_id}
        assert weights[1:start] == [0.5] * (start - 1)
    if first.starts is not None:
        image = TOKENIZER.convert_tokens_to_ids(IMAGE)
        for ids, start in zip(first.ids.tolist(), first.starts.tolist(), strict=True):
            assert ids[start : start + 16] == [image] * 16
            assert ids.count(image) == 16


def test_patches_are_those_of_the_processor() -> None:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    lesson = captioner_lesson(random.Random(1), 0.0)
    processor = Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=112 * 112)
    theirs = processor(images=[render(lesson.problem)], return_tensors="pt")["pixel_values"]
    frames = theirs.view(64, 3, 2, 196)
    ours = picture_patches([lesson])[0].view(64, 3, 196)
    for frame in range(2):
        torch.testing.assert_close(frames[:, :, frame], ours, atol=1e-5, rtol=0)
