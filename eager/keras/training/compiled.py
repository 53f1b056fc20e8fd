"""What `compile` makes of losses: a container that matches them to the model's outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eager import nest
from eager.convert import convert
from eager.keras import losses as losses_module
from eager.keras.metric_base import Mean, Metric
from eager.keras.training.matching import by_output, flat_like, match, output_names
from eager.ops.array import cast
from eager.ops.array import shape as shape_of
from eager.tensor import Tensor


class Losses:
    """The losses of a compiled model, and their running means."""

    def __init__(self, given: Any, weights: Any, names: Sequence[str] | None) -> None:
        """Takes losses, their weights, and the outputs' names if they are known."""
        self._given, self._weights = given, weights
        self._known = list(names or ())
        self._names: list[str] = []
        self._losses: list[Any] = []
        self._factors: list[Any] = []
        self._trackers: list[Mean | None] = []
        self._total = Mean(name="loss")
        self.built = False

    @property
    def metrics(self) -> list[Metric]:
        """The total's mean, and for several outputs one each; empty before the first batch."""
        return [self._total, *(t for t in self._trackers if t is not None)] if self.built else []

    def build(self, y_pred: Any, names: Sequence[str] = ()) -> None:
        """Matches the losses to outputs.

        Raises:
            ValueError: for a list of another length, or an unknown output name.
        """
        names = output_names(y_pred, self._known or names)
        losses = [_loss(x) for x in by_output(nest_losses(self._given), y_pred, names)]
        factors = by_output(self._weights, y_pred, names)
        self._names, self._losses, self._factors = names, losses, factors
        several = len(names) > 1
        made = zip(names, losses, strict=True)
        self._trackers = [Mean(name=f"{n}_loss") if several and loss is not None else None for n, loss in made]
        self.built = True

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, regularization_losses: Sequence[Any] | None = None,
        names: Sequence[str] = (),
    ) -> Tensor:  # fmt: skip
        """The total loss of a batch; takes every part into its running mean.

        Args:
            y_true: the targets, in the structure of the outputs, or a dict by output name.
            y_pred: the outputs.
            sample_weight: weights per example, for all outputs or each.
            regularization_losses: further losses that are added.
            names: the outputs' names, where `compile` did not know them.

        Raises:
            ValueError: if the targets do not match the outputs.
        """
        if not self.built:
            self.build(y_pred, names)
        outputs = nest.flatten(y_pred)
        targets = flat_like(y_true, y_pred, self._names, "targets")
        weights = flat_like(sample_weight, y_pred, self._names, "sample weights")
        parts: list[Tensor] = []
        # Running means of losses weigh each batch by its size.
        size: Any = None
        rows = zip(self._names, targets, outputs, weights, self._losses, self._factors, self._trackers, strict=True)
        for name, target, output, weight, loss, factor, tracker in rows:
            if loss is None or target is None:
                continue
            target, weight = match(target, output, weight)
            size = shape_of(target)[0] if size is None and target.ndim else size
            value = _apply(loss, target, output, weight, name if len(self._names) > 1 else "")
            if tracker is not None:
                tracker.update_state(value, sample_weight=size)
            parts.append(value if factor is None else value * float(factor))
        return self._sum([*parts, *(regularization_losses or ())], size)

    def _sum(self, parts: list[Any], size: Any) -> Tensor:
        if not parts:
            return convert(0.0)
        total = convert(parts[0])
        for part in parts[1:]:
            total = total + cast(convert(part), total.dtype)
        self._total.update_state(total, sample_weight=size)
        return total


def nest_losses(given: Any) -> Any:
    """Losses of a list of one for one output as they are; lists of lists as tf.keras takes them apart."""
    return nest.flatten(given) if isinstance(given, list | tuple) else given


def _apply(loss: Callable[..., Any], target: Tensor, output: Tensor, weight: Any, name: str) -> Any:
    """The loss of one output. Errors about shapes name the output."""
    try:
        return loss(target, output, sample_weight=weight)
    except ValueError as error:
        where = f"Output {name!r}: " if name else ""
        shapes = f"{where}targets of shape {target.shape}, predictions of shape {output.shape}"
        if error.args and isinstance(error.args[0], str) and shapes not in error.args[0]:
            error.args = (f"{error.args[0]} ({shapes})", *error.args[1:])
        raise


def _loss(given: Any) -> Callable[..., Any] | None:
    """A Loss of what compile got: a name, a Loss, a function, or None."""
    if given is None:
        return None
    found = losses_module.get(given)
    if isinstance(found, losses_module.Loss):
        return found
    name = getattr(found, "__name__", type(found).__name__)
    return losses_module.LossFunctionWrapper(found, name=name)
