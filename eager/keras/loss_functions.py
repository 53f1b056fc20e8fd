"""The functions behind tf.keras.losses: (y_true, y_pred) of (batch, ..., n) give a value per example, (batch, ...)."""

from __future__ import annotations

import math as _math
import warnings
from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
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
    pow,
    reduce_all,
    reduce_max,
    reduce_mean,
    reduce_sum,
    sigmoid,
    square,
)
from eager.tensor import Tensor
from graphcore.dtypes import float32, int64

registry = Registry("loss function", "keras.losses")


def _pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """The predictions as a tensor, and the targets in their dtype."""
    p = convert(y_pred)
    return cast(convert(y_true, like=None), p.dtype), p


def _epsilon() -> float:
    from eager.keras.backend import epsilon

    return epsilon()


def floatx() -> str:
    """The default dtype (tf.keras.backend.floatx)."""
    from eager.keras import backend

    return backend.floatx()


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
    t, p = _pair(y_true, cast(convert(y_pred, like=float32), floatx()))
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
    if not p.dtype.is_floating:
        t, p = cast(t, floatx()), cast(p, floatx())
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
    return reduce_mean(_binary(t, p, _logits(y_pred, p, from_logits, "sigmoid", "binary_crossentropy")), axis)


def _binary(t: Tensor, p: Tensor, logits: Any) -> Tensor:
    """The cross-entropy of each element, from its logit where that is known."""
    if logits is not None:
        return nn.sigmoid_cross_entropy_with_logits(labels=t, logits=logits)
    e = _epsilon()
    p = clip_by_value(p, e, 1.0 - e)
    return -(t * log(p + e) + (1.0 - t) * log(1.0 - p + e))


def _logits(y_pred: Any, p: Tensor, from_logits: bool, activation: str, name: str) -> Any:
    """The logits that predictions are or came from, or None for plain probabilities."""
    known = logits_of(y_pred, activation)
    if known is not None and from_logits:
        warnings.warn(
            f"{name} got from_logits=True, but the predictions come from a {activation} activation, so they are "
            "probabilities; their logits are used. Leave from_logits out, or the activation.",
            stacklevel=3,
        )
    return p if from_logits and known is None else known


@registry.add()
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Binary cross-entropy times (1 - p of the true class) ** gamma (tf.keras.losses.binary_focal_crossentropy).

    Args:
        y_true: targets 0 or 1.
        y_pred: probabilities or logits, of the same shape.
        apply_class_balancing: whether class 1 counts alpha and class 0 counts 1 - alpha.
        alpha: the weight of class 1.
        gamma: how much easy examples count less.
        from_logits: whether predictions are logits.
        label_smoothing: how far targets move to 0.5.
        axis: the axis of the mean.
    """
    t, p = _pair(y_true, y_pred)
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + 0.5 * label_smoothing
    chance = sigmoid(p) if from_logits else p
    right = t * chance + (1.0 - t) * (1.0 - chance)
    values = pow(1.0 - right, gamma) * _binary(
        t, p, _logits(y_pred, p, from_logits, "sigmoid", "binary_focal_crossentropy")
    )
    if apply_class_balancing:
        values = values * (t * alpha + (1.0 - t) * (1.0 - alpha))
    return reduce_mean(values, axis)


@registry.add()
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """Cross-entropy of one-hot targets over the class axis (tf.keras.losses.categorical_crossentropy).

    Raises:
        ValueError: if the shapes differ.
    """
    t, p = _one_hot_pair(y_true, y_pred, label_smoothing, axis, axis)
    logits = _logits(y_pred, p, from_logits, "softmax", "categorical_crossentropy")
    if logits is not None:
        return nn.softmax_cross_entropy_with_logits(labels=t, logits=logits, axis=axis)
    p = p / reduce_sum(p, axis, keepdims=True)
    return -reduce_sum(t * log(clip_by_value(p, _epsilon(), 1.0 - _epsilon())), axis)


def _one_hot_pair(
    y_true: Any, y_pred: Any, label_smoothing: float, axis: int, smoothed: int
) -> tuple[Tensor, Tensor]:
    """Targets, smoothed over the classes of an axis, and predictions of the same shape."""
    if isinstance(axis, bool):
        raise ValueError(f"`axis` must be of type `int`. Received: axis={axis} of type {type(axis)}")
    t, p = _pair(y_true, y_pred)
    if not t.shape.is_compatible_with(p.shape):
        raise ShapeError(
            f"Shapes {t.shape} and {p.shape} are incompatible: one-hot targets need the predictions' shape; for class "
            "numbers use sparse_categorical_crossentropy"
        )
    if p.shape[-1] == 1:
        warnings.warn(
            f"Predictions of shape {p.shape} have one class: the categorical cross-entropy is then 0. Use "
            "binary_crossentropy for two classes.",
            SyntaxWarning,
            stacklevel=3,
        )
    if label_smoothing:
        t = t * (1.0 - label_smoothing) + label_smoothing / cast(shape_of(t)[smoothed], p.dtype)
    return t, p


@registry.add()
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """Categorical cross-entropy times alpha * (1 - p) ** gamma (tf.keras.losses.categorical_focal_crossentropy).

    Args:
        y_true: one-hot targets.
        y_pred: probabilities or logits, of the same shape.
        alpha: a factor, or one per class.
        gamma: how much easy examples count less.
        from_logits: whether predictions are logits.
        label_smoothing: how far targets move to the uniform distribution.
        axis: the class axis.

    Raises:
        ValueError: if the shapes differ.
    """
    t, p = _one_hot_pair(y_true, y_pred, label_smoothing, axis, -1)
    logits = _logits(y_pred, p, from_logits, "softmax", "categorical_focal_crossentropy")
    p = p if logits is None else nn.softmax(logits, axis)
    p = clip_by_value(p / reduce_sum(p, axis, keepdims=True), _epsilon(), 1.0 - _epsilon())
    return reduce_sum(pow(1.0 - p, gamma) * convert(alpha, like=p.dtype) * (-t * log(p)), axis)


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
        ignore_class: a class whose examples give 0 and do not count in a mean.

    Raises:
        ShapeError: if there are not as many targets as predictions.
        InvalidArgumentError: for a class number out of range.
    """
    p = convert(y_pred)
    t = cast(convert(y_true), int64)
    logits = _logits(y_pred, p, from_logits, "softmax", "sparse_categorical_crossentropy")
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
    if flat and (logits.ndim >= 3 or counted is not None):
        values = reshape(values, sizes[:-1])
    if counted is not None:
        # What a mean divides by leaves out the ignored examples.
        values._keras_mask = reshape(counted, sizes[:-1]) if flat else counted
    return values
