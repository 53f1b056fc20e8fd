"""Ops whose indices are data: gather, scatter_add, one_hot.

Indices must be within range. `evaluate` raises InvalidArgumentError for one that is not (negative ones
included, as TensorFlow does on the CPU); native kernels check the range too and fail the run. one_hot gives
zeros there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dims import Dim
from graphcore.dtypes import as_dtype, float32
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.rules import (
    INTEGER,
    REAL,
    Attrs,
    Types,
    check_axes,
    check_equal_dims,
    require_kind,
    require_same_dtype,
    samples,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

Index = tuple[Dim, ...]


def check_range(op: str, indices: Any, size: int) -> None:
    """Raises InvalidArgumentError that names the first index outside 0 <= index < size."""
    if not indices.size or (indices.min() >= 0 and indices.max() < size):
        return
    bad = (indices < 0) | (indices >= size)
    where = tuple(int(i) for i in np.argwhere(bad)[0])
    raise InvalidArgumentError(
        f"{op}: indices{list(where) if where else ''} = {indices[where]} is not in [0, {size}); "
        "every index must be at least 0 and below the size of the axis"
    )


def _gather_shape(x: TensorType, indices: TensorType, axis: int) -> tuple[Dim, ...]:
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


# gather: operands x, indices; result x[:axis] + indices + x[axis+1:]


def _gather_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    (axis,) = check_axes("gather", (attrs["axis"],), types[0].rank)
    require_kind("gather", types[1], INTEGER, 1)
    return (types[0].with_shape(_gather_shape(types[0], types[1], axis)),)


def _gather_evaluate(x: Any, indices: Any, axis: int) -> Any:
    check_range("gather", indices, x.shape[axis])
    return np.take(x, indices, axis=axis)


def _gather_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    return (f.scatter_add(f.zeros_like(inputs[0]), inputs[1], cts[0], axis=attrs["axis"]), None)


def _gather_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    axis, rank = attrs["axis"], types[1].rank
    found = k.index(read(1, index[axis : axis + rank]))
    return read(0, (*index[:axis], found, *index[axis + rank :]))


gather = register(OpDef(
    "gather", "index", _gather_infer, _gather_evaluate, _gather_vjp, element=_gather_element,
    samples=samples("gathers"),
))  # fmt: skip

# scatter_add: operands x, indices, updates of gather's result shape; duplicates add up in order. Native: a
# bare op.


def _scatter_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, indices, updates = types
    (axis,) = check_axes("scatter_add", (attrs["axis"],), x.rank)
    require_kind("scatter_add", x, REAL)
    require_kind("scatter_add", indices, INTEGER, 1)
    require_same_dtype("scatter_add", (x, updates))
    expected = _gather_shape(x, indices, axis)
    if len(expected) != updates.rank:
        raise ShapeError(
            f"scatter_add: updates are {updates!r}, expected shape {expected} for {x!r} and indices "
            f"{indices!r}; reshape the updates"
        )
    for i, (want, have) in enumerate(zip(expected, updates.shape, strict=True)):
        check_equal_dims(
            "scatter_add", f"dimension {i} of the updates and of the gathered shape", want, have, types
        )
    return (x,)


def _scatter_evaluate(x: Any, indices: Any, updates: Any, axis: int) -> Any:
    check_range("scatter_add", indices, x.shape[axis])
    result = np.array(x, order="C", copy=True)
    place: Any = (*(np.s_[:],) * axis, indices)
    np.add.at(result, place, updates)
    return result


scatter_add = register(OpDef(
    "scatter_add", "index", _scatter_infer, _scatter_evaluate,
    lambda f, cts, inputs, outputs, attrs: (
        cts[0], None, lambda: f.gather(cts[0], inputs[1], axis=attrs["axis"])
    ),
    samples=samples("scatters"),
))  # fmt: skip

# one_hot: 1 at the index along a new axis, 0 elsewhere; all 0 for an index out of range, as in TensorFlow


def _one_hot_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    require_kind("one_hot", types[0], INTEGER)
    (axis,) = check_axes("one_hot", (attrs["axis"],), types[0].rank + 1)
    shape = (*types[0].shape[:axis], attrs["depth"], *types[0].shape[axis:])
    return (TensorType(as_dtype(attrs.get("dtype", float32)), shape),)


def _one_hot_evaluate(indices: Any, depth: int, axis: int, dtype: Any = float32) -> Any:
    # Compared in int64 so that a depth beyond the index type does not wrap.
    places = np.arange(depth).reshape((depth,) + (1,) * (indices.ndim - axis))
    wide = indices.astype(np.int64) if indices.dtype != np.uint64 else indices
    return np.equal(np.expand_dims(wide, axis), places).astype(as_dtype(dtype).numpy)


def _one_hot_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    axis, dtype = attrs["axis"], as_dtype(attrs.get("dtype", float32))
    value = read(0, (*index[:axis], *index[axis + 1 :]))
    hit = k.eq(value, k.from_index(index[axis], types[0].dtype))
    return k.select(hit, k.const(1, dtype), k.const(0, dtype))


one_hot = register(OpDef(
    "one_hot", "index", _one_hot_infer, _one_hot_evaluate, element=_one_hot_element, differentiable=False,
    samples=samples("one_hots"),
))  # fmt: skip
