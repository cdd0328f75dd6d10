"""Names that stand for something: those of racro-eval, and those that other packages add.

A package adds a name with an entry point (docs/extending.md). Entry points are read when a name is
asked for or all are listed, and what a name stands for is imported only when that name is used: a
package that cannot be loaded breaks nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from racro_eval.errors import ConfigError, MissingError, RacroError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Value = TypeVar("Value")

PREFIX = "racro_eval."
"""How the entry-point groups begin: `racro_eval.engines` holds engines."""
_MOST_SHOWN = 12
"""Longer lists of names are not repeated in an error."""


def load_object(target: str) -> Any:
    """What `module:object` names; imports the module. Raises what importing it raises."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def _load(plugin: EntryPoint) -> Any:
    return plugin.load()


class Registry(Generic[Value]):
    """The names of one kind: `registry[name]` is what a name stands for, iterating yields all.

    group: the entry-point group without its prefix, also what `racro-eval list` calls it.
    kind: what one of them is called in messages.
    expected: the class of what a name stands for.
    built_in: the names of racro-eval itself; a text is a "module:object" that is imported on use.
    load: from an entry point to what it stands for; by default its object.

        FORMATS = Registry("formats", "format", Format, {"md": Format(...)})
        FORMATS["md"].render(document)
    """

    def __init__(
        self,
        group: str,
        kind: str,
        expected: Any,
        built_in: Mapping[str, Value | str],
        load: Callable[[EntryPoint], Any] = _load,
    ) -> None:
        self.group, self.kind = group, kind
        self.built_in = dict(built_in)
        self._expected, self._load = expected, load

    def __iter__(self) -> Iterator[str]:
        """All names: the built-in ones in their order, then the others, sorted."""
        yield from self.built_in
        yield from sorted(self._plugins().keys() - self.built_in.keys())

    def __contains__(self, name: object) -> bool:
        return name in self.built_in or name in self._plugins()

    def __getitem__(self, name: str) -> Value:
        """What a name stands for.

        Raises UnknownNameError with the nearest names; ConfigError if several packages have the
        name, or its package does not provide what it should; MissingError if it cannot be imported.
        """
        plugins = self._plugins().get(name, [])
        if name in self.built_in:
            if plugins:
                raise ConfigError(
                    f"{self.package(name)} adds the {self.kind} {name!r}, which racro-eval has "
                    "itself. Uninstall that package, or ask its authors for another name."
                )
            built_in = self.built_in[name]
            value: Value = load_object(built_in) if isinstance(built_in, str) else built_in
            return value
        if not plugins:
            raise self.unknown(name)
        if len(plugins) > 1:
            raise ConfigError(
                f"{self.package(name)} add the {self.kind} {name!r}. Uninstall all but one of them."
            )
        return self._loaded(plugins[0])

    def unknown(self, name: str) -> UnknownNameError:
        """What to raise for a name that neither racro-eval nor an installed package has."""
        names = list(self)
        shown = f"There are: {', '.join(names)}."
        hint = shown if len(names) <= _MOST_SHOWN else f"`racro-eval list {self.group}` shows all."
        return UnknownNameError(self.kind, name, names, hint)

    def package(self, name: str) -> str:
        """The package that adds a name, with its version; empty if no other package does."""
        return " and ".join(map(_package, self._plugins().get(name, [])))

    def failure(self, name: str, error: Exception) -> RacroError:
        """What to raise if a package that adds a name fails with `error` while it is loaded."""
        missing = isinstance(error, ImportError | FileNotFoundError)
        return (MissingError if missing else ConfigError)(
            f"{self.package(name)} adds the {self.kind} {name!r}, which cannot be loaded: "
            f"{type(error).__name__}: {error}"
        )

    def _loaded(self, plugin: EntryPoint) -> Value:
        try:
            value = self._load(plugin)
            if not isinstance(value, self._expected):
                raise TypeError(
                    f"{plugin.value} is of the type {type(value).__name__}, "
                    f"not {self._expected.__name__}"
                )
        except Exception as error:  # whatever another package's code may raise
            raise self.failure(plugin.name, error) from error
        loaded: Value = value
        return loaded

    def _plugins(self) -> Mapping[str, list[EntryPoint]]:
        return entry_points().get(PREFIX + self.group, {})


def package_of(module: str) -> str:
    """The package whose entry points name a module or one beside it, with its version; else ""."""
    top = module.partition(".")[0]
    for names in entry_points().values():
        for plugin in chain.from_iterable(names.values()):
            if plugin.module.partition(".")[0] == top:
                return _package(plugin)
    return ""


def _package(plugin: EntryPoint) -> str:
    return f"{plugin.dist.name} {plugin.dist.version}" if plugin.dist else "A package"


@cache
def entry_points() -> dict[str, dict[str, list[EntryPoint]]]:
    """Group → name → the entry points of installed packages, for our groups.

    Read once per process, which takes some hundredths of a second.
    """
    from importlib import metadata

    groups: dict[str, dict[str, list[EntryPoint]]] = {}
    installed = metadata.entry_points()
    for group in (group for group in installed.groups if group.startswith(PREFIX)):
        for plugin in installed.select(group=group):
            groups.setdefault(group, {}).setdefault(plugin.name, []).append(plugin)
    return groups
