"""A model as it runs: its entry, the chosen engine, and the fingerprint of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from racro_eval.engines.base import Sampling
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.models.keys import model_settings


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a stage runs it: its entry, the chosen engine, and the fingerprint of its weights.

    device: "cpu" or "gpu" if the entry's dtype was chosen for it (`dtype: auto`), else None.
    """

    entry: ModelEntry
    engine: str
    fingerprint: str
    device: str | None = None

    def key_settings(self) -> dict[str, Any]:
        """The model's settings in the key of cached rows: those that can change the text."""
        return model_settings(self.entry, self.engine, self.fingerprint)

    def sampling(self, default: Sampling) -> Sampling:
        """The stage's sampling with the model's own overrides."""
        return self.entry.sampling.over(default)
