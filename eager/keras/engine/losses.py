"""Losses and metrics that a layer records during its call."""

from __future__ import annotations

import weakref
from typing import Any

from eager import nest
from eager.context import thread
from eager.convert import convert
from eager.keras.engine.call_context import context, features
from eager.keras.engine.tracking import unique
from eager.keras.engine.weights import Weights
from eager.ops.array import cast
from eager.ops.array import shape as shape_of
from eager.ops.math import divide_no_nan
from eager.tensor import Tensor


class Losses(Weights):
    """The part of Layer that holds losses and metrics."""

    _call_losses: list[tuple[Any, Any]]
    _activity_regularizer: Any

    @property
    def losses(self) -> list[Any]:
        """The losses of this layer and those inside: values recorded in the last call, then callables evaluated now.

        A loss recorded inside a traced function exists only there.
        """
        found: list[Any] = []
        for layer in self._flatten_layers():
            found.extend(layer._recorded_losses())
            for loss in layer._callable_losses:
                value = loss()
                if value is not None:
                    found.append(value if hasattr(value, "_is_keras_tensor") else convert(value))
        return found

    def _recorded_losses(self) -> list[Any]:
        """The losses of the last call that are still alive: those of a trace end with it."""
        frame = thread.frame
        return [x for ref, x in self._call_losses if ref is None or (frame is not None and ref() is frame)]

    def _clear_losses(self) -> None:
        for layer in self._flatten_layers():
            layer._call_losses.clear()

    def add_loss(self, losses: Any, **kwargs: Any) -> None:
        """Adds losses: tensors of the running call, numbers, or callables without arguments that persist.

        Args:
            losses: one or a list; None is left out.
            **kwargs: `inputs` is accepted and ignored.

        Raises:
            TypeError: for another keyword.
            ValueError: for a tensor outside of `call`.
        """
        kwargs.pop("inputs", None)
        if kwargs:
            raise TypeError(f"Unknown keyword arguments: {kwargs.keys()}")
        for loss in nest.flatten(losses):
            self._add_one_loss(loss)

    def _add_one_loss(self, loss: Any) -> None:
        if loss is None:
            return
        if callable(loss) and not isinstance(loss, Tensor):
            self._callable_losses.append(loss)
            return
        if getattr(loss, "_is_keras_tensor", False):
            self._add_symbolic_loss(loss)
            return
        tensor = convert(loss)
        if context().depth == 0 and tensor._array is not None:
            raise ValueError(
                "Expected a symbolic Tensors or a callable for the loss value. Please wrap your loss computation in a "
                "zero argument `lambda`."
            )
        self._record_loss(tensor)

    def _record_loss(self, tensor: Tensor) -> None:
        features.losses = True
        frame = thread.frame if tensor._array is None else None
        if frame is not None and frame.in_body:
            # It cannot leave a branch or loop body, whose results are those of a function: the trace ends.
            frame.demand(tensor, "an added loss of a layer")
        self._call_losses.append((None if frame is None else weakref.ref(frame), tensor))

    def _add_symbolic_loss(self, loss: Any) -> None:
        features.losses = True
        self._call_losses.append((None, loss))

    @property
    def activity_regularizer(self) -> Any:
        """A function of each output whose mean over the batch becomes a loss, or None."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, regularizer: Any) -> None:
        self._activity_regularizer = regularizer

    def _regularize_activity(self, outputs: Any) -> None:
        for output in nest.flatten(outputs):
            loss = convert(self._activity_regularizer(output))
            self._record_loss(divide_no_nan(loss, cast(shape_of(output)[0], loss.dtype)))

    @property
    def metrics(self) -> list[Any]:
        """The metrics of this layer and those inside."""
        return unique(m for layer in self._flatten_layers() for m in layer._own_metrics())

    def add_metric(self, value: Any, name: str | None = None, **kwargs: Any) -> None:
        """Adds the mean of a value as a metric; the result of a Metric adds that metric itself.

        Args:
            value: a tensor.
            name: the metric's name; required unless the value is a Metric's result.
            **kwargs: `aggregation` ("mean" or None) and `inputs` are accepted.

        Raises:
            TypeError: for another keyword.
            ValueError: without a name, or for an eager value outside of `call`.
        """
        unknown = set(kwargs) - {"aggregation", "inputs"}
        if unknown:
            raise TypeError(f"Unknown keyword arguments: {sorted(unknown)}")
        symbolic = getattr(value, "_is_keras_tensor", False)
        origin = None if symbolic else getattr(value, "_keras_history", None)
        metric = origin if getattr(origin, "_is_metric", False) else None
        if name is None and metric is None:
            raise ValueError(
                "Please provide a name for your metric like `self.add_metric(tf.reduce_sum(inputs), "
                "name='mean_activation')`"
            )
        if not symbolic and context().depth == 0 and convert(value)._array is not None:
            raise ValueError(f"Expected a symbolic Tensor for the metric value, received: {value}")
        self._add_metric(value, name, metric)

    def _add_metric(self, value: Any, name: str | None, metric: Any) -> None:
        from eager.keras.metrics import Mean

        wanted = name if metric is None else metric.name
        known = next((m for m in self._metrics if m.name == wanted), None)
        mean = known or metric or Mean(name=wanted)
        if known is None:
            self._metrics.append(mean)
        if metric is None and not getattr(value, "_is_keras_tensor", False):
            mean(value)


