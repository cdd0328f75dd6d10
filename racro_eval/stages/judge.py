"""A model as judge of the rows in which the rules of a profile found no answer, and no others.

Its replies are rows of a CSV like any other model call: a reply is reused only for the same model
and the same prompt, which contains the response. Judged verdicts have files of their own, under a
profile that names the judge, and never replace those of the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import resources
from pathlib import Path

from racro_eval.data import Benchmark, Sample
from racro_eval.engines.base import Sampling
from racro_eval.errors import CacheError
from racro_eval.grading import Status
from racro_eval.grading.extraction.scope import visible_text
from racro_eval.models.keys import sampling_settings
from racro_eval.models.model import Model
from racro_eval.prompting import Template
from racro_eval.settings import read_settings
from racro_eval.stages.grade import store_graded
from racro_eval.stages.graded_file import SUFFIX, GradedFile, graded_path, judged, read_graded
from racro_eval.stages.perceive import benchmark_facts, benchmark_identity
from racro_eval.stages.prompts import for_model
from racro_eval.stages.rows import Digests, PlannedRow, Prompt, plan_row
from racro_eval.stages.stage_file import StageFile
from racro_eval.store.columns import CALL_COLUMNS
from racro_eval.store.row_table import RowTable
from racro_eval.store.sidecar import read_sidecar

MAX_RESPONSE = 4000
"""Characters of a response, from its end, that the judge sees."""
SAMPLING = Sampling(temperature=0.0, max_tokens=2048)
"""Greedy; with enough tokens for models that think before they reply."""
_REPLY = re.compile(r"[\s*\"'`(\[]*(CORRECT|INCORRECT|NONE)[\s*\"'`)\].!]*", re.IGNORECASE)

Verdicts = Callable[[], Iterable[Mapping[str, str]]]


@dataclass(frozen=True)
class JudgeJob:
    """One judge on the undecided rows of one graded file.

    verdicts: returns the graded rows, from the first on at each call. file: the judge's replies.
    """

    model: Model
    benchmark: Benchmark
    verdicts: Verdicts
    file: StageFile
    stage: str = "judge"

    @classmethod
    def of_file(cls, model: Model, benchmark: Benchmark, graded: Path) -> JudgeJob:
        """The job for a graded file; the file of replies is in the same folder."""
        stem = graded.name.removesuffix(SUFFIX)
        file = judge_file(graded.parent, stem, model, benchmark)
        return cls(model, benchmark, partial(read_graded, graded), file)

    def outputs(self) -> list[StageFile]:
        """The file of replies."""
        return [self.file]

    def graded(self) -> list[StageFile]:
        """None: replies are not answers to a sample."""
        return []

    def reads(self) -> list[StageFile]:
        """None: the graded file is complete before the job is made."""
        return []

    def rows(self, digests: Digests) -> Iterator[PlannedRow]:
        """A row for each verdict that the rules left `unparsed`."""
        for verdict in self.verdicts():
            if verdict["status"] == Status.unparsed:
                sample = self.benchmark[verdict["index"]]
                build = partial(judge_prompt, sample, verdict["prediction"], self.model)
                draw = int(verdict["sample"])
                yield plan_row(self.file, sample.index, draw, build, self.model_sampling, digests)

    @property
    def model_sampling(self) -> Sampling:
        """The judge's sampling: the settings of the model, but always greedy."""
        return _greedy(self.model)

    def judged_rows(self, replies: RowTable) -> Iterator[dict[str, str]]:
        """The graded rows, with the judge's verdict where there is one on exactly this response."""
        for verdict in self.verdicts():
            yield self._with_reply(dict(verdict), replies)

    def replies(self) -> RowTable:
        """The judge's replies, opened."""
        return RowTable(self.file.path, CALL_COLUMNS)

    def _with_reply(self, verdict: dict[str, str], replies: RowTable) -> dict[str, str]:
        if verdict["status"] != Status.unparsed:
            return verdict
        reply = replies.row(verdict["index"], int(verdict["sample"]))
        prompt = judge_prompt(
            self.benchmark[verdict["index"]], verdict["prediction"], self.model
        ).sha256(())
        if reply is None or reply["error"] or reply["prompt_sha256"] != prompt:
            return verdict
        correct = read_reply(reply["prediction"], reply["finish_reason"])
        if correct is None:
            return verdict
        status = Status.correct if correct else Status.incorrect
        return verdict | {"status": status.value, "correct": "01"[correct], "method": "judge"}


def judge_file(folder: Path, stem: str, model: Model, benchmark: Benchmark) -> StageFile:
    """The file of a judge's replies."""
    return StageFile(
        folder=folder,
        stem=f"{stem}.judge-{model.entry.folder}",
        columns=CALL_COLUMNS,
        settings={
            "stage": "judge",
            "model": model.key_settings(),
            "prompt": template().sha256,
            "sampling": sampling_settings(_greedy(model), 0),
        },
        benchmark=benchmark_identity(benchmark),
        labels={"benchmark": benchmark.name, "judge": model.entry.name},
        about=benchmark_facts(benchmark),
    )


def judged_file(
    job: JudgeJob, answers: Path, profile: str, on_wait: Callable[[str], None] | None = None
) -> Path:
    """Bring the graded file in which the judge decided the open rows up to date; returns its path.

    Raises CacheError if the graded file is not what its sidecar says.
    """
    name = judged(profile, job.model.entry.folder)
    path = graded_path(answers, name)
    with GradedFile(graded_path(answers, profile)) as verdicts, job.replies() as replies:
        content = read_sidecar(verdicts.path)
        graded, sha256 = content.get("graded"), verdicts.sha256()
        if not isinstance(graded, dict) or graded.get("sha256") != sha256:
            raise CacheError(
                f"{verdicts.path} was changed after it was graded. Run the same command again."
            )
        about = {"name": job.model.entry.name, "key": job.file.key}
        made_from = {"verdicts_sha256": sha256, "replies_sha256": replies.sha256()}
        content["graded"] = {**graded, "profile": name, "judge": about, **made_from}
        same = replace(job, verdicts=verdicts.rows)
        store_graded(partial(same.judged_rows, replies), path, job.benchmark, content, on_wait)
    return path


@cache
def template() -> Template:
    """The template of the judge's prompt."""
    return read_settings(Template, resources.files("racro_eval.stages") / "judge.yaml")


def judge_prompt(sample: Sample, response: str, model: Model) -> Prompt:
    """The judge's prompt: question, gold answer, and the end of the response's visible text."""
    option = sample.options.get(sample.answer, "")
    answer = f"{sample.answer} ({option})" if option else sample.answer
    text = visible_text(response).text.strip()[-MAX_RESPONSE:]
    values = {"question": sample.question, "answer": answer, "response": text}
    return Prompt(for_model(template().render(**values), model.entry), ())


def read_reply(reply: str, finish_reason: str = "stop") -> bool | None:
    """Whether a reply says correct; None if it is not one of the words that were asked for."""
    visible = visible_text(reply)
    match = _REPLY.fullmatch(visible.text)
    cut = visible.unfinished or finish_reason == "length"
    if match is None or cut or match[1].upper() == "NONE":
        return None
    return match[1].upper() == "CORRECT"


def _greedy(model: Model) -> Sampling:
    return replace(model.sampling(SAMPLING), temperature=0.0)
