"""HTML: a page without other files or network access, whose tables are sortable."""

from __future__ import annotations

from racro_eval.common.printable import printable
from racro_eval.leaderboard.document import Document, Field

_TEMPLATE = "page.html.j2"


def render(document: Document) -> dict[str, bytes]:
    """The page. The template escapes every text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("racro_eval.leaderboard.formats", package_path=""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    environment.tests["loss"] = _is_loss
    environment.filters["sortable"] = _sortable
    page = environment.get_template(_TEMPLATE).render(document=document)
    return {".html": (page + "\n").encode()}


def _is_loss(difference: float) -> bool:
    return round(difference, 1) < 0


def _sortable(field: Field) -> str:
    """The text by which a column is sorted; numbers have no thousands separators."""
    if field.value is None:
        return ""
    return f"{field.value:.6f}" if isinstance(field.value, float) else printable(str(field.value))
