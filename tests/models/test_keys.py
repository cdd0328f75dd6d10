"""What is in the key of cached rows: everything but what is known to change no text."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from racro_eval import RunConfig
from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import ModelEntry, SamplingOverrides
from racro_eval.engines.registry import ENGINES
from racro_eval.errors import ConfigError
from racro_eval.models.keys import (
    ENTRY_ELSEWHERE,
    ENTRY_NO_TEXT,
    SAMPLING_NO_TEXT,
    model_settings,
    sampling_settings,
)
from racro_eval.models.model import Model
from racro_eval.models.resolve import resolve_model
from racro_eval.pipeline.locating import locate_model
from racro_eval.pipeline.planning import make_plan
from racro_eval.stages.stage_file import short_hash
from tests.support.benchmarks import make_json_benchmark

OTHER_ENTRY: dict[str, Any] = {
    "name": "another",
    "model": "another",
    "revision": "v2",
    "parameters": 7,
    "engine": "openai",
    "base_url": "http://127.0.0.1:1/v1",
    "tp": 2,
    "dp": 2,
    "max_model_len": 4096,
    "dtype": "float16",
    "quantization": "fp8",
    "min_pixels": 784,
    "max_pixels": 1_003_520,
    "system_prompt": False,
    "chat_template_kwargs": {"enable_thinking": False},
    "sampling": {"temperature": 0.5},
    "options": {"hf_overrides": {"rope_scaling": None}},
    "identity": "the one of May",
}
"""A value that is not the default, for each field of an entry."""
NO_TEXT_OF_A_RUN = {
    "limit": "which rows",
    "index": "which rows",
    "shard": "which rows",
    "samples": "a draw has a row and a seed of its own",
    "tp": "over how many GPUs",
    "dp": "how many copies",
    "results": "where rows lie",
    "data_root": "the data's hash is in the key",
    "offline": "the data's hash and the model's fingerprint are in the key",
    "dry_run": "nothing is asked",
    "max_failures": "the exit code",
    "load_timeout": "how long a model may take to load",
    "scoring": "verdicts, which are in files of their own",
    "judge": "verdicts, and a file with a key of its own",
}
OTHER_RUN: dict[str, Any] = {
    "data": "its own benchmark",
    "mllm": ["echo:m2"],
    "reasoner": ["echo:r2"],
    "answerer": "echo:a",
    "variant": ["cap"],
    "prompts": "rapid",
    "question_style": "native",
    "caption_file": "its own file",
    "tentative_file": "its own file",
    "limit": 2,
    "index": ["1"],
    "shard": "1/2",
    "samples": 3,
    "seed": 1,
    "engine": "echo",
    "tp": 2,
    "dp": 2,
    "results": "elsewhere",
    "data_root": "the same again",
    "offline": True,
    "dry_run": True,
    "max_failures": 3,
    "load_timeout": 60.0,
    "scoring": "vlmevalkit",
    "judge": "echo:j",
    "models": [{"name": "r", "model": "r", "engine": "echo", "max_model_len": 64}],
}


def entry(**settings: Any) -> ModelEntry:
    return ModelEntry.model_validate({"name": "m", "model": "m", **settings})


def key(one: ModelEntry, engine: str = "echo", fingerprint: str = "f") -> str:
    """The hash of a model and its sampling, as a stage's file has both in its key."""
    model = Model(one, engine, fingerprint)
    sampling = sampling_settings(model.sampling(Sampling()), seed=0)
    return short_hash({"model": model.key_settings(), "sampling": sampling})


