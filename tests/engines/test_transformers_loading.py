"""Loading models: what is refused, in which words, and what of a model's files counts."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from racro_eval.engines import Engine, create_engine
from racro_eval.errors import ConfigError, EngineError, MissingError
from tests.engines.prompts import ask, entry, picture, text_of, texts

pytestmark = pytest.mark.model


@pytest.fixture
def vlm_copy(tiny_vlm: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_vlm, tmp_path / "vlm")


@pytest.fixture
def reasoner_copy(tiny_reasoner: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_reasoner, tmp_path / "reasoner")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def start(model: Path | str, **settings: Any) -> Engine:
    return create_engine(entry(model, **settings), "transformers")


@pytest.mark.usefixtures("no_network")
def test_a_local_folder_never_touches_the_network(tiny_vlm: Path, tiny_reasoner: Path) -> None:
    assert text_of(start(tiny_vlm), ask("1", "x", picture(40, 40)))
    assert text_of(start(tiny_reasoner), ask("1", "x"))


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("config.json", r"is not a model: it has no config\.json"),
        ("tokenizer.json", r"has no tokenizer: it contains none of tokenizer\.json"),
        (
            "preprocessor_config.json",
            r"has no image processor: it contains none of preprocessor_config\.json",
        ),
        ("model.safetensors", r"has no weights: it contains none of \*\.safetensors"),
        ("chat_template.jinja", r"has no chat template"),
    ],
)
def test_the_error_for_an_incomplete_folder_names_what_is_missing(
    vlm_copy: Path, file: str, sentence: str
) -> None:
    (vlm_copy / file).unlink()
    with pytest.raises(MissingError, match=sentence) as caught:
        start(vlm_copy)
    assert str(vlm_copy) in str(caught.value)


def test_a_missing_folder_is_not_looked_up(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="There is no model folder"):
        start(tmp_path / "nowhere")


def test_a_hub_model_that_cannot_be_had_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingError, match="The model nobody/nothing cannot be found") as caught:
        start("nobody/nothing", revision="main")
    assert "\n" not in str(caught.value)


def test_broken_weights_are_one_sentence(reasoner_copy: Path) -> None:
    weights = reasoner_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(EngineError, match="reasoner cannot be loaded: Safetensor") as caught:
        start(reasoner_copy)
    assert "\n" not in str(caught.value)


def test_an_unknown_architecture_is_one_sentence(reasoner_copy: Path) -> None:
    (reasoner_copy / "config.json").write_text('{"model_type": "of_tomorrow"}')
    with pytest.raises(EngineError, match=r"cannot be loaded: ValueError.*of_tomorrow"):
        start(reasoner_copy)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tp": 2}, "tp and dp must be 1 for tiny-reasoner; the engine 'vllm'"),
        ({"dp": 2}, "tp and dp must be 1"),
        ({"quantization": "fp8"}, "does not quantise weights"),
        ({"dtype": "int3"}, "no dtype 'int3': it is one of auto, bfloat16, float16, float32"),
        ({"options": {"batch": 4}}, "no option 'batch'. Its options are: batch_size, window"),
        ({"options": {"batch_size": 0}}, "whole number of at least 1, not 0"),
        ({"max_pixels": 784}, "tiny-reasoner takes text only"),
    ],
)
def test_settings_of_other_engines_and_models_are_refused(
    tiny_reasoner: Path, settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        start(tiny_reasoner, **settings)


def test_an_adapter_is_refused_for_its_base_is_not_identified(
    tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mixin = "transformers.integrations.peft.PeftAdapterMixin._hf_peft_config_loaded"
    monkeypatch.setattr(mixin, True)
    with pytest.raises(ConfigError, match=r"is an adapter.*merge the two into one checkpoint"):
        start(tiny_reasoner)


def test_the_commit_of_an_entry_is_what_is_loaded_though_the_branch_has_moved(
    tiny_reasoner: Path, tmp_path: Path
) -> None:
    """In a process of its own: the hub's libraries read their variables when they are imported."""
    repo = tmp_path / "hub" / "models--org--m"
    commits = {"a" * 40: "first", "b" * 40: "second"}
    for commit, said in commits.items():
        snapshot = shutil.copytree(tiny_reasoner, repo / "snapshots" / commit)
        (snapshot / "chat_template.jinja").write_text(said)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("a" * 40)
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from racro_eval import RunConfig\nfrom racro_eval.pipeline.locating import locate_model\n"
        "from racro_eval.engines.transformers import loading\n"
        "import torch\n"
        "model = locate_model('transformers:org/m', RunConfig(data=['x'], offline=True))\n"
        "Path(sys.argv[1]).write_text('b' * 40)\n"
        "loaded = loading.load_model(model.entry, torch.device('cpu'))\n"
        "print(model.fingerprint, loaded.tokenizer.chat_template, loaded.model.name_or_path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(repo / "refs" / "main")],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["a" * 40, "first", "org/m"]


