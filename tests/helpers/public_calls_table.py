"""The table of calls that show that the public names of tf.keras, tf.data and tf.train work.

The modules `public_calls_*` beside this one add rows; tests/keras/test_coverage.py runs them, each in an empty folder.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

ROWS: dict[tuple[str, str], Callable[[], Any]] = {}


def row(title: str, names: str, shown: Callable[[], Any]) -> None:
    """A call for one name, or for several that one call shows; it is true where the names work."""
    for name in names.split():
        assert (title, name) not in ROWS, (title, name)
        ROWS[title, name] = shown


def rows(title: str, table: Mapping[str, Callable[[], Any]]) -> None:
    """A call for each name of a module or class."""
    for names, shown in table.items():
        row(title, names, shown)


def shows(title: str, names: str) -> Callable[[Callable[[], None]], Callable[[], bool]]:
    """Decorates a function of assertions that shows several names of a module or class; it runs once."""

    def wrap(function: Callable[[], None]) -> Callable[[], bool]:
        @functools.cache
        def once() -> bool:
            function()
            return True

        row(title, names, once)
        return once

    return wrap


def near(got: Any, want: Any, tolerance: float = 1e-5) -> bool:
    """Whether a value has the shape of another and is about it."""
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and bool(np.allclose(got.astype(float), want, tolerance, tolerance))


def equal(got: Any, want: Any) -> bool:
    """Whether a value has the shape and the elements of another."""
    got, want = np.asarray(got), np.asarray(want)
    return got.shape == want.shape and bool((got == want).all())


def sized(got: Any, *shape: int | None) -> bool:
    """Whether a value has a shape."""
    return tuple(got.shape) == shape


def raises(kind: type[BaseException], call: Callable[[], Any]) -> bool:
    """Whether a call raises an error."""
    try:
        call()
    except kind:
        return True
    return False
