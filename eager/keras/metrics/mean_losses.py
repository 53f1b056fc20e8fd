"""Metrics that are means of losses."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.keras import loss_functions as losses
from eager.keras.metric_base import MeanMetricWrapper, registry
from eager.ops.array import cast
from eager.ops.math import reduce_sum
from eager.ops.nn import l2_normalize
from eager.tensor import Tensor

registry.entries |= {name: f for name, f in losses.registry.entries.items() if not isinstance(f, type)}


@registry.add("cosine_proximity")
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """sum(l2_normalize(y_true) * l2_normalize(y_pred)) over an axis; the loss of this name is its negative."""
    p = convert(y_pred)
    return reduce_sum(l2_normalize(cast(convert(y_true), p.dtype), axis) * l2_normalize(p, axis), axis)


@registry.add()
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of predictions and targets (tf.keras.metrics.CosineSimilarity)."""

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        """Takes name, dtype and axis."""
        super().__init__(cosine_similarity, name, dtype, axis=axis)


@registry.add()
class MeanSquaredError(MeanMetricWrapper):
    """The mean squared error (tf.keras.metrics.MeanSquaredError)."""

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.mean_squared_error, name, dtype)


@registry.add()
class MeanAbsoluteError(MeanMetricWrapper):
    """The mean absolute error (tf.keras.metrics.MeanAbsoluteError)."""

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.mean_absolute_error, name, dtype)


@registry.add()
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean absolute percentage error (tf.keras.metrics.MeanAbsolutePercentageError)."""

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


@registry.add()
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean squared logarithmic error (tf.keras.metrics.MeanSquaredLogarithmicError)."""

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


@registry.add()
class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(error)) (tf.keras.metrics.LogCoshError)."""

    def __init__(self, name: str = "logcosh", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.log_cosh, name, dtype)


@registry.add()
class Poisson(MeanMetricWrapper):
    """The mean Poisson loss (tf.keras.metrics.Poisson)."""

    def __init__(self, name: str = "poisson", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.poisson, name, dtype)


@registry.add()
class KLDivergence(MeanMetricWrapper):
    """The mean Kullback-Leibler divergence (tf.keras.metrics.KLDivergence)."""

    def __init__(self, name: str = "kullback_leibler_divergence", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.kl_divergence, name, dtype)


@registry.add()
class Hinge(MeanMetricWrapper):
    """The mean hinge loss (tf.keras.metrics.Hinge)."""

    def __init__(self, name: str = "hinge", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.hinge, name, dtype)


@registry.add()
class SquaredHinge(MeanMetricWrapper):
    """The mean squared hinge loss (tf.keras.metrics.SquaredHinge)."""

    def __init__(self, name: str = "squared_hinge", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.squared_hinge, name, dtype)


@registry.add()
class CategoricalHinge(MeanMetricWrapper):
    """The mean categorical hinge loss (tf.keras.metrics.CategoricalHinge)."""

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(losses.categorical_hinge, name, dtype)


@registry.add()
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of 0-or-1 targets (tf.keras.metrics.BinaryCrossentropy)."""

    def __init__(
        self, name: str = "binary_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, and the smoothing."""
        super().__init__(
            losses.binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing
        )


@registry.add()
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of one-hot targets (tf.keras.metrics.CategoricalCrossentropy)."""

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, the smoothing and the class axis."""
        super().__init__(
            losses.categorical_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing,
            axis=axis,
        )  # fmt: skip


@registry.add()
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy of class numbers (tf.keras.metrics.SparseCategoricalCrossentropy)."""

    def __init__(
        self, name: str = "sparse_categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        ignore_class: int | None = None, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, a class that counts nothing, and the class axis."""
        super().__init__(
            losses.sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, ignore_class=ignore_class,
            axis=axis,
        )  # fmt: skip


__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalHinge", "CosineSimilarity", "Hinge",
    "KLDivergence", "LogCoshError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge",
    "cosine_similarity",
]  # fmt: skip
