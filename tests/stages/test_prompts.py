"""The messages of each stage, for any caller: exactly those that a run sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from racro_eval.data import Sample, load_benchmark
from racro_eval.data.images import BytesImage, digest
from racro_eval.data.questions import SHORT_ANSWER
from racro_eval.engines.base import Message
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import UnknownNameError, UsageError
from racro_eval.pipeline.config import RunConfig
from racro_eval.pipeline.execution import run
from racro_eval.prompting import VARIANTS, load_prompts
from racro_eval.stages.prompts import caption_messages, reasoner_messages, tentative_messages
from racro_eval.stages.rows import Prompt
from tests.support.benchmarks import make_json_benchmark
from tests.support.results import only, read_csv

PROMPTS = load_prompts("racro")
ENTRY = ModelEntry(name="m", model="m", engine="echo")
SAMPLE = Sample("1", f"How many dots?\n{SHORT_ANSWER}", images=(BytesImage(b"x"),))


def user(messages: tuple[Message, ...]) -> str:
    return messages[-1].content


def test_only_captions_keep_the_short_answer_sentence() -> None:
    assert SHORT_ANSWER in user(caption_messages(SAMPLE, PROMPTS, ENTRY))
    assert SHORT_ANSWER not in user(tentative_messages(SAMPLE, PROMPTS, ENTRY))
    reasoned = reasoner_messages(SAMPLE, PROMPTS, ENTRY, caption="C", tentative="T")
    assert SHORT_ANSWER not in user(reasoned)


def test_a_generic_caption_does_not_know_the_question() -> None:
    assert "How many dots?" in user(caption_messages(SAMPLE, PROMPTS, ENTRY, "caption"))
    assert "How many dots?" not in user(caption_messages(SAMPLE, PROMPTS, ENTRY, "generic_caption"))


def test_a_role_that_is_none_of_captions_is_said() -> None:
    with pytest.raises(UsageError, match="'joint' is no role of captions"):
        caption_messages(SAMPLE, PROMPTS, ENTRY, "joint")


def test_a_model_that_wants_no_system_prompt_gets_none() -> None:
    plain = ENTRY.model_copy(update={"system_prompt": False})
    for entry, roles in ((ENTRY, ["system", "user"]), (plain, ["user"])):
        messages = caption_messages(SAMPLE, PROMPTS, entry)
        assert [message.role for message in messages] == roles


def test_the_reasoner_reads_answers_and_never_a_thought() -> None:
    messages = reasoner_messages(
        SAMPLE, PROMPTS, ENTRY, caption="<think>hm</think>Dots.", tentative="<think>open"
    )
    assert "Dots." in user(messages)
    assert "hm" not in user(messages) and "open" not in user(messages)


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.reasoner])
def test_a_variant_decides_which_texts_the_reasoner_reads(name: str) -> None:
    texts = {"caption": "CAPTION", "tentative": "TENTATIVE"}
    message = user(reasoner_messages(SAMPLE, PROMPTS, ENTRY, **texts, variant=name))
    assert ("CAPTION" in message) == (VARIANTS[name].caption is not None)
    assert ("TENTATIVE" in message) == VARIANTS[name].tentative


@pytest.mark.parametrize(
    ("texts", "variant", "complaint"),
    [
        ({"tentative": "T"}, "qcap+sol", "qcap.sol needs a caption"),
        ({"caption": "C"}, "qcap+sol", "needs a tentative answer"),
        ({}, "qa", "qa has no reasoner"),
    ],
)
def test_a_missing_text_is_said(texts: dict[str, str], variant: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        reasoner_messages(SAMPLE, PROMPTS, ENTRY, **texts, variant=variant)


def test_an_unknown_variant_is_said_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no variant 'qcap\+so'.*qcap\+sol"):
        reasoner_messages(SAMPLE, PROMPTS, ENTRY, variant="qcap+so")


def test_a_sample_without_images_needs_no_texts() -> None:
    messages = reasoner_messages(Sample("1", "1 + 1?"), PROMPTS, ENTRY)
    assert messages == PROMPTS["text_only"].render(question="1 + 1?")


def test_they_are_what_a_run_sends_to_the_byte(tmp_path: Path) -> None:
    path = make_json_benchmark(tmp_path, 4, without_image=(2,))
    run(
        RunConfig(
            data=[str(path)],
            mllm=["echo:m"],
            reasoner=["echo:m"],
            data_root=tmp_path,
            results=tmp_path / "results",
        )
    )
    benchmark = load_benchmark(str(path), data_root=tmp_path)
    rows = {
        stem: {row["index"]: row for row in read_csv(only(tmp_path / "results", stem))}
        for stem in ("caption", "tentative", "qcap+sol")
    }
    for sample in benchmark:
        images = [digest(image) for image in sample.images]
        texts: dict[str, str] = {}
        for stem, ask in (("caption", caption_messages), ("tentative", tentative_messages)):
            if sample.images:
                row = rows[stem][sample.index]
                sent = Prompt(ask(sample, PROMPTS, ENTRY), sample.images)
                assert row["prompt_sha256"] == sent.sha256(images)
                texts[stem] = row["prediction"]
        messages = reasoner_messages(sample, PROMPTS, ENTRY, **texts)
        assert rows["qcap+sol"][sample.index]["prompt_sha256"] == Prompt(messages, ()).sha256([])
