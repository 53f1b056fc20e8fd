"""Where a generator's choices come from: hypothesis, which shrinks, or a seeded generator, which is fast."""

from typing import Protocol

import numpy as np
from hypothesis import strategies as st


class Chooser(Protocol):
    """One kind of choice is enough."""

    def number(self, low: int, high: int) -> int:
        """An integer from low to high, both included."""
        ...


class Drawn:
    """Choices of a hypothesis strategy."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def number(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


class Seeded:
    """Choices of a generator with a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def number(self, low: int, high: int) -> int:
        return int(self._rng.integers(low, high + 1)) if high > low else low
