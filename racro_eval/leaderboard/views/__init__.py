"""Views of the results; each makes a document of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from racro_eval.common.registry import Registry

if TYPE_CHECKING:
    from racro_eval.leaderboard.document import Document
    from racro_eval.leaderboard.table import Table


class View(Protocol):
    """From a table to a document. Raises MissingError if the table has nothing for it."""

    def __call__(self, table: Table, /) -> Document: ...


VIEWS: Registry[View] = Registry(
    "views",
    "view",
    Callable,
    {
        "board": "racro_eval.leaderboard.views.board:board",
        "compare-published": "racro_eval.leaderboard.views.against_paper:against_paper",
        "several": "racro_eval.leaderboard.views.several:several",
        "diagnose": "racro_eval.leaderboard.views.diagnosis:diagnosis",
        "usage": "racro_eval.leaderboard.views.costs:costs",
    },
)
"""The views that need nothing but the table; others are asked for by options of their own."""
