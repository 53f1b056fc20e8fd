"""What callbacks that watch one result have in common: which way is better, and reading it from the logs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np


class Direction:
    """Whether a result should fall or rise.

    Attributes:
        rising: whether larger is better.
        worst: the value that everything is better than.
    """

    def __init__(self, mode: str, monitor: str, owner: str, endings: tuple[str, ...] = ()) -> None:
        """Takes "min", "max", or "auto": larger is better for names with one of the endings, or with acc.

        Another mode warns and counts as "auto".
        """
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{owner} mode {mode} is unknown, fallback to auto mode.", RuntimeWarning, stacklevel=4)
            mode = "auto"
        named = monitor.endswith(endings) if endings else "acc" in monitor
        self.rising = mode == "max" or (mode == "auto" and (named or monitor.startswith("fmeasure")))
        self.worst = -np.inf if self.rising else np.inf

    def better(self, value: Any, reference: Any, least: float = 0.0) -> bool:
        """Whether `value` is better than `reference` by more than `least`."""
        return bool(value - least > reference) if self.rising else bool(value + least < reference)


def watched(logs: Any, monitor: str, what: str) -> Any:
    """The watched result, or None with a warning that names the available ones."""
    value = (logs or {}).get(monitor)
    if value is None:
        warnings.warn(
            f"{what} conditioned on metric `{monitor}` which is not available. Available metrics are: "
            f"{','.join(logs or {})}",
            stacklevel=3,
        )
    return value
