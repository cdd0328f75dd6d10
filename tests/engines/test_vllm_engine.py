"""The vLLM engine, with real vLLM on the CPU and tiny models."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from racro_eval.data.images import BytesImage
from racro_eval.engines import Completion, Engine, Message, Request, Sampling, create_engine
from racro_eval.engines.loading import Loading
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import ConfigError, EngineError, MissingError
from racro_eval.stages.rows import row_seed
from tests.bench import counting
from tests.support.benchmarks import make_json_benchmark, picture
from tests.support.endless_loading import LOADING
from tests.support.results import only, read_csv
from tests.support.waiting import HANG_SECONDS, ends, wait_for

if importlib.util.find_spec("vllm") is None and not os.environ.get("RACRO_REQUIRE_VLLM"):
    reason = "vllm is not installed; `make test` installs its CPU build where it is to be had"
    pytest.skip(reason, allow_module_level=True)

pytestmark = [pytest.mark.slow, pytest.mark.model]

SEQUENCES = 4
"""How many requests vLLM works on at a time; the engine keeps twice as many in flight."""
SETTINGS = {"max_model_len": 1024, "options": {"max_num_seqs": SEQUENCES}}
GREEDY = Sampling(max_tokens=12)


def request(number: int, images: int = 0, sampling: Sampling = GREEDY) -> Request:
    shown = tuple(BytesImage(picture(number + n, (56, 28 * (n + 1)))) for n in range(images))
    messages = (Message("system", "Be brief."), Message("user", f"What is {number}?"))
    return Request(f"r{number}", messages, shown, sampling)


def texts(engine: Engine, requests: list[Request]) -> dict[str, str]:
    done = {completion.id: completion for completion in engine.stream(requests)}
    assert all(completion.error is None for completion in done.values())
    return {name: completion.texts[0] for name, completion in done.items()}


def descendants(pid: int) -> set[int]:
    out = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True).stdout
    pairs = [tuple(map(int, line.split())) for line in out.splitlines()[1:]]
    found, fresh = set[int](), {pid}
    while fresh:
        fresh = {child for child, parent in pairs if parent in fresh} - found
        found |= fresh
    return found


@pytest.fixture(scope="module")
def vlm(tiny_vlm: Path) -> Iterator[Engine]:
    engine = create_engine(
        ModelEntry(name="vlm", model=str(tiny_vlm), **SETTINGS), "vllm", max_images=2
    )
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def reasoner(tiny_reasoner: Path) -> Iterator[Engine]:
    engine = create_engine(ModelEntry(name="r", model=str(tiny_reasoner), **SETTINGS), "vllm")
    yield engine
    engine.close()


def test_it_says_what_it_runs_on(reasoner: Engine) -> None:
    assert reasoner.info.name == "vllm"
    assert {"vllm", "torch", "transformers"} <= set(reasoner.info.versions)


def test_greedy_text_is_that_of_transformers(reasoner: Engine, tiny_reasoner: Path) -> None:
    other = create_engine(
        ModelEntry(name="r", model=str(tiny_reasoner), max_model_len=1024), "transformers"
    )
    requests = [request(number) for number in range(20)]
    assert texts(reasoner, requests) == texts(other, requests)
    other.close()


def test_greedy_text_with_images_is_that_of_transformers(vlm: Engine, tiny_vlm: Path) -> None:
    other = create_engine(
        ModelEntry(name="vlm", model=str(tiny_vlm), max_model_len=1024), "transformers"
    )
    requests = [request(number, images=number % 3) for number in range(12)]
    ours, theirs = texts(vlm, requests), texts(other, requests)
    other.close()
    assert sum(ours[name] == theirs[name] for name in ours) >= 11


def test_a_seed_alone_decides_a_draw(reasoner: Engine) -> None:
    warm = [request(n, sampling=Sampling(temperature=1.0, max_tokens=12, seed=n)) for n in range(8)]
    together = texts(reasoner, warm)
    assert texts(reasoner, list(reversed(warm))) == together
    assert texts(reasoner, [warm[3]])["r3"] == together["r3"]
    other = request(3, sampling=Sampling(temperature=1.0, max_tokens=12, seed=99))
    assert texts(reasoner, [other])["r3"] != together["r3"]


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_tokens=12, logprobs=True),
        Sampling(max_tokens=12, logprobs=True, repetition_penalty=1.3),
    ],
    ids=["greedy", "with a penalty"],
)
def test_log_probabilities_are_those_of_transformers(
    reasoner: Engine, tiny_reasoner: Path, sampling: Sampling
) -> None:
    other = create_engine(
        ModelEntry(name="r", model=str(tiny_reasoner), max_model_len=1024), "transformers"
    )
    requests = [request(number, sampling=sampling) for number in range(8)]
    ours = {done.id: done for done in reasoner.stream(requests)}
    theirs = {done.id: done for done in other.stream(requests)}
    other.close()
    same = [name for name in ours if ours[name].texts == theirs[name].texts]
    assert len(same) >= 7
    for name in same:
        ((found,), (expected,)) = ours[name].token_logprobs, theirs[name].token_logprobs
        assert found == pytest.approx(expected, abs=1e-3)
        assert len(found) == ours[name].usage.completion_tokens
        assert max(found) <= 0
    (plain,) = reasoner.stream([request(1)])
    assert plain.token_logprobs is None


def test_the_samples_of_a_prompt_share_its_prefix_and_do_not_depend_on_each_other(
    reasoner: Engine,
) -> None:
    def draw(numbers: range) -> dict[str, str]:
        drawn = [
            Request(
                f"s{n}",
                request(1).messages,
                (),
                Sampling(temperature=1.0, max_tokens=12, seed=row_seed(0, "1", n)),
            )
            for n in numbers
        ]
        return texts(reasoner, drawn)

    eight = draw(range(8))
    assert len(set(eight.values())) > 4
    assert draw(range(5, 8)) == {name: eight[name] for name in ("s5", "s6", "s7")}


def test_the_failure_of_one_request_is_data(vlm: Engine) -> None:
    bad_image = Request("bad", request(1).messages, (BytesImage(b"no image"),), GREEDY)
    too_long = Request("long", (Message("user", "word " * 5000),), (), GREEDY)
    line = BytesImage(picture(3, (2000, 2)), "line.png")
    thin = Request("thin", request(1).messages, (line,), GREEDY)
    bad = [bad_image, too_long, thin, request(7, images=3)]
    done = {c.id: c for c in vlm.stream([request(1, 1), *bad, request(2, 1)])}
    assert done["r1"].error is None and done["r2"].error is None
    assert "cannot be decoded" in (done["bad"].error or "")
    assert re.fullmatch(
        r"The prompt has \d{4,} tokens, without its images, but the context of vlm is 1024 "
        r"tokens, with the answer\.",
        done["long"].error or "",
    )
    assert "aspect ratio" in (done["thin"].error or "")
    assert "At most 2 image(s)" in (done["r7"].error or "")
    for name in ("bad", "long", "thin", "r7"):
        assert done[name].texts == ()
        assert "\n" not in (done[name].error or "")


def test_memory_is_set_aside_for_the_images_that_the_limits_allow(tiny_vlm: Path) -> None:
    code = (
        "import sys\n"
        "from vllm.multimodal import MULTIMODAL_REGISTRY\n"
        "from vllm.multimodal.encoder_budget import MultiModalBudget\n"
        "from racro_eval.engines.vllm.model import engine_args\n"
        "from racro_eval.engines.model_entry import ModelEntry\n"
        "for limit in (None, 7 * 28 * 28):\n"
        "    entry = ModelEntry(name='m', model=sys.argv[1], max_pixels=limit)\n"
        "    config = engine_args(entry, max_images=3).create_engine_config()\n"
        "    budget = MultiModalBudget(config, MULTIMODAL_REGISTRY)\n"
        "    print('most', budget.mm_max_toks_per_item['image'], budget.mm_limits['image'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny_vlm)], capture_output=True, text=True, check=True
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("most")]
    assert found == ["most 16 3", "most 7 3"], "tokens of the largest image, images of a prompt"


def test_completions_count_tokens_and_say_why_they_ended(reasoner: Engine) -> None:
    (done,) = reasoner.stream([request(5)])
    assert done.finish_reasons in (("length",), ("stop",))
    assert done.usage.prompt_tokens > 5
    assert 1 <= done.usage.completion_tokens <= 12
    assert done.latency_s > 0


def test_requests_are_pulled_no_further_than_the_window(reasoner: Engine) -> None:
    pulled = 0

    def counted() -> Iterator[Request]:
        nonlocal pulled
        for number in range(100):
            pulled += 1
            yield request(number)

    stream = reasoner.stream(counted())
    next(stream)
    assert pulled <= 8, "twice max_num_seqs"
    assert len(list(stream)) == 99


def test_images_are_read_within_the_window_only(vlm: Engine) -> None:
    class Counted:
        reads = 0

        def __init__(self, number: int) -> None:
            self.name, self.number = f"{number}.png", number

        def read(self) -> bytes:
            Counted.reads += 1
            return picture(self.number)

    requests = [Request(f"r{n}", request(n).messages, (Counted(n),), GREEDY) for n in range(30)]
    stream = vlm.stream(requests)
    next(stream)
    assert Counted.reads <= 8, "twice max_num_seqs"
    assert all(completion.error is None for completion in stream)
    assert Counted.reads == 30


def test_tensor_parallelism_over_two_processes_does_not_change_the_text(
    reasoner: Engine, tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    both = create_engine(ModelEntry(name="r", model=str(tiny_reasoner), tp=2, **SETTINGS), "vllm")
    requests = [request(number) for number in range(8)]
    ours, theirs = texts(both, requests), texts(reasoner, requests)
    both.close()
    assert sum(ours[name] == theirs[name] for name in ours) >= 7


def test_two_replicas_give_the_same_text_and_encode_no_image_twice(
    vlm: Engine, tiny_vlm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = tmp_path / "counts"
    counting.make(counts)
    monkeypatch.setenv(counting.VARIABLE, str(counts))
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    options = {
        "max_num_seqs": SEQUENCES,
        "worker_extension_cls": "tests.bench.counting_worker.Extension",
    }
    entry = ModelEntry(name="vlm", model=str(tiny_vlm), dp=2, max_model_len=1024, options=options)
    before = descendants(os.getpid())
    copies = create_engine(entry, "vllm", max_images=2)
    names = [_name(pid) for pid in descendants(os.getpid()) - before]
    assert sum("EngineCore" in name for name in names) == 2, names
    # as the captions and tentative answers of ten rows follow each other
    pairs = [
        Request(f"r{n}", request(n).messages, request(n // 2, images=1).images, GREEDY)
        for n in range(20)
    ]
    ours, theirs = texts(copies, pairs), texts(vlm, pairs)
    copies.close()
    assert sum(ours[name] == theirs[name] for name in ours) >= 18
    _, encoded = counting.read(counts)
    assert encoded == 10


@pytest.mark.parametrize(
    ("more", "kind", "sentence"),
    [
        ({"options": {"max_num_sequences": 4}}, ConfigError, "no engine argument 'max_num_seq"),
        ({"tp": 3}, ConfigError, "r has 4 attention heads, which 3 GPUs cannot share"),
        ({"tp": "auto"}, MissingError, "tp: auto needs a GPU for r"),
        ({"model": "/nowhere/at/all"}, MissingError, "There is no model folder"),
    ],
)
def test_the_error_for_a_model_that_cannot_start_says_why(
    tiny_reasoner: Path,
    more: dict[str, object],
    kind: type[Exception],
    sentence: str,
) -> None:
    entry = ModelEntry.model_validate(
        {"name": "r", "model": str(tiny_reasoner), **SETTINGS, **more}
    )
    before = descendants(os.getpid())
    with pytest.raises(kind, match=sentence) as caught:
        create_engine(entry, "vllm")
    assert "\n" not in str(caught.value)
    assert still_alive(descendants(os.getpid()) - before) == []


def slow_run(
    folder: Path, model: Path, tokens: int, copies: int = 1
) -> tuple[subprocess.Popen[str], set[int]]:
    """A run of 60 rows that has finished a few of them, and the processes that it started."""
    make_json_benchmark(folder, 60)
    config = {
        "data": str(folder / "Small.yaml"),
        "data_root": str(folder),
        "variant": "none",
        "reasoner": "r",
        "results": str(folder / "results"),
        "models": [
            {
                "name": "r",
                "model": str(model),
                "engine": "vllm",
                "dp": copies,
                "sampling": {"max_tokens": tokens},
                **SETTINGS,
            }
        ],
    }
    (folder / "sweep.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "racro_eval", "--config", str(folder / "sweep.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: _rows(folder) >= 5, process)
    return process, descendants(process.pid)


@pytest.mark.parametrize("copies", [1, 2])
def test_an_engine_that_is_killed_ends_its_stage_and_keeps_its_rows(
    tmp_path: Path, tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    process, children = slow_run(tmp_path, tiny_reasoner, tokens=200, copies=copies)
    cores = [pid for pid in children if "EngineCore" in _name(pid)]
    assert len(cores) == copies, f"among {[_name(pid) for pid in children]}"
    os.kill(cores[0], signal.SIGKILL)
    complaints = ends(process)
    assert process.returncode == 3, complaints
    assert "vLLM with r ended" in complaints
    kept = read_csv(only(tmp_path / "results", "none"))
    assert 5 <= len(kept) < 60
    assert still_alive(children) == []


def test_ctrl_c_cancels_what_is_in_flight_and_keeps_what_is_finished(
    tmp_path: Path, tiny_reasoner: Path
) -> None:
    process, children = slow_run(tmp_path, tiny_reasoner, tokens=800)
    finished = _rows(tmp_path)
    process.send_signal(signal.SIGINT)
    complaints = ends(process)
    assert process.returncode == 130, complaints
    assert complaints.splitlines()[-1].startswith("racro-eval: Interrupted.")
    kept = read_csv(only(tmp_path / "results", "none"))
    assert finished <= len(kept) < finished + 2 * SEQUENCES, "what was in flight was waited for"
    assert all(row["error"] == "" for row in kept)
    assert still_alive(children) == []


def _rows(folder: Path) -> int:
    return sum(len(read_csv(path)) for path in folder.glob("results/*/*/*/none-????????.csv"))


def _name(pid: int) -> str:
    """Name and command line of a process; empty if it has ended."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
        # A process that has ended and waits for its parent to notice has no command line.
        return Path(f"/proc/{pid}/comm").read_text() + command if command else ""
    except OSError:
        return ""


