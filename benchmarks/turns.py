"""Times sides in turn, round after round (A, B, A, B), so that a change of the machine's mood meets all of them.

Each figure is the median of its rounds.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class Timed(Protocol):
    """A side that can be asked for samples."""

    def calibrate(self, seconds: float, warm_up: float) -> int:
        """How many calls fill a sample."""
        ...

    def sample(self, count: int) -> float:
        """Seconds per call."""
        ...


class Effort(NamedTuple):
    """How long to measure: rounds, seconds per sample, seconds of warm-up per side.

    After `limit` seconds, and 5 rounds or as many as there are, no further round begins.
    """

    rounds: int
    sample: float
    warm_up: float
    limit: float


FULL = Effort(rounds=15, sample=0.03, warm_up=0.1, limit=12.0)
QUICK = Effort(rounds=5, sample=0.01, warm_up=0.01, limit=2.0)
_LEAST_ROUNDS = 5


def measure(sides: Mapping[str, Timed], effort: Effort) -> dict[str, list[float]]:
    """Returns the seconds per call of each side, one number per round."""
    counts = {name: side.calibrate(effort.sample, effort.warm_up) for name, side in sides.items()}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    end = time.monotonic() + effort.limit
    for number in range(effort.rounds):
        if number >= _LEAST_ROUNDS and time.monotonic() > end:
            break
        for name, side in sides.items():
            samples[name].append(side.sample(counts[name]))
    return samples


def medians(samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each side."""
    return {name: statistics.median(values) for name, values in samples.items()}
