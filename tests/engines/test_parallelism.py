"""`tp: auto`: how many GPUs a copy of a model takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from racro_eval.cli import main
from racro_eval.engines import create_engine
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.engines.vllm.model_size import model_size
from racro_eval.engines.vllm.parallelism import Gpus, ModelSize, check_tp, choose_sizes
from racro_eval.errors import ConfigError, MissingError, RacroError

GIB = 1 << 30


def qwen(gigabytes: float, layers: int, heads: int, kv_heads: int) -> ModelSize:
    return ModelSize(int(gigabytes * 1e9), heads, kv_heads, 2 * layers * kv_heads * 128 * 2, 32768)


# Sizes of the published checkpoints in 16 bits.
QWEN_3B = qwen(7.5, layers=36, heads=16, kv_heads=2)
QWEN_7B = qwen(16.6, layers=28, heads=28, kv_heads=4)
QWEN_32B = qwen(66.9, layers=64, heads=40, kv_heads=8)
QWEN_72B = qwen(146.8, layers=80, heads=64, kv_heads=8)


@pytest.mark.parametrize(
    ("size", "count", "memory", "replicas", "expected", "why"),
    [
        (QWEN_7B, 1, 80, 1, (1, 1), "fits one"),
        (QWEN_7B, 8, 80, 1, (1, 8), "fits one: the others hold replicas"),
        (QWEN_7B, 8, 16, 1, (2, 4), "does not fit one of 16 GiB"),
        (QWEN_3B, 4, 24, 1, (1, 4), "a small model on consumer cards"),
        (QWEN_32B, 4, 80, 1, (2, 2), "weights fit one, keys and values do not"),
        (QWEN_32B, 4, 141, 1, (1, 4), "an H200 holds both"),
        (QWEN_32B, 3, 80, 1, (2, 1), "the third GPU cannot hold a copy"),
        (QWEN_72B, 8, 80, 1, (4, 2), "two hold the weights, but nothing else; three do not divide"),
        (QWEN_72B, 2, 141, 1, (2, 1), "two H200"),
        (QWEN_7B, 8, 80, 4, (1, 4), "four replicas were asked for"),
        (QWEN_72B, 8, 80, 2, (4, 2), "two replicas share eight GPUs"),
    ],
)  # fmt: skip
def test_the_fewest_gpus_that_hold_a_model_and_replicas_on_the_others(
    size: ModelSize, count: int, memory: int, replicas: int, expected: tuple[int, int], why: str
) -> None:
    assert choose_sizes("m", size, Gpus(count, memory * GIB), 0.9, replicas) == expected, why


def test_less_memory_to_use_takes_more_gpus() -> None:
    assert choose_sizes("m", QWEN_7B, Gpus(2, 40 * GIB), 0.9) == (1, 2)
    assert choose_sizes("m", QWEN_7B, Gpus(2, 40 * GIB), 0.4) == (2, 1)


def test_a_short_context_needs_less_room() -> None:
    short = ModelSize(QWEN_32B.weight_bytes, 40, 8, QWEN_32B.kv_bytes_per_token, context=2048)
    assert choose_sizes("m", short, Gpus(2, 80 * GIB), 0.9) == (1, 2)


@pytest.mark.parametrize(
    ("size", "gpus", "replicas", "sentence"),
    [
        (QWEN_72B, Gpus(2, 24 * GIB), 1, "m does not fit: its weights take 136.7 GiB, and 2 GPUs"),
        (QWEN_72B, Gpus(4, 80 * GIB), 2, "cannot hold 2 replicas of it"),
        (QWEN_7B, Gpus(0, 0), 1, "tp: auto needs a GPU for m, and there is none"),
    ],
)
def test_what_does_not_fit_is_an_error(
    size: ModelSize, gpus: Gpus, replicas: int, sentence: str
) -> None:
    with pytest.raises(MissingError, match=sentence):
        choose_sizes("m", size, gpus, 0.9, replicas)


def test_a_number_of_gpus_that_cannot_share_the_heads_is_refused() -> None:
    check_tp("m", QWEN_7B, 4)
    with pytest.raises(ConfigError, match="28 attention heads, which 8 GPUs cannot share; tp can"):
        check_tp("m", QWEN_7B, 8)
    with pytest.raises(ConfigError, match=r"tp can be 1, 2, 4, 28\."):
        check_tp("m", QWEN_7B, 7)


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", ""])
def test_a_size_that_makes_no_sense_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", "Demo", f"--tp={text}", "--dry-run"]) == 2
    assert capsys.readouterr().err == (
        f"racro-eval: The command line: tp: a whole number of at least 1, or auto, not {text!r}.\n"
    )


TEXT = {
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "max_position_embeddings": 131072,
}


@pytest.mark.parametrize("inside", [False, True], ids=["text model", "vision-language model"])
def test_a_models_size_is_read_from_its_small_files(tmp_path: Path, inside: bool) -> None:
    config = {"text_config": TEXT, "vision_config": {"num_heads": 16}} if inside else TEXT
    (tmp_path / "config.json").write_text(json.dumps(config))
    index = {"metadata": {"total_size": 15_231_233_024}, "weight_map": {}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    entry = ModelEntry(name="m", model=str(tmp_path), max_model_len=32768)
    assert model_size(entry) == ModelSize(15_231_233_024, 28, 4, 2 * 28 * 4 * 128 * 2, 32768)


def test_without_an_index_the_weight_files_count(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**TEXT, "head_dim": 64}))
    (tmp_path / "model.safetensors").write_bytes(b"x" * 1000)
    assert model_size(ModelEntry(name="m", model=str(tmp_path))) == ModelSize(
        1000, 28, 4, 2 * 28 * 4 * 64 * 2, 131072
    )


@pytest.mark.parametrize("config", [None, "{}", "not JSON", '{"num_attention_heads": 0}'])
def test_a_size_that_cannot_be_read_is_an_error(tmp_path: Path, config: str | None) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"x")
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(MissingError, match="give tp a number"):
        model_size(ModelEntry(name="m", model=str(tmp_path)))


@pytest.mark.parametrize("engine", ["openai", "transformers"])
def test_engines_of_one_process_take_no_tp(tmp_path: Path, engine: str) -> None:
    pytest.importorskip({"openai": "httpx2", "transformers": "torch"}[engine])
    entry = ModelEntry(name="m", model=str(tmp_path), base_url="http://127.0.0.1:9", tp="auto")
    with pytest.raises(RacroError, match="tp and dp"):
        create_engine(entry, engine)
