"""What `compile` makes of losses and metrics: containers that match them to the model's outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.convert import convert
from eager.keras import losses as losses_module
from eager.keras import metrics as metrics_module
from eager.keras.metric_base import Mean, MeanMetricWrapper, Metric
from eager.ops.array import cast
from eager.ops.array import shape as shape_of
from eager.tensor import Tensor

_ACCURACY = ("accuracy", "acc")
_CROSSENTROPY = ("crossentropy", "ce")


def per_output(given: Any, names: Sequence[str], what: str) -> list[Any]:
    """One entry per output: from a single one for all, a list, or a dict by output name.

    Raises:
        ValueError: for a list of another length, or an unknown name.
    """
    if isinstance(given, dict):
        unknown = [k for k in given if k not in names]
        if unknown:
            raise ValueError(f"Found unexpected {what} for outputs {unknown}; the model's outputs are {list(names)}")
        return [given.get(n) for n in names]
    if isinstance(given, list | tuple) and not (len(names) == 1 and what == "metrics"):
        if len(given) != len(names):
            raise ValueError(f"{what}: {len(given)} entries for {len(names)} outputs {list(names)}")
        return list(given)
    return [given] * len(names)


def flat_like(structure: Any, names: Sequence[str], count: int) -> list[Any]:
    """Targets or weights in the order of the outputs; one None per output for None."""
    if structure is None:
        return [None] * count
    if isinstance(structure, dict) and all(n in structure for n in names):
        return [structure[n] for n in names]
    flat = nest.flatten(structure)
    return flat * count if len(flat) == 1 and count > 1 else flat


class Losses:
    """The losses of a compiled model, and their running means."""

    def __init__(self, given: Any, weights: Any, output_names: Sequence[str] | None) -> None:
        """Takes losses, their weights, and the outputs' names if they are known."""
        self._given, self._weights = given, weights
        self._names = list(output_names or ())
        self._losses: list[Any] = []
        self._factors: list[Any] = []
        self._trackers: list[Mean] = []
        self._total = Mean(name="loss")

    @property
    def metrics(self) -> list[Metric]:
        """The total's mean, and for several outputs one each."""
        return [self._total, *self._trackers]

    def _build(self, outputs: list[Any], names: Sequence[str]) -> None:
        self._names = list(self._names if len(self._names) == len(outputs) else names)
        self._losses = [_loss(x) for x in per_output(self._given, self._names, "losses")]
        self._factors = per_output(self._weights, self._names, "loss_weights")
        if len(outputs) > 1:
            tracked = [n for n, loss in zip(self._names, self._losses, strict=True) if loss is not None]
            self._trackers = [Mean(name=f"{n}_loss") for n in tracked]

    def __call__(
        self, y: Any, y_pred: Any, sample_weight: Any, regularization: Sequence[Any], names: Sequence[str] = ()
    ) -> Tensor:
        """The total loss of a batch; takes every part into its running mean.

        Raises:
            ValueError: if the targets do not match the outputs.
        """
        outputs = nest.flatten(y_pred)
        if not self._losses:
            self._build(outputs, names if len(names) == len(outputs) else _numbered(y_pred))
        targets = flat_like(y, self._names, len(outputs))
        weights = flat_like(sample_weight, self._names, len(outputs))
        if len(targets) != len(outputs):
            raise ValueError(
                f"The model has {len(outputs)} outputs {self._names}, but there are {len(targets)} targets"
            )
        parts: list[Tensor] = []
        # Running means of losses weigh each batch by its size.
        rows_of = next((t for t in targets if t is not None and t.ndim), None)
        size = None if rows_of is None else shape_of(rows_of)[0]
        trackers = iter(self._trackers)
        rows = zip(targets, outputs, weights, self._losses, self._factors, strict=True)
        for target, output, weight, loss, factor in rows:
            if loss is None or target is None:
                continue
            value = loss(target, output, sample_weight=weight)
            tracker = next(trackers, None)
            if tracker is not None:
                tracker.update_state(value, sample_weight=size)
            parts.append(value if factor is None else value * float(factor))
        return self._sum([*parts, *regularization], size)

    def _sum(self, parts: list[Any], size: Any) -> Tensor:
        if not parts:
            return convert(0.0)
        total = convert(parts[0])
        for part in parts[1:]:
            total = total + cast(convert(part), total.dtype)
        self._total.update_state(total, sample_weight=size)
        return total


