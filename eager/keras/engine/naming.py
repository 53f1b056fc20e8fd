"""Names of layers: snake case of the class, counted per base name."""

from __future__ import annotations

import re

_counters: dict[str, int] = {}
_observed: set[str] = set()


def snake_case(name: str) -> str:
    """The class name in snake case: ReLU gives re_lu, `_Private` gives private__private."""
    spaced = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    lower = re.sub("([a-z])([A-Z])", r"\1_\2", spaced).lower()
    return "private" + lower if lower.startswith("_") else lower


def unique_name(base: str, start: int = 0, skip_observed: bool = False) -> str:
    """The next name of a base: base, base_1, ... or, starting at one, base_1, base_2, ...

    Args:
        base: the snake-case name.
        start: 0 leaves the number out of the first name.
        skip_observed: passes over names that users have given or that were made before (operator layers).
    """
    while True:
        number = _counters.get(base, start)
        _counters[base] = number + 1
        name = f"{base}_{number}" if number else base
        if not skip_observed or name not in _observed:
            return name


def observe(name: str) -> None:
    """Takes note of a name that a layer has."""
    _observed.add(name)


def reset_names() -> None:
    """Starts all counters anew (tf.keras.backend.clear_session)."""
    _counters.clear()
    _observed.clear()
