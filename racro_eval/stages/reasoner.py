"""A reasoner that stays loaded, asked for answers as a run asks it."""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.engines.base import Request
from racro_eval.engines.model_entry import ModelEntry, TensorParallel
from racro_eval.models.loaded_model import LoadedModel
from racro_eval.prompting import DEFAULT_VARIANT, PromptSet
from racro_eval.stages.prompts import reasoner_messages
from racro_eval.stages.reason import SAMPLING
from racro_eval.stages.rows import seeded


class Reasoner(LoadedModel):
    """A loaded reasoner, which reads text only; a context manager that closes its engine.

    model: a name of `racro-eval list models`, a hub id, a folder, `engine:model`, or a ModelEntry.
    engine: the engine of an entry that names none. tp, dp: parallel sizes in place of the entry's.
    What cannot be loaded raises RacroError.

    >>> from racro_eval import Reasoner, load_benchmark, load_prompts
    >>> sample, prompts = load_benchmark("Demo_MINI")["1"], load_prompts("racro")
    >>> with Reasoner("echo:r") as reasoner:
    ...     request = reasoner.request(sample, prompts, caption="Three dots.", tentative="3")
    ...     (completion,) = reasoner.answer([request])
    >>> completion.finish_reasons
    ('stop',)
    """

    def __init__(
        self,
        model: str | ModelEntry,
        *,
        engine: str | None = None,
        tp: TensorParallel | None = None,
        dp: int | None = None,
    ) -> None:
        super().__init__(model, engine=engine, tp=tp, dp=dp, max_images=0)

    def request(
        self,
        sample: Sample,
        prompts: PromptSet,
        *,
        caption: str | None = None,
        tentative: str | None = None,
        variant: str = DEFAULT_VARIANT,
        seed: int = 0,
        draw: int = 0,
    ) -> Request:
        """The request that a run with this base seed sends for a draw, an answer's number from 0.

        The texts and the variant are those of `reasoner_messages`, which says what it raises.
        """
        messages = reasoner_messages(
            sample, prompts, self.entry, caption=caption, tentative=tentative, variant=variant
        )
        sampling = seeded(self.entry.sampling.over(SAMPLING), seed, sample.index, draw)
        return Request(sample.index, messages, (), sampling)
