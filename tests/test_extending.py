"""docs/extending.md: its files, installed as a package of their own, do what the page says.

The package is built by pip without the network into a folder of its own, which the processes that
run the page's commands have on their path.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
LONGEST_EXAMPLE = 40
"""Lines."""
_BLOCK = re.compile(
    r"(?:^ *`(?P<path>[\w./-]+)`\n\n)?^(?P<margin> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```",
    re.DOTALL | re.MULTILINE,
)


def files() -> dict[str, str]:
    """Path → content of the page's files."""
    return {
        match["path"]: re.sub(f"^{match['margin']}", "", match["text"], flags=re.MULTILINE)
        for match in _BLOCK.finditer(PAGE)
        if match["path"]
    }


def commands() -> list[str]:
    """The page's command lines, in order."""
    blocks = [match["text"] for match in _BLOCK.finditer(PAGE) if match["language"] == "sh"]
    return [line.strip() for block in blocks for line in block.splitlines()]


@dataclass(frozen=True)
class Workplace:
    """A folder to work in, and one with installed packages that only its processes see."""

    folder: Path
    packages: Path

    def write(self, contents: dict[str, str]) -> None:
        for name, text in contents.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def install(self, package: str) -> None:
        target = ["--no-deps", "--no-build-isolation", "--no-index", "--upgrade"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", *target]
        subprocess.run(
            [*command, "--target", str(self.packages), package],
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command line of racro-eval."""
        words = shlex.split(command)
        assert words[0] == "racro-eval"
        path = os.pathsep.join([str(self.packages), str(ROOT)])
        return subprocess.run(
            [sys.executable, "-m", "racro_eval", *words[1:]],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )

    def output(self, command: str) -> str:
        """What a command line prints, which must succeed."""
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, command: str) -> tuple[int, str]:
        """The exit code and last line of a command line, which must fail."""
        done = self.run(command)
        assert done.returncode, done.stdout
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """The page's files, and its package installed."""
    folder = tmp_path_factory.mktemp("extending")
    place = Workplace(folder / "work", folder / "packages")
    place.write(files())
    place.install("./tens-eval")
    return place


@pytest.fixture
def other(tmp_path: Path) -> Workplace:
    """An empty workplace."""
    return Workplace(tmp_path / "work", tmp_path / "packages")


def small_package(name: str, group: str, entry: str, version: str = "1.0") -> dict[str, str]:
    """The pyproject.toml of a package with one entry point."""
    module = name.replace("-", "_")
    project = f"""
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{name}"
version = "{version}"
[project.entry-points."racro_eval.{group}"]
{entry}
[tool.setuptools]
packages = ["{module}"]
package-data = {{{module} = ["*.yaml"]}}
"""
    return {f"{name}/pyproject.toml": project, f"{name}/{module}/__init__.py": ""}


def test_every_example_is_short() -> None:
    assert len(files()) == 12
    for path, text in files().items():
        assert len(text.splitlines()) < LONGEST_EXAMPLE, path


def test_every_command_of_the_page_succeeds_in_its_order(workplace: Workplace) -> None:
    for command in commands():
        if command != "pip install ./tens-eval":
            assert workplace.output(command).strip(), command


@pytest.mark.parametrize(
    ("what", "name", "about"),
    [
        ("engines", "dice", "tens-eval 1.0"),
        ("scorers", "tens", "Tens: numbers are equal if they round to the same ten"),
        ("metrics", "worst-skill", "The lowest accuracy of a skill."),
        ("prompts", "terse", "A short joint prompt."),
        ("benchmarks", "DemoTens", "Demo, right to the nearest ten"),
        ("views", "ranking", "All complete scores, the highest first."),
        ("formats", "lines", "plain text, a line for each line of the table"),
    ],
)
def test_names_are_listed(workplace: Workplace, what: str, name: str, about: str) -> None:
    (line,) = [
        line
        for line in workplace.output(f"racro-eval list {what}").splitlines()
        if line.split(" ")[0] == name
    ]
    assert about in line


class TestRun:
    RUN = "racro-eval --data DemoTens --mllm dice:m --reasoner dice:r --prompts terse --results out"

    def test_all_of_it_is_used(self, workplace: Workplace) -> None:
        workplace.output(self.RUN)
        (graded,) = (workplace.folder / "out").rglob("qcap+sol-*.graded.csv")
        text = graded.read_text()
        assert "extracted/tens" in text, "the scorer's method"
        assert "The answer is \\boxed{" in text, "the engine's words"
        manifest = graded.with_suffix(".json").read_text()
        assert '"scorer": "tens-eval 1.0"' in manifest and '"metric": "tens-eval 1.0"' in manifest
        assert '"prompts": "terse"' in manifest
        ranking = workplace.output(
            "racro-eval leaderboard --results out --view ranking --format lines"
        )
        assert ranking.startswith("Ranking\n")
        assert re.search(r"^m \+ r: DemoTens, \d+\.\d$", ranking, re.MULTILINE)
        assert "worst skill" in workplace.output(
            "racro-eval leaderboard --results out --by metrics --format md"
        )

    def test_another_version_grades_and_scores_again(self, workplace: Workplace) -> None:
        workplace.output(self.RUN)
        before = {path: path.read_bytes() for path in (workplace.folder / "out").rglob("*.csv")}
        project = workplace.folder / "tens-eval" / "pyproject.toml"
        scorer = workplace.folder / "tens-eval" / "tens_eval" / "scorer.py"
        workplace.write(
            {
                str(project): project.read_text().replace('"1.0"', '"1.1"'),
                str(scorer): scorer.read_text().replace("extracted/tens", "extracted/ten"),
            }
        )
        shown = workplace.run("racro-eval leaderboard --results out")
        assert "Grading" not in shown.stderr, "the installed version is the old one"
        workplace.install("./tens-eval")
        shown = workplace.run("racro-eval leaderboard --results out")
        assert shown.returncode == 0 and "Grading" in shown.stderr
        for path, content in before.items():
            graded = path.name.endswith(".graded.csv")
            assert (path.read_bytes() != content) == graded, path
        assert "Grading" not in workplace.run("racro-eval leaderboard --results out").stderr


class TestRefused:
    def test_a_package_that_is_not_installed(self, other: Workplace) -> None:
        other.write({"Mine.yaml": "extends: Demo_MINI\nname: Mine\nscorer: tens\n"})
        for command, sentence in (
            (
                "--data Demo_MINI --mllm dice:m --variant qa",
                "There is no engine 'dice'. There are: echo",
            ),
            ("leaderboard --view rankin", "There is no view 'rankin'."),
            ("leaderboard --format line", "There is no format 'line'."),
            ("--data DemoTens", "There is no benchmark 'DemoTens'. The nearest: Demo"),
            ("--data Demo --prompts ters", "There is no prompt set 'ters'."),
            ("--data Mine.yaml", "There is no scorer 'tens'; known: dynamath"),
        ):
            code, said = other.refusal(f"racro-eval {command}")
            assert code == 2 and sentence in said, said

    def test_a_name_that_racro_eval_has_itself(self, other: Workplace) -> None:
        other.write(small_package("clash-eval", "engines", 'echo = "clash_eval:ECHO"'))
        other.install("./clash-eval")
        code, said = other.refusal("racro-eval --data Demo_MINI --mllm echo:m --reasoner echo:r")
        assert code == 2
        assert "clash-eval 1.0 adds the engine 'echo', which racro-eval has itself." in said
        listed = other.output("racro-eval list engines")
        assert "transformers" in listed and "clash-eval 1.0 adds the engine 'echo'" in listed
        other.output("racro-eval --data Demo_MINI --mllm m --variant qa --engine ray --help")

    def test_a_name_that_two_packages_add(self, other: Workplace) -> None:
        for name in ("one-eval", "two-eval"):
            module = name.replace("-", "_")
            other.write(small_package(name, "views", f'best = "{module}:best"'))
            other.install(f"./{name}")
        code, said = other.refusal("racro-eval leaderboard --view best")
        assert code == 2 and "add the view 'best'. Uninstall all but one of them." in said
        listed = other.output("racro-eval list views")
        assert re.search(r"(one|two)-eval 1\.0 and (one|two)-eval 1\.0 add the view 'best'", listed)

    @pytest.mark.parametrize(
        ("content", "code", "why"),
        [
            ("import missing_package", 3, "ModuleNotFoundError: No module named 'missing_package'"),
            ("1 / 0", 2, "ZeroDivisionError: division by zero"),
            ("", 2, "AttributeError: module 'bad_eval' has no attribute 'BAD'"),
            ("BAD = 7", 2, "TypeError: bad_eval:BAD is of the type int, not EngineSpec"),
        ],
    )
    def test_a_package_that_cannot_be_loaded(
        self, other: Workplace, content: str, code: int, why: str
    ) -> None:
        other.write(small_package("bad-eval", "engines", 'bad = "bad_eval:BAD"'))
        other.write({"bad-eval/bad_eval/__init__.py": content})
        other.install("./bad-eval")
        found, said = other.refusal("racro-eval --data Demo_MINI --mllm bad:m --variant qa")
        assert (found, said) == (
            code,
            f"racro-eval: bad-eval 1.0 adds the engine 'bad', which cannot be loaded: {why}",
        )
        assert why in other.output("racro-eval list engines")
        other.output("racro-eval --data Demo_MINI --limit 2 --mllm echo:m --reasoner echo:r")

    def test_a_benchmark_whose_file_is_not_in_its_package(self, other: Workplace) -> None:
        other.write(small_package("bare-eval", "benchmarks", 'Bare = "bare_eval"'))
        other.install("./bare-eval")
        code, said = other.refusal("racro-eval --data Bare")
        assert code == 3 and "the package bare_eval has no file Bare.yaml" in said
        assert "Demo_MINI" in other.output("racro-eval list benchmarks")
