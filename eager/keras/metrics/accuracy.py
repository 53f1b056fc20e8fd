"""Metrics of hits: how often predictions are right, or among the k best."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.keras.loss_functions import floatx
from eager.keras.metric_base import MeanMetricWrapper, registry
from eager.ops.array import cast, reshape, squeeze
from eager.ops.array import shape as shape_of
from eager.ops.math import argmax, equal, greater, reduce_mean
from eager.ops.sorting import in_top_k
from eager.tensor import Tensor


@registry.add("acc", "ACC")
def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether predictions equal targets, element by element, as 0 or 1 (the function of tf.keras.metrics.Accuracy)."""
    t = convert(y_true)
    return cast(equal(t, cast(convert(y_pred), t.dtype)), floatx())


def binary_matches(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """Whether predictions above a threshold match targets 0 or 1, element by element, as 0 or 1."""
    p = convert(y_pred)
    return cast(equal(cast(convert(y_true), p.dtype), cast(greater(p, threshold), p.dtype)), floatx())


@registry.add()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """How often predictions above a threshold match 0-or-1 targets, over the last axis.

    The source is tf.keras.metrics.binary_accuracy.
    """
    return reduce_mean(binary_matches(y_true, y_pred, threshold), -1)


def sparse_categorical_matches(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is that of the class number, in the targets' shape."""
    p, t = convert(y_pred), convert(y_true)
    sizes = shape_of(t) if t.ndim == p.ndim else None
    classes = t if sizes is None else squeeze(t, -1)
    hits = cast(equal(classes, cast(argmax(p, -1), t.dtype)), floatx())
    return hits if sizes is None else reshape(hits, sizes)


@registry.add()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is that of the class number (tf.keras.metrics.sparse_categorical_accuracy)."""
    hits = sparse_categorical_matches(y_true, y_pred)
    return squeeze(hits, -1) if hits.ndim > 1 and hits.shape[-1] == 1 else hits


@registry.add()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is the one-hot target's class (tf.keras.metrics.categorical_accuracy)."""
    return sparse_categorical_matches(argmax(convert(y_true), -1), y_pred)


@registry.add()
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the class number is among the k largest predictions, in the targets' shape.

    The source is tf.keras.metrics.sparse_top_k_categorical_accuracy.
    """
    p, t = convert(y_pred), convert(y_true)
    rows = reshape(p, (-1, p.shape[-1])) if p.ndim > 2 else p
    classes = cast(reshape(t, (-1,)) if t.ndim > 1 else t, "int32")
    hits = cast(in_top_k(classes, rows, k), floatx())
    return reshape(hits, shape_of(t)) if t.ndim > 1 else hits


@registry.add()
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """Whether the one-hot target's class is among the k largest predictions.

    The source is tf.keras.metrics.top_k_categorical_accuracy.
    """
    return sparse_top_k_categorical_accuracy(argmax(convert(y_true), -1), y_pred, k)


@registry.add()
class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets (tf.keras.metrics.Accuracy)."""

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(accuracy, name, dtype)


@registry.add()
class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions match 0-or-1 targets (tf.keras.metrics.BinaryAccuracy)."""

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        """Takes name, dtype and threshold."""
        super().__init__(binary_matches, name, dtype, threshold=threshold)


@registry.add()
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the one-hot target's (tf.keras.metrics.CategoricalAccuracy)."""

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(categorical_accuracy, name, dtype)


@registry.add()
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is the class number's (tf.keras.metrics.SparseCategoricalAccuracy)."""

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(sparse_categorical_matches, name, dtype)


@registry.add()
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one-hot target's class is among the k best (tf.keras.metrics.TopKCategoricalAccuracy)."""

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        """Takes k, name and dtype."""
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@registry.add()
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class number is among the k best (tf.keras.metrics.SparseTopKCategoricalAccuracy)."""

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy", dtype: Any = None) -> None:
        """Takes k, name and dtype."""
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)


__all__ = [
    "Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy", "accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy", "top_k_categorical_accuracy",
]  # fmt: skip
