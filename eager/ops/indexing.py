"""Indexing of tensors: ints, slices, ellipsis, newaxis, bool and integer tensors; and replacing a slice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from eager.context import state
from eager.convert import convert
from eager.errors import InvalidArgumentError
from eager.ops.common import known_sizes, op, raw_shape, size_tensor, sizes_of
from eager.tensor import Tensor, type_of, wrap
from eager.variable import Variable
from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import int64
from graphcore.errors import InconclusiveDim


class _Plan(NamedTuple):
    """A key taken apart: per axis of the operand a range and whether it is reversed, and the result's shape."""

    begin: tuple[Dim, ...]
    end: tuple[Dim, ...]
    strides: tuple[int, ...]
    reversed: tuple[int, ...]
    shape: tuple[Dim, ...]


class BadIndexError(InvalidArgumentError, IndexError):
    """An index that a tensor does not have: tf.errors.InvalidArgumentError, and Python's IndexError."""


def getitem(x: Any, key: Any) -> Tensor:
    """x[key], as tf.Tensor.__getitem__: ints, slices, `...`, tf.newaxis, scalar tensors, or one bool mask.

    Raises:
        IndexError: for too many indices or an index out of range.
        TypeError: for a key that tensors do not take; use tf.gather for index arrays.
    """
    if not state.busy and type(x) is Tensor and x._array is not None and _is_plain(key):
        # Nothing records: NumPy's own indexing means the same. What it refuses, the general way explains.
        try:
            return wrap(x._array[key])
        except (IndexError, TypeError, ValueError):
            pass
    if _is_mask(key):
        from eager.ops.masks import boolean_mask

        return boolean_mask(x, key)
    tensor, keys = _gathered(convert(x), key if isinstance(key, tuple) else (key,))
    plan = _plan(tensor, keys)
    part = tensor
    sizes = raw_shape(tensor)
    if plan.begin != (0,) * len(sizes) or plan.end != sizes or any(s != 1 for s in plan.strides):
        part = op("slice", part, begin=plan.begin, end=plan.end, strides=plan.strides)
    if plan.reversed:
        part = op("reverse", part, axes=plan.reversed)
    return part if raw_shape(part) == plan.shape else op("reshape", part, shape=plan.shape)


def _is_mask(key: Any) -> bool:
    """Whether the key is a bool tensor or array, which stands alone as tf.boolean_mask."""
    return isinstance(key, Tensor | Variable | np.ndarray) and key.dtype == np.bool_ and key.ndim > 0


_PLAIN = frozenset((int, slice, type(None), type(Ellipsis)))


def _is_plain(key: Any) -> bool:
    return type(key) in _PLAIN or (type(key) is tuple and all(type(k) in _PLAIN for k in key))


def _gathered(x: Tensor, key: tuple[Any, ...]) -> tuple[Tensor, tuple[Any, ...]]:
    """Takes the scalars that only a run will know out of the key; they are gathered."""
    if not any(isinstance(k, Tensor | Variable) for k in key):
        return x, key
    keys = _expand(x, key)
    axis = x.ndim
    for place in reversed(range(len(keys))):
        k = keys[place]
        axis -= k is not None
        if isinstance(k, Tensor | Variable) and k.ndim == 0 and k.dtype.is_integer:
            at = convert(k)
            if known_sizes(at) is None:
                size = size_tensor(raw_shape(x)[axis], at.dtype)
                x = op("gather", x, op("select", at < 0, at + size, at), axis=axis)
                del keys[place]
    return x, tuple(keys)


def replace_slice(x: Tensor, key: Any, value: Tensor) -> Tensor:
    """`x` with x[key] replaced by `value`, which broadcasts to the slice."""
    moving = _moving_window(x, key)
    if moving is not None:
        window, start = moving
        return op("dynamic_update_slice", x, op("reshape", _filled(value, window), shape=_counts(window)), start)
    plan = _plan(x, key)
    sizes, counts = raw_shape(x), _counts(plan)
    filled = op("reshape", _filled(value, plan), shape=counts)
    if plan.reversed:
        filled = op("reverse", filled, axes=plan.reversed)
    if any(isinstance(c, int) and c == 0 for c in counts):
        return x
    low = plan.begin
    used = tuple(b + (c - 1) * s + 1 for b, c, s in zip(plan.begin, counts, plan.strides, strict=True))
    attrs = {
        "low": low,
        "high": tuple(d - u for d, u in zip(sizes, used, strict=True)),
        "interior": tuple(s - 1 for s in plan.strides),
    }
    spread = op("pad", filled, convert(0 if not x.dtype.is_bool else False, dtype=x.dtype), **attrs)
    ones = op("broadcast_to", convert(True), shape=counts)
    return op("select", op("pad", ones, convert(False), **attrs), spread, x)


def _counts(plan: _Plan) -> tuple[Dim, ...]:
    """How many elements the plan takes along each axis of the operand."""
    return tuple(dims.ceildiv(e - b, s) for b, e, s in zip(plan.begin, plan.end, plan.strides, strict=True))


def _filled(value: Tensor, plan: _Plan) -> Tensor:
    return op("broadcast_to", value, shape=plan.shape)


