"""Ops that write where data says: scatter, dynamic_slice and its inverse dynamic_update_slice.

Indices out of range fail, as in `graphcore.ops.index`; a run that fails has written nothing that anyone sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dtypes import int64
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.index import Index, components, places
from graphcore.ops.rules import (
    INTEGER,
    REAL,
    Attrs,
    Types,
    certainly_not,
    check_count,
    check_equal_dims,
    keep_where,
    require_kind,
    require_same_dtype,
    samples,
)  # fmt: skip
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

COMBINES = ("add", "mul", "max", "min", "update")
"""What scatter does with what is there and an update."""

_UFUNCS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
_BLOCK = 1 << 20
"""Elements that are combined in one call of NumPy."""

# scatter: operands x, indices [..., k], updates of shape indices.shape[:-1] + x.shape[k:]; attr combine. Updates
# at one place are combined in ascending order; "update" keeps the last. Native: a kernel of its own.


def _scatter_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, indices, updates = types
    if attrs["combine"] not in COMBINES:
        raise InvalidArgumentError(f"scatter: combine = {attrs['combine']!r}, expected one of {', '.join(COMBINES)}")
    if attrs["combine"] in ("max", "min") or (attrs["combine"] != "update" and not x.dtype.is_complex):
        require_kind("scatter", x, REAL)
    require_kind("scatter", indices, INTEGER, 1)
    require_same_dtype("scatter", (x, updates))
    count = components("scatter", x, indices)
    expected = (*indices.shape[:-1], *x.shape[count:])
    if len(expected) != updates.rank:
        raise ShapeError(
            f"scatter: updates are {updates!r}, expected shape {expected} for {x!r} and indices {indices!r}; "
            "reshape the updates"
        )
    for i, (want, have) in enumerate(zip(expected, updates.shape, strict=True)):
        check_equal_dims("scatter", f"dimension {i} of the updates and of the place", want, have, types)
    return (x,)


def _scatter_evaluate(x: Any, indices: Any, updates: Any, combine: str) -> Any:
    count = indices.shape[-1]
    where = places("scatter", indices, x.shape[:count])
    rows, inner = int(np.prod(x.shape[:count], dtype=np.int64)), int(np.prod(x.shape[count:], dtype=np.int64))
    row = np.zeros(indices.shape[:-1], np.intp)
    for place, size in zip(where, x.shape, strict=False):
        row = row * size + place
    result = np.array(x, order="C", copy=True)
    _combine(result.reshape(rows, inner), row.reshape(-1), updates.reshape(row.size, inner), combine)
    return result


def _combine(table: Any, row: Any, updates: Any, combine: str) -> None:
    if combine == "update":
        table[row] = updates
        return
    # NumPy's fast loop wants one index per element; blocks of positions bound the memory for them.
    flat, inner = table.reshape(-1), table.shape[1]
    step = max(1, _BLOCK // max(1, inner))
    for start in range(0, row.size, step):
        part = row[start : start + step]
        at = part if inner == 1 else (part[:, None] * inner + np.arange(inner)).reshape(-1)
        _UFUNCS[combine].at(flat, at, updates[start : start + step].reshape(-1))


def _scatter_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    ct, (x, indices, updates) = cts[0], inputs
    combine = attrs["combine"]
    if combine == "add":
        return (ct, None, lambda: f.gather_nd(ct, indices))
    if combine == "update":
        # As in TensorFlow every update of one place gets its gradient, not only the last.
        zeros = f.zeros_like(updates)
        return (lambda: f.scatter(ct, indices, zeros, combine="update"), None, lambda: f.gather_nd(ct, indices))
    if combine == "mul":
        return (
            lambda: f.mul(ct, f.scatter(f.full(f.type(x), 1), indices, updates, combine="mul")), None,
            lambda: _d_factor(f, ct, x, indices, updates),
        )  # fmt: skip
    return _d_extreme(f, ct, x, indices, updates, outputs[0])


def _d_extreme(f: Functions, ct: Any, x: Any, indices: Any, updates: Any, y: Any) -> tuple[Any, None, Any]:
    """The cotangent, divided equally among all that attain the extreme, as TensorFlow does."""
    mine = f.equal(x, y)
    theirs = f.equal(updates, f.gather_nd(y, indices))
    dtype = f.type(x).dtype
    count = f.scatter(f.cast(mine, dtype=dtype), indices, f.cast(theirs, dtype=dtype), combine="add")
    share = f.div(ct, f.maximum(count, f.constant(1, dtype=dtype)))
    return (keep_where(f, mine, share), None, keep_where(f, theirs, f.gather_nd(share, indices)))


def _d_factor(f: Functions, ct: Any, x: Any, indices: Any, updates: Any) -> Any:
    """The cotangent times the product of the other factors of a place; right where factors are zero."""
    dtype = f.type(x).dtype
    zero, one = f.constant(0, dtype=dtype), f.constant(1, dtype=dtype)
    x_zero, u_zero = f.equal(x, zero), f.equal(updates, zero)
    safe = f.select(u_zero, one, updates)
    product = f.scatter(f.select(x_zero, one, x), indices, safe, combine="mul")
    count = f.scatter(f.cast(x_zero, dtype=dtype), indices, f.cast(u_zero, dtype=dtype), combine="add")
    found = f.gather_nd(f.mul(ct, product), indices)
    zeros = f.gather_nd(count, indices)
    alone = f.equal(zeros, f.cast(u_zero, dtype=dtype))
    return keep_where(f, alone, f.div(found, safe))


scatter = register(OpDef(
    "scatter", "index", _scatter_infer, _scatter_evaluate, _scatter_vjp, samples=samples("scatters")
))  # fmt: skip


def scatter_along(f: Functions, values: Any, order: Any, axis: int) -> Any:
    """Zeros of the shape of `values` to which each value was added at position `order` along an axis.

    The adjoint of taking along an axis; `order` holds integers of the same shape, each within the axis.
    """
    type_ = f.type(values)
    shape, size = type_.shape, type_.size
    along = f.iota(shape=shape, axis=axis, dtype=int64)
    position = f.reshape_to(f.iota(shape=(size,), axis=0, dtype=int64), shape)
    (step,) = f.apply("size", (), {"value": dims.product(shape[axis + 1 :]), "dtype": int64})
    target = f.add(position, f.mul(f.sub(f.cast(order, dtype=int64), along), step))
    flat = f.full(type_.with_shape((size,)), 0)
    found = f.scatter(flat, f.reshape(target, shape=(size, 1)), f.reshape_to(values, (size,)), combine="add")
    return f.reshape_to(found, shape)


# dynamic_slice: operands x, start int[rank]; attr sizes; the window of x that begins at start


def _check_start(op: str, x: TensorType, start: TensorType, sizes: Sequence[Any], position: int) -> None:
    require_kind(op, start, INTEGER, position)
    if start.shape != (x.rank,):
        raise ShapeError(f"{op}: start is {start!r}, expected {x.rank} integers: one per axis of {x!r}")
    for a, (size, whole) in enumerate(zip(sizes, x.shape, strict=True)):
        if certainly_not(lambda s=size: s >= 0) or certainly_not(lambda s=size, n=whole: s <= n):
            raise ShapeError(f"{op}: a window of size {size} along axis {a} does not fit into {x!r}")


def _windows(op: str, start: Any, sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    """The window as slices. Raises InvalidArgumentError if it is not inside of the shape."""
    begin = [int(s) for s in start]
    for a, (b, size, whole) in enumerate(zip(begin, sizes, shape, strict=True)):
        if not 0 <= b <= whole - size:
            raise InvalidArgumentError(
                f"{op}: start[{a}] = {b} is not in [0, {whole - size}]; a window of size {size} must lie "
                f"inside of an axis of size {whole}"
            )
    return tuple(slice(b, b + size) for b, size in zip(begin, sizes, strict=True))


def _dynamic_slice_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, start = types
    check_count("dynamic_slice", "sizes", attrs["sizes"], x.rank)
    _check_start("dynamic_slice", x, start, attrs["sizes"], 1)
    return (x.with_shape(attrs["sizes"]),)


def _dynamic_slice_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    return (f.dynamic_update_slice(f.zeros_like(inputs[0]), cts[0], inputs[1]), None)


def _dynamic_slice_element(k: Any, index: Index, read: Any, types: Types, attrs: Attrs) -> Any:
    return read(0, tuple(k.index(read(1, (a,))) + i for a, i in enumerate(index)))


dynamic_slice = register(OpDef(
    "dynamic_slice", "index", _dynamic_slice_infer,
    lambda x, start, sizes: x[_windows("dynamic_slice", start, sizes, x.shape)],
    _dynamic_slice_vjp, element=_dynamic_slice_element, samples=samples("dynamic_slices"),
))  # fmt: skip

# dynamic_update_slice: operands x, update, start int[rank]; x with the window at start replaced. Native: a kernel
# of its own, which writes over x where x is not needed any more


def _dynamic_update_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, update, start = types
    require_same_dtype("dynamic_update_slice", (x, update))
    if update.rank != x.rank:
        raise ShapeError(
            f"dynamic_update_slice: the update is {update!r}, expected rank {x.rank} as of {x!r}; expand its dimensions"
        )
    _check_start("dynamic_update_slice", x, start, update.shape, 2)
    return (x,)


def _dynamic_update_evaluate(x: Any, update: Any, start: Any) -> Any:
    window = _windows("dynamic_update_slice", start, update.shape, x.shape)
    result = np.array(x, order="C", copy=True)
    result[window] = update
    return result


def _dynamic_update_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    ct, (_, update, start) = cts[0], inputs
    return (
        lambda: f.dynamic_update_slice(ct, f.zeros_like(update), start),
        lambda: f.dynamic_slice(ct, start, sizes=f.type(update).shape), None,
    )  # fmt: skip


dynamic_update_slice = register(OpDef(
    "dynamic_update_slice", "index", _dynamic_update_infer, _dynamic_update_evaluate, _dynamic_update_vjp,
    samples=samples("dynamic_updates"),
))  # fmt: skip