def still_alive(pids: set[int]) -> list[str]:
    """Names of those of the processes that never end."""
    deadline = time.monotonic() + HANG_SECONDS
    while (alive := [name for pid in pids if (name := _name(pid))]) and time.monotonic() < deadline:
        time.sleep(0.2)
    return alive


@pytest.mark.parametrize("copies", [1, 2])
def test_no_engine_outlives_a_killed_run(
    tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch, copies: int
) -> None:
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
    code = (
        "import sys, time\n"
        "from racro_eval.engines import create_engine\n"
        "from racro_eval.engines.model_entry import ModelEntry\n"
        f"entry = ModelEntry(name='r', model=sys.argv[1], dp={copies}, max_model_len=1024)\n"
        "engine = create_engine(entry, 'vllm')\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_reasoner)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    children = descendants(process.pid)
    assert children
    process.kill()
    process.communicate()
    assert still_alive(children) == []


def test_no_loading_outlives_a_killed_run(tmp_path: Path, tiny_reasoner: Path) -> None:
    code = (
        "import sys\n"
        "from racro_eval.engines import create_engine\n"
        "from racro_eval.engines.model_entry import ModelEntry\n"
        "options = {'worker_extension_cls': 'tests.support.endless_loading.Extension'}\n"
        "entry = ModelEntry(name='r', model=sys.argv[1], max_model_len=1024, options=options)\n"
        "create_engine(entry, 'vllm')\n"
    )
    mark = tmp_path / "loading"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny_reasoner)],
        env={**os.environ, LOADING: str(mark)},
        text=True,
    )
    wait_for(mark.exists, process)
    children = descendants(process.pid)
    process.kill()
    process.communicate()
    assert len(children) > 1, "vLLM's own processes were there"
    assert still_alive(children) == []


