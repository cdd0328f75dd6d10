"""From what a user types to an entry of a model."""

from __future__ import annotations

from pathlib import Path

import pytest

import racro_eval
from racro_eval.engines.model_entry import ModelEntry, folder_name
from racro_eval.errors import MissingError, UnknownNameError
from racro_eval.models.resolve import builtin_models, resolve_model


def test_built_in_names() -> None:
    assert resolve_model("R1-7B").model == "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"
    assert resolve_model("Qwen3-8B").model == "Qwen/Qwen3-8B"
    assert all(name == entry.name for name, entry in builtin_models().items())


def test_models_that_ship_with_the_package_are_where_it_is_installed() -> None:
    entry = resolve_model("demo-reasoner-weak")
    folder = Path(racro_eval.__file__).parent / "demo" / "models" / "reasoner-weak"
    assert (entry.name, entry.local_folder) == ("demo-reasoner-weak", folder)
    assert entry.local_folder is not None and entry.local_folder.is_absolute()
    assert resolve_model("transformers:demo-reasoner-weak").model == entry.model
    shipped = [name for name, entry in builtin_models().items() if entry.local_folder]
    assert shipped == ["demo-captioner", "demo-reasoner", "demo-reasoner-weak"]


def test_own_entries_win() -> None:
    own = ModelEntry(name="R1-7B", model="me/mine", tp=4)
    assert resolve_model("R1-7B", [own]) is own


@pytest.mark.parametrize(
    ("text", "name", "model", "engine", "base_url"),
    [
        ("org/Some-Model", "Some-Model", "org/Some-Model", None, None),
        ("echo:any", "any", "any", "echo", None),
        ("transformers:org/x", "x", "org/x", "transformers", None),
        ("transformers:R1-7B", "R1-7B", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "transformers",
         None),
        ("echo:m@http://127.0.0.1:8000/v1", "m", "m", "echo", "http://127.0.0.1:8000/v1"),
    ],
)  # fmt: skip
def test_other_ways_to_name_a_model(
    text: str, name: str, model: str, engine: str | None, base_url: str | None
) -> None:
    entry = resolve_model(text)
    assert (entry.name, entry.model, entry.engine, entry.base_url) == (
        name,
        model,
        engine,
        base_url,
    )


def test_a_local_folder(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-100"
    folder.mkdir()
    entry = resolve_model(str(folder))
    assert (entry.name, entry.local_folder) == ("checkpoint-100", folder)
    with pytest.raises(MissingError, match="There is no model folder"):
        resolve_model(str(tmp_path / "nowhere"))
    with pytest.raises(MissingError, match="There is no model folder"):
        resolve_model("transformers:./nowhere")


@pytest.mark.parametrize("text", ["", "~nobody-here", "a\0b", "x" * 5000])
def test_a_text_that_cannot_be_a_folder_is_none(text: str) -> None:
    assert ModelEntry(name="m", model=text).local_folder is None
    with pytest.raises((MissingError, UnknownNameError)):
        resolve_model(text)


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"The nearest: R1-7B.*list models"):
        resolve_model("R1-7")


@pytest.mark.parametrize(
    ("name", "folder"),
    [("Qwen3-8B", "Qwen3-8B"), ("a/b c", "a-b-c"), ("../..", "model"), ("", "model")],
)
def test_names_become_safe_folder_names(name: str, folder: str) -> None:
    assert folder_name(name) == folder
