"""Op functions over one injected `apply`, so that a gradient rule runs on arrays, on tensors and while tracing alike.

A *handle* is whatever the injected `apply` takes and returns: a NumPy array, an eager Tensor, a graph Value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from graphcore import dims
from graphcore.builder import GraphBuilder, evaluate_op
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype
from graphcore.optable import OpDef, get_op
from graphcore.types import TensorType

Handle: TypeAlias = Any


class Functions:
    """Every op as a method: `f.add(a, b)`, `f.reduce_sum(x, axes=(0,), keepdims=False)`.

    Operands come first, attributes by keyword; an op with several results returns a tuple.
    """

    def __init__(
        self,
        apply: Callable[[OpDef, Sequence[Handle], dict[str, Any]], Sequence[Handle]],
        type_of: Callable[[Handle], TensorType],
        constant: Callable[[np.ndarray[Any, Any]], Handle],
    ) -> None:
        """Takes the three things that differ between arrays, tensors and graphs.

        Args:
            apply: runs or records one op and returns its results as a sequence.
            type_of: the TensorType of a handle.
            constant: a handle for a constant array.
        """
        self._apply = apply
        self.type = type_of
        self._constant = constant

    def __getattr__(self, name: str) -> Callable[..., Handle]:
        """The function of the op of that name. Raises AttributeError for an unknown op."""
        try:
            op = get_op(name)
        except KeyError as error:
            raise AttributeError(str(error)) from None

        def call(*operands: Handle, **attrs: Any) -> Handle:
            results = self._apply(op, operands, attrs)
            return results[0] if len(results) == 1 else tuple(results)

        setattr(self, name, call)
        return call

    def apply(self, op: str | OpDef, operands: Sequence[Handle], attrs: dict[str, Any]) -> tuple[Handle, ...]:
        """Runs one op given by name or entry; always returns a tuple."""
        return tuple(self._apply(get_op(op) if isinstance(op, str) else op, operands, attrs))

    def constant(self, value: Any, dtype: DType | str | None = None, like: Handle = None) -> Handle:
        """A constant of the given dtype, or of the dtype of `like`."""
        chosen = self.type(like).dtype if like is not None else (as_dtype(dtype) if dtype is not None else None)
        return self._constant(np.asarray(value, dtype=None if chosen is None else chosen.numpy))

    def zeros_like(self, x: Handle) -> Handle:
        """Zeros of x's shape and dtype."""
        return self.full(self.type(x), 0)

    def full(self, type_: TensorType, value: Any) -> Handle:
        """A constant scalar broadcast to a type's shape."""
        scalar = self.constant(value, dtype=type_.dtype)
        return scalar if not type_.shape else self.broadcast_to(scalar, shape=type_.shape)

    def unbroadcast(self, x: Handle, shape: Sequence[Dim]) -> Handle:
        """Sums `x` over the axes along which `shape` was broadcast to x's shape: the adjoint of broadcasting."""
        have = self.type(x).shape
        if have == tuple(shape):
            return x
        lead = len(have) - len(shape)
        axes = tuple(
            i for i, d in enumerate(have) if i < lead or (shape[i - lead] == 1 and d != 1)
        )
        if axes:
            x = self.reduce_sum(x, axes=axes, keepdims=False)
        return self.reshape_to(x, shape)

    def reshape_to(self, x: Handle, shape: Sequence[Dim]) -> Handle:
        """Reshape unless the shape is already that."""
        return x if self.type(x).shape == tuple(shape) else self.reshape(x, shape=tuple(shape))

    def size(self, x: Handle, axes: Sequence[int]) -> Dim:
        """The number of elements along the given axes."""
        shape = self.type(x).shape
        return dims.product(shape[a] for a in axes)


def array_functions() -> Functions:
    """Functions over NumPy arrays."""
    return Functions(
        lambda op, arrays, attrs: evaluate_op(op, arrays, attrs),
        lambda a: TensorType(as_dtype(a.dtype), a.shape),
        lambda a: a,
    )


def graph_functions(builder: GraphBuilder) -> Functions:
    """Functions that emit into a graph under construction; handles are Values."""
    return Functions(
        lambda op, values, attrs: builder.emit_node(op, values, attrs), lambda v: v.type, builder.constant
    )