def test_a_dtype_can_be_chosen(tiny_vlm: Path) -> None:
    assert text_of(start(tiny_vlm, dtype="bfloat16"), ask("1", "x", picture(40, 40)))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("video_preprocessor_config.json", {"video_processor_type": "Qwen2VLVideoProcessor"}),
        (
            "processor_config.json",
            {
                "processor_class": "Qwen2_5_VLProcessor",
                "video_processor": {"video_processor_type": "Qwen2VLVideoProcessor"},
            },
        ),
    ],
)
def test_the_video_part_of_a_processor_is_not_needed(
    vlm_copy: Path, captioner: Engine, file: str, content: dict[str, Any]
) -> None:
    (vlm_copy / file).write_text(json.dumps(content))
    request = ask("1", "Describe.", picture(99, 60))
    assert text_of(start(vlm_copy), request) == text_of(captioner, request)


def test_the_sampling_defaults_of_a_model_do_not_leak(
    reasoner_copy: Path, reasoner: Engine
) -> None:
    defaults = {"do_sample": True, "temperature": 0.1, "top_k": 1, "repetition_penalty": 9.0}
    change_generation_config(reasoner_copy, defaults | {"max_new_tokens": 3, "num_beams": 2})
    requests = [ask("greedy", "What is x?"), ask("hot", "x", temperature=1.0, seed=1)]
    assert texts(start(reasoner_copy), requests) == texts(reasoner, requests)


def test_the_end_tokens_of_a_model_count(reasoner_copy: Path, reasoner: Engine) -> None:
    requests = [ask("1", "What is x?"), ask("2", "What is the area? " * 5)]
    assert all(texts(reasoner, requests).values())
    change_generation_config(reasoner_copy, {"eos_token_id": list(range(9, 448))})
    for completion in start(reasoner_copy).stream(requests):
        assert completion.finish_reasons == ("stop",)
        assert completion.texts == ("",)
        assert completion.usage.completion_tokens == 1


def test_a_tokenizer_without_padding_pads_with_its_end_token(
    reasoner_copy: Path, reasoner: Engine
) -> None:
    path = reasoner_copy / "tokenizer_config.json"
    config = json.loads(path.read_text())
    del config["pad_token"]
    path.write_text(json.dumps(config))
    requests = [ask("1", "What is x?"), ask("2", "What is the area? " * 5)]
    assert texts(start(reasoner_copy), requests) == texts(reasoner, requests)


def test_pixel_limits_are_refused_for_processors_without_them(vlm_copy: Path) -> None:
    path = vlm_copy / "preprocessor_config.json"
    path.write_text(json.dumps({"image_processor_type": "ViTImageProcessor"}))
    with pytest.raises(ConfigError, match="image processor of vlm has no pixel limits"):
        start(vlm_copy, max_pixels=784)


def change_generation_config(folder: Path, values: dict[str, Any]) -> None:
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