def _moving_window(x: Tensor, key: Any) -> tuple[_Plan, Tensor] | None:
    """For a key with scalars that only a run will know: the plan as if they were 0, and where the window begins.

    None for any other key, and for one that also has steps.
    """
    keys = _expand(x, key if isinstance(key, tuple) else (key,))
    unknown = [isinstance(k, Tensor | Variable) and k.ndim == 0 and known_sizes(convert(k)) is None for k in keys]
    if not any(unknown):
        return None
    plan = _plan(x, tuple(0 if u else k for k, u in zip(keys, unknown, strict=True)))
    if plan.reversed or any(s != 1 for s in plan.strides):
        return None
    begins: list[Tensor] = []
    for k, u in zip(keys, unknown, strict=True):
        if k is None:
            continue
        axis = len(begins)
        if u:
            at = op("cast", convert(k), dtype=int64)
            begin = op("select", at < 0, at + size_tensor(raw_shape(x)[axis], int64), at)
        else:
            begin = size_tensor(plan.begin[axis], int64)
        begins.append(op("reshape", begin, shape=(1,)))
    return plan, op("concatenate", *begins, axis=0)


def _plan(x: Tensor, key: Any) -> _Plan:
    keys = _expand(x, key if isinstance(key, tuple) else (key,))
    begin, end, strides, flipped, shape = [], [], [], [], []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        size = raw_shape(x)[axis]
        if isinstance(k, slice):
            b, e, s, backwards = _slice(k, size)
            shape.append(dims.ceildiv(e - b, s))
            if backwards:
                flipped.append(axis)
        else:
            b = _index(k, size, x, axis)
            e, s = b + 1, 1
        begin.append(b)
        end.append(e)
        strides.append(s)
        axis += 1
    return _Plan(tuple(begin), tuple(end), tuple(strides), tuple(flipped), tuple(shape))


def _expand(x: Tensor, key: tuple[Any, ...]) -> list[Any]:
    """The key with the ellipsis written out, and full slices for the axes that it leaves out."""
    consumed = sum(1 for k in key if k is not None and k is not Ellipsis)
    if consumed > x.ndim:
        raise BadIndexError(f"too many indices for {type_of(x)}: {consumed} for rank {x.ndim}")
    if sum(1 for k in key if k is Ellipsis) > 1:
        raise BadIndexError("an index can only have a single ellipsis ('...')")
    rest = [slice(None)] * (x.ndim - consumed)
    out: list[Any] = []
    for k in key:
        out.extend(rest if k is Ellipsis else [k])
    return out if Ellipsis in [k for k in key if k is Ellipsis] else out + rest


def _scalar(k: Any) -> Dim:
    if isinstance(k, int | np.integer) and not isinstance(k, bool):
        return int(k)
    if isinstance(k, dims.SymDim):
        return k
    if isinstance(k, Tensor | Variable) and k.ndim == 0 and k.dtype.is_integer:
        return sizes_of(convert(k))[0]
    raise TypeError(
        f"Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar int32/int64 tensors are valid "
        f"indices, got {k!r}; use tf.gather for index arrays and tf.boolean_mask for masks"
    )


def _index(k: Any, size: Dim, x: Tensor, axis: int) -> Dim:
    i = _scalar(k)
    if isinstance(i, int) and i < 0:
        i = size + i
    if isinstance(i, int) and isinstance(size, int) and not 0 <= i < size:
        raise BadIndexError(f"index {k} is out of range for axis {axis} of {type_of(x)}")
    return i


def _slice(k: slice, size: Dim) -> tuple[Dim, Dim, int, bool]:
    """(begin, end, positive stride, reversed) of a slice over an axis."""
    step = 1 if k.step is None else _scalar(k.step)
    if not isinstance(step, int) or step == 0:
        raise InvalidArgumentError(f"slice step must be a non-zero integer, got {k.step!r}")
    if step > 0:
        begin = _bound(k.start, size, 0)
        return begin, _at_least(_bound(k.stop, size, size), begin), step, False
    start = size - 1 if k.start is None else _bound(k.start, size, 0, last=True)
    stop = -1 if k.stop is None else _bound(k.stop, size, 0, last=True)
    count = dims.maximum(dims.ceildiv(start - stop, -step), 0)
    if isinstance(count, int) and count == 0:
        return 0, 0, 1, False
    # Backwards from start in steps is forwards from the last element met, reversed.
    return start + (count - 1) * step, start + 1, -step, True


def _bound(k: Any, size: Dim, default: Dim, last: bool = False) -> Dim:
    """A slice bound, negative ones counted from the end, clamped to the axis."""
    if k is None:
        return default
    i = _scalar(k)
    if isinstance(i, int) and i < 0:
        return _at_least(size + i, -1 if last else 0)
    top = size - 1 if last else size
    try:
        return i if dims.less_equal(i, top) else top
    except InconclusiveDim:
        return dims.minimum(i, top)


def _at_least(a: Dim, low: Dim) -> Dim:
    try:
        return a if dims.less_equal(low, a) else low
    except InconclusiveDim:
        return dims.maximum(a, low)


# Tensor imports this module at its first index; from then on no call looks for it.
Tensor.__getitem__ = getitem  # pyright: ignore[reportAttributeAccessIssue]
