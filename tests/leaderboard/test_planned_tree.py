"""A whole results tree whose verdicts are known: every number of every view, calculated anew.

The runs go through the real pipeline with the echo engine. What is expected is calculated here from
the plan of verdicts alone, with scipy and statsmodels where there is a formula.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from racro_eval.leaderboard.collect import collect, find_graded
from racro_eval.leaderboard.columns import PAPER_COLUMNS
from racro_eval.leaderboard.document import Document, Record
from racro_eval.leaderboard.statistics import bootstrap
from racro_eval.leaderboard.table import Table, build_table
from racro_eval.leaderboard.views.against_paper import against_paper
from racro_eval.leaderboard.views.board import board
from racro_eval.leaderboard.views.breakdown import breakdown
from racro_eval.leaderboard.views.costs import costs
from racro_eval.leaderboard.views.diagnosis import diagnosis
from racro_eval.leaderboard.views.paired import paired
from racro_eval.leaderboard.views.several import several
from tests.support.paths import ROOT
from tests.support.results import read_csv
from tests.support.tree import CUT, MLLMS, REASONERS, caption_words, planned, run_planned

ROWS = {name: 18 + 3 * number for number, name in enumerate(PAPER_COLUMNS)}
SEVERAL, DRAWS = {"Several": 15}, 5


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planned")
    run_planned(folder, SEVERAL, samples=DRAWS, mllms=MLLMS[:1])
    return run_planned(folder, ROWS)


@pytest.fixture(scope="module")
def table(results: Path) -> Table:
    return build_table(collect(find_graded(results)))


def verdicts(benchmark: str, mllm: str, reasoner: str | None) -> list[bool]:
    """What is planned for each row, in order."""
    numbers = range(1, ROWS[benchmark] + 1)
    if reasoner is None:
        return [planned(mllm, "", benchmark, number) for number in numbers]
    return [planned(reasoner, mllm, benchmark, number) for number in numbers]


PAIRS: list[tuple[str, str | None]] = [(m, r) for m in MLLMS for r in (None, *REASONERS)]


def find(document: Document, **wanted: Any) -> Record:
    (found,) = [
        one for one in document.records if all(one[key] == value for key, value in wanted.items())
    ]
    return found


@pytest.mark.parametrize("benchmark", PAPER_COLUMNS)
def test_every_cell_and_interval(table: Table, benchmark: str) -> None:
    document = board(table)
    for mllm, reasoner in PAIRS:
        right = verdicts(benchmark, mllm, reasoner)
        record = find(document, mllm=mllm, reasoner=reasoner, benchmark=benchmark)
        assert record["value"] == pytest.approx(100 * np.mean(right))
        assert (record["correct"], record["n"], record["expected"]) == (
            sum(right),
            len(right),
            len(right),
        )
        interval = stats.binomtest(sum(right), len(right)).proportion_ci(method="wilson")
        assert [record["low"], record["high"]] == pytest.approx(
            [100 * interval.low, 100 * interval.high]
        )
        if reasoner:
            base = np.mean(verdicts(benchmark, mllm, None))
            assert record["difference"] == pytest.approx(100 * (np.mean(right) - base))
        else:
            assert record["difference"] is None


def test_averages(table: Table) -> None:
    for mllm, reasoner in PAIRS:
        runs = [verdicts(name, mllm, reasoner) for name in PAPER_COLUMNS]
        record = find(board(table), mllm=mllm, reasoner=reasoner, benchmark="AVG")
        assert record["value"] == pytest.approx(100 * np.mean([np.mean(run) for run in runs]))
        half = 1.959964 * math.sqrt(sum(float(stats.sem(run)) ** 2 for run in runs)) / 7 * 100
        high, value = record["high"], record["value"]
        assert isinstance(high, float) and isinstance(value, float)
        assert high - value == pytest.approx(half)


def test_best_of_each_column(table: Table) -> None:
    document = board(table)
    for benchmark in PAPER_COLUMNS:
        for mllm in MLLMS:
            means = {
                reasoner: round(100 * float(np.mean(verdicts(benchmark, m, reasoner))), 1)
                for m, reasoner in PAIRS
                if m == mllm
            }
            for reasoner, mean in means.items():
                record = find(document, mllm=mllm, reasoner=reasoner, benchmark=benchmark)
                assert record["best"] == (mean == max(means.values()))


def test_breakdowns(table: Table) -> None:
    document = breakdown(table, ["subject"])
    for benchmark in PAPER_COLUMNS:
        for mllm, reasoner in PAIRS:
            right = verdicts(benchmark, mllm, reasoner)
            for rest, subject in enumerate(("algebra", "logic", "counting")):
                mine = [one for number, one in enumerate(right, start=1) if number % 3 == rest]
                about = {"mllm": mllm, "reasoner": reasoner, "benchmark": benchmark}
                record = find(document, **about, group=subject)
                assert (record["correct"], record["rows"]) == (sum(mine), len(mine))


def test_breakdowns_are_in_a_persons_order(table: Table) -> None:
    sheet = breakdown(table, ["level"]).sheets[0]
    assert sheet.title == "MathVista_MINI by level"
    assert [column.title for column in sheet.columns] == [str(number) for number in range(1, 13)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("pairing", ["base", "all"])
def test_paired_tests(table: Table, pairing: str) -> None:
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    some = build_table(
        [cell for cell in table.cells() if cell.benchmark in ROWS], list(PAPER_COLUMNS)
    )
    document = paired(some, pairing)
    expected = 7 * (6 if pairing == "base" else len(list(combinations(PAIRS, 2))))
    assert len(document.records) == expected
    for record in document.records:
        name = str(record["benchmark"])
        first = verdicts(name, *_named(str(record["first"])))
        second = verdicts(name, *_named(str(record["second"])))
        only = (
            sum(a and not b for a, b in zip(first, second, strict=True)),
            sum(b and not a for a, b in zip(first, second, strict=True)),
        )
        assert (record["only_first"], record["only_second"]) == only
        assert record["difference"] == pytest.approx(100 * (np.mean(first) - np.mean(second)))
        p = mcnemar([[0, only[0]], [only[1], 0]], exact=True).pvalue if sum(only) else 1.0
        assert record["p"] == pytest.approx(p)
        spread = np.std(np.array(first, float) - np.array(second, float), ddof=1)
        detectable = (1.959964 + 0.841621) * spread / math.sqrt(len(first))
        assert record["detectable"] == pytest.approx(100 * detectable, rel=1e-5)
        _check_resampled(record, np.array(first, float) - np.array(second, float))
    adjusted = multipletests([record["p"] for record in document.records], method="holm")[1]
    assert [record["p_holm"] for record in document.records] == pytest.approx(list(adjusted))


def _named(name: str) -> tuple[str, str | None]:
    mllm, _, reasoner = name.partition(" + ")
    return mllm, reasoner or None


def _check_resampled(record: Record, differences: np.ndarray[Any, Any]) -> None:
    """The interval is that of resampling the pairs one by one, up to the noise of drawing."""
    random = np.random.default_rng(7)
    drawn = random.choice(differences, size=(4000, len(differences))).mean(axis=1)
    step = 100 / len(differences)
    expected = 100 * np.percentile(drawn, [2.5, 97.5])
    assert [record["low"], record["high"]] == pytest.approx(list(expected), abs=1.01 * step)


def test_several_answers_per_sample(table: Table) -> None:
    document = several(table)
    for reasoner in REASONERS:
        draws = [
            [planned(reasoner, MLLMS[0], "Several", number, draw) for draw in range(DRAWS)]
            for number in range(1, SEVERAL["Several"] + 1)
        ]
        found = {
            str(one["measure"]): one["value"]
            for one in document.records
            if one["reasoner"] == reasoner
        }
        means = [np.mean(one) for one in draws]
        assert found["mean@n"] == pytest.approx(100 * np.mean(means))
        assert found["standard error"] == pytest.approx(100 * stats.sem(means))
        assert found["maj@n"] == pytest.approx(100 * np.mean([_majority(one) for one in draws]))
        for k in (1, 2, 4, 5):
            passed = [np.mean([any(chosen) for chosen in combinations(one, k)]) for one in draws]
            assert found[f"pass@{k}"] == pytest.approx(100 * np.mean(passed)), k


def _majority(draws: list[bool]) -> bool:
    """Wrong answers are one of two numbers, by the parity of their draw."""
    votes = Counter("right" if one else f"wrong {draw % 2}" for draw, one in enumerate(draws))
    first = {vote: draw for draw, vote in reversed(list(enumerate(_votes(draws))))}
    return max(votes, key=lambda vote: (votes[vote], -first[vote])) == "right"


def _votes(draws: list[bool]) -> list[str]:
    return ["right" if one else f"wrong {draw % 2}" for draw, one in enumerate(draws)]


def test_the_interval_of_several_answers_resamples_samples(table: Table) -> None:
    record = find(board(table), benchmark="Several", reasoner=REASONERS[0])
    draws = range(DRAWS)
    means = [
        sum(planned(REASONERS[0], MLLMS[0], "Several", number, draw) for draw in draws) / DRAWS
        for number in range(1, SEVERAL["Several"] + 1)
    ]
    low, high = bootstrap(means)
    assert [record["low"], record["high"]] == pytest.approx([100 * low, 100 * high])


def strata(benchmark: str) -> dict[str, list[int]]:
    """Stratum → row numbers, from the lengths that the captions were made with."""
    numbers = range(1, ROWS[benchmark] + 1)
    length = {number: caption_words(number) if number % CUT else 8192 for number in numbers}
    ordered = sorted(length.values())
    low, high = ordered[(len(ordered) - 1) // 3], ordered[2 * (len(ordered) - 1) // 3]
    return {
        "all samples": list(numbers),
        f"captions up to {low} tokens": [one for one in numbers if length[one] <= low],
        f"captions of {low + 1} to {high} tokens": [
            one for one in numbers if low < length[one] <= high
        ],
        f"captions over {high} tokens": [one for one in numbers if length[one] > high],
        "caption cut": [one for one in numbers if one % CUT == 0],
        "nothing cut": [one for one in numbers if one % CUT],
    }


def share(flags: Iterable[bool]) -> float:
    return 100 * float(np.mean(list(flags)))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of statsmodels, where kappa is 0/0
@pytest.mark.parametrize("benchmark", ["MathVision", "LogicVista"])
def test_the_diagnosis(table: Table, benchmark: str) -> None:
    document = diagnosis(build_table(table.cells(), [benchmark]))
    found = {
        (one["mllm"], one["samples"], one["reasoner"], one["other"], one["measure"]): one["value"]
        for one in document.records
    }
    expected: dict[tuple[str, str, str, str, str], float | None] = {}
    for mllm in MLLMS:
        for name, rows in strata(benchmark).items():
            right = {one: [planned(one, mllm, benchmark, row) for row in rows] for one in REASONERS}
            own = [planned(mllm, "", benchmark, row) for row in rows]
            votes = [sum(column) for column in zip(*right.values(), strict=True)]
            for measure, wanted in (
                ("all right", {3}),
                ("some right", {1, 2}),
                ("none right", {0}),
            ):
                expected[mllm, name, "", "", measure] = share(vote in wanted for vote in votes)
            for one in REASONERS:
                pairs = list(zip(own, right[one], strict=True))
                key = (mllm, name, one, "")
                expected[*key, "tentative right"] = share(own)
                expected[*key, "reasoner right"] = share(right[one])
                expected[*key, "rescued"] = share(not before and after for before, after in pairs)
                expected[*key, "lost"] = share(before and not after for before, after in pairs)
            for one, other in combinations(sorted(REASONERS), 2):
                same = [a == b for a, b in zip(right[one], right[other], strict=True)]
                expected[mllm, name, one, other, "same verdict"] = share(same)
                expected[mllm, name, one, other, "kappa"] = _kappa(right[one], right[other])
    assert found == pytest.approx(expected)


def _kappa(one: list[bool], other: list[bool]) -> float | None:
    from statsmodels.stats.inter_rater import cohens_kappa

    counts = np.array(
        [[sum(a == x and b == y for a, b in zip(one, other, strict=True)) for y in (0, 1)]
         for x in (0, 1)]
    )  # fmt: skip
    kappa = float(cohens_kappa(counts).kappa)
    return None if math.isnan(kappa) else kappa


def test_differences_to_the_paper(table: Table) -> None:
    document = against_paper(build_table(table.cells(), [*PAPER_COLUMNS, "AVG"]))
    names = {"R1-7B": "R1-Distill-7B", "R1-32B": "R1-Distill-32B", "Qwen3-8B": "Qwen3-8B"}
    paper = {(row["group"], row["model"]): row for row in read_csv(ROOT / "results/published.csv")}
    assert len(document.records) == len(PAIRS) * 8
    for record in document.records:
        mllm, reasoner = str(record["mllm"]), record["reasoner"]
        model = f"RACRO ({names[str(reasoner)]})" if reasoner else mllm
        theirs = float(paper[mllm, model][str(record["benchmark"])])
        value = record["value"]
        assert isinstance(value, float)
        assert record["difference"] == pytest.approx(value - theirs)


def test_tokens_and_time(table: Table, results: Path) -> None:
    document = costs(build_table(table.cells(), ["WeMath"]))
    for mllm, reasoner in PAIRS:
        folder = results / "WeMath" / mllm
        files = {"tentative": folder.glob("tentative-*.csv")}
        if reasoner:
            files["caption"] = folder.glob("caption-*.csv")
            files["reason"] = (folder / reasoner).glob("qcap+sol-*.csv")
        made = 0
        for stage, paths in files.items():
            (path,) = [one for one in paths if not one.name.endswith(".graded.csv")]
            rows = read_csv(path)
            record = find(document, mllm=mllm, reasoner=reasoner, stage=stage)
            tokens = sum(int(row["completion_tokens"]) for row in rows)
            assert record["completion_tokens"] == tokens
            assert record["prompt_tokens"] == sum(int(row["prompt_tokens"]) for row in rows)
            assert record["rows"] == len(rows)
            wall = record["wall_s"]
            assert isinstance(wall, float) and wall >= 0
            made += tokens
        correct = sum(verdicts("WeMath", mllm, reasoner))
        assert record["tokens_per_correct"] == pytest.approx(made / correct)


@pytest.mark.parametrize("given", [["caption"], ["tentative"], ["caption", "tentative"]])
def test_the_cost_of_texts_from_a_file_is_unknown(tmp_path: Path, given: list[str]) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("index,prediction\n" + "".join(f"{n},a text\n" for n in range(1, 5)))
    options = {f"{stage}_file": texts for stage in given}
    results = run_planned(
        tmp_path,
        {"Small": 4},
        mllms=MLLMS[:1],
        reasoners=REASONERS[:1],
        variant=["qcap+sol"],
        **options,
    )
    document = costs(build_table(collect(find_graded(results))))
    for stage in ("caption", "tentative", "reason"):
        record = find(document, stage=stage, reasoner=REASONERS[0])
        assert (record["completion_tokens"] is None) == (stage in given)
        assert record["tokens_per_correct"] is None
    (sheet,) = document.sheets
    line = next(line for line in sheet.lines if line.label.startswith("+"))
    shown = dict(zip([column.title for column in sheet.columns], line.fields, strict=True))
    unknown = {title for title, field in shown.items() if field.text == "?"}
    assert unknown == {f"{stage} {what}" for stage in given for what in ("tokens", "seconds")}
    assert shown["per right answer"].text == "-"
    assert "from a file of yours (--caption-file, --tentative-file)" in " ".join(document.notes)


def test_the_cost_of_another_answerer_is_found(tmp_path: Path) -> None:
    mllm, answerer = MLLMS
    more = {"variant": ["qcap+sol"], "answerer": f"echo:{answerer}"}
    results = run_planned(tmp_path, {"Small": 4}, mllms=[mllm], reasoners=REASONERS[:1], **more)
    document = costs(build_table(collect(find_graded(results))))
    (path,) = (results / "Small" / answerer).glob("tentative-????????.csv")
    made = sum(int(row["completion_tokens"]) for row in read_csv(path))
    assert find(document, stage="tentative", reasoner=REASONERS[0])["completion_tokens"] == made
    assert "?" not in " ".join(document.notes)


def test_the_wall_time_of_a_run_is_divided_among_its_files(results: Path) -> None:
    from racro_eval.leaderboard.analysis.usage import read_usage, stage_paths
    from racro_eval.store.sidecar import read_sidecar

    cells = collect(find_graded(results))
    usage = read_usage(cells)
    for mllm in MLLMS:
        paths = {
            path
            for cell in cells
            if cell.mllm == mllm and cell.benchmark in ROWS
            for stage, path in stage_paths(cell).items()
            if path and stage != "reason"
        }
        assert len(paths) == 14
        walls = {run["wall_s"] for path in paths for run in read_sidecar(path)["runs"]}
        assert len(walls) == 1, "captions and tentative answers of all benchmarks are one run"
        assert sum(usage[path].wall_s or 0 for path in paths) == pytest.approx(walls.pop())


def test_the_same_results_give_the_same_bytes(results: Path) -> None:
    from racro_eval.leaderboard.formats import FORMATS

    def files() -> dict[str, bytes]:
        document = board(build_table(collect(find_graded(results))))
        return {
            name + ending: content
            for name in FORMATS
            if name != "figures"
            for ending, content in FORMATS[name].render(document).items()
        }

    assert files() == files()


def test_rows_of_one_name_say_in_which_settings_they_differ(tmp_path: Path) -> None:
    for seed in (0, 3):
        run_planned(tmp_path, {"Small": 4}, mllms=MLLMS[:1], reasoners=REASONERS[:1], seed=seed)
    table = build_table(collect(find_graded(tmp_path / "results")))
    assert sorted(row.label for row in table.rows) == [
        "+ R1-7B [sampling.seed 0]",
        "+ R1-7B [sampling.seed 3]",
        "Qwen2.5-VL-3B",
    ]
    assert "Rows with the same name are runs with different settings" in " ".join(
        board(table).notes
    )