class Metrics:
    """The metrics of a compiled model."""

    def __init__(self, given: Any, weighted: Any, output_names: Sequence[str] | None) -> None:
        """Takes metrics, those that use sample weights, and the outputs' names if they are known."""
        self._given, self._weighted = given, weighted
        self._names = list(output_names or ())
        self._rows: list[tuple[list[Metric], list[Metric]]] | None = None

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, once they are made."""
        return [m for row in self._rows or () for group in row for m in group]

    def _build(self, targets: list[Any], outputs: list[Any], names: Sequence[str]) -> None:
        self._names = list(self._names if len(self._names) == len(outputs) else names)
        plain = _groups(self._given, self._names)
        weighted = _groups(self._weighted, self._names)
        self._rows = []
        for target, output, name, one, two in zip(targets, outputs, self._names, plain, weighted, strict=True):
            prefix = f"{name}_" if len(outputs) > 1 else ""
            made = [[_metric(m, target, output, prefix) for m in group] for group in (one, two)]
            self._rows.append((made[0], made[1]))

    def update(self, y: Any, y_pred: Any, sample_weight: Any, names: Sequence[str] = ()) -> None:
        """Takes a batch into every metric."""
        outputs = nest.flatten(y_pred)
        targets = flat_like(y, self._names or names, len(outputs))
        weights = flat_like(sample_weight, self._names or names, len(outputs))
        if self._rows is None:
            self._build(targets, outputs, names if len(names) == len(outputs) else _numbered(y_pred))
        for target, output, weight, row in zip(targets, outputs, weights, self._rows or (), strict=True):
            if target is None:
                continue
            for metric in row[0]:
                metric.update_state(target, output)
            for metric in row[1]:
                metric.update_state(target, output, sample_weight=weight)


def _numbered(y_pred: Any) -> list[str]:
    """Names of outputs that have none: the keys of a dict, or output_1, output_2, ..."""
    if isinstance(y_pred, dict):
        return [str(k) for k in sorted(y_pred)]
    return [f"output_{i + 1}" for i in range(len(nest.flatten(y_pred)))]


def _groups(given: Any, names: Sequence[str]) -> list[list[Any]]:
    """The metrics of each output as a list."""
    if given is None:
        return [[] for _ in names]
    flat = isinstance(given, list | tuple) and not any(isinstance(g, list | tuple) for g in given)
    if flat and (len(names) == 1 or len(given) != len(names)):
        return [list(given) for _ in names]
    rows = per_output(given, names, "metrics for outputs")
    return [[] if r is None else (list(r) if isinstance(r, list | tuple) else [r]) for r in rows]


def _loss(given: Any) -> Callable[..., Any] | None:
    """A Loss of what compile got: a name, a Loss, a function, or None."""
    if given is None:
        return None
    found = losses_module.get(given)
    if isinstance(found, losses_module.Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    return losses_module.LossFunctionWrapper(found, name=name)


def _metric(given: Any, target: Any, output: Any, prefix: str) -> Metric:
    """A Metric of what compile got; "accuracy" and "crossentropy" by the shapes of target and output."""
    if isinstance(given, Metric):
        if prefix and not given.name.startswith(prefix):
            given._name = prefix + given.name
        return given
    name = given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    if isinstance(given, str) and given in (*_ACCURACY, *_CROSSENTROPY):
        return MeanMetricWrapper(_by_shape(given, target, output), name=prefix + name)
    found = metrics_module.get(given)
    if isinstance(found, type):
        found = found()
    if isinstance(found, Metric):
        found._name = prefix + (name if isinstance(given, str) and given == found.name else found.name)
        return found
    return MeanMetricWrapper(found, name=prefix + name)


def _by_shape(word: str, target: Any, output: Any) -> Callable[..., Any]:
    last = output.shape[-1] if output.ndim else 1
    binary = last == 1 or output.ndim == 1
    sparse = not binary and (target.ndim < output.ndim or target.shape[-1] == 1)
    if word in _ACCURACY:
        if binary:
            return metrics_module.binary_accuracy
        return metrics_module.sparse_categorical_accuracy if sparse else metrics_module.categorical_accuracy
    if binary:
        return losses_module.binary_crossentropy
    return losses_module.sparse_categorical_crossentropy if sparse else losses_module.categorical_crossentropy
