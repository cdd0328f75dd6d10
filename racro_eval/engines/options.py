"""Reading and checking the engine-specific `options` of a model's entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from racro_eval.errors import ConfigError


def check_known(engine: str, options: Mapping[str, object], known: Collection[str]) -> None:
    """Raise ConfigError, which lists the known options, if one of `options` is unknown."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(
            f"The engine {engine!r} has no option {', '.join(map(repr, unknown))}. "
            f"Its options are: {', '.join(sorted(known))}."
        )


def whole_number(
    engine: str, options: Mapping[str, object], name: str, default: int, least: int = 1
) -> int:
    """The option as a whole number of at least `least`. Raises ConfigError for another value."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(
            f"The option {name!r} of the engine {engine!r} must be a whole number of at least "
            f"{least}, not {value!r}."
        )
    return value


def seconds(
    engine: str, options: Mapping[str, object], name: str, default: float, least: float = 0
) -> float:
    """The option as a time of at least `least` seconds. Raises ConfigError for another value."""
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 86_400:
        raise ConfigError(
            f"The option {name!r} of the engine {engine!r} must be a time in seconds "
            f"from {least:g} up to a day, not {value!r}."
        )
    return float(value)
