"""Probabilities that remember the logits they came from, so that a loss can be computed without loss of precision."""

from __future__ import annotations

from typing import Any

from eager.tensor import Tensor


class Logits:
    """The origin of a tensor of probabilities: a sigmoid's or softmax's argument."""

    __slots__ = ("activation", "logits")

    def __init__(self, logits: Tensor, activation: str) -> None:
        """Takes the argument and the activation's name."""
        self.logits = logits
        self.activation = activation


def remember_logits(probabilities: Any, logits: Any, activation: str) -> Any:
    """Notes on a tensor of probabilities what "sigmoid" or "softmax" computed it from, and returns it."""
    if isinstance(probabilities, Tensor) and isinstance(logits, Tensor):
        probabilities._keras_history = Logits(logits, activation)
    return probabilities


def logits_of(probabilities: Any, activation: str) -> Any:
    """The logits behind probabilities that this activation of a layer made, or None."""
    origin = getattr(probabilities, "_keras_history", None) if isinstance(probabilities, Tensor) else None
    return origin.logits if isinstance(origin, Logits) and origin.activation == activation else None
