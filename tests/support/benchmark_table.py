"""The table of docs/benchmarks.md, from the YAMLs. Run as a module, this writes it."""

from __future__ import annotations

from collections.abc import Iterator

from racro_eval.data.spec import BENCHMARKS, BenchmarkSpec, RuleByRow, load_spec
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"
_KINDS = {"tsv": "TSV", "json": "JSON", "huggingface": "hub", "generated": "drawn"}


def table() -> str:
    """The table as Markdown."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in _lines())


def _lines() -> Iterator[list[str]]:
    yield ["benchmark", "rows", "sources", "question text", "answer rule", "licence", "paper"]
    yield ["---", "--:", "---", "---", "---", "---", "---"]
    for name in sorted(BENCHMARKS):
        spec = load_spec(name)
        yield [
            f"[{name}](../benchmarks/{name}.yaml)" + (" ★" if spec.paper_column else ""),
            _rows(spec),
            ", ".join(_KINDS[source.kind] for source in spec.sources),
            spec.question + (" (or native)" if spec.native and spec.question != "native" else ""),
            _rule(spec),
            spec.licence,
            spec.paper,
        ]


def _rows(spec: BenchmarkSpec) -> str:
    return f"{spec.counted_rows} of {spec.rows}" if spec.headline else str(spec.rows)


def _rule(spec: BenchmarkSpec) -> str:
    if isinstance(spec.answer_rule, RuleByRow):
        return f"by {spec.answer_rule.by}"
    return spec.answer_rule or "choice, else math"


def main() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
