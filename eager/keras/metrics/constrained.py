"""The best of one rate among the thresholds where another rate is high enough."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.metric_base import registry
from eager.keras.metrics.counts import NAMES, CountingMetric
from eager.ops.array import where
from eager.ops.math import divide_no_nan, greater_equal, reduce_any, reduce_max
from eager.tensor import Tensor
from eager.variable import Variable

_RATES = {
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
}
"""Each rate is the first count divided by the sum of both."""


class _Constrained(CountingMetric):
    """Base: thresholds from 0 to 1 in even steps, and the counts at each."""

    _bound: ClassVar[str]
    _best: ClassVar[str]
    true_positives: Variable
    true_negatives: Variable
    false_positives: Variable
    false_negatives: Variable

    def __init__(
        self, value: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            value: what the bounded rate must reach, in [0, 1].
            num_thresholds: how many thresholds are tried.
            class_id: the only class that counts.
            name: by default the class's, with a number.
            dtype: the dtype of the counts.

        Raises:
            ValueError: for a value or number out of range.
        """
        if value < 0 or value > 1:
            raise ValueError(
                f"Argument `{self._bound}` must be in the range [0, 1]. Received: {self._bound}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                f"Argument `num_thresholds` must be an integer > 0. Received: num_thresholds={num_thresholds}"
            )
        super().__init__(name=name, dtype=dtype)
        self.value = value
        setattr(self, self._bound, value)
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        last = num_thresholds - 1
        self.thresholds = [i / last for i in range(num_thresholds)] if last else [0.5]
        self._make_counts(NAMES, (num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets, true where not 0.
            y_pred: predictions in [0, 1], of the same shape.
            sample_weight: what each example or prediction counts.

        Raises:
            ShapeError: if the shapes do not fit.
        """
        variables = {name: getattr(self, name) for name in NAMES}
        self._update(variables, y_true, y_pred, sample_weight=sample_weight, class_id=self.class_id)

    def _rate(self, rate: str) -> Tensor:
        one, other = (getattr(self, name) for name in _RATES[rate])
        return divide_no_nan(one, one + other)

    def result(self) -> Tensor:
        """The best rate so far, a scalar; 0 if the bounded one is nowhere high enough."""
        enough = greater_equal(self._rate(self._bound), self.value)
        best = reduce_max(where(enough, self._rate(self._best), 0.0))
        return where(reduce_any(enough), best, 0.0)

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self._bound: self.value}
        return super().get_config() | own


@registry.add()
class SensitivityAtSpecificity(_Constrained):
    """The best sensitivity where the specificity is high enough (tf.keras.metrics.SensitivityAtSpecificity)."""

    _bound, _best = "specificity", "sensitivity"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Takes the least specificity, the number of thresholds, the class that counts, name and dtype."""
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@registry.add()
class SpecificityAtSensitivity(_Constrained):
    """The best specificity where the sensitivity is high enough (tf.keras.metrics.SpecificityAtSensitivity)."""

    _bound, _best = "sensitivity", "specificity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Takes the least sensitivity, the number of thresholds, the class that counts, name and dtype."""
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


@registry.add()
class PrecisionAtRecall(_Constrained):
    """The best precision where the recall is high enough (tf.keras.metrics.PrecisionAtRecall)."""

    _bound, _best = "recall", "precision"

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Takes the least recall, the number of thresholds, the class that counts, name and dtype."""
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@registry.add()
class RecallAtPrecision(_Constrained):
    """The best recall where the precision is high enough (tf.keras.metrics.RecallAtPrecision)."""

    _bound, _best = "precision", "recall"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Takes the least precision, the number of thresholds, the class that counts, name and dtype."""
        super().__init__(precision, num_thresholds, class_id, name, dtype)


__all__ = ["PrecisionAtRecall", "RecallAtPrecision", "SensitivityAtSpecificity", "SpecificityAtSensitivity"]
