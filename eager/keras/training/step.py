"""A model's step as a compiled function whose batch size stays open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eager import nest
from eager.function.concrete import ConcreteFunction
from eager.function.function import Function, functions_run_eagerly
from eager.tensor import Tensor
from eager.tensor_shape import TensorShape, TensorSpec
from graphcore import dims


class Step:
    """Calls a Python step natively; one trace per structure, dtypes and shapes without the batch.

    The first call traces with an open batch size, so a shorter last batch needs no further trace.
    """

    def __init__(self, python_step: Callable[[Any], Any], name: str) -> None:
        """Takes the step, a function of one batch."""
        self._python_step = python_step
        self._name = name
        self.functions: dict[Any, Function] = {}
        self._ready: dict[Any, ConcreteFunction] = {}

    def __call__(self, data: Any) -> Any:
        """Runs the step on a batch of tensors and returns its result."""
        leaves = nest.flatten(data)
        key = (_structure(data), tuple((x.dtype, x._array.shape[1:], x.ndim) for x in leaves))
        ready = self._ready.get(key)
        if ready is not None and not functions_run_eagerly() and ready.accepts([x._array for x in leaves]):
            return ready.call_flat(*leaves)
        function = self.functions.get(key)
        if function is None:
            function = self.functions[key] = Function(self._python_step, self._name, [_specs(data, leaves)])
        result = function(data)
        if function.concrete_functions:
            self._ready[key] = function.concrete_functions[-1]
        return result


def _structure(data: Any) -> Any:
    return nest.structure_key(data, lambda _leaf: "tensor")


def _specs(data: Any, leaves: list[Tensor]) -> Any:
    """TensorSpecs of a batch: the first size open where all tensors share it, and one symbol for all of them."""
    sizes = {x._array.shape[0] for x in leaves if x._array is not None and x.ndim}
    batch = dims.symbol("batch") if len(sizes) == 1 and 0 not in sizes else None

    def spec(x: Tensor) -> TensorSpec:
        shape = tuple(x.shape.raw)
        return TensorSpec(TensorShape.of((batch, *shape[1:]) if batch is not None and shape else shape), x.dtype)

    return nest.map_structure(spec, data) if nest.is_nested(data) else spec(data)
