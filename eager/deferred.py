"""Tells whoever waits for it that an object got a new variable or inner object.

A restored checkpoint waits here for variables that do not exist yet (`eager.train.restore`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

waiting: list[Callable[[Any], bool]] = []
"""Called with the owner of something new; those that return False wait no longer."""


def attached(owner: Any) -> None:
    """Says that an object has something new. Callers look at `waiting` first, which costs next to nothing."""
    for waiter in tuple(waiting):
        if not waiter(owner):
            waiting.remove(waiter)
