"""Ops that read where data says: gather, gather_nd, one_hot.

Indices must be within range. `evaluate` raises InvalidArgumentError for one that is not (negative ones
included, as TensorFlow does on the CPU); native kernels check the range too and fail the run. one_hot gives
zeros there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, float32, int64
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.rules import INTEGER, Attrs, Types, check_axes, check_equal_dims, require_kind, samples
from graphcore.optable import OpDef, register
from graphcore.rows import rows_of
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


def places(op: str, indices: Any, sizes: Sequence[int]) -> tuple[Any, ...]:
    """The components of multi-component indices [..., k] as arrays that NumPy indexes with.

    Raises:
        InvalidArgumentError: if a component is outside of its axis.
    """
    found: list[Any] = []
    for c, size in enumerate(sizes):
        check_range(op, indices[..., c], size)
        found.append(indices[..., c].astype(np.intp, copy=False))
    return tuple(found)


def components(op: str, x: TensorType, indices: TensorType, batch_dims: int = 0) -> int:
    """How many axes of x, after `batch_dims` leading ones, multi-component indices [..., k] address.

    Raises:
        ShapeError: if the indices are a scalar, or k is symbolic or larger than the rank.
    """
    count = indices.shape[-1] if indices.rank else None
    if not isinstance(count, int) or count > x.rank - batch_dims:
        raise ShapeError(
            f"{op}: indices {indices!r} do not address {x!r}; their last dimension must be a fixed size of at "
            f"most {x.rank - batch_dims}: one component per axis of the operand"
        )
    return count


def check_batch(op: str, x: TensorType, indices: TensorType, batch_dims: int, most: int) -> None:
    """Raises unless the first `batch_dims` sizes of both are equal, and there are at most `most` of them."""
    if not 0 <= batch_dims <= most:
        raise InvalidArgumentError(
            f"{op}: batch_dims = {batch_dims} for {x!r} and indices {indices!r}, expected 0 <= batch_dims <= {most}"
        )
    for i in range(batch_dims):
        check_equal_dims(op, f"batch dimension {i}", x.shape[i], indices.shape[i], (x, indices))


def with_batch(f: Functions, indices: Any, batch_dims: int) -> Any:
    """Indices [*batch, ..., k] that address within a batch as indices [*batch, ..., batch_dims + k] of the whole."""
    if not batch_dims:
        return indices
    shape = (*f.type(indices).shape[:-1], 1)
    lead = [f.iota(shape=shape, axis=a, dtype=int64) for a in range(batch_dims)]
    return f.concatenate(*lead, f.cast(indices, dtype=int64), axis=len(shape) - 1)


def _axes_grid(shape: Sequence[int], count: int, rank: int) -> tuple[Any, ...]:
    """Positions along the first `count` axes, each of the given rank."""
    return tuple(np.arange(shape[a]).reshape((-1,) + (1,) * (rank - a - 1)) for a in range(count))


# gather: operands x, indices; attrs axis, batch_dims; result x[:axis] + indices[batch_dims:] + x[axis+1:]


def _gather_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, indices = types
    batch = attrs.get("batch_dims", 0)
    (axis,) = check_axes("gather", (attrs["axis"],), x.rank)
    require_kind("gather", indices, INTEGER, 1)
    check_batch("gather", x, indices, batch, min(axis, indices.rank))
    return (x.with_shape((*x.shape[:axis], *indices.shape[batch:], *x.shape[axis + 1 :])),)


def _gather_evaluate(x: Any, indices: Any, axis: int, batch_dims: int = 0) -> Any:
    check_range("gather", indices, x.shape[axis])
    where = indices.astype(np.intp, copy=False)
    if not batch_dims:
        return np.take(x, where, axis=axis)
    # With the axis right after the batch, one advanced index does it; then the axes between go back before.
    moved = np.moveaxis(x, axis, batch_dims)
    found = moved[(*_axes_grid(where.shape, batch_dims, where.ndim), where)]
    return found.transpose(_between(found.ndim, batch_dims, where.ndim - batch_dims, axis - batch_dims))


def _between(rank: int, batch: int, first: int, second: int) -> list[int]:
    """The permutation that swaps the `first` axes after the batch with the `second` ones that follow them."""
    end = batch + first + second
    return [*range(batch), *range(batch + first, end), *range(batch, batch + first), *range(end, rank)]


def _gather_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    axis, batch = attrs["axis"], attrs.get("batch_dims", 0)
    x, indices = f.type(inputs[0]), f.type(inputs[1])
    if not axis:
        return (rows_of(f, inputs[1], cts[0], x), None)
    spread, between = indices.rank - batch, axis - batch
    ct = _permuted(f, cts[0], _between(f.type(cts[0]).rank, batch, between, spread))
    lead = (*x.shape[:batch], x.shape[axis], *x.shape[batch:axis], *x.shape[axis + 1 :])
    column = f.reshape(inputs[1], shape=(*indices.shape, 1))
    zeros = f.full(x.with_shape(lead), 0)
    total = f.scatter(zeros, with_batch(f, column, batch), ct, combine="add")
    return (_permuted(f, total, _between(x.rank, batch, 1, between)), None)


def _permuted(f: Functions, x: Any, perm: Sequence[int]) -> Any:
    return x if list(perm) == sorted(perm) else f.transpose(x, perm=tuple(perm))


def _gather_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    axis, batch = attrs["axis"], attrs.get("batch_dims", 0)
    end = axis + types[1].rank - batch
    found = k.index(read(1, (*index[:batch], *index[axis:end])))
    return read(0, (*index[:axis], found, *index[end:]))


gather = register(OpDef(
    "gather", "index", _gather_infer, _gather_evaluate, _gather_vjp, element=_gather_element,
    samples=samples("gathers"),
))  # fmt: skip

# gather_nd: operands x, indices [..., k]; attr batch_dims; result indices.shape[:-1] + x.shape[batch_dims+k:]


def _gather_nd_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, indices = types
    batch = attrs.get("batch_dims", 0)
    require_kind("gather_nd", indices, INTEGER, 1)
    check_batch("gather_nd", x, indices, batch, min(x.rank, indices.rank - 1))
    count = components("gather_nd", x, indices, batch)
    return (x.with_shape((*indices.shape[:-1], *x.shape[batch + count :])),)


def _gather_nd_evaluate(x: Any, indices: Any, batch_dims: int = 0) -> Any:
    count = indices.shape[-1]
    if count > x.ndim - batch_dims:
        raise IndexError("more components than axes")  # infer, which is asked next, says it in full
    found = places("gather_nd", indices, x.shape[batch_dims : batch_dims + count])
    if not batch_dims and not count:
        return np.broadcast_to(x, indices.shape[:-1] + x.shape)
    lead = indices.shape[:-1]
    grid = _axes_grid(lead, batch_dims, len(lead))
    if not count:
        grid = tuple(np.broadcast_to(g, lead) for g in grid)
    return x[grid + found]


def _gather_nd_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    indices = with_batch(f, inputs[1], attrs.get("batch_dims", 0))
    return (f.scatter(f.zeros_like(inputs[0]), indices, cts[0], combine="add"), None)


def _gather_nd_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    lead, batch = types[1].rank - 1, attrs.get("batch_dims", 0)
    count = components("gather_nd", types[0], types[1], batch)
    found = [k.index(read(1, (*index[:lead], c))) for c in range(count)]
    return read(0, (*index[:batch], *found, *index[lead:]))


gather_nd = register(OpDef(
    "gather_nd", "index", _gather_nd_infer, _gather_nd_evaluate, _gather_nd_vjp, element=_gather_nd_element,
    samples=samples("gathers_nd"),
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


def _holds(dtype: DType, depth: Dim) -> bool:
    """Whether an integer type has every position below a depth; a position beyond it would wrap."""
    return dtype.size >= 4 or (isinstance(depth, int) and depth - 1 <= dtype.max)


def _one_hot_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    axis, dtype = attrs["axis"], as_dtype(attrs.get("dtype", float32))
    value = read(0, (*index[:axis], *index[axis + 1 :]))
    if not _holds(types[0].dtype, attrs["depth"]):
        value = k.cast(value, int64)
    hit = k.eq(value, k.from_index(index[axis], k.dtype(value)))
    return k.select(hit, k.const(1, dtype), k.const(0, dtype))


one_hot = register(OpDef(
    "one_hot", "index", _one_hot_infer, _one_hot_evaluate, element=_one_hot_element, differentiable=False,
    samples=samples("one_hots"),
))  # fmt: skip
