"""Rows of losses: how to make one, targets and predictions, and its values per example restated in NumPy float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
EPS = 1e-7
_RNG = np.random.default_rng(11)


class LossCase(NamedTuple):
    """One loss: class name, options, targets, predictions, and values per example as a function of predictions."""

    name: str
    options: dict[str, Any]
    y_true: Array
    y_pred: Array
    reference: Callable[[Array], Array]


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def bce(t: Array, p: Array) -> Array:
    p = np.clip(p, EPS, 1 - EPS)
    return -(t * np.log(p + EPS) + (1 - t) * np.log(1 - p + EPS))


def cce(t: Array, p: Array, axis: int = -1) -> Array:
    p = np.clip(p / p.sum(axis, keepdims=True), EPS, 1 - EPS)
    return -(t * np.log(p)).sum(axis)


def signs(t: Array) -> Array:
    return 2 * t - 1 if np.isin(t, (0, 1)).all() else t


def unit(x: Array, axis: int) -> Array:
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def smooth(t: Array, by: float, to: float) -> Array:
    return t * (1 - by) + by * to


REAL = _RNG.normal(size=(5, 4)) * 2
OTHER = _RNG.normal(size=(5, 4)) * 2
SHARES = softmax(_RNG.normal(size=(5, 4)))
SHARES_3 = softmax(_RNG.normal(size=(5, 3, 4)))
LOGITS = _RNG.normal(size=(5, 4)) * 2
LOGITS_3 = _RNG.normal(size=(5, 3, 4)) * 2
BITS = (_RNG.random((5, 4)) > 0.5).astype(float)
CLASSES = np.array([0, 3, 1, 1, 2])
CLASSES_3 = _RNG.integers(0, 4, (5, 3))
HOT, HOT_3 = np.eye(4)[CLASSES], np.eye(4)[CLASSES_3]


def sparse(classes: Array, logs: Array) -> Array:
    return -np.take_along_axis(logs, classes[..., None], -1)[..., 0]


def _logs(p: Array) -> Array:
    # The logarithms of clipped probabilities are taken as logits, as tf.keras does.
    return np.log(softmax(np.log(np.clip(p, EPS, 1 - EPS))))


def _focal(t: Array, p: Array, gamma: float) -> Array:
    return (1 - (t * p + (1 - t) * (1 - p))) ** gamma * bce(t, p)


def _categorical_focal(t: Array, p: Array, alpha: Any, gamma: float) -> Array:
    p = np.clip(p / p.sum(-1, keepdims=True), EPS, 1 - EPS)
    return (alpha * (1 - p) ** gamma * -t * np.log(p)).sum(-1)


def _huber(error: Array, delta: float) -> Array:
    e = np.abs(error)
    return np.where(e <= delta, e**2 / 2, delta * e - delta**2 / 2).mean(-1)


def _kld(t: Array, p: Array) -> Array:
    t, p = np.clip(t, EPS, 1), np.clip(p, EPS, 1)
    return (t * np.log(t / p)).sum(-1)


def _log1(x: Array) -> Array:
    return np.log(np.maximum(x, EPS) + 1)


CASES = [
    LossCase("MeanSquaredError", {}, REAL, OTHER, lambda p: ((REAL - p) ** 2).mean(-1)),
    LossCase("MeanAbsoluteError", {}, REAL, OTHER, lambda p: np.abs(REAL - p).mean(-1)),
    LossCase("MeanAbsolutePercentageError", {}, REAL, OTHER, lambda p: 100 * np.abs((REAL - p) / REAL).mean(-1)),
    LossCase("MeanSquaredLogarithmicError", {}, REAL, SHARES, lambda p: ((_log1(REAL) - _log1(p)) ** 2).mean(-1)),
    LossCase("Huber", {}, REAL, OTHER, lambda p: _huber(REAL - p, 1.0)),
    LossCase("Huber", {"delta": 0.3}, REAL, OTHER, lambda p: _huber(REAL - p, 0.3)),
    LossCase("LogCosh", {}, REAL, OTHER, lambda p: np.log(np.cosh(p - REAL)).mean(-1)),
    LossCase("Poisson", {}, BITS, SHARES, lambda p: (p - BITS * np.log(p + EPS)).mean(-1)),
    LossCase("KLDivergence", {}, SHARES_3[::-1], SHARES_3, lambda p: _kld(SHARES_3[::-1], p)),
    LossCase("CosineSimilarity", {}, REAL, OTHER, lambda p: -(unit(REAL, -1) * unit(p, -1)).sum(-1)),
    LossCase("CosineSimilarity", {"axis": 1}, LOGITS_3[::-1], LOGITS_3,
             lambda p: -(unit(LOGITS_3[::-1], 1) * unit(p, 1)).sum(1)),
    LossCase("Hinge", {}, BITS, OTHER, lambda p: np.maximum(1 - signs(BITS) * p, 0).mean(-1)),
    LossCase("Hinge", {}, REAL, OTHER, lambda p: np.maximum(1 - REAL * p, 0).mean(-1)),
    LossCase("SquaredHinge", {}, BITS, OTHER, lambda p: (np.maximum(1 - signs(BITS) * p, 0) ** 2).mean(-1)),
    LossCase("CategoricalHinge", {}, HOT, OTHER,
             lambda p: np.maximum(((1 - HOT) * p).max(-1) - (HOT * p).sum(-1) + 1, 0)),
    LossCase("BinaryCrossentropy", {}, BITS, SHARES, lambda p: bce(BITS, p).mean(-1)),
    LossCase("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, BITS, LOGITS,
             lambda p: bce(smooth(BITS, 0.2, 0.5), sigmoid(p)).mean(-1)),
    LossCase("BinaryCrossentropy", {"axis": 1}, HOT_3, SHARES_3, lambda p: bce(HOT_3, p).mean(1)),
    LossCase("BinaryFocalCrossentropy", {}, BITS, SHARES, lambda p: _focal(BITS, p, 2.0).mean(-1)),
    LossCase("BinaryFocalCrossentropy",
             {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "from_logits": True}, BITS, LOGITS,
             lambda p: ((BITS * 0.4 + (1 - BITS) * 0.6) * _focal(BITS, sigmoid(p), 1.5)).mean(-1)),
    LossCase("BinaryFocalCrossentropy", {"label_smoothing": 0.1}, BITS, SHARES,
             lambda p: _focal(smooth(BITS, 0.1, 0.5), p, 2.0).mean(-1)),
    LossCase("CategoricalCrossentropy", {}, HOT, SHARES, lambda p: cce(HOT, p)),
    LossCase("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, HOT_3, LOGITS_3,
             lambda p: cce(smooth(HOT_3, 0.2, 0.25), softmax(p))),
    LossCase("CategoricalCrossentropy", {"axis": 1, "from_logits": True}, SHARES_3[::-1], LOGITS_3,
             lambda p: -(SHARES_3[::-1] * (p - np.log(np.exp(p).sum(1, keepdims=True)))).sum(1)),
    LossCase("CategoricalFocalCrossentropy", {}, HOT, SHARES, lambda p: _categorical_focal(HOT, p, 0.25, 2.0)),
    LossCase("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 1.0, "from_logits": True},
             HOT, LOGITS, lambda p: _categorical_focal(HOT, softmax(p), np.array([0.1, 0.2, 0.3, 0.4]), 1.0)),
    LossCase("CategoricalFocalCrossentropy", {"label_smoothing": 0.1}, HOT, SHARES,
             lambda p: _categorical_focal(smooth(HOT, 0.1, 0.25), p, 0.25, 2.0)),
    LossCase("SparseCategoricalCrossentropy", {}, CLASSES, SHARES, lambda p: sparse(CLASSES, _logs(p))),
    LossCase("SparseCategoricalCrossentropy", {}, CLASSES[:, None], SHARES, lambda p: sparse(CLASSES, _logs(p))),
    LossCase("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES_3, LOGITS_3,
             lambda p: sparse(CLASSES_3, np.log(softmax(p)))),
]  # fmt: skip


def dice(t: Array, p: Array, axis: Any) -> Array:
    return 1 - 2 * (t * p).sum(axis) / (t.sum(axis) + p.sum(axis) + EPS)


def tversky(t: Array, p: Array, alpha: float, beta: float, axis: Any) -> Array:
    both = (t * p).sum(axis)
    return 1 - both / (both + alpha * ((1 - p) * t).sum(axis) + beta * (p * (1 - t)).sum(axis) + EPS)


CASES.extend([
    LossCase("Dice", {}, BITS, SHARES, lambda p: dice(BITS, p, None)),
    LossCase("Dice", {"axis": [1, 2]}, HOT_3, SHARES_3, lambda p: dice(HOT_3, p, (1, 2))),
    LossCase("Tversky", {"alpha": 0.3, "beta": 0.8, "axis": 1}, BITS, SHARES,
             lambda p: tversky(BITS, p, 0.3, 0.8, 1)),
])  # fmt: skip
