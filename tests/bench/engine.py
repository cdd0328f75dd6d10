"""What the harness costs beside vLLM alone, on the same requests, in turns, in one run.

Captions and tentative answers of a benchmark's rows are asked for (a) from AsyncLLM with all
requests at once and nothing else, and (b) by the pipeline. Then, without a model: memory with many
rows, and a run whose rows are all cached. Run it with `make bench`; docs/performance.md says what
the figures mean. On a machine with a GPU, with a real model:

    python -m tests.bench.engine --model Qwen/Qwen2.5-VL-7B-Instruct --max-tokens 1024
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.bench import counting
from tests.support.benchmarks import make_json_benchmark
from tests.support.measured import peak_mib, run_measured
from tests.support.paths import ROOT

SIDES = ("alone", "harness")
GOALS = {"front-end CPU s": 1.05, "engine steps": 1.02}
FEW_ROWS, MANY_ROWS = 300, 5000


def main() -> None:
    """Run both sides in turns and print the figures."""
    args = _arguments().parse_args()
    if args.side:
        result = {"alone": alone, "harness": harness}[args.side](args)
        print(json.dumps(result))
        return
    with tempfile.TemporaryDirectory(prefix="racro-bench-") as folder:
        args.folder = Path(folder)
        _compare(args)
        _memory(args.folder)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="captioner (default: a tiny random Qwen2.5-VL)")
    parser.add_argument("--data", default="MathVision_MINI", help="benchmark")
    parser.add_argument("--data-root", type=Path, default=os.environ.get("RACRO_TEST_DATA"))
    parser.add_argument("--rows", type=int, help="the first rows only")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--max-num-seqs", type=int, default=32)
    parser.add_argument("--tp", type=int, default=1)
    parser.add_argument("--dp", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser


def _compare(args: argparse.Namespace) -> None:
    if importlib.util.find_spec("vllm") is None:
        print("engine: skipped, vllm is not installed")
        return
    root = Path(args.data_root or ROOT.parent / "shared" / "data")
    if not root.is_dir():
        print(f"engine: skipped, no benchmark files at {root} (--data-root or RACRO_TEST_DATA)")
        return
    args.data_root = root
    if args.model is None:
        from tests.support.tiny_models import build_tiny_vlm

        args.model = str(build_tiny_vlm(args.folder / "tiny-vlm"))
    rounds: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for number in range(args.rounds):
        for side in SIDES:
            rounds[side].append(_measure(args, side, number))
            print(f"round {number + 1}, {side}: {rounds[side][-1]}", flush=True)
    _report(rounds)
    _cached(args)


def _measure(args: argparse.Namespace, side: str, number: int) -> dict[str, Any]:
    """The figures of one side, run in a process of its own."""
    counts = args.folder / "counts"
    counting.make(counts)
    names = ("model", "data", "data_root", "rows", "max_tokens", "max_num_seqs", "tp", "dp")
    words = [
        f"--{name.replace('_', '-')}={getattr(args, name)}"
        for name in names
        if getattr(args, name) is not None
    ]
    where = args.folder / f"{side}-{number}"
    command = [sys.executable, "-m", "tests.bench.engine", f"--side={side}", f"--folder={where}"]
    environment = {
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "2",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        **os.environ,
        counting.VARIABLE: str(counts),
    }
    done = subprocess.run(
        [*command, *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["engine steps"], result["encoder runs"] = counting.read(counts)
    return result


def _report(rounds: dict[str, list[dict[str, Any]]]) -> None:
    alone_, harness_ = (rounds[side] for side in SIDES)
    print(f"requests: {harness_[0]['requests']}")
    for name in ("wall s", "front-end CPU s", "output tokens/s", "engine steps", "encoder runs"):
        pair = [statistics.median(one[name] for one in side) for side in (alone_, harness_)]
        ratio = pair[1] / pair[0] if pair[0] else float("nan")
        goal = f"   (goal: at most {GOALS[name]})" if name in GOALS else ""
        print(f"{name:16} alone {pair[0]:9.2f}   harness {pair[1]:9.2f}   ratio {ratio:.3f}{goal}")
    last = harness_[-1]
    print(f"main process, peak: {last['main MiB']:.0f} MiB; planning: {last['planning s']:.2f} s")
    print(f"share of the wall time until 1/4, 1/2, 3/4 of the rows are on disk: {last['on disk']}")


def _entry(args: argparse.Namespace) -> Any:
    from racro_eval.engines.model_entry import ModelEntry, SamplingOverrides

    return ModelEntry(
        name="captioner",
        model=args.model,
        engine="vllm",
        max_model_len=4096,
        tp=args.tp,
        dp=args.dp,
        sampling=SamplingOverrides(max_tokens=args.max_tokens),
        options={
            "max_num_seqs": args.max_num_seqs,
            "worker_extension_cls": "tests.bench.counting_worker.Extension",
        },
    )


def _config(args: argparse.Namespace) -> Any:
    from racro_eval import RunConfig

    # The file of captions for the reasoner is never read: no reasoner is run.
    return RunConfig(
        data=[args.data],
        data_root=args.data_root,
        mllm=["captioner"],
        reasoner=["echo:nobody"],
        variant=["qcap+sol"],
        limit=args.rows,
        results=args.folder,
        models=[_entry(args)],
    )


def alone(args: argparse.Namespace) -> dict[str, Any]:
    """AsyncLLM with all requests at once."""
    from racro_eval.pipeline.planning import make_plan
    from racro_eval.stages.rows import Digests

    ((job,),) = make_plan(_config(args)).perceive
    for file in job.outputs():
        file.open_table()
    rows = list(job.rows(Digests()))
    return asyncio.run(_all_at_once(_entry(args), rows))


async def _all_at_once(entry: Any, rows: list[Any]) -> dict[str, Any]:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.async_llm import AsyncLLM

    from racro_eval.data.images import decode
    from racro_eval.engines.transformers.loading import load_prompts
    from racro_eval.engines.vllm.model import engine_args

    prompts = load_prompts(entry)
    arguments = engine_args(entry, max(len(row.prompt.images) for row in rows))
    config = arguments.create_engine_config(UsageContext.LLM_CLASS)
    engine = AsyncLLM.from_vllm_config(
        config, usage_context=UsageContext.LLM_CLASS, disable_log_stats=True
    )
    sampling = SamplingParams(
        temperature=0,
        max_tokens=entry.sampling.max_tokens,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )

    def prompt(row: Any) -> Any:
        from racro_eval.engines.base import Request

        text = prompts.render(Request("", row.prompt.messages, row.prompt.images))
        images = [decode(image) for image in row.prompt.images]
        return {"prompt": text, "multi_modal_data": {"image": images}}

    async def complete(number: int, row: Any) -> int:
        tokens = 0
        async for output in engine.generate(
            await asyncio.to_thread(prompt, row), sampling, str(number)
        ):
            tokens = len(output.outputs[0].token_ids)
        return tokens

    wall, processor = time.perf_counter(), time.process_time()
    tokens = sum(await asyncio.gather(*(complete(n, row) for n, row in enumerate(rows))))
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    engine.shutdown()
    return {
        "requests": len(rows),
        "wall s": wall,
        "front-end CPU s": processor,
        "output tokens/s": tokens / wall,
    }


class _Watched:
    """An engine whose stream is timed."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.info = engine, engine.info
        self.times: list[float] = []
        self.tokens = 0
        self.wall = self.processor = 0.0

    def stream(self, requests: Iterable[Any]) -> Iterator[Any]:
        wall, processor = time.perf_counter(), self._processor_s()
        for completion in self.engine.stream(requests):
            self.tokens += completion.usage.completion_tokens
            yield completion
            self.times.append(time.perf_counter() - wall)  # the row is written by now
        self.wall = time.perf_counter() - wall
        self.processor = self._processor_s() - processor

    def _processor_s(self) -> float:
        """Of this process and of the child that holds AsyncLLM, without its engine processes."""
        child = Path(f"/proc/{self.engine._process.pid}/stat").read_text()
        user, system = child.rpartition(")")[2].split()[11:13]
        ticks = int(user) + int(system)
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self.engine.close()


