"""tf.keras.metrics: running statistics of losses and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager.convert import convert
from eager.keras import loss_functions as losses
from eager.keras.metric_base import Mean, MeanMetricWrapper, Metric, RunningMean, Sum, registry
from eager.keras.reduction import squeeze_or_expand
from eager.keras.serialization import deserialize_keras_object, serialize_keras_object
from eager.ops.array import cast, reshape
from eager.ops.array import shape as shape_of
from eager.ops.math import argmax, equal, greater, reduce_mean, reduce_sum, sqrt, square
from eager.ops.nn import l2_normalize
from eager.tensor import Tensor

registry.add()(Mean)
registry.add()(Sum)
registry.add()(MeanMetricWrapper)


@registry.add()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """How often predictions above a threshold match 0-or-1 targets, over the last axis."""
    p = convert(y_pred)
    hits = equal(cast(convert(y_true), p.dtype), cast(greater(p, threshold), p.dtype))
    return reduce_mean(cast(hits, p.dtype), -1)


@registry.add()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is the one-hot target's class, over the last axis."""
    p = convert(y_pred)
    return cast(equal(argmax(convert(y_true), -1), argmax(p, -1)), p.dtype)


@registry.add()
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether the largest prediction is that of the class number, over the last axis."""
    p, t = convert(y_pred), convert(y_true)
    if t.ndim == p.ndim and t.shape[-1] == 1:
        t = reshape(t, shape_of(t)[:-1])
    hits = equal(cast(t, "int64"), argmax(p, -1))
    return cast(hits, p.dtype)


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """Whether predictions equal targets (tf.keras.metrics.Accuracy's function)."""
    p, t = convert(y_pred), convert(y_true)
    t, p = squeeze_or_expand(t, p)
    return cast(equal(t, cast(p, t.dtype)), "float32")


class _Named(MeanMetricWrapper):
    """A mean of a fixed function, whose constructor takes name and dtype."""

    _function: Callable[..., Any]

    def __init__(self, name: str | None = None, dtype: Any = None, **options: Any) -> None:
        super().__init__(type(self)._function, name or self._metric_name(), dtype, **options)

    @classmethod
    def _metric_name(cls) -> str:
        from eager.keras.engine.naming import snake_case

        return snake_case(cls.__name__)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the function's options."""
        return {"name": self.name, "dtype": self.dtype, **self._options}


@registry.add("acc")
class Accuracy(_Named):
    """How often predictions equal targets (tf.keras.metrics.Accuracy)."""

    _function = staticmethod(accuracy)


@registry.add()
class BinaryAccuracy(_Named):
    """How often predictions match 0-or-1 targets (tf.keras.metrics.BinaryAccuracy)."""

    _function = staticmethod(binary_accuracy)

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        """Takes name, dtype and threshold."""
        super().__init__(name, dtype, threshold=threshold)


@registry.add()
class CategoricalAccuracy(_Named):
    """How often the largest prediction is the one-hot target's (tf.keras.metrics.CategoricalAccuracy)."""

    _function = staticmethod(categorical_accuracy)


@registry.add()
class SparseCategoricalAccuracy(_Named):
    """How often the largest prediction is the class number's (tf.keras.metrics.SparseCategoricalAccuracy)."""

    _function = staticmethod(sparse_categorical_accuracy)


@registry.add()
class MeanSquaredError(_Named):
    """The mean squared error (tf.keras.metrics.MeanSquaredError)."""

    _function = staticmethod(losses.mean_squared_error)


@registry.add()
class MeanAbsoluteError(_Named):
    """The mean absolute error (tf.keras.metrics.MeanAbsoluteError)."""

    _function = staticmethod(losses.mean_absolute_error)


@registry.add()
class MeanAbsolutePercentageError(_Named):
    """The mean absolute percentage error (tf.keras.metrics.MeanAbsolutePercentageError)."""

    _function = staticmethod(losses.mean_absolute_percentage_error)


@registry.add()
class MeanSquaredLogarithmicError(_Named):
    """The mean squared logarithmic error (tf.keras.metrics.MeanSquaredLogarithmicError)."""

    _function = staticmethod(losses.mean_squared_logarithmic_error)


@registry.add()
class Hinge(_Named):
    """The mean hinge loss (tf.keras.metrics.Hinge)."""

    _function = staticmethod(losses.hinge)


@registry.add()
class KLDivergence(_Named):
    """The mean Kullback-Leibler divergence (tf.keras.metrics.KLDivergence)."""

    _function = staticmethod(losses.kl_divergence)

    @classmethod
    def _metric_name(cls) -> str:
        return "kullback_leibler_divergence"


@registry.add()
class Poisson(_Named):
    """The mean Poisson loss (tf.keras.metrics.Poisson)."""

    _function = staticmethod(losses.poisson)


@registry.add()
class BinaryCrossentropy(_Named):
    """The mean cross-entropy of 0-or-1 targets (tf.keras.metrics.BinaryCrossentropy)."""

    _function = staticmethod(losses.binary_crossentropy)

    def __init__(
        self, name: str = "binary_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, and the smoothing."""
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


@registry.add()
class CategoricalCrossentropy(_Named):
    """The mean cross-entropy of one-hot targets (tf.keras.metrics.CategoricalCrossentropy)."""

    _function = staticmethod(losses.categorical_crossentropy)

    def __init__(
        self, name: str = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, the smoothing and the class axis."""
        super().__init__(name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


@registry.add()
class SparseCategoricalCrossentropy(_Named):
    """The mean cross-entropy of class numbers (tf.keras.metrics.SparseCategoricalCrossentropy)."""

    _function = staticmethod(losses.sparse_categorical_crossentropy)

    def __init__(
        self, name: str = "sparse_categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        ignore_class: int | None = None, axis: int = -1,
    ) -> None:  # fmt: skip
        """Takes name, dtype, whether predictions are logits, a class that counts nothing, and the class axis."""
        super().__init__(name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis)


def cosine_proximity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """sum(l2_normalize(y_true) * l2_normalize(y_pred)) over an axis."""
    p = convert(y_pred)
    return reduce_sum(l2_normalize(cast(convert(y_true), p.dtype), axis) * l2_normalize(p, axis), axis)


@registry.add()
class CosineSimilarity(_Named):
    """The mean cosine of predictions and targets (tf.keras.metrics.CosineSimilarity)."""

    _function = staticmethod(cosine_proximity)

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        """Takes name, dtype and axis."""
        super().__init__(name, dtype, axis=axis)


@registry.add()
class RootMeanSquaredError(RunningMean):
    """The root of the mean squared error (tf.keras.metrics.RootMeanSquaredError)."""

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> None:
        """Takes targets and predictions into the statistic."""
        p = cast(convert(y_pred), self.dtype)
        t, p = squeeze_or_expand(cast(convert(y_true), self.dtype), p)
        self._take(square(p - t), sample_weight)

    def result(self) -> Tensor:
        """The root of the mean so far."""
        return sqrt(super().result())


for _name, _function in {
    "mean_squared_error": losses.mean_squared_error, "mse": losses.mean_squared_error, "MSE": losses.mean_squared_error,
    "mean_absolute_error": losses.mean_absolute_error, "mae": losses.mean_absolute_error,
    "MAE": losses.mean_absolute_error, "mape": losses.mean_absolute_percentage_error,
    "msle": losses.mean_squared_logarithmic_error, "binary_crossentropy": losses.binary_crossentropy,
    "categorical_crossentropy": losses.categorical_crossentropy, "kl_divergence": losses.kl_divergence,
    "sparse_categorical_crossentropy": losses.sparse_categorical_crossentropy, "hinge": losses.hinge,
    "squared_hinge": losses.squared_hinge, "poisson": losses.poisson, "log_cosh": losses.log_cosh,
    "mean_absolute_percentage_error": losses.mean_absolute_percentage_error,
    "mean_squared_logarithmic_error": losses.mean_squared_logarithmic_error,
}.items():  # fmt: skip
    registry.entries[_name] = _function

mean_squared_error = mse = MSE = losses.mean_squared_error
mean_absolute_error = mae = MAE = losses.mean_absolute_error
binary_crossentropy = losses.binary_crossentropy
categorical_crossentropy = losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy


def get(identifier: Any) -> Any:
    """A metric from a name, config, class, instance or callable. Raises ValueError for an unknown name."""
    if isinstance(identifier, str):
        return registry.find(identifier)
    return registry.get(identifier)


def serialize(metric: Any) -> Any:
    """Plain data that describes a metric."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """A metric from `serialize`."""
    if isinstance(config, str):
        return registry.find(config, custom_objects)
    return deserialize_keras_object(config, custom_objects, registry)


__all__ = [
    "MAE", "MSE", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "CategoricalAccuracy", "CategoricalCrossentropy",
    "CosineSimilarity", "Hinge", "KLDivergence", "Mean", "MeanAbsoluteError", "MeanAbsolutePercentageError",
    "MeanMetricWrapper", "MeanSquaredError", "MeanSquaredLogarithmicError", "Metric", "Poisson",
    "RootMeanSquaredError", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy", "Sum", "binary_accuracy",
    "binary_crossentropy", "categorical_accuracy", "categorical_crossentropy", "deserialize", "get", "mae",
    "mean_absolute_error", "mean_squared_error", "mse", "serialize", "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
]  # fmt: skip
