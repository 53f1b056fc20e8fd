"""Metrics of errors that are more than the mean of a loss, and the mean of tensors."""

from __future__ import annotations

import warnings
from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
from eager.keras.metric_base import MeanMetricWrapper, Metric, registry, weigh
from eager.keras.metrics.f_score import check_matrices
from eager.keras.reduction import broadcast_weights
from eager.ops.array import cast, expand_dims, ones_like, size, squeeze, where
from eager.ops.math import abs, divide_no_nan, is_inf, reduce_mean, reduce_sum, sqrt, square, squared_difference
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from eager.variable import Variable


@registry.add()
class RootMeanSquaredError(MeanMetricWrapper):
    """The root of the mean squared error (tf.keras.metrics.RootMeanSquaredError)."""

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        """Takes name and dtype."""
        super().__init__(squared_difference, name, dtype)

    def result(self) -> Tensor:
        """The root of the mean so far."""
        return sqrt(super().result())


@registry.add()
class MeanRelativeError(MeanMetricWrapper):
    """The mean of |y_true - y_pred| / normalizer (tf.keras.metrics.MeanRelativeError)."""

    def __init__(self, normalizer: Any, name: str | None = None, dtype: Any = None) -> None:
        """Takes what errors are divided by (it broadcasts to the predictions), name and dtype."""
        super().__init__(self._relative_errors, name, dtype)
        self.normalizer = cast(convert(normalizer), self.dtype)

    def _relative_errors(self, t: Tensor, p: Tensor) -> Tensor:
        """The errors of every element. Raises ShapeError if the shapes differ."""
        if not p.shape.is_compatible_with(t.shape):
            raise ShapeError(f"Shapes {p.shape} of the predictions and {t.shape} of the targets are incompatible")
        scale = self.normalizer
        if scale.ndim == p.ndim + 1 and scale.shape[-1] == 1:
            scale = squeeze(scale, -1)
        return divide_no_nan(abs(t - p), scale)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the normalizer as numbers."""
        return super().get_config() | {"normalizer": self.normalizer.numpy().tolist()}


@registry.add()
class MeanTensor(Metric):
    """The weighted mean of tensors of one shape, element by element (tf.keras.metrics.MeanTensor)."""

    def __init__(self, name: str = "mean_tensor", dtype: Any = None, shape: Any = None) -> None:
        """Takes name, dtype and the shape, which is by default known with the first value."""
        super().__init__(name=name, dtype=dtype)
        self._shape: TensorShape | None = None
        self._total: Variable | None = None
        self._count: Variable | None = None
        if shape is not None:
            self._build(shape)

    def _build(self, shape: Any) -> tuple[Variable, Variable]:
        self._shape = TensorShape(shape)
        self._total = total = self.add_weight("total", shape)
        self._count = count = self.add_weight("count", shape)
        return total, count

    @property
    def total(self) -> Variable | None:
        """The weighted sum, or None before the first value."""
        return self._total

    @property
    def count(self) -> Variable | None:
        """The sum of the weights, or None before the first value."""
        return self._count

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds a value, weighted by what broadcasts to it.

        Raises:
            ValueError: for a shape other than that of before.
        """
        x = cast(convert(values), self.dtype)
        if self._total is None or self._count is None:
            total, count = self._build(x.shape)
        else:
            total, count = self._total, self._count
        if x.shape != self._shape:
            raise ValueError(
                "MeanTensor input values must always have the same shape. Expected shape (set during the first "
                f"call): {self._shape}. Got: {x.shape}."
            )
        amount = ones_like(x)
        if sample_weight is not None:
            x, amount = weigh(x, cast(convert(sample_weight), self.dtype), reduce_mean)
            x = x * amount
        total.assign_add(x)
        count.assign_add(amount)

    def result(self) -> Tensor:
        """The mean so far, of the values' shape. Raises ValueError before the first value."""
        if self._total is None or self._count is None:
            raise ValueError(
                "MeanTensor does not have any value yet. Please call the MeanTensor instance or use "
                "`.update_state(value)` before retrieving the result."
            )
        return divide_no_nan(self._total, self._count)


_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@registry.add()
class R2Score(Metric):
    """The coefficient of determination, 1 - residual / variance (tf.keras.metrics.R2Score)."""

    squared_sum: Variable
    sum: Variable
    total_mse: Variable
    count: Variable

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str = "r2_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            class_aggregation: None gives one score per output, "uniform_average" their mean, and
                "variance_weighted_average" their mean weighted by the outputs' variances.
            num_regressors: the number of independent variables, for the adjusted score; 0 gives the plain one.
            name: the metric's name.
            dtype: the dtype of the sums.

        Raises:
            ValueError: for another aggregation, or a negative number.
        """
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"Invalid value for argument `class_aggregation`. Expected one of {_AGGREGATIONS}. "
                f"Received: class_aggregation={class_aggregation}"
            )
        if num_regressors < 0:
            raise ValueError(
                "Invalid value for argument `num_regressors`. Expected a value >= 0. "
                f"Received: num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight("num_samples", dtype="int32")
        self.built = False

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        """Makes the sums. Raises ValueError for shapes other than (batch, outputs)."""
        check_matrices(type(self).__name__, y_true_shape, y_pred_shape)
        shape = (y_pred_shape[-1],)
        self.squared_sum = self.add_weight("squared_sum", shape)
        self.sum = self.add_weight("sum", shape)
        self.total_mse = self.add_weight("residual", shape)
        self.count = self.add_weight("count", shape)
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: targets (batch, outputs).
            y_pred: predictions of the same shape.
            sample_weight: what each example counts, (batch,), or each element.

        Raises:
            ValueError: for other shapes.
        """
        t, p = cast(convert(y_true), self.dtype), cast(convert(y_pred), self.dtype)
        if not self.built:
            self._build(t.shape, p.shape)
        w = cast(convert(1.0 if sample_weight is None else sample_weight), self.dtype)
        w = broadcast_weights(expand_dims(w, 1) if w.ndim == 1 else w, t)
        self.sum.assign_add(reduce_sum(t * w, 0))
        self.squared_sum.assign_add(reduce_sum(t * t * w, 0))
        self.total_mse.assign_add(reduce_sum(square(t - p) * w, 0))
        self.count.assign_add(reduce_sum(w, 0))
        self.num_samples.assign_add(size(t))

    def result(self) -> Tensor:
        """The score so far: (outputs,) without aggregation, else a scalar."""
        spread = self.squared_sum - self.sum * (self.sum / self.count)
        scores = 1.0 - self.total_mse / spread
        scores = where(is_inf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = reduce_mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = reduce_sum(spread * scores) / reduce_sum(spread)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Tensor) -> Tensor:
        """The adjusted score, or the plain one where there are too few samples; eagerly that warns."""
        free = self.num_samples - self.num_regressors - 1
        if free._array is not None and int(free) <= 0:
            warnings.warn(
                f"The adjusted R2 score of {self.num_regressors} regressors needs more than "
                f"{self.num_regressors + 1} samples; this is the standard R2 score.",
                stacklevel=3,
            )
        n, left = cast(self.num_samples.value(), scores.dtype), cast(free, scores.dtype)
        return where(left > 0.0, 1.0 - divide_no_nan((1.0 - scores) * (n - 1.0), left), scores)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return super().get_config() | own


__all__ = ["MeanRelativeError", "MeanTensor", "R2Score", "RootMeanSquaredError"]
