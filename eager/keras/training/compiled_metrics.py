"""What `compile` makes of metrics: a container that matches them to the model's outputs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.convert import convert
from eager.keras import losses as losses_module
from eager.keras import metrics as metrics_module
from eager.keras.metric_base import MeanMetricWrapper, Metric
from eager.keras.training.matching import by_output, flat_like, match, output_names
from eager.ops.array import cast
from eager.tensor import Tensor

_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")


class Metrics:
    """The metrics of a compiled model."""

    def __init__(self, given: Any, weighted: Any, names: Sequence[str] | None) -> None:
        """Takes metrics, those that use sample weights, and the outputs' names if they are known."""
        self._given, self._weighted = given, weighted
        self._known = list(names or ())
        self._names: list[str] = []
        self._rows: list[tuple[list[Metric], list[Metric]]] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """All metrics; empty before the first batch."""
        return [m for row in self._rows or () for group in row for m in group]

    @property
    def built(self) -> bool:
        """Whether the metrics are matched to outputs."""
        return self._rows is not None

    def build(self, y_true: Any, y_pred: Any, names: Sequence[str] = ()) -> None:
        """Matches the metrics to outputs and makes those that were given by name.

        Raises:
            ValueError: for a list of another length, an unknown output name, or two metrics of one name.
        """
        self._names = output_names(y_pred, self._known or names)
        outputs = nest.flatten(y_pred)
        targets = flat_like(y_true, y_pred, self._names, "targets")
        groups = [_groups(g, y_pred, self._names) for g in (self._given, self._weighted)]
        rows: list[tuple[list[Metric], list[Metric]]] = []
        for target, output, plain, weighted in zip(targets, outputs, *groups, strict=True):
            rows.append(([_metric(m, target, output) for m in plain], [_metric(m, target, output) for m in weighted]))
        _name(rows, self._names)
        self._rows = rows

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None, names: Sequence[str] = ()) -> None:
        """Takes a batch into every metric.

        Args:
            y_true: the targets, in the structure of the outputs, or a dict by output name.
            y_pred: the outputs; a mask that they carry leaves elements out.
            sample_weight: weights per example, for the weighted metrics.
            names: the outputs' names, where `compile` did not know them.
        """
        if self._rows is None:
            self.build(y_true, y_pred, names)
        rows = self._rows or []
        if not any(group for row in rows for group in row):
            return
        targets = flat_like(y_true, y_pred, self._names, "targets")
        weights = flat_like(sample_weight, y_pred, self._names, "sample weights")
        for target, output, weight, row in zip(targets, nest.flatten(y_pred), weights, rows, strict=True):
            if target is not None and (row[0] or row[1]):
                _update(target, output, weight, row)


def _update(target: Any, output: Tensor, weight: Any, row: tuple[list[Metric], list[Metric]]) -> None:
    target, weight = match(target, output, weight)
    mask = getattr(output, "_keras_mask", None)
    for metric in row[0]:
        _take(metric, target, output, None, mask)
    for metric in row[1]:
        _take(metric, target, output, weight, mask)


def _take(metric: Metric, target: Any, output: Tensor, weight: Any, mask: Any) -> None:
    """Updates one metric; a mask counts as weights."""
    if mask is not None:
        valid = cast(mask, output.dtype)
        weight = valid if weight is None else valid * _fitted(convert(weight), valid)
    if weight is None:
        metric.update_state(target, output)
    else:
        metric.update_state(target, output, sample_weight=weight)


def _fitted(weight: Tensor, valid: Tensor) -> Tensor:
    from eager.keras.reduction import fit_weights

    return fit_weights(weight, valid.ndim)


def _groups(given: Any, y_pred: Any, names: Sequence[str]) -> list[list[Any]]:
    """The metrics of each output as a list; a flat list is for every output."""
    if given is None:
        return [[] for _ in names]
    flat = not nest.is_nested(given) or (
        isinstance(given, list | tuple) and not any(nest.is_nested(g) and not _is_config(g) for g in given)
    )
    if flat:
        listed = list(given) if isinstance(given, list | tuple) else [given]
        # Each output needs metric objects of its own.
        return [[_copied(m) if i else m for m in listed if m is not None] for i in range(len(names))]
    rows = by_output(given, y_pred, names)
    lists = [[] if r is None else (list(r) if isinstance(r, list | tuple) else [r]) for r in rows]
    return [[m for m in row if m is not None] for row in lists]


def _is_config(given: Any) -> bool:
    return isinstance(given, dict) and "class_name" in given


def _copied(metric: Any) -> Any:
    return type(metric).from_config(metric.get_config()) if isinstance(metric, Metric) else copy.copy(metric)


def _name(rows: list[tuple[list[Metric], list[Metric]]], names: Sequence[str]) -> None:
    """Puts the outputs' names before those of the metrics where there are several outputs.

    Raises:
        ValueError: for two metrics of one name.
    """
    taken: set[str] = set()
    for output, (plain, weighted) in zip(names, rows, strict=True):
        prefix = f"{output}_" if len(names) > 1 else ""
        for metric in plain:
            metric._name = _prefixed(prefix, metric.name)
            _claim(metric.name, taken)
        for metric in weighted:
            name = _prefixed(prefix, metric.name)
            metric._name = f"{prefix}weighted_{metric.name}" if name in taken else name
            _claim(metric.name, taken)


def _prefixed(prefix: str, name: str) -> str:
    # A metric object keeps its name when the model is compiled again.
    return name if prefix and name.startswith(prefix) else prefix + name


def _claim(name: str, taken: set[str]) -> None:
    if name in taken:
        raise ValueError(
            f"Found two metrics with the same name: {name}. All the metrics added to the model need to have unique "
            "names."
        )
    taken.add(name)


def _metric(given: Any, target: Any, output: Any) -> Metric:
    """A Metric of what compile got; "accuracy" and "crossentropy" by the shapes of target and output."""
    if isinstance(given, Metric):
        return given
    if isinstance(given, str) and given in (*_ACCURACY, *_CROSSENTROPY):
        return MeanMetricWrapper(_by_shape(given, target, output), name=given)
    found = metrics_module.get(given)
    if isinstance(found, type):
        found = found()
    if isinstance(found, Metric):
        return found
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    return MeanMetricWrapper(found, name=name)


def _by_shape(word: str, target: Any, output: Any) -> Callable[..., Any]:
    last = output.shape[-1] if output.ndim else 1
    binary = last == 1
    sparse = target is not None and (target.ndim < output.ndim or (target.shape[-1] == 1 and last != 1))
    if word in _ACCURACY:
        if binary:
            return metrics_module.binary_accuracy
        return metrics_module.sparse_categorical_accuracy if sparse else metrics_module.categorical_accuracy
    if binary:
        return losses_module.binary_crossentropy
    return losses_module.sparse_categorical_crossentropy if sparse else losses_module.categorical_crossentropy
