"""The area under the ROC or precision-recall curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.keras.metric_base import registry
from eager.keras.metrics.counts import NAMES, CountingMetric
from eager.ops.array import ones_like, where
from eager.ops.math import (
    divide_no_nan,
    greater,
    log,
    logical_and,
    maximum,
    minimum,
    reduce_mean,
    reduce_sum,
    sigmoid,
)
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape
from eager.variable import Variable

_METHODS = ("interpolation", "majoring", "minoring")


@registry.add()
class AUC(CountingMetric):
    """The area under a curve, as a Riemann sum over thresholds (tf.keras.metrics.AUC)."""

    true_positives: Variable
    true_negatives: Variable
    false_positives: Variable
    false_negatives: Variable

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        name: str | None = None, dtype: Any = None, thresholds: Sequence[float] | None = None,
        multi_label: bool = False, num_labels: int | None = None, label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:  # fmt: skip
        """Makes the metric.

        Args:
            num_thresholds: how many thresholds, 2 or more.
            curve: "ROC" or "PR".
            summation_method: "interpolation" takes the middle between neighbours (for PR the interpolation of Davis
                and Goadrich, 2006), "minoring" the lower and "majoring" the higher one.
            name: by default "auc" with a number.
            dtype: the dtype of the counts.
            thresholds: in [0, 1], in place of evenly spaced ones; 0 and 1 are added.
            multi_label: computes one area per label, and their mean.
            num_labels: how many labels; by default known with the first batch.
            label_weights: what each label counts.
            from_logits: whether predictions are logits.

        Raises:
            ValueError: for an argument out of range, or num_labels without multi_label.
        """
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of("AUC curve", curve, ("PR", "ROC"), str.upper)
        self.summation_method = _one_of("AUC summation method", summation_method, _METHODS, str.lower)
        self._init_from_thresholds = thresholds is not None
        inner = _inner_thresholds(num_thresholds, thresholds)
        self.num_thresholds = len(inner) + 2
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else _weights(label_weights, self.dtype)
        self._from_logits = from_logits
        self._num_labels = num_labels
        from eager.keras.backend import epsilon

        # The outer ones lie a little outside, so that predictions of 0 and 1 are inside.
        self.thresholds = [0.0 - epsilon(), *inner, 1.0 + epsilon()]
        if num_labels and not multi_label:
            raise ValueError("`num_labels` is needed only when `multi_label` is True.")
        self.built = False
        if not multi_label or num_labels:
            self._build((None, num_labels))

    def _build(self, shape: Any) -> None:
        """Makes the counts; for several labels from the predictions' shape (batch, labels)."""
        sizes = TensorShape(shape)
        if self.multi_label and len(sizes) != 2:
            raise ValueError(
                f"`y_pred` must have rank 2 when `multi_label=True`. Found rank {len(sizes)}. Full shape received for "
                f"`y_pred`: {sizes}"
            )
        self._num_labels = sizes[1] if self.multi_label else None
        labels = () if self._num_labels is None else (self._num_labels,)
        self._make_counts(NAMES, (self.num_thresholds, *labels))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch.

        Args:
            y_true: targets, true where not 0.
            y_pred: predictions in [0, 1], or logits, of the same shape; (batch, labels) for several labels.
            sample_weight: what each example or prediction counts.

        Raises:
            ValueError: if the shapes do not fit, or the number of labels is not that of before.
        """
        p = convert(y_pred)
        if not self.built:
            self._build(p.shape)
        self._check_labels(convert(y_true))
        variables = {name: getattr(self, name) for name in NAMES}
        self._update(
            variables, y_true, sigmoid(p) if self._from_logits else p, sample_weight=sample_weight,
            multi_label=self.multi_label, label_weights=None if self.multi_label else self.label_weights,
        )  # fmt: skip

    def _check_labels(self, y_true: Tensor) -> None:
        weights = None if self.label_weights is None else self.label_weights.shape[0]
        expected = [n for n in (self._num_labels, weights) if n is not None]
        if expected and (y_true.ndim != 2 or y_true.shape[1] not in (expected[0], None) or len({*expected}) > 1):
            raise ValueError(
                f"Number of labels is not consistent: the targets have shape {y_true.shape}, the metric counts "
                f"{self._num_labels} labels and has weights for {weights}"
            )

    def _curve(self) -> tuple[Tensor, Tensor]:
        """The curve's points: (false positive rate, recall), or (recall, precision)."""
        recall = divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)
        if self.curve == "ROC":
            return divide_no_nan(self.false_positives, self.false_positives + self.true_negatives), recall
        return recall, divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def result(self) -> Tensor:
        """The area so far, a scalar."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._curve()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2.0
        else:
            heights = (minimum if self.summation_method == "minoring" else maximum)(y[:-1], y[1:])
        return self._over_labels(reduce_sum((x[:-1] - x[1:]) * heights, 0))

    def interpolate_pr_auc(self) -> Tensor:
        """The area under the precision-recall curve with interpolated positives (Davis and Goadrich, 2006)."""
        right = self.true_positives.value()
        positive = right + self.false_positives
        gained = right[:-1] - right[1:]
        before, after = positive[:-1], positive[1:]
        slope = divide_no_nan(gained, maximum(before - after, 0.0))
        intercept = right[1:] - slope * after
        ratio = where(
            logical_and(greater(before, 0.0), greater(after, 0.0)),
            divide_no_nan(before, maximum(after, 0.0)),
            ones_like(after),
        )
        targets = maximum(right[1:] + self.false_negatives[1:], 0.0)
        return self._over_labels(reduce_sum(divide_no_nan(slope * (gained + intercept * log(ratio)), targets), 0))

    def _over_labels(self, areas: Tensor) -> Tensor:
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return reduce_mean(areas)
        return divide_no_nan(reduce_sum(areas * self.label_weights), reduce_sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        """Name, dtype and the constructor's arguments."""
        config = super().get_config() | {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.numpy().tolist(),
            "from_logits": self._from_logits,
        }
        return config | ({"thresholds": self.thresholds[1:-1]} if self._init_from_thresholds else {})


def _one_of(what: str, value: Any, known: Sequence[str], form: Any) -> str:
    """The value in its usual form. Raises ValueError if it is none of the known ones."""
    found = form(value) if isinstance(value, str) else value
    if found not in known:
        raise ValueError(f'Invalid {what} value: "{value}". Expected values are {list(known)}')
    return str(found)


def _inner_thresholds(number: int, thresholds: Sequence[float] | None) -> list[float]:
    """The thresholds between 0 and 1. Raises ValueError for fewer than two in all."""
    if thresholds is not None:
        return sorted(thresholds)
    if number <= 1:
        raise ValueError(f"Argument `num_thresholds` must be an integer > 1. Received: num_thresholds={number}")
    return [(i + 1) / (number - 1) for i in range(number - 2)]


def _weights(given: Any, dtype: str) -> Tensor:
    """Label weights as a tensor. Raises ValueError for a negative one."""
    weights = convert(given, dtype)
    if (weights.numpy() < 0).any():
        raise ValueError(f"All values of `label_weights` must be non-negative. Received: {given}")
    return weights


__all__ = ["AUC"]
