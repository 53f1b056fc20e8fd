"""Rows of metrics: how to make one, targets and predictions, and its result restated in NumPy float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from loss_cases import BITS, CASES, CLASSES, CLASSES_3, HOT, HOT_3, OTHER, REAL, SHARES, SHARES_3, sigmoid

Array = np.ndarray
Result = Callable[[Array, Array, Array], Any]


class MetricCase(NamedTuple):
    """One metric: class name, options, targets, predictions, and the result as a function of both and weights.

    The weights are one per example.
    """

    name: str
    options: dict[str, Any]
    y_true: Array
    y_pred: Array
    reference: Result


def mean_of(values: Callable[[Array, Array], Array]) -> Result:
    """The weighted mean of values (batch, ...)."""

    def reference(t: Array, p: Array, w: Array) -> Any:
        v = values(t, p)
        # Where values have two axes more than the weights, each example counts with their mean.
        v = v.reshape(len(v), -1).mean(-1) if v.ndim > 2 else v
        w = np.broadcast_to(w.reshape(-1, *[1] * (v.ndim - 1)), v.shape)
        return (v * w).sum() / w.sum()

    return reference


def counts(t: Array, p: Array, w: Array, threshold: Any) -> tuple[Any, Any, Any, Any]:
    """True positives, true negatives, false positives, false negatives of the arrays."""
    w = np.broadcast_to(w.reshape(-1, *[1] * (t.ndim - 1)), t.shape)
    t, above = t != 0, p > threshold
    return tuple((w * hit).sum() for hit in (t & above, ~t & ~above, ~t & above, t & ~above))  # pyright: ignore


def counted(index: int, thresholds: Any) -> Result:
    listed = thresholds if isinstance(thresholds, list) else [thresholds]

    def reference(t: Array, p: Array, w: Array) -> Any:
        found = [counts(t, p, w, x)[index] for x in listed]
        return found if len(found) > 1 else found[0]

    return reference


def ratio(a: Any, b: Any) -> Any:
    return a / b if b else 0.0


def share(other: int, threshold: float = 0.5, top_k: int | None = None, class_id: int | None = None) -> Result:
    def reference(t: Array, p: Array, w: Array) -> Any:
        limit = threshold
        if top_k is not None:
            order = np.argsort(-p, -1, kind="stable")[..., :top_k]
            best = np.zeros(p.shape, bool)
            np.put_along_axis(best, order, True, -1)
            p, limit = np.where(best, p, -np.inf), max(threshold, -1e10)
        if class_id is not None:
            t, p = t[..., class_id], p[..., class_id]
        found = counts(t, p, w, limit)
        return ratio(found[0], found[0] + found[other])

    return reference


def rates(t: Array, p: Array, w: Array, thresholds: Any) -> dict[str, Array]:
    tp, tn, fp, fn = np.array([counts(t, p, w, x) for x in thresholds]).T
    return {
        "recall": np.array([ratio(a, a + b) for a, b in zip(tp, fn, strict=True)]),
        "precision": np.array([ratio(a, a + b) for a, b in zip(tp, fp, strict=True)]),
        "specificity": np.array([ratio(a, a + b) for a, b in zip(tn, fp, strict=True)]),
        "tp": tp, "fp": fp, "fn": fn,
    }  # fmt: skip


def best_at(bound: str, best: str, value: float, number: int) -> Result:
    def reference(t: Array, p: Array, w: Array) -> Any:
        found = rates(t, p, w, np.linspace(0, 1, number))
        enough = found[bound] >= value
        return found[best][enough].max() if enough.any() else 0.0

    return reference


def area(curve: str, method: str, thresholds: Any) -> Result:
    limits = [-1e-7, *thresholds, 1 + 1e-7]

    def reference(t: Array, p: Array, w: Array) -> Any:
        found = rates(t, p, w, limits)
        if curve == "PR" and method == "interpolation":
            return _davis_goadrich(found)
        x, y = (1 - found["specificity"], found["recall"]) if curve == "ROC" else (found["recall"], found["precision"])
        pick = {"interpolation": lambda a, b: (a + b) / 2, "minoring": np.minimum, "majoring": np.maximum}[method]
        return ((x[:-1] - x[1:]) * pick(y[:-1], y[1:])).sum()

    return reference


def _davis_goadrich(found: dict[str, Array]) -> Any:
    """Between two thresholds true positives grow linearly with positives; precision is integrated over recall."""
    tp, positive, total = found["tp"], found["tp"] + found["fp"], found["tp"] + found["fn"]
    area = 0.0
    for i in range(len(tp) - 1):
        gained, more = tp[i] - tp[i + 1], positive[i] - positive[i + 1]
        slope = ratio(gained, more)
        start = tp[i + 1] - slope * positive[i + 1]
        logs = np.log(positive[i] / positive[i + 1]) if positive[i] > 0 and positive[i + 1] > 0 else 0.0
        area += slope * (gained + start * logs) / total[i + 1]
    return area


def by_label(reference: Result, weights: Any) -> Result:
    def mean(t: Array, p: Array, w: Array) -> Any:
        return np.average([reference(t[:, i], p[:, i], w) for i in range(t.shape[1])], weights=weights)

    return mean


def overlap(ids: Any, number: int, ignored: int | None = None) -> Result:
    def reference(t: Array, p: Array, w: Array) -> Any:
        w = np.broadcast_to(w.reshape(-1, *[1] * (t.ndim - 1)), t.shape) * (t != ignored)
        found = []
        for i in ids:
            union = (w * ((t == i) | (p == i))).sum()
            found += [(w * ((t == i) & (p == i))).sum() / union] if union else []
        return np.mean(found)

    del number
    return reference


def f_score(average: str | None, beta: float, threshold: float | None) -> Result:
    def reference(t: Array, p: Array, w: Array) -> Any:
        chosen = p > threshold if threshold is not None else p >= p.max(-1, keepdims=True)
        hits = (w[:, None, None] * np.stack([chosen * t, chosen * (1 - t), (1 - chosen) * t], -1)).sum(0)
        hits = hits.sum(0, keepdims=True) if average == "micro" else hits
        tp, fp, fn = hits.T
        score = np.array([ratio((1 + beta**2) * a, (1 + beta**2) * a + beta**2 * c + b)
                          for a, b, c in zip(tp, fp, fn, strict=True)])  # fmt: skip
        if average is None:
            return score
        return np.average(score, weights=tp + fn) if average == "weighted" else score.mean()

    return reference


def r2(aggregation: str | None, regressors: int) -> Result:
    def reference(t: Array, p: Array, w: Array) -> Any:
        middle = np.average(t, axis=0, weights=w)
        spread = (w[:, None] * (t - middle) ** 2).sum(0)
        score = 1 - (w[:, None] * (t - p) ** 2).sum(0) / spread
        if aggregation is not None:
            score = np.average(score, weights=spread if aggregation == "variance_weighted_average" else None)
        n = t.size
        return 1 - (1 - score) * (n - 1) / (n - regressors - 1) if regressors else score

    return reference


def _in_top(classes: Array, p: Array, k: int) -> Array:
    chosen = np.take_along_axis(p, classes[..., None], -1)
    return ((p > chosen).sum(-1) < k).astype(float)


_MEANS = {
    "MeanSquaredError": "MeanSquaredError", "MeanAbsoluteError": "MeanAbsoluteError",
    "MeanAbsolutePercentageError": "MeanAbsolutePercentageError",
    "MeanSquaredLogarithmicError": "MeanSquaredLogarithmicError", "LogCosh": "LogCoshError", "Poisson": "Poisson",
    "KLDivergence": "KLDivergence", "Hinge": "Hinge", "SquaredHinge": "SquaredHinge",
    "CategoricalHinge": "CategoricalHinge", "BinaryCrossentropy": "BinaryCrossentropy",
    "CategoricalCrossentropy": "CategoricalCrossentropy",
    "SparseCategoricalCrossentropy": "SparseCategoricalCrossentropy",
}  # fmt: skip


def _mean_of_loss(index: int) -> Result:
    values = CASES[index].reference

    def reference(t: Array, p: Array, w: Array) -> Any:
        # The rows of losses hold their own targets; part of a batch is not asked for.
        return mean_of(lambda _, p: values(p))(t, p, w)

    return reference


LOSSES = [
    MetricCase(_MEANS[row.name], row.options, row.y_true, row.y_pred, _mean_of_loss(i))
    for i, row in enumerate(CASES)
    if row.name in _MEANS and not (row.name == "BinaryCrossentropy" and "axis" in row.options)
]
ROUGH = np.round(SHARES * 8) / 8
THREE_P = [0.125, 0.3, 0.5]
EVEN = [0.0, 0.25, 0.5, 0.75, 1.0]

CASES_OF_METRICS = [
    MetricCase("Accuracy", {}, CLASSES, np.array([0, 3, 2, 1, 1.0]), mean_of(lambda t, p: (t == p).astype(float))),
    MetricCase("BinaryAccuracy", {}, BITS, SHARES, mean_of(lambda t, p: ((p > 0.5) == t).astype(float))),
    MetricCase("BinaryAccuracy", {"threshold": 0.2}, HOT_3, SHARES_3,
               mean_of(lambda t, p: ((p > 0.2) == t).astype(float))),
    MetricCase("CategoricalAccuracy", {}, HOT_3, SHARES_3,
               mean_of(lambda t, p: (t.argmax(-1) == p.argmax(-1)).astype(float))),
    MetricCase("SparseCategoricalAccuracy", {}, CLASSES, SHARES, mean_of(lambda t, p: (t == p.argmax(-1)) * 1.0)),
    MetricCase("SparseCategoricalAccuracy", {}, CLASSES[:, None], SHARES,
               mean_of(lambda t, p: (t[:, 0] == p.argmax(-1)) * 1.0)),
    MetricCase("TopKCategoricalAccuracy", {"k": 2}, HOT, SHARES, mean_of(lambda t, p: _in_top(t.argmax(-1), p, 2))),
    MetricCase("SparseTopKCategoricalAccuracy", {"k": 3}, CLASSES_3, SHARES_3, mean_of(lambda t, p: _in_top(t, p, 3))),
    MetricCase("CosineSimilarity", {}, REAL, OTHER, mean_of(
        lambda t, p: (t * p).sum(-1) / np.linalg.norm(t, axis=-1) / np.linalg.norm(p, axis=-1))),
    MetricCase("RootMeanSquaredError", {}, REAL, OTHER,
               lambda t, p, w: np.sqrt(mean_of(lambda t, p: (t - p) ** 2)(t, p, w))),
    MetricCase("MeanRelativeError", {"normalizer": [1.0, 2.0, 0.5, 4.0]}, REAL, OTHER,
               mean_of(lambda t, p: np.abs(t - p) / [1.0, 2.0, 0.5, 4.0])),
    *(MetricCase(name, {"thresholds": limits}, BITS, ROUGH, counted(i, 0.5 if limits is None else limits))
      for i, name in enumerate(("TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"))
      for limits in (None, THREE_P, EVEN)),
    *(MetricCase(name, options, BITS, SHARES, share(other, options.get("thresholds", 0.5 if "top_k" not in options
      else -1e10), options.get("top_k"), options.get("class_id")))
      for name, other in (("Precision", 2), ("Recall", 3))
      for options in ({}, {"thresholds": 0.2}, {"top_k": 2}, {"class_id": 1, "thresholds": 0.1},
                      {"top_k": 2, "class_id": 2}, {"top_k": 3, "thresholds": 0.25})),
    MetricCase("Precision", {"top_k": 1}, HOT_3, SHARES_3, share(2, -1e10, 1)),
    MetricCase("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 40}, BITS, SHARES,
               best_at("specificity", "recall", 0.6, 40)),
    MetricCase("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 40}, BITS, SHARES,
               best_at("recall", "specificity", 0.5, 40)),
    MetricCase("PrecisionAtRecall", {"recall": 0.4}, BITS, SHARES, best_at("recall", "precision", 0.4, 200)),
    MetricCase("PrecisionAtRecall", {"recall": 1.0, "num_thresholds": 7}, BITS, SHARES,
               best_at("recall", "precision", 1.0, 7)),
    MetricCase("RecallAtPrecision", {"precision": 0.6, "num_thresholds": 3}, BITS, SHARES,
               best_at("precision", "recall", 0.6, 3)),
    *(MetricCase("AUC", {"curve": curve, "summation_method": method, **options}, BITS, SHARES,
                 area(curve, method, limits))
      for curve in ("ROC", "PR") for method in ("interpolation", "minoring", "majoring")
      for options, limits in (({"num_thresholds": 21}, np.linspace(0, 1, 21)[1:-1]),
                              ({"thresholds": [0.5, 0.15, 0.2]}, [0.15, 0.2, 0.5]))),
    MetricCase("AUC", {"from_logits": True, "num_thresholds": 11}, BITS, REAL,
               lambda t, p, w: area("ROC", "interpolation", np.linspace(0, 1, 11)[1:-1])(t, sigmoid(p), w)),
    MetricCase("AUC", {"multi_label": True, "num_thresholds": 11}, BITS, SHARES,
               by_label(area("ROC", "interpolation", np.linspace(0, 1, 11)[1:-1]), None)),
    MetricCase("AUC", {"multi_label": True, "thresholds": [0.2, 0.4], "num_labels": 4, "curve": "PR",
                       "label_weights": [1.0, 2.0, 0.5, 3.0]}, BITS, SHARES,
               by_label(area("PR", "interpolation", [0.2, 0.4]), [1.0, 2.0, 0.5, 3.0])),
    MetricCase("MeanIoU", {"num_classes": 4}, CLASSES_3, CLASSES_3[::-1], overlap(range(4), 4)),
    MetricCase("MeanIoU", {"num_classes": 4, "ignore_class": 1}, CLASSES_3, CLASSES_3[::-1], overlap(range(4), 4, 1)),
    MetricCase("IoU", {"num_classes": 4, "target_class_ids": [1, 3]}, CLASSES_3, CLASSES_3[::-1], overlap([1, 3], 4)),
    MetricCase("BinaryIoU", {"threshold": 0.3}, BITS, SHARES,
               lambda t, p, w: overlap([0, 1], 2)(t, (p >= 0.3) * 1, w)),
    MetricCase("OneHotIoU", {"num_classes": 4, "target_class_ids": [0, 2]}, HOT_3, SHARES_3,
               lambda t, p, w: overlap([0, 2], 4)(t.argmax(-1), p.argmax(-1), w)),
    MetricCase("OneHotMeanIoU", {"num_classes": 4}, HOT_3, SHARES_3,
               lambda t, p, w: overlap(range(4), 4)(t.argmax(-1), p.argmax(-1), w)),
    *(MetricCase("F1Score", {"average": average, "threshold": limit}, BITS, SHARES, f_score(average, 1.0, limit))
      for average in (None, "micro", "macro", "weighted") for limit in (None, 0.2)),
    MetricCase("FBetaScore", {"average": "macro", "beta": 2.0}, HOT, SHARES, f_score("macro", 2.0, None)),
    *(MetricCase("R2Score", {"class_aggregation": aggregation, "num_regressors": number}, REAL, OTHER,
                 r2(aggregation, number))
      for aggregation in (None, "uniform_average", "variance_weighted_average") for number in (0, 3)),
]  # fmt: skip