class TestEntry:
    def test_every_field_is_tried_here(self) -> None:
        assert set(OTHER_ENTRY) == set(ModelEntry.model_fields)

    @pytest.mark.parametrize("field", sorted(set(OTHER_ENTRY) - {"engine", "base_url", "identity"}))
    def test_a_field_changes_the_key_unless_it_is_known_to_change_no_text(self, field: str) -> None:
        other = key(entry(**{field: OTHER_ENTRY[field]}))
        assert (other == key(entry())) == (field in ENTRY_NO_TEXT)

    def test_a_revision_that_is_the_fingerprint_is_not_in_it_twice(self) -> None:
        usual = key(entry(), "vllm", "commit")
        assert key(entry(revision="commit"), "vllm", "commit") == usual
        assert key(entry(revision="main"), "vllm", "commit") != usual
        assert key(entry(revision="main", identity="commit"), "vllm", "commit") == usual

    def test_the_fields_that_change_no_text(self) -> None:
        assert {"name", "parameters", "tp", "dp"} == ENTRY_NO_TEXT
        assert set(ModelEntry.model_fields) >= ENTRY_NO_TEXT | ENTRY_ELSEWHERE

    @pytest.mark.parametrize("field", ["engine", "base_url", "identity"])
    def test_engine_base_url_and_identity_are_in_it_through_planning(self, field: str) -> None:
        def planned(**settings: Any) -> str:
            models = (entry(**{"engine": "openai", "base_url": "http://h/v1", **settings}),)
            model = locate_model("m", RunConfig(data=("x",), models=models))
            return short_hash(model.key_settings())

        usual = planned(identity="mine")
        assert planned(identity="mine", base_url="http://other/v1") == usual
        assert planned(identity="yours") != usual
        assert planned(identity="mine", engine="echo") != usual

    @pytest.mark.parametrize(
        ("engine", "options"),
        [
            ("vllm", {"kv_cache_dtype": "fp8"}),
            ("vllm", {"hf_overrides": {"num_hidden_layers": 2}}),
            ("vllm", {"load_format": "dummy"}),
            ("vllm", {"quantization": "fp8"}),
            ("vllm", {"max_model_len": 64}),
            ("vllm", {"revision": "v2"}),
            ("vllm", {"an_argument_of_next_year": 1}),
            ("ray", {"kv_cache_dtype": "fp8"}),
            ("transformers", {"something_new": 1}),
            ("openai", {"something_new": 1}),
            ("unheard_of", {"something_new": 1}),
        ],
    )
    def test_an_unknown_option_changes_the_key(self, engine: str, options: dict[str, Any]) -> None:
        assert key(entry(options=options), engine) != key(entry(), engine)

    @pytest.mark.parametrize(
        ("engine", "options"),
        [
            ("vllm", {"gpu_memory_utilization": 0.5, "max_num_seqs": 8, "log_level": "debug"}),
            ("vllm", {"tensor_parallel_size": 2, "master_port": 1234, "hf_token": "hf_x"}),
            ("ray", {"gpu_memory_utilization": 0.5}),
            ("transformers", {"batch_size": 2, "window": 4}),
            ("openai", {"concurrency": 1, "retries": 0, "timeout_s": 5, "wait_s": 0}),
            ("echo", {"window": 1, "latency_s": 0.1}),
        ],
    )
    def test_parallel_sizes_memory_ports_logging_and_pace_do_not(
        self, engine: str, options: dict[str, Any]
    ) -> None:
        assert key(entry(options=options), engine) == key(entry(), engine)

    def test_a_file_that_an_option_names_is_known_by_its_content(self, tmp_path: Path) -> None:
        file = tmp_path / "template.jinja"
        file.write_text("a")
        one = entry(options={"override": {"files": [str(file)]}})
        before = key(one, "vllm")
        file.write_text("b")
        assert key(one, "vllm") != before

    def test_a_folder_that_an_option_names_is_too(self, tmp_path: Path) -> None:
        (tmp_path / "tokenizer.json").write_text("a")
        one = entry(options={"tokenizer": str(tmp_path)})
        before = key(one, "vllm")
        (tmp_path / "tokenizer.json").write_text("b")
        assert key(one, "vllm") != before

    @pytest.mark.parametrize("text", ["/", "~", "./", "/dev/zero", "/dev/stdin", "~nobody", "/\0"])
    def test_a_path_that_is_no_model_is_a_text_and_nothing_is_read(
        self, text: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("racro_eval.models.weights._files", lambda _: pytest.fail("it is read"))
        assert model_settings(entry(options={"x": text}), "vllm", "f")["options"] == {"x": text}

    def test_no_secret_is_key_material(self) -> None:
        one = entry(options={"hf_token": "hf_secret"})
        assert "hf_secret" not in str(model_settings(one, "vllm", "f"))

    @given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3))
    def test_a_dict_is_the_same_in_any_order_and_another_one_is_not(
        self, arguments: dict[str, Any]
    ) -> None:
        turned = dict(reversed(arguments.items()))
        assert key(entry(chat_template_kwargs=arguments)) == key(entry(chat_template_kwargs=turned))
        assert (key(entry(chat_template_kwargs=arguments)) == key(entry())) == (not arguments)
        assert (key(entry(options=arguments)) == key(entry())) == (not arguments)

    def test_a_value_that_json_does_not_have_is_refused(self) -> None:
        with pytest.raises(ValueError, match="JSON"):
            entry(chat_template_kwargs={"today": object()})

    def test_the_model_is_not_named_among_the_options(self) -> None:
        models = (entry(engine="vllm", identity="x", options={"model": "org/other"}),)
        with pytest.raises(ConfigError, match="`model` of m is one of its options"):
            locate_model("m", RunConfig(data=("x",), models=models))


