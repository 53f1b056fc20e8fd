"""The weighted harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

from eager.convert import convert
from eager.keras.metric_base import Metric, registry
from eager.ops.array import cast, expand_dims
from eager.ops.math import abs, divide_no_nan, greater, greater_equal, logical_and, reduce_max, reduce_mean, reduce_sum
from eager.tensor import Tensor
from eager.variable import Variable


@registry.add()
class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall) per class (tf.keras.metrics.FBetaScore)."""

    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None, name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            average: None gives one score per class, "micro" counts over all classes, "macro" is their mean, and
                "weighted" their mean weighted by how often they occur.
            beta: how much recall counts beside precision, above 0.
            threshold: what predictions must be above to count, in (0, 1]; by default the largest one counts.
            name: the metric's name.
            dtype: the dtype of the counts.

        Raises:
            ValueError: for another average, or a beta or threshold that is no float or out of range.
        """
        super().__init__(name=name, dtype=dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(
                "Invalid `average` argument value. Expected one of: {None, 'micro', 'macro', 'weighted'}. "
                f"Received: average={average}"
            )
        _check_float("beta", beta)
        if beta <= 0.0:
            raise ValueError(f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}")
        if threshold is not None:
            _check_float("threshold", threshold)
            if threshold > 1.0 or threshold <= 0.0:
                raise ValueError(
                    "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                    f"Received: threshold={threshold}"
                )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self.built = False

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        """Makes the counts.

        Raises:
            ValueError: for shapes other than (batch, classes).
        """
        check_matrices(type(self).__name__, y_true_shape, y_pred_shape)
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        for name in ("true_positives", "false_positives", "false_negatives", "intermediate_weights"):
            setattr(self, name, self.add_weight(name, shape))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets 0 or 1, (batch, classes).
            y_pred: predictions of the same shape.
            sample_weight: what each example counts, (batch,).

        Raises:
            ValueError: for other shapes.
        """
        t, p = cast(convert(y_true), self.dtype), cast(convert(y_pred), self.dtype)
        if not self.built:
            self._build(t.shape, p.shape)
        if self.threshold is None:
            chosen = logical_and(greater_equal(p, reduce_max(p, -1, keepdims=True)), greater(abs(p), 1e-9))
        else:
            chosen = greater(p, self.threshold)
        p = cast(chosen, self.dtype)
        w = None if sample_weight is None else expand_dims(cast(convert(sample_weight), self.dtype), 1)
        self.true_positives.assign_add(self._sum(p * t, w))
        self.false_positives.assign_add(self._sum(p * (1.0 - t), w))
        self.false_negatives.assign_add(self._sum((1.0 - p) * t, w))
        self.intermediate_weights.assign_add(self._sum(t, w))

    def _sum(self, values: Tensor, weights: Tensor | None) -> Tensor:
        return reduce_sum(values if weights is None else values * weights, self.axis)

    def result(self) -> Tensor:
        """The score so far: (classes,) without an average, else a scalar."""
        precision = divide_no_nan(self.true_positives, self.true_positives + self.false_positives)
        recall = divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)
        square = self.beta**2
        score = divide_no_nan(precision * recall, square * precision + recall) * (1.0 + square)
        if self.average == "weighted":
            share = divide_no_nan(self.intermediate_weights, reduce_sum(self.intermediate_weights))
            return reduce_sum(score * share)
        return score if self.average is None else reduce_mean(score)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        return super().get_config() | {"average": self.average, "beta": self.beta, "threshold": self.threshold}


@registry.add()
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall per class (tf.keras.metrics.F1Score)."""

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: Any = None
    ) -> None:
        """Takes average, threshold, name and dtype, as FBetaScore."""
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        config = super().get_config()
        del config["beta"]
        return config


def _check_float(name: str, value: Any) -> None:
    if not isinstance(value, float):
        raise ValueError(
            f"Invalid `{name}` argument value. It should be a Python float. Received: {name}={value} of type "
            f"'{type(value)}'"
        )


def check_matrices(name: str, y_true_shape: Any, y_pred_shape: Any) -> None:
    """Raises ValueError unless both shapes are (batch, n) with a known n."""
    shapes = f"Received input shapes: y_pred.shape={y_pred_shape} and y_true.shape={y_true_shape}."
    if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
        raise ValueError(f"{name} expects 2D inputs with shape (batch_size, output_dim). {shapes}")
    if y_pred_shape[-1] is None or y_true_shape[-1] is None:
        raise ValueError(
            f"{name} expects 2D inputs with shape (batch_size, output_dim), with output_dim fully defined (not None). "
            f"{shapes}"
        )


__all__ = ["F1Score", "FBetaScore", "check_matrices"]
