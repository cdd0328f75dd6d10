"""Prompt sets: load, render, hash; and the variants of what a reasoner is given.

A prompt set is one YAML file with a template per role. Templates use `{question}`, `{caption}` and
`{tentative}`; `{{` and `}}` are literal braces. Each template has its own hash, and a stage's cache
key holds the hash of the template that the stage uses: editing the joint prompt never throws away
captions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from racro_eval.common.templates import check_names
from racro_eval.engines.base import Message
from racro_eval.errors import ConfigError
from racro_eval.settings import Strict, read_settings, yaml_named, yaml_registry

PROMPTS = yaml_registry("prompts", "prompt set")

Role = Literal[
    "caption",  # query-conditioned caption, by the MLLM
    "generic_caption",  # caption without the question, by the MLLM
    "tentative",  # tentative answer, by the MLLM
    "joint",  # caption and tentative answer, to the reasoner
    "caption_only",
    "tentative_only",
    "question_only",
    "text_only",  # a row without any image, to the reasoner
]
ROLES: tuple[Role, ...] = get_args(Role)

_PLACEHOLDERS: dict[Role, set[str]] = {
    "caption": {"question"},
    "generic_caption": {"question"},
    "tentative": {"question"},
    "joint": {"question", "caption", "tentative"},
    "caption_only": {"question", "caption"},
    "tentative_only": {"question", "tentative"},
    "question_only": {"question"},
    "text_only": {"question"},
}


class Template(Strict):
    """A system prompt (or none) and a user prompt."""

    system: str | None = None
    user: str

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of the system text, a NUL and the user template."""
        return hashlib.sha256(f"{self.system or ''}\0{self.user}".encode()).hexdigest()

    def render(self, **values: str) -> tuple[Message, ...]:
        """The chat: the user template filled with `values`, which are never parsed themselves."""
        user = Message("user", self.user.format(**values))
        return (user,) if self.system is None else (Message("system", self.system), user)


class _PromptFile(Strict):
    name: str
    description: str
    extends: str | None = None
    prompts: dict[Role, Template]


@dataclass(frozen=True, slots=True)
class PromptSet:
    """A complete set: one template per role."""

    name: str
    description: str
    templates: dict[Role, Template]

    def __getitem__(self, role: Role) -> Template:
        return self.templates[role]


@dataclass(frozen=True, slots=True)
class Variant:
    """What the reasoner gets as its input.

    caption: the role of the caption request, if any. tentative: whether the tentative answer is
    asked for. reasoner: the role of the reasoner's prompt; None means that the tentative answer
    itself is graded.
    """

    name: str
    caption: Role | None
    tentative: bool
    reasoner: Role | None


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant("qa", None, True, None),
        Variant("none", None, False, "question_only"),
        Variant("cap", "generic_caption", False, "caption_only"),
        Variant("qcap", "caption", False, "caption_only"),
        Variant("sol", None, True, "tentative_only"),
        Variant("cap+sol", "generic_caption", True, "joint"),
        Variant("qcap+sol", "caption", True, "joint"),
    )
}
DEFAULT_VARIANT = "qcap+sol"


def load_prompts(name: str) -> PromptSet:
    """A prompt set by name, or the user's own by the path of a YAML file.

    A set that `extends` another takes from it the roles it does not define. Raises
    UnknownNameError, ConfigError or MissingError.

    >>> from racro_eval import load_prompts
    >>> prompts = load_prompts("racro")
    >>> prompts.name, "{question}" in prompts["tentative"].user
    ('racro', True)
    """
    return _load(name, ())


def _load(name: str, children: tuple[str, ...]) -> PromptSet:
    if name in children:
        raise ConfigError(f"The prompt set {name} extends itself.")
    path = yaml_named(PROMPTS, name)
    file = read_settings(_PromptFile, path)
    templates = dict(_load(file.extends, (*children, name)).templates) if file.extends else {}
    templates.update(file.prompts)
    for role in ROLES:
        if role not in templates:
            raise ConfigError(f"{path} has no prompt {role!r}.")
        _check_placeholders(templates[role], role, path)
    return PromptSet(file.name, file.description, templates)


def _check_placeholders(template: Template, role: Role, path: object) -> None:
    try:
        check_names(template.user, _PLACEHOLDERS[role])
    except ValueError as error:
        raise ConfigError(f"{path}: {role}: {error}.") from error