def harness(args: argparse.Namespace) -> dict[str, Any]:
    """The perceive stage, as a run does it."""
    from racro_eval.pipeline import group_runner
    from racro_eval.pipeline.display import Display
    from racro_eval.pipeline.planning import make_plan

    watched: list[_Watched] = []
    create = group_runner.create_engine

    def watch(*words: Any, **more: Any) -> Any:
        planned = time.perf_counter() - started
        watched.append(_Watched(create(*words, **more)))
        watched[-1].planned = planned  # type: ignore[attr-defined]
        return watched[-1]

    group_runner.create_engine = watch
    started = time.perf_counter()
    (jobs,) = make_plan(_config(args)).perceive
    group_runner.run_group(jobs, Display())
    (engine,) = watched
    quarters = [engine.times[len(engine.times) * part // 4 - 1] for part in (1, 2, 3)]
    return {
        "requests": len(engine.times),
        "wall s": engine.wall,
        "front-end CPU s": engine.processor,
        "output tokens/s": engine.tokens / engine.wall,
        "planning s": engine.planned,  # type: ignore[attr-defined]
        "main MiB": peak_mib(),
        "on disk": [round(moment / engine.wall, 2) for moment in quarters],
    }


def _cached(args: argparse.Namespace) -> None:
    """A run whose rows are all there, with the model's engine named but not needed."""
    words = ["--data", args.data, "--data-root", str(args.data_root), "--mllm", "echo:m"]
    words += ["--reasoner", "echo:r", "--results", str(args.folder / "cached")]
    words += ["--limit", str(args.rows)] if args.rows else []
    run_measured(*words)
    again = run_measured(*words)
    print(f"all rows cached: {again.seconds:.2f} s, heavy imports: {again.heavy}")


def _memory(folder: Path) -> None:
    """Peak memory of the main process with few rows and with many."""
    peaks = []
    for rows in (FEW_ROWS, MANY_ROWS):
        where = folder / f"rows-{rows}"
        spec = make_json_benchmark(where, rows)
        words = ["--data", str(spec), "--data-root", str(where), "--mllm", "echo:m"]
        words += ["--reasoner", "echo:r", "--results", str(where / "results")]
        peaks.append(run_measured(*words).mib)
    print(
        f"peak of the main process: {FEW_ROWS} rows {peaks[0]:.0f} MiB, {MANY_ROWS} rows "
        f"{peaks[1]:.0f} MiB, ratio {peaks[1] / peaks[0]:.3f}   (goal: at most 1.1)"
    )


if __name__ == "__main__":
    main()
