"""Small parts of functional models: layers that record a loss or a metric, and the constructor's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from eager.keras.engine.base_layer import Layer
from eager.module import Module, leaves
from eager.variable import Variable


class OneDevice:
    """What tf.distribute's default strategy is here: everything runs on this machine's CPU."""

    num_replicas_in_sync = 1

    def scope(self) -> AbstractContextManager[OneDevice]:
        """A context in which nothing is different."""
        return nullcontext(self)

    def run(self, fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
        """Calls a function."""
        return fn(*args, **(kwargs or {}))


class AddLoss(Layer):
    """Records its input as a loss (the layer behind `model.add_loss(symbolic)`)."""

    def call(self, inputs: Any) -> Any:
        """Adds the loss and returns it."""
        self.add_loss(inputs)
        return inputs


class AddMetric(Layer):
    """Records the mean of its input as a metric (the layer behind `model.add_metric(symbolic, name)`)."""

    def __init__(self, metric_name: str, **kwargs: Any) -> None:
        """Takes the metric's name."""
        super().__init__(**kwargs)
        from eager.keras.metrics import Mean

        self.metric_name = metric_name
        self.metric = Mean(name=metric_name)

    def call(self, inputs: Any) -> Any:
        """Updates the metric and returns the value."""
        self.metric.update_state(inputs)
        return inputs


def functional_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any] | None:
    """The inputs and outputs among a Model's arguments, or None if it is to be subclassed."""
    if len(args) == 2:
        return args[0], args[1]
    if len(args) == 1 and "outputs" in kwargs:
        return args[0], kwargs["outputs"]
    if "inputs" in kwargs and "outputs" in kwargs:
        return kwargs["inputs"], kwargs["outputs"]
    return None


def weights_by_layer(children: dict[str, Any]) -> Iterator[Variable]:
    """The variables of a model's layers, all of one layer before those of the next; may repeat.

    A list, tuple or dict that is an attribute counts as one layer: its trainable variables come first. This is the
    order of `Model.get_weights` and of weights files in tf.keras.
    """
    for name, value in children.items():
        for part in value if name == "_layers" else (value,):
            if isinstance(part, Module):
                yield from part.variables
                continue
            inside = [m for m in leaves(part) if isinstance(m, Module) and not getattr(m, "_is_metric", False)]
            for listed in ("trainable_variables", "non_trainable_variables"):
                for module in inside:
                    yield from getattr(module, listed)
            yield from (v for v in leaves(part) if isinstance(v, Variable))
