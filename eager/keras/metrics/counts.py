"""How often predictions above and below thresholds are right and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eager.convert import convert
from eager.errors import ShapeError
from eager.keras.metric_base import Metric
from eager.keras.reduction import broadcast_weights, fit_weights, squeeze_or_expand
from eager.ops.array import cast, expand_dims, one_hot, ones_like, reshape, where
from eager.ops.array import range as range_of
from eager.ops.array import shape as shape_of
from eager.ops.cumulative import cumsum
from eager.ops.math import ceil, clip_by_value, greater, logical_and, logical_not, maximum, not_equal, reduce_sum
from eager.ops.segment import unsorted_segment_sum
from eager.ops.sorting import top_k as largest
from eager.tensor import Tensor
from eager.variable import Variable
from graphcore.dtypes import DType, as_dtype

NAMES = ("true_positives", "true_negatives", "false_positives", "false_negatives")
LOWEST = -1e10
"""Below every prediction: the threshold where the k best predictions are the positive ones."""


def threshold_list(thresholds: Any, default: float = 0.5) -> list[Any]:
    """Thresholds as a list.

    Raises:
        ValueError: for one outside of [0, 1].
    """
    if thresholds is None:
        return [default]
    listed = list(thresholds) if isinstance(thresholds, list | tuple) else [thresholds]
    wrong = [t for t in listed if t is None or t < 0 or t > 1]
    if wrong:
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {wrong}")
    return listed


def spaced_evenly(thresholds: Sequence[float]) -> bool:
    """Whether three or more thresholds are 0, 1/n, 2/n, ... 1, up to rounding."""
    from eager.keras.backend import epsilon

    last = len(thresholds) - 1
    steps = ((t, i / last) for i, t in enumerate(thresholds) if last >= 2)
    return last >= 2 and all(abs(t - even) <= epsilon() + 1e-5 * even for t, even in steps)


class CountingMetric(Metric):
    """Base of metrics that rest on the four counts, one of each per threshold (and label)."""

    thresholds: Any

    def _make_counts(self, names: Sequence[str], shape: tuple[int, ...]) -> None:
        for name in names:
            setattr(self, name, self.add_weight(name, shape))

    def _update(self, variables: dict[str, Variable], y_true: Any, y_pred: Any, **options: Any) -> None:
        """Adds to the variable of each name what a batch counts."""
        found = count(tuple(variables), y_true, y_pred, list(self.thresholds), as_dtype(self.dtype), **options)
        for variable, value in zip(variables.values(), found, strict=True):
            variable.assign_add(value)


def count(
    names: Sequence[str],
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    kind: DType,
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: Tensor | None = None,
) -> list[Tensor]:
    """The counts of some NAMES, each of shape (thresholds,), or (thresholds, labels) if labels are kept apart.

    Args:
        names: which counts.
        y_true: targets, true where not 0.
        y_pred: predictions of the same shape.
        thresholds: what predictions must be above to count as positive.
        kind: the dtype of the counts.
        sample_weight: what each example or prediction counts.
        top_k: makes the k largest predictions of the last axis the only positive ones.
        class_id: the only entry of the last axis that counts.
        multi_label: keeps the labels of the last axis apart.
        label_weights: what each label counts, (labels,).

    Raises:
        ShapeError: if shapes differ, or the weights do not fit.
    """
    t, p = squeeze_or_expand(cast(convert(y_true), kind), cast(convert(y_pred), kind))
    if not t.shape.is_compatible_with(p.shape):
        raise ShapeError(f"Shapes {p.shape} of the predictions and {t.shape} of the targets are incompatible")
    if top_k is not None:
        p = _best(p, top_k)
    if class_id is not None:
        t, p = t[..., class_id, None], p[..., class_id, None]
    w = None if sample_weight is None else _fitted(cast(convert(sample_weight), kind), p)
    if label_weights is not None:
        by_label = broadcast_weights(expand_dims(label_weights, 0), _rank_2(p))
        w = by_label if w is None else w * by_label
    if not multi_label:
        t, p, w = reshape(t, (-1,)), reshape(p, (-1,)), None if w is None else reshape(w, (-1,))
    counting = _count_buckets if spaced_evenly(thresholds) else _count_each
    return counting(names, not_equal(t, 0), p, w, thresholds)


def _rank_2(p: Tensor) -> Tensor:
    if p.ndim != 2:
        raise ShapeError(f"label_weights need predictions of shape (batch, labels), not {p.shape}")
    return p


def _fitted(weights: Tensor, values: Tensor) -> Tensor:
    return broadcast_weights(fit_weights(weights, values.ndim), values)


def _best(x: Tensor, k: int) -> Tensor:
    """The k largest of the last axis; the rest below every threshold."""
    chosen = one_hot(largest(x, k).indices, shape_of(x)[-1], dtype="int32")
    return where(reduce_sum(chosen, -2) > 0, x, _within(LOWEST, x.dtype))


def _within(value: float, kind: DType) -> float:
    """The value, or the lowest number of a dtype that does not reach as far down."""
    return max(value, float(kind.min))


def _count_each(names: Sequence[str], t: Tensor, p: Tensor, w: Tensor | None, thresholds: Sequence[float]) -> list[Any]:
    """Compares every prediction with every threshold."""
    limits = reshape(convert([_within(x, p.dtype) for x in thresholds], p.dtype), (-1, *([1] * p.ndim)))
    above, true = greater(expand_dims(p, 0), limits), expand_dims(t, 0)
    found: list[Tensor] = []
    for name in names:
        decided = above if name.endswith("positives") else logical_not(above)
        truth = true if name in ("true_positives", "false_negatives") else logical_not(true)
        hits = cast(logical_and(truth, decided), p.dtype)
        found.append(reduce_sum(hits if w is None else hits * w, 1))
    return found


def _count_buckets(
    names: Sequence[str], t: Tensor, p: Tensor, w: Tensor | None, thresholds: Sequence[float]
) -> list[Any]:
    """Counts between neighbouring even thresholds, then adds up from the highest: O(predictions + thresholds)."""
    steps = len(thresholds)
    bucket = ceil(clip_by_value(p, 0.0, 1.0) * float(steps - 1)) - 1.0
    if thresholds[0] < 0.0 or thresholds[-1] > 1.0:
        # Predictions of 0 are above a first threshold below 0.
        bucket = maximum(bucket, 0.0)
    weights = ones_like(p) if w is None else w
    # Place 0 is below every threshold, place i above the first i of them.
    places = cast(bucket, "int32") + 1
    sums: dict[bool, Tensor] = {}
    found: list[Tensor] = []
    for name in names:
        side = name in ("true_positives", "false_negatives")
        if side not in sums:
            sums[side] = _sums(where(t if side else logical_not(t), weights, 0.0), places, steps + 1)
        # Summing from each end keeps a count of nothing exactly 0, as a difference of sums would not.
        if name.endswith("positives"):
            found.append(cumsum(sums[side], 0, reverse=True)[1:])
        else:
            found.append(cumsum(sums[side], 0)[:-1])
    return found


def _sums(values: Tensor, places: Tensor, steps: int) -> Tensor:
    """The sum of the values at each place, (steps,) or (steps, labels)."""
    if values.ndim == 1:
        return unsorted_segment_sum(values, places, steps)
    labels = values.shape[1]
    cells = reshape(places * labels + range_of(labels), (-1,))
    return reshape(unsorted_segment_sum(reshape(values, (-1,)), cells, steps * labels), (steps, labels))


__all__ = ["LOWEST", "NAMES", "CountingMetric", "count", "spaced_evenly", "threshold_list"]
