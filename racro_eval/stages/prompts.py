"""From a sample to the messages that a model gets: the same for a run and for any other caller.

Only captions keep the question's short-answer sentence. Of a caption and a tentative answer the
reasoner reads the answer, never the thought before it.
"""

from __future__ import annotations

from collections.abc import Mapping

from racro_eval.data.questions import without_short_answer
from racro_eval.data.sample import Sample
from racro_eval.engines.base import Message
from racro_eval.engines.model_entry import ModelEntry
from racro_eval.errors import UnknownNameError, UsageError
from racro_eval.prompting import DEFAULT_VARIANT, VARIANTS, PromptSet, Role
from racro_eval.thought import answer_of

_CAPTION_ROLES: tuple[Role, ...] = ("caption", "generic_caption")


def caption_messages(
    sample: Sample, prompts: PromptSet, entry: ModelEntry, role: Role = "caption"
) -> tuple[Message, ...]:
    """The messages that ask a captioner for a caption; the sample's images go with them.

    role: "caption" for a caption that knows the question, "generic_caption" for one that does not;
    any other raises UsageError.

    >>> from racro_eval import Sample, caption_messages, load_prompts, resolve_model
    >>> sample = Sample("1", "How many dots are there?")
    >>> messages = caption_messages(sample, load_prompts("racro"), resolve_model("echo:m"))
    >>> [message.role for message in messages]
    ['system', 'user']
    """
    if role not in _CAPTION_ROLES:
        raise UsageError(f"{role!r} is no role of captions: {' or '.join(_CAPTION_ROLES)}.")
    return for_model(role_messages(sample, prompts, role), entry)


def tentative_messages(
    sample: Sample, prompts: PromptSet, entry: ModelEntry
) -> tuple[Message, ...]:
    """The messages that ask an MLLM for its tentative answer; the sample's images go with them.

    >>> from racro_eval import Sample, load_prompts, resolve_model, tentative_messages
    >>> sample = Sample("1", "How many dots are there?")
    >>> messages = tentative_messages(sample, load_prompts("racro"), resolve_model("echo:m"))
    >>> sample.question in messages[-1].content
    True
    """
    return for_model(role_messages(sample, prompts, "tentative"), entry)


def reasoner_messages(
    sample: Sample,
    prompts: PromptSet,
    entry: ModelEntry,
    *,
    caption: str | None = None,
    tentative: str | None = None,
    variant: str = DEFAULT_VARIANT,
) -> tuple[Message, ...]:
    """The messages that a reasoner gets, which sees no image.

    caption, tentative: what the MLLM wrote; a thought in it is left out. variant: which of the two
    the reasoner reads. A sample without images has neither: its question is all there is.

    Raises UnknownNameError for an unknown variant, UsageError if a text that it needs is missing.

    >>> from racro_eval import BytesImage, Sample, load_prompts, reasoner_messages, resolve_model
    >>> sample = Sample("1", "How many dots are there?", images=(BytesImage(b"..."),))
    >>> prompts, entry = load_prompts("racro"), resolve_model("echo:r")
    >>> messages = reasoner_messages(
    ...     sample, prompts, entry, caption="Three red dots.", tentative="It is 3."
    ... )
    >>> "Three red dots." in messages[-1].content
    True
    """
    texts = {"caption": caption, "tentative": tentative}
    answers = {name: answer_of(text) for name, text in texts.items() if text is not None}
    return messages_from_answers(sample, prompts, entry, answers, variant)


def messages_from_answers(
    sample: Sample,
    prompts: PromptSet,
    entry: ModelEntry,
    answers: Mapping[str, str],
    variant: str = DEFAULT_VARIANT,
) -> tuple[Message, ...]:
    """`reasoner_messages` for texts whose thought was left out before: role → answer."""
    if variant not in VARIANTS:
        raise UnknownNameError("variant", variant, VARIANTS)
    wanted = VARIANTS[variant]
    if wanted.reasoner is None:
        raise UsageError(f"The variant {variant} has no reasoner: the tentative answer is graded.")
    if not sample.images:
        return for_model(role_messages(sample, prompts, "text_only"), entry)
    if wanted.caption and "caption" not in answers:
        raise UsageError(f"The variant {variant} needs a caption.")
    if wanted.tentative and "tentative" not in answers:
        raise UsageError(f"The variant {variant} needs a tentative answer.")
    return for_model(role_messages(sample, prompts, wanted.reasoner, **answers), entry)


def role_messages(
    sample: Sample, prompts: PromptSet, role: Role, **texts: str
) -> tuple[Message, ...]:
    """The messages of a role. texts: `caption` and `tentative`, if its template names them."""
    question = sample.question
    if role not in _CAPTION_ROLES:
        question = without_short_answer(question)
    return prompts[role].render(question=question, **texts)


def for_model(messages: tuple[Message, ...], entry: ModelEntry) -> tuple[Message, ...]:
    """The messages as this model takes them: some models want no system prompt."""
    if entry.system_prompt:
        return messages
    return tuple(message for message in messages if message.role != "system")
