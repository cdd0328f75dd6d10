"""Engines are found by name, and nothing is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest

import racro_eval.engines
from racro_eval.engines import create_engine, engine_names
from racro_eval.engines.registry import ENGINES, EngineSpec, default_engine
from racro_eval.engines.vllm.devices import check_device
from racro_eval.errors import ConfigError, MissingError, UnknownNameError
from tests.engines.prompts import ask, entry, text_of


def test_names_are_sorted_and_hold_the_base_engines() -> None:
    assert engine_names() == sorted(engine_names())
    assert {"echo", "transformers"} <= set(engine_names())


def test_an_engine_is_created_by_name() -> None:
    engine = create_engine(entry("any/model"), "echo")
    assert engine.info.name == "echo"
    assert engine.info.model == "any/model"
    assert "boxed" in text_of(engine, ask("1", "What is 1 + 1?"))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no engine 'transformer'.*nearest: transformers"):
        create_engine(entry("any/model"), "transformer")


@pytest.mark.parametrize("name", ["echo", "openai"])
def test_of_every_option_is_decided_whether_it_may_change_the_text(name: str) -> None:
    """An engine says which options it knows; so far none of these changes a text."""
    if name == "openai" and not (find_spec("httpx2") or find_spec("openai")):
        pytest.skip("the extra `openai` is not installed")
    with pytest.raises(ConfigError, match="Its options are: ") as raised:
        create_engine(entry("any/model", options={"nonsense": 1}), name)
    known = set(str(raised.value).rpartition("Its options are: ")[2].rstrip(".").split(", "))
    assert known <= ENGINES[name].no_text


def test_a_missing_package_names_the_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("racro_eval.engines.trans")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingError, match=r"'torch': pip install 'racro-eval\[cpu\]'"):
        create_engine(entry("any/model"), "transformers")


@pytest.mark.parametrize("engine", ["vllm", "ray"])
def test_a_package_that_other_processes_need_is_missed_here(
    monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingError, match=rf"'vllm': pip install 'racro-eval\[{engine}\]'"):
        create_engine(entry("any/model"), engine)


def test_vllm_without_a_gpu_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = SimpleNamespace(is_unspecified=lambda: True)
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "vllm.platforms", SimpleNamespace(current_platform=platform))
    with pytest.raises(MissingError, match="vLLM finds no GPU for m"):
        check_device("m")


def test_a_slip_in_our_own_modules_is_not_blamed_on_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typo = EngineSpec("racro_eval.engines.typo:Typo", install="racro-eval[cpu]")
    monkeypatch.setitem(ENGINES.built_in, "typo", typo)
    with pytest.raises(ModuleNotFoundError, match="typo"):
        create_engine(entry("any/model"), "typo")


def test_importing_the_engines_imports_no_model_library() -> None:
    heavy = "{'torch', 'transformers', 'vllm', 'httpx2', 'ray'}"
    code = f"import sys, racro_eval.engines; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_public_names_are_sorted_and_exist() -> None:
    names = racro_eval.engines.__all__
    assert names == sorted(names)
    assert all(hasattr(racro_eval.engines, name) for name in names)


@pytest.mark.parametrize(
    ("has_gpu", "has_vllm", "engine"),
    [
        (True, True, "vllm"),
        (True, False, "transformers"),
        (False, True, "transformers"),
        (False, False, "transformers"),
    ],
)
def test_the_default_engine_is_vllm_where_it_can_run(
    monkeypatch: pytest.MonkeyPatch, has_gpu: bool, has_vllm: bool, engine: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/nvidia-smi" if has_gpu else None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if has_vllm else None)
    assert default_engine() == engine
