"""Offline is offline for the hub's libraries, from the command line and from Python alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from racro_eval.common.offline import go_offline, offline, variables
from tests.support.benchmarks import make_json_benchmark

NAMES = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")
SEEN = """
import json, os, subprocess, sys
def seen():
    child = [sys.executable, "-c", "import os; print(os.environ.get('HF_HUB_OFFLINE'))"]
    inherited = subprocess.run(child, capture_output=True, text=True).stdout.strip()
    import huggingface_hub, datasets.config
    return [
        huggingface_hub.is_offline_mode(),
        bool(datasets.config.HF_HUB_OFFLINE),
        os.environ.get("HF_HUB_OFFLINE"),
        inherited,
    ]
"""
RUN = """
from pathlib import Path
from racro_eval import RunConfig, run
from racro_eval.pipeline import group_runner
from racro_eval.engines.echo import EchoEngine
states = []
def engine(entry, name, max_images):
    states.append(seen())
    return EchoEngine(entry)
group_runner.create_engine = engine
def go(results, offline):
    run(RunConfig(data=[{data!r}], data_root={root!r}, mllm=["echo:m"], variant=["qa"],
                  results={root!r} + results, offline=offline))
"""


def program(text: str, small: Path) -> list[list[object]]:
    """What a fresh process has seen."""
    code = SEEN + RUN.format(data=str(small), root=str(small.parent)) + text
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", code + "\nprint(json.dumps(states))"],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    states: list[list[object]] = json.loads(done.stdout.splitlines()[-1])
    return states


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return make_json_benchmark(tmp_path, 2)


ONLINE = [False, False, None, "None"]
OFFLINE = [True, True, "1", "1"]


@pytest.mark.parametrize("imported", ["", "import datasets, huggingface_hub\n"])
def test_from_python_it_reaches_engines_and_their_processes_and_ends_with_the_run(
    small: Path, imported: str
) -> None:
    text = f"{imported}go('/a', True); states.append(seen()); go('/b', False)"
    assert program(text, small) == [OFFLINE, ONLINE, ONLINE]


def test_from_the_command_line_it_lasts(small: Path) -> None:
    command = f"['--data', {str(small)!r}, '--data-root', {str(small.parent)!r}, '--offline', "
    command += f"'--mllm', 'echo:m', '--variant', 'qa', '--results', '{small.parent}/r']"
    text = f"from racro_eval.cli import main\nassert main({command}) == 0\nstates.append(seen())"
    assert program(text, small) == [OFFLINE, OFFLINE]


def test_a_run_that_fails_leaves_the_process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError), offline(True):
        assert variables() == dict.fromkeys(NAMES, "1")
        raise RuntimeError
    assert variables() == {}


def test_who_was_offline_before_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    for name in NAMES:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with offline(False):
        assert huggingface_hub.is_offline_mode()
    with offline(True):
        go_offline()
    assert huggingface_hub.is_offline_mode()
    assert variables() == dict.fromkeys(NAMES, "1")