def endless(model: Path) -> ModelEntry:
    """A model whose loading never ends."""
    options = {"worker_extension_cls": "tests.support.endless_loading.Extension"}
    return ModelEntry(name="r", model=str(model), max_model_len=1024, options=options)


def test_a_model_that_never_loads_is_an_error_with_the_last_line_of_the_log(
    tmp_path: Path, tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "loading"
    monkeypatch.setenv(LOADING, str(mark))

    class UntilItHangs(Loading):
        def check(self) -> None:
            """Time is up when the loading has begun to hang, however slow the machine is."""
            if mark.exists():
                raise self.timeout_error()

    before = descendants(os.getpid())
    loading = UntilItHangs("r")
    sentence = r"r was still loading after \d+ s"
    with pytest.raises(EngineError, match=sentence) as caught, loading.limited():
        create_engine(endless(tiny_reasoner), "vllm")
    assert "The last line of its log: " in str(caught.value)
    assert str(loading).startswith("r is still loading after ")
    assert "\n" not in str(caught.value) and "\x1b" not in str(caught.value)
    assert still_alive(descendants(os.getpid()) - before) == []


@pytest.mark.parametrize("whom", ["the child", "all of it"])
def test_a_child_that_dies_while_it_loads_is_an_error_at_once(
    tmp_path: Path, tiny_reasoner: Path, monkeypatch: pytest.MonkeyPatch, whom: str
) -> None:
    mark = tmp_path / "loading"
    monkeypatch.setenv(LOADING, str(mark))
    before = descendants(os.getpid())

    class Killing(Loading):
        def check(self) -> None:
            if mark.exists():
                children = descendants(os.getpid()) - before
                victims = [pid for pid in children if "vllm.worker" in _name(pid)]
                for pid in victims if whom == "the child" else children:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    with pytest.raises(EngineError, match="vLLM with r ended: "), Killing("r").limited():
        create_engine(endless(tiny_reasoner), "vllm")
    assert still_alive(descendants(os.getpid()) - before) == []


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_engine_that_is_not_closed_ends_with_its_last_reference(tiny_reasoner: Path) -> None:
    before = descendants(os.getpid())
    engine = create_engine(ModelEntry(name="r", model=str(tiny_reasoner), **SETTINGS), "vllm")
    children = descendants(os.getpid()) - before
    assert children
    del engine
    gc.collect()
    assert still_alive(children) == []


def test_a_completion_of_an_unread_image_is_its_rows_error(vlm: Engine) -> None:
    class Gone:
        name = "gone.png"

        def read(self) -> bytes:
            from racro_eval.errors import DataError

            raise DataError("The image gone.png cannot be read: it is gone.")

    done: list[Completion] = list(
        vlm.stream([Request("gone", request(1).messages, (Gone(),), GREEDY), request(2, 1)])
    )
    errors = {completion.id: completion.error for completion in done}
    assert errors == {"gone": "The image gone.png cannot be read: it is gone.", "r2": None}
