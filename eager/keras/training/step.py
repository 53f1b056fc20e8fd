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
from graphcore.errors import ShapeError

Shapes = tuple[tuple[int, ...], ...]


class Step:
    """Calls a Python step natively; one trace per structure, dtypes and ranks.

    The first call traces with an open batch size, so a shorter last batch needs no further trace. Another size that
    changes from batch to batch, such as the length of sequences, becomes open when it first differs.
    """

    def __init__(self, python_step: Callable[[Any], Any], name: str) -> None:
        """Takes the step, a function of one batch."""
        self._python_step = python_step
        self._name = name
        self.functions: dict[Any, Function] = {}
        self._ready: dict[Any, list[ConcreteFunction]] = {}
        self._seen: dict[Any, list[Shapes]] = {}

    def __call__(self, data: Any) -> Any:
        """Runs the step on a batch of tensors and returns its result."""
        leaves = nest.flatten(data)
        if any(x._array is None for x in leaves):
            # Inside of another trace: a part of it.
            return self._python_step(data)
        key = (_structure(data), tuple((x.dtype, x.ndim) for x in leaves))
        if not functions_run_eagerly():
            arrays = [x._array for x in leaves]
            for ready in reversed(self._ready.get(key, ())):
                if ready.accepts(arrays):
                    return ready.call_flat(*leaves)
        return self._trace(key, data, leaves)

    def _trace(self, key: Any, data: Any, leaves: list[Tensor]) -> Any:
        """Traces for sizes that no earlier trace serves; what differs from an earlier batch becomes open."""
        seen = self._seen.setdefault(key, [])
        shapes: Shapes = tuple(x._array.shape for x in leaves if x._array is not None)
        similar = [s for s in seen if _batched(s) == _batched(shapes)]
        seen.append(shapes)
        try:
            return self._run(key, data, _specs(data, leaves, [*similar, shapes]))
        except ShapeError:
            if not similar:
                raise
            # A size that broadcasts does not share a trace with others.
            return self._run(key, data, _specs(data, leaves, [shapes]))

    def _run(self, key: Any, data: Any, specs: Any) -> Any:
        form = (key, tuple(str(s.shape) for s in nest.flatten(specs)))
        function = self.functions.get(form)
        if function is None:
            function = self.functions[form] = Function(self._python_step, self._name, [specs])
        result = function(data)
        ready = self._ready.setdefault(key, [])
        ready.extend(c for c in function.concrete_functions if not any(c is r for r in ready))
        return result


def _structure(data: Any) -> Any:
    return nest.structure_key(data, lambda _leaf: "tensor")


def _batched(shapes: Shapes) -> bool:
    """Whether all tensors share a first size that is not 0."""
    sizes = {s[0] for s in shapes if s}
    return len(sizes) == 1 and 0 not in sizes


def _specs(data: Any, leaves: list[Tensor], seen: list[Shapes]) -> Any:
    """TensorSpecs of a batch: the shared first size open, and sizes that differed; equal histories share a symbol."""
    last = seen[-1]
    batched = _batched(last)
    symbols: dict[tuple[int, ...], Any] = {}

    def size(leaf: int, axis: int) -> Any:
        history = tuple(s[leaf][axis] for s in seen)
        if axis == 0 and batched:
            return dims.symbol("batch")
        if len(set(history)) == 1 or 0 in history:
            return last[leaf][axis]
        return symbols.setdefault(history, dims.symbol(f"size{len(symbols)}"))

    specs = [
        TensorSpec(TensorShape.of(tuple(size(i, axis) for axis in range(len(last[i])))), x.dtype)
        for i, x in enumerate(leaves)
    ]
    return nest.pack_sequence_as(data, specs) if nest.is_nested(data) else specs[0]
