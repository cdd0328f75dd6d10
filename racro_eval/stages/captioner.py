"""An MLLM that stays loaded, asked for captions and tentative answers as a run asks it."""

from __future__ import annotations

from racro_eval.data.sample import Sample
from racro_eval.engines.base import Message, Request
from racro_eval.models.loaded_model import LoadedModel
from racro_eval.prompting import PromptSet, Role
from racro_eval.stages.perceive import SAMPLING
from racro_eval.stages.prompts import caption_messages, tentative_messages
from racro_eval.stages.rows import seeded


class Captioner(LoadedModel):
    """A loaded MLLM; a context manager that closes its engine.

    model: a name of `racro-eval list models`, a hub id, a folder, `engine:model`, or a ModelEntry.
    engine: the engine of an entry that names none. tp, dp: parallel sizes in place of the entry's.
    max_images: the most images of one request. What cannot be loaded raises RacroError.

    >>> from racro_eval import Captioner, load_benchmark, load_prompts
    >>> sample, prompts = load_benchmark("Demo_MINI")["1"], load_prompts("racro")
    >>> with Captioner("echo:m") as captioner:
    ...     caption, tentative = captioner.answer([
    ...         captioner.caption_request(sample, prompts),
    ...         captioner.tentative_request(sample, prompts),
    ...     ])
    >>> tentative.texts
    ('m read 127 characters and 1 images. The answer is \\\\boxed{5}.',)
    """

    def caption_request(
        self, sample: Sample, prompts: PromptSet, role: Role = "caption", *, seed: int = 0
    ) -> Request:
        """The request for a caption that a run with this base seed sends; role as for
        `caption_messages`."""
        return self._request(sample, caption_messages(sample, prompts, self.entry, role), seed)

    def tentative_request(self, sample: Sample, prompts: PromptSet, *, seed: int = 0) -> Request:
        """The request for a tentative answer that a run with this base seed sends."""
        return self._request(sample, tentative_messages(sample, prompts, self.entry), seed)

    def _request(self, sample: Sample, messages: tuple[Message, ...], seed: int) -> Request:
        sampling = seeded(self.entry.sampling.over(SAMPLING), seed, sample.index, 0)
        return Request(sample.index, messages, sample.images, sampling)
