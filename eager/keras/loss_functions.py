"""The functions behind tf.keras.losses: (y_true, y_pred) of (batch, ..., n) give a value per example, (batch, ...)."""

from __future__ import annotations

import math as _math
from typing import Any

from eager.convert import convert
from eager.keras.engine.logits import logits_of
from eager.keras.registry import Registry
from eager.ops import nn
from eager.ops.array import cast, reshape, transpose, where
from eager.ops.array import shape as shape_of
from eager.ops.math import (
    abs,
    clip_by_value,
    equal,
    log,
    logical_or,
    maximum,
    not_equal,
    reduce_all,
    reduce_max,
    reduce_mean,
    reduce_sum,
    square,
)
from eager.tensor import Tensor
from graphcore.dtypes import int64

registry = Registry("loss function", "keras.losses")


def _pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """The predictions as a tensor, and the targets in their dtype."""
    p = convert(y_pred)
    return cast(convert(y_true, like=None), p.dtype), p


def _epsilon() -> float:
    from eager.keras.backend import epsilon

    return epsilon()


@registry.add("mse", "MSE")
def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((y_pred - y_true) ** 2) over the last axis (tf.keras.losses.mean_squared_error)."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(square(p - t), -1)


@registry.add("mae", "MAE")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(|y_pred - y_true|) over the last axis (tf.keras.losses.mean_absolute_error)."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(abs(p - t), -1)


@registry.add("mape", "MAPE")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 * mean(|y_true - y_pred| / |y_true|) over the last axis (tf.keras.losses.mean_absolute_percentage_error)."""
    t, p = _pair(y_true, y_pred)
    return 100.0 * reduce_mean(abs((t - p) / maximum(abs(t), _epsilon())), -1)


@registry.add("msle", "MSLE")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((log(y_pred + 1) - log(y_true + 1)) ** 2) over the last axis (tf.keras.losses' msle)."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(square(log(maximum(p, _epsilon()) + 1.0) - log(maximum(t, _epsilon()) + 1.0)), -1)


def _signs(t: Tensor) -> Tensor:
    """Targets 0 and 1 as -1 and 1."""
    binary = reduce_all(logical_or(equal(t, 0.0), equal(t, 1.0)))
    return where(binary, 2.0 * t - 1.0, t)


@registry.add()
def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true * y_pred, 0)) over the last axis (tf.keras.losses.hinge); targets 0 become -1."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(maximum(1.0 - _signs(t) * p, 0.0), -1)


@registry.add()
def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true * y_pred, 0) ** 2) over the last axis (tf.keras.losses.squared_hinge)."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(square(maximum(1.0 - _signs(t) * p, 0.0)), -1)


@registry.add()
def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(neg - pos + 1, 0) with the scores of the wrong and right classes (tf.keras.losses.categorical_hinge)."""
    t, p = _pair(y_true, y_pred)
    return maximum(reduce_max((1.0 - t) * p, -1) - reduce_sum(t * p, -1) + 1.0, 0.0)


@registry.add()
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """mean of squared errors up to delta and linear ones beyond, over the last axis (tf.keras.losses.huber)."""
    t, p = _pair(y_true, y_pred)
    error = abs(p - t)
    return reduce_mean(where(error <= delta, 0.5 * square(error), delta * error - 0.5 * delta * delta), -1)


@registry.add("logcosh")
def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis (tf.keras.losses.log_cosh)."""
    t, p = _pair(y_true, y_pred)
    x = p - t
    return reduce_mean(x + nn.softplus(-2.0 * x) - _math.log(2.0), -1)


@registry.add()
def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true * log(y_pred)) over the last axis (tf.keras.losses.poisson)."""
    t, p = _pair(y_true, y_pred)
    return reduce_mean(p - t * log(p + _epsilon()), -1)


@registry.add("kld", "KLD", "kullback_leibler_divergence")
def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """sum(y_true * log(y_true / y_pred)) over the last axis (tf.keras.losses.kl_divergence)."""
    t, p = _pair(y_true, y_pred)
    t, p = clip_by_value(t, _epsilon(), 1.0), clip_by_value(p, _epsilon(), 1.0)
    return reduce_sum(t * log(t / p), -1)


@registry.add()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """-sum(l2_normalize(y_true) * l2_normalize(y_pred)) over an axis (tf.keras.losses.cosine_similarity)."""
    t, p = _pair(y_true, y_pred)
    return -reduce_sum(nn.l2_normalize(t, axis) * nn.l2_normalize(p, axis), axis)


@registry.add("bce", "BCE")
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Mean cross-entropy of yes-or-no targets over an axis (tf.keras.losses.binary_crossentropy).

    Probabilities that a layer's sigmoid made are taken as the logits they came from, which loses no precision.
    """
    t, p = _pair(y_true, y_pred)
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + 0.5 * label_smoothing
    logits = p if from_logits else logits_of(y_pred)
    if logits is not None:
        return reduce_mean(nn.sigmoid_cross_entropy_with_logits(labels=t, logits=logits), axis)
    e = _epsilon()
    p = clip_by_value(p, e, 1.0 - e)
    return reduce_mean(-(t * log(p + e) + (1.0 - t) * log(1.0 - p + e)), axis)


@registry.add()
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Cross-entropy of one-hot targets over the class axis (tf.keras.losses.categorical_crossentropy).

    Raises:
        ValueError: if the shapes differ.
    """
    t, p = _pair(y_true, y_pred)
    if not t.shape.is_compatible_with(p.shape):
        raise ValueError(
            f"Shapes {t.shape} and {p.shape} are incompatible: one-hot targets need the predictions' shape"
        )
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + label_smoothing / float(p.shape[-1])
    logits = p if from_logits else logits_of(y_pred)
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits(labels=t, logits=logits, axis=axis)
    p = p / reduce_sum(p, axis, keepdims=True)
    return -reduce_sum(t * log(clip_by_value(p, _epsilon(), 1.0 - _epsilon())), axis)


@registry.add()
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, axis: int = -1, ignore_class: int | None = None
) -> Tensor:
    """Cross-entropy of class numbers over the class axis (tf.keras.losses.sparse_categorical_crossentropy).

    Args:
        y_true: class numbers of the predictions' shape without the class axis, or with a last axis of size 1.
        y_pred: probabilities, or logits.
        from_logits: whether they are logits.
        axis: the class axis.
        ignore_class: a class whose examples give 0.
    """
    p = convert(y_pred)
    t = cast(convert(y_true), int64)
    logits = p if from_logits else logits_of(y_pred)
    if logits is None:
        logits = log(clip_by_value(p, _epsilon(), 1.0 - _epsilon()))
    if axis not in (-1, logits.ndim - 1):
        rank, at = logits.ndim, axis % logits.ndim
        logits = transpose(logits, [*(i for i in range(rank) if i != at), at])
    sizes = shape_of(logits)
    flat = t.ndim != logits.ndim - 1
    rows = reshape(logits, (-1, logits.shape[-1])) if flat else logits
    labels = reshape(t, (-1,)) if flat else t
    counted = None if ignore_class is None else not_equal(labels, ignore_class)
    safe = labels if counted is None else where(counted, labels, 0)
    values = nn.sparse_softmax_cross_entropy_with_logits(labels=safe, logits=rows)
    if counted is not None:
        values = where(counted, values, 0.0)
    return reshape(values, sizes[:-1]) if flat and logits.ndim >= 3 else values
