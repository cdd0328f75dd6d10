"""A user's own CSV (columns `index` and `prediction`) in place of a model's texts."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from racro_eval.common.regular_files import open_regular
from racro_eval.errors import DataError, MissingError
from racro_eval.stages.stage_file import Parent
from racro_eval.store.records import read_named_rows
from racro_eval.thought import answer_of


@dataclass(frozen=True)
class FileTexts:
    """The captions or tentative answers of a user's own CSV."""

    path: Path
    predictions: Mapping[str, str]
    parent: Parent

    @classmethod
    def read(cls, path: Path) -> FileTexts:
        """Read the file. Raises MissingError or DataError."""
        predictions = read_predictions(path)
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:8]
        return cls(path, predictions, Parent(digest, digest))

    def text(self, index: str) -> str:
        if index not in self.predictions:
            raise DataError(f"{self.path} has no row with index {index}.")
        return answer_of(self.predictions[index])


def read_predictions(path: Path) -> dict[str, str]:
    """index → prediction of a CSV with these two columns. Raises MissingError or DataError."""
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", newline="") as file:
            reader = read_named_rows(file)
            for column in ("index", "prediction"):
                if column not in (reader.fieldnames or ()):
                    raise DataError(
                        f"{path} has no column {column!r}; its columns are: "
                        f"{', '.join(reader.fieldnames or ())}."
                    )
            predictions: dict[str, str] = {}
            for row in reader:
                if row["index"] in predictions:
                    raise DataError(f"{path}: duplicate index {row['index']!r}.")
                predictions[row["index"]] = row["prediction"] or ""
    except FileNotFoundError:
        raise MissingError(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a readable CSV: {error}.") from error
    return predictions
