"""Names of racro-eval and of other packages, without any package that is really installed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from racro_eval import Sample, grade
from racro_eval.cli import main
from racro_eval.common import registry
from racro_eval.common.registry import Registry
from racro_eval.common.system_errors import to_racro_error
from racro_eval.data.spec import BENCHMARKS, load_spec
from racro_eval.engines.registry import ENGINES, EngineSpec, create_engine
from racro_eval.errors import ConfigError, MissingError, UnknownNameError
from racro_eval.grading import Status, Verdict
from racro_eval.leaderboard.formats import FORMATS
from racro_eval.leaderboard.views import VIEWS
from racro_eval.prompting import PROMPTS
from racro_eval.scoring.metrics.registry import METRICS, metric_of, packages_of
from racro_eval.scoring.profiles import PROFILES, SCORERS, rule_of
from racro_eval.stages.summaries import file_state
from tests.engines.prompts import entry as model_entry

Add = Callable[..., None]
ALL = (ENGINES, SCORERS, METRICS, PROMPTS, BENCHMARKS, VIEWS, FORMATS)


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Adds an entry point, as if a package of that name and version were installed."""
    known: dict[str, dict[str, list[EntryPoint]]] = {}
    monkeypatch.setattr(registry, "entry_points", lambda: known)

    def add_one(group: str, name: str, value: str, package: str = "my-eval 1.0") -> None:
        plugin = EntryPoint(name, value, f"racro_eval.{group}")
        distribution, version = package.split()
        vars(plugin)["dist"] = SimpleNamespace(name=distribution, version=version)
        known.setdefault(plugin.group, {}).setdefault(name, []).append(plugin)

    yield add_one


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An empty module that can be imported as `my_eval`."""
    made = ModuleType("my_eval")
    monkeypatch.setitem(sys.modules, "my_eval", made)
    return made


@pytest.mark.parametrize("names", ALL, ids=lambda names: names.group)
def test_every_built_in_name_can_be_used(names: Registry[object]) -> None:
    assert list(names)
    for name in names:
        assert name in names and names[name] and not names.package(name)


def test_names_of_packages_come_after_the_built_in_ones(add: Add) -> None:
    add("views", "zebra", "nowhere:view")
    add("views", "ant", "nowhere:view")
    assert list(VIEWS) == [*VIEWS.built_in, "ant", "zebra"]
    assert "ant" in VIEWS and "bee" not in VIEWS


def test_a_name_is_known_without_its_package_being_imported(add: Add) -> None:
    add("engines", "mine", "module_that_does_not_exist:ENGINE")
    assert "mine" in ENGINES
    assert ENGINES.package("mine") == "my-eval 1.0"


def test_an_unknown_name_is_answered_with_the_nearest_and_all_or_where_to_find_them() -> None:
    with pytest.raises(UnknownNameError, match=r"The nearest: usage\. There are: board, comp"):
        VIEWS["usages"]
    with pytest.raises(UnknownNameError, match=r"`racro-eval list benchmarks` shows all\."):
        BENCHMARKS["MathVison"]


def test_a_name_of_racro_eval_cannot_be_taken(add: Add) -> None:
    add("formats", "md", "my_eval:MD")
    with pytest.raises(ConfigError, match=r"^my-eval 1\.0 adds the format 'md', which racro-eval"):
        FORMATS["md"]
    assert list(FORMATS) == list(FORMATS.built_in)
    assert FORMATS["csv"].about


def test_a_name_of_two_packages_names_both(add: Add) -> None:
    add("scorers", "mine", "a:grade", "a-eval 1")
    add("scorers", "mine", "b:grade", "b-eval 2")
    with pytest.raises(ConfigError, match=r"^a-eval 1 and b-eval 2 add the scorer 'mine'\."):
        rule_of("mine")


@pytest.mark.parametrize(
    ("value", "kind", "why"),
    [
        ("nowhere_eval:ENGINE", MissingError, "ModuleNotFoundError: No module named 'nowhere_eval"),
        ("my_eval:ENGINE", ConfigError, "AttributeError"),
        ("my_eval:text", ConfigError, "my_eval:text is of the type str, not EngineSpec"),
    ],
)
def test_what_cannot_be_loaded_names_its_package(
    add: Add, module: ModuleType, value: str, kind: type[Exception], why: str
) -> None:
    module.text = "EngineSpec"
    add("engines", "mine", value)
    with pytest.raises(kind, match=rf"^my-eval 1\.0 adds the engine 'mine', which .*{why}"):
        ENGINES["mine"]


class TestEngine:
    def test_a_package_that_it_lacks_is_named_with_what_installs_it(
        self, add: Add, module: ModuleType
    ) -> None:
        module.ENGINE = EngineSpec("gpu_library:Engine", install="my-eval[gpu]")
        add("engines", "mine", "my_eval:ENGINE")
        with pytest.raises(MissingError, match=r"'gpu_library': pip install 'my-eval\[gpu\]'"):
            create_engine(model_entry("m"), "mine")

    def test_a_module_that_its_own_package_lacks_is_no_matter_of_installing(
        self, add: Add, module: ModuleType
    ) -> None:
        module.__path__ = []
        module.ENGINE = EngineSpec("my_eval.gpu:Engine", install="my-eval[gpu]")
        add("engines", "mine", "my_eval:ENGINE")
        with pytest.raises(MissingError, match=r"^my-eval 1\.0 .*No module named 'my_eval\.gpu'"):
            create_engine(model_entry("m"), "mine")

    def test_a_module_that_fails_is_its_packages_fault(self, add: Add, module: ModuleType) -> None:
        module.ENGINE = EngineSpec("my_eval:Engin")
        add("engines", "mine", "my_eval:ENGINE")
        with pytest.raises(ConfigError, match=r"^my-eval 1\.0 adds the engine .*'Engin'"):
            create_engine(model_entry("m"), "mine")


class TestScoring:
    def test_a_rule_is_the_same_in_every_profile(self, add: Add, module: ModuleType) -> None:
        def grade(response: str, sample: object, *, finish_reason: str = "stop") -> Verdict:
            return Verdict(Status.correct, response, "mine", True)

        module.grade = grade
        add("scorers", "mine", "my_eval:grade")
        for profile in PROFILES:
            assert rule_of("mine", profile) is grade

    def test_a_name_that_nobody_adds_says_what_to_do(self) -> None:
        spec = load_spec("Demo").model_copy(update={"metric": "mine"})
        with pytest.raises(ConfigError, match=r"known: accuracy.* install that package"):
            metric_of(spec)
        with pytest.raises(ConfigError, match=r"known: dynamath.* install that package"):
            rule_of("mine")

    def test_packages_are_named_for_what_is_not_built_in_only(self, add: Add) -> None:
        assert packages_of({"scorer": "mmmu", "metric": "accuracy"}) == {}
        assert packages_of({"scorer": None, "metric": "nobody's"}) == {}
        add("scorers", "mine", "my_eval:grade")
        assert packages_of({"scorer": "mine", "metric": "accuracy"}) == {"scorer": "my-eval 1.0"}

    def test_a_score_depends_on_the_version_of_its_packages(self, add: Add, tmp_path: Path) -> None:
        graded = tmp_path / "x.graded.csv"
        graded.write_text("")
        spec = json.loads(load_spec("Demo").model_dump_json()) | {"metric": "mine"}
        without = file_state(graded, spec)
        add("metrics", "mine", "my_eval:METRIC")
        assert file_state(graded, spec) == [*without, {"metric": "my-eval 1.0"}]


class TestYaml:
    def test_the_file_is_found_in_the_package(
        self, add: Add, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "yaml_eval").mkdir()
        (tmp_path / "yaml_eval" / "Mine.yaml").write_text("extends: Demo_MINI\nname: Mine\n")
        monkeypatch.syspath_prepend(tmp_path)
        add("benchmarks", "Mine", "yaml_eval")
        add("benchmarks", "Yours", "yaml_eval")
        assert (load_spec("Mine").name, load_spec("Mine").rows) == ("Mine", 40)
        with pytest.raises(MissingError, match=r"yaml_eval has no file Yours\.yaml"):
            load_spec("Yours")


def test_a_bug_is_that_of_the_package_whose_code_has_it(add: Add, module: ModuleType) -> None:
    add("scorers", "mine", "my_eval:grade")
    exec("def grade(response, sample, *, finish_reason='stop'): return int(response)", vars(module))
    sample = Sample(index="1", question="", answer="1", scorer="mine")
    with pytest.raises(ValueError) as raised:
        grade("one", sample)
    reported = to_racro_error(raised.value)
    assert str(reported).startswith("This is a bug in my-eval 1.0: ValueError: invalid literal")
    assert reported.exit_code == 70
    with pytest.raises(ValueError) as raised:
        Status("nonsense")
    assert str(to_racro_error(raised.value)).startswith("This is a bug in racro-eval: ValueError")


def test_doctor_shows_what_packages_add_and_fails_for_none_of_it(
    add: Add,
    module: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    module.ENGINE = EngineSpec("my_eval:Engine")
    add("engines", "mine", "my_eval:ENGINE")
    add("views", "theirs", "nowhere_eval:view", "their-eval 2.0")
    assert main(["doctor"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "ok engine mine my-eval 1.0" in shown
    assert "missing view theirs their-eval 2.0 adds the view 'theirs', which" in shown


def test_help_reads_no_entry_points() -> None:
    code = (
        "import sys\nfrom racro_eval.cli.parser import build_parser\n"
        "build_parser().format_help()\n"
        "from racro_eval.common.registry import entry_points\n"
        "print(entry_points.cache_info().misses, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]