class TestSampling:
    def test_every_override_reaches_the_sampling_and_the_key(self) -> None:
        values = {
            "temperature": 0.5,
            "top_p": 0.5,
            "top_k": 7,
            "repetition_penalty": 1.5,
            "max_tokens": 9,
        }
        assert set(values) == set(SamplingOverrides.model_fields)
        for name, value in values.items():
            one = entry(sampling={name: value})
            assert getattr(Model(one, "echo", "f").sampling(Sampling()), name) == value
            assert key(one) != key(entry()), name

    def test_every_field_changes_the_key_unless_it_is_known_to_change_no_text(self) -> None:
        values = {
            "temperature": 0.5,
            "top_p": 0.5,
            "top_k": 7,
            "repetition_penalty": 1.5,
            "max_tokens": 9,
            "seed": 5,
            "logprobs": True,
        }
        assert set(values) == {field.name for field in fields(Sampling)}
        usual = sampling_settings(Sampling(), 0)
        for name, value in values.items():
            same = sampling_settings(replace(Sampling(), **{name: value}), 0) == usual
            # a row's own seed follows from the base seed, which is the second argument
            assert same == (name in SAMPLING_NO_TEXT | {"seed"}), name

    def test_the_base_seed_counts_where_something_is_drawn(self) -> None:
        drawn = Sampling(temperature=0.6)
        assert sampling_settings(drawn, 0) != sampling_settings(drawn, 1)
        assert sampling_settings(Sampling(), 0) == sampling_settings(Sampling(), 1)

    def test_a_field_to_come_is_in_the_key_where_it_is_not_its_default(self) -> None:
        @dataclass(frozen=True, slots=True)
        class More(Sampling):
            min_p: float = 0.0

        assert sampling_settings(More(), 0) == sampling_settings(Sampling(), 0)
        assert sampling_settings(More(min_p=0.1), 0)["min_p"] == 0.1


class TestRun:
    @pytest.fixture
    def small(self, tmp_path: Path) -> Path:
        path = make_json_benchmark(tmp_path / "data", 4)
        path.write_text(path.read_text() + 'native: {text: "{question}"}\n')
        return path

    def keys(self, small: Path, **more: Any) -> set[str]:
        """The keys of a run's files."""
        base = {
            "data": [str(small)],
            "mllm": ["echo:m"],
            "reasoner": ["r"],
            "models": [{"name": "r", "model": "r", "engine": "echo"}],
            "data_root": small.parent,
            "results": small.parents[1] / "results",
        }
        plan = make_plan(RunConfig.model_validate({**base, **more}))
        return {file.key for job in plan.jobs for file in job.outputs()}

    def value(self, field: str, small: Path) -> Any:
        """Another value of a setting."""
        if field == "data":
            return [str(make_json_benchmark(small.parent / "more", 4, name="Other"))]
        if field in ("caption_file", "tentative_file"):
            path = small.parent / "texts.csv"
            path.write_text("index,prediction\n1,a\n2,b\n3,c\n4,d\n")
            return path
        return {"results": small.parent / "r", "data_root": small.parent}.get(
            field, OTHER_RUN[field]
        )

    def test_every_setting_of_a_run_is_tried_here(self) -> None:
        assert set(OTHER_RUN) == set(RunConfig.model_fields)

    @pytest.mark.parametrize("field", sorted(OTHER_RUN))
    def test_a_setting_changes_the_keys_unless_it_is_known_to_change_no_text(
        self, small: Path, field: str
    ) -> None:
        more: dict[str, Any] = {field: self.value(field, small)}
        if field == "data":
            more["data_root"] = small.parent / "more"
        before = {}
        if field == "engine":  # for a model whose entry names none
            folder = small.parent / "model"
            folder.mkdir()
            (folder / "config.json").write_text("{}")
            before = {"mllm": [str(folder)], "engine": "transformers"}
        same = self.keys(small, **before) == self.keys(small, **before | more)
        assert same == (field in NO_TEXT_OF_A_RUN), NO_TEXT_OF_A_RUN.get(field)

    def test_a_texts_file_is_known_by_its_content(self, small: Path) -> None:
        path = self.value("caption_file", small)
        before = self.keys(small, caption_file=path)
        path.write_text(path.read_text().replace(",a", ",A"))
        assert self.keys(small, caption_file=path) != before


def test_every_engine_says_where_its_weights_are() -> None:
    assert {name: ENGINES[name].weights for name in ENGINES} == {
        "echo": "none",
        "openai": "served",
        "ray": "loaded",
        "transformers": "loaded",
        "vllm": "loaded",
    }


def test_the_keys_of_the_demo_are_what_they_always_were() -> None:
    """Rows that people have must stay theirs."""
    plan = make_plan(RunConfig(data=("Demo",), engine="transformers"))
    names = [file.path.name for job in plan.jobs for file in job.outputs()]
    assert sorted(names) == [
        "caption-d310881a.csv",
        "qcap+sol-1ebc933a.csv",
        "qcap+sol-f1d0ae1e.csv",
        "tentative-3188623a.csv",
    ]


def test_the_demos_model_in_the_package_says_nothing_of_a_servers() -> None:
    """The identity of the shipped files is theirs, not that of whatever has the same name."""
    model = locate_model("echo:demo-reasoner", RunConfig(data=("Demo",)))
    assert (model.fingerprint, resolve_model("demo-reasoner").identity) == (
        "name only",
        "sha256:e559f91a3cb8658c",
    )
