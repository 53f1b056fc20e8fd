"""What layerjit aims for in a row, and whether it was met."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

OWN = "layerjit"
YARDSTICK = "numpy"


class Goal(NamedTuple):
    """An upper limit of layerjit's figure.

    `kind` says of what: a fraction of the best peer's figure, the figure itself (seconds or MB), or seconds above
    NumPy's. `listed` is False for a neighbouring size, which is held to the goal of the size that it stands beside.
    """

    value: float
    kind: Literal["fraction", "figure", "above numpy"] = "fraction"
    listed: bool = True

    def limit(self, figures: Mapping[str, float]) -> float | None:
        """The largest figure that meets the goal; None when what it is relative to was not measured."""
        if self.kind == "figure":
            return self.value
        if self.kind == "above numpy":
            return figures[YARDSTICK] + self.value if YARDSTICK in figures else None
        best = best_peer(figures)
        return None if best is None else figures[best] * self.value

    def met(self, figures: Mapping[str, float]) -> bool | None:
        """Whether layerjit meets it; None when it cannot be said."""
        limit = self.limit(figures)
        return None if limit is None or OWN not in figures else figures[OWN] <= limit


def best_peer(figures: Mapping[str, float]) -> str | None:
    """Returns the side with the smallest figure that is neither layerjit nor plain NumPy."""
    peers = {name: value for name, value in figures.items() if name not in {OWN, YARDSTICK}}
    return min(peers, key=lambda name: peers[name]) if peers else None


def ratio(figures: Mapping[str, float], other: str | None) -> float | None:
    """Returns layerjit's figure as a fraction of another side's; below 1 is better."""
    if other is None or OWN not in figures or other not in figures:
        return None
    return figures[OWN] / figures[other]
