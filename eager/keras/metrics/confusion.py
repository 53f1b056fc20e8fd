"""Counts of right and wrong decisions at thresholds, precision and recall."""

from __future__ import annotations

from typing import Any, ClassVar

from eager.keras.metric_base import registry
from eager.keras.metrics.counts import LOWEST, CountingMetric, threshold_list
from eager.ops.math import divide_no_nan
from eager.tensor import Tensor
from eager.variable import Variable


class _Count(CountingMetric):
    """Base of the four counts."""

    _counted: ClassVar[str]
    accumulator: Variable

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        """Takes one threshold or several in [0, 1] (0.5 by default), name and dtype."""
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = threshold_list(thresholds)
        self._make_counts(["accumulator"], (len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets, true where not 0.
            y_pred: predictions in [0, 1], of the same shape.
            sample_weight: what each example or prediction counts.

        Raises:
            ShapeError: if the shapes do not fit.
        """
        self._update({self._counted: self.accumulator}, y_true, y_pred, sample_weight=sample_weight)

    def result(self) -> Tensor:
        """The count so far: a scalar for one threshold, else (thresholds,)."""
        return self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value()

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and thresholds."""
        return super().get_config() | {"thresholds": self.init_thresholds}


@registry.add()
class TruePositives(_Count):
    """How many predictions are above the threshold, rightly (tf.keras.metrics.TruePositives)."""

    _counted = "true_positives"


@registry.add()
class TrueNegatives(_Count):
    """How many predictions are not above the threshold, rightly (tf.keras.metrics.TrueNegatives)."""

    _counted = "true_negatives"


@registry.add()
class FalsePositives(_Count):
    """How many predictions are above the threshold, wrongly (tf.keras.metrics.FalsePositives)."""

    _counted = "false_positives"


@registry.add()
class FalseNegatives(_Count):
    """How many predictions are not above the threshold, wrongly (tf.keras.metrics.FalseNegatives)."""

    _counted = "false_negatives"


class _Share(CountingMetric):
    """Base of precision and recall: the true positives' share of two counts."""

    _other: ClassVar[str]
    true_positives: Variable

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            thresholds: one or several in [0, 1]; by default 0.5, or none where top_k is given.
            top_k: makes the k largest predictions the positive ones.
            class_id: the only class that counts.
            name: by default the class's, with a number.
            dtype: the dtype of the counts.

        Raises:
            ValueError: for a threshold outside of [0, 1].
        """
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = threshold_list(thresholds, 0.5 if top_k is None else LOWEST)
        self._make_counts(["true_positives", self._other], (len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets, true where not 0.
            y_pred: predictions in [0, 1] (any numbers with top_k), of the same shape.
            sample_weight: what each example or prediction counts.

        Raises:
            ShapeError: if the shapes do not fit.
        """
        variables = {"true_positives": self.true_positives, self._other: getattr(self, self._other)}
        self._update(
            variables, y_true, y_pred, sample_weight=sample_weight, top_k=self.top_k, class_id=self.class_id
        )

    def result(self) -> Tensor:
        """The share so far: a scalar for one threshold, else (thresholds,); 0 where nothing was counted."""
        share = divide_no_nan(self.true_positives, self.true_positives + getattr(self, self._other))
        return share[0] if len(self.thresholds) == 1 else share

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return super().get_config() | own


@registry.add()
class Precision(_Share):
    """The share of positive predictions that are right (tf.keras.metrics.Precision)."""

    _other = "false_positives"


@registry.add()
class Recall(_Share):
    """The share of positive targets that are found (tf.keras.metrics.Recall)."""

    _other = "false_negatives"


__all__ = ["FalseNegatives", "FalsePositives", "Precision", "Recall", "TrueNegatives", "TruePositives"]
