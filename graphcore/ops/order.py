"""Ops that go along one axis in order: sort, and cumulative sums, products, maxima and log-sum-exps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dtypes import DType, as_dtype, int32, int64
from graphcore.errors import InvalidArgumentError
from graphcore.ops.rules import (
    FLOATING,
    ORDERED,
    REAL,
    Attrs,
    Types,
    certainly_not,
    check_axes,
    keep_where,
    require_kind,
    samples,
)  # fmt: skip
from graphcore.ops.scatter import scatter_along
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

# sort: attrs axis, descending, count; results values, order int32 (where each was). Stable; NaN comes last either way,
# zeros of both signs are equal. Of the sorted elements only the first `count` are results; by default all.


def _sort_infer(types: Types, attrs: Attrs) -> tuple[TensorType, TensorType]:
    (x,) = types
    require_kind("sort", x, ORDERED)
    check_axes("sort", (attrs["axis"],), x.rank)
    axis = attrs["axis"]
    count = attrs.get("count", x.shape[axis])
    if certainly_not(lambda: dims.less_equal(0, count) and dims.less_equal(count, x.shape[axis])):
        most = x.shape[axis]
        raise InvalidArgumentError(f"sort: count is {count}, expected 0 to {most}, the size of axis {axis} of {x!r}")
    first = x.with_shape((*x.shape[:axis], count, *x.shape[axis + 1 :]))
    return first, first.with_dtype(int32)


def sort_keys(x: Any, descending: bool) -> Any:
    """Unsigned integers that compare as the elements do in the wanted order; equal for equal elements and all NaN."""
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    kind = as_dtype(x.dtype).kind
    top = unsigned.type(1 << (unsigned.itemsize * 8 - 1))
    if kind == "f":
        bits = (x + x.dtype.type(0)).view(unsigned)  # the sum makes -0.0 0.0
        keys = np.where(bits & top, ~bits, bits | top)
    else:
        bits = np.ascontiguousarray(x).view(unsigned)
        keys = bits ^ top if kind == "i" else bits
    keys = ~keys if descending else keys
    return np.where(np.isnan(x), ~unsigned.type(0), keys) if kind == "f" else keys


def _sort_evaluate(x: Any, axis: int, descending: bool = False, count: Any = None) -> tuple[Any, Any]:
    count = x.shape[axis] if count is None else count
    rows = np.moveaxis(sort_keys(x, descending), axis, -1)
    if x.dtype.itemsize <= 4:
        # Key and position in one integer: then the fast sort that is not stable is stable.
        packed = rows.astype(np.uint64) << np.uint64(32) | np.arange(rows.shape[-1], dtype=np.uint64)
        if 0 < count < packed.shape[-1]:
            packed = np.partition(packed, count - 1, axis=-1)[..., :count]
        packed.sort(axis=-1)
        order = (packed & np.uint64(0xFFFFFFFF)).astype(np.int32)
    else:
        order = np.argsort(rows, axis=-1, kind="stable").astype(np.int32)
    order = np.moveaxis(order[..., :count], -1, axis)
    return np.take_along_axis(x, order, axis), order


def _sort_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    if cts[0] is None:
        return (None,)
    axis, whole = attrs["axis"], f.type(inputs[0])
    ct, order = cts[0], outputs[1]
    if "count" in attrs:  # as of a whole sort: what lies beyond adds 0 to the first element
        low = (0,) * whole.rank
        high = tuple(whole.shape[a] - attrs["count"] if a == axis else 0 for a in range(whole.rank))
        ct, order = (f.pad(v, f.constant(0, like=v), low=low, high=high, interior=low) for v in (ct, order))
    return (scatter_along(f, ct, order, axis),)


sort = register(OpDef("sort", "sort", _sort_infer, _sort_evaluate, _sort_vjp, samples=samples("sorts")))

# cumulative: attrs axis, combine, exclusive, reverse; every element combined with those before it (after it, if
# reverse), one after the other. exclusive leaves the element itself out: the first result is the neutral element.

COMBINES = ("add", "mul", "max", "logaddexp")
"""What cumulative combines with."""

_UFUNCS = {"add": np.add, "mul": np.multiply, "max": np.maximum, "logaddexp": np.logaddexp}


def neutral(combine: str, dtype: DType) -> Any:
    """The number that changes nothing: 0, 1, the lowest, or minus infinity."""
    if combine == "max":
        return -math.inf if dtype.is_floating else int(dtype.min)
    return {"add": 0, "mul": 1, "logaddexp": -math.inf}[combine]


def _cumulative_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    combine, (x,) = attrs["combine"], types
    if combine not in COMBINES:
        raise InvalidArgumentError(f"cumulative: combine = {combine!r}, expected one of {', '.join(COMBINES)}")
    if combine == "logaddexp":
        require_kind("cumulative", x, FLOATING)
    elif combine == "max" or not x.dtype.is_complex:
        require_kind("cumulative", x, REAL)
    check_axes("cumulative", (attrs["axis"],), x.rank)
    return (x,)


def _cumulative_evaluate(x: Any, axis: int, combine: str, exclusive: bool = False, reverse: bool = False) -> Any:
    source = np.flip(x, axis) if reverse else x
    found = _UFUNCS[combine].accumulate(source, axis=axis, dtype=x.dtype)
    if exclusive and x.shape[axis]:
        first = np.full_like(found.take([0], axis), neutral(combine, as_dtype(x.dtype)))
        found = np.concatenate([first, found.take(np.arange(x.shape[axis] - 1), axis)], axis)
    return np.flip(found, axis) if reverse else found


def _cumulative_vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    rule = {"add": _d_sum, "mul": _d_product, "max": _d_max, "logaddexp": _d_logaddexp}[attrs["combine"]]
    return (rule(f, cts[0], inputs[0], outputs[0], attrs),)


def _along(f: Functions, x: Any, attrs: Attrs, combine: str, back: bool) -> Any:
    """A cumulation along the same axis, `back` if the other way round."""
    return f.cumulative(
        x, axis=attrs["axis"], combine=combine, exclusive=attrs.get("exclusive", False),
        reverse=attrs.get("reverse", False) != back,
    )  # fmt: skip


def _d_sum(f: Functions, ct: Any, x: Any, y: Any, attrs: Attrs) -> Any:
    return _along(f, ct, attrs, "add", True)


def _d_product(f: Functions, ct: Any, x: Any, y: Any, attrs: Attrs) -> Any:
    """Sums of cotangent times product, divided by the element; at the first zero the products without it."""
    zero, one = f.constant(0, like=x), f.constant(1, like=x)
    is_zero = f.equal(x, zero)
    inclusive = {**attrs, "exclusive": False}
    zeros = _along(f, f.cast(is_zero, dtype=int64), inclusive, "add", False)
    first = f.logical_and(is_zero, f.equal(zeros, f.constant(1, dtype=int64)))
    without = _along(f, f.select(first, one, x), attrs, "mul", False)
    here = _along(f, f.mul(ct, without), attrs, "add", True)
    plain = f.div(_along(f, f.mul(ct, y), attrs, "add", True), f.select(is_zero, one, x))
    before = f.equal(zeros, f.constant(0, dtype=int64))
    return f.select(before, plain, keep_where(f, first, here))


def _d_max(f: Functions, ct: Any, x: Any, y: Any, attrs: Attrs) -> Any:
    """Each cotangent goes to the first element that attained the maximum."""
    axis, shape = attrs["axis"], f.type(x).shape
    back = attrs.get("reverse", False)
    step = f.iota(shape=shape, axis=axis, dtype=int64)
    if back:
        step = f.reverse(step, axes=(axis,))
    zero, nowhere = f.constant(0, dtype=int64), f.constant(-1, dtype=int64)
    rises = f.greater(x, _along(f, x, {**attrs, "exclusive": True}, "max", False))
    rises = f.logical_or(rises, f.equal(step, zero))
    found = _along(f, f.select(rises, step, nowhere), attrs, "max", False)
    known = f.less_equal(zero, found)  # not so before the first element of an exclusive maximum
    at = f.select(known, found, zero)
    if back:
        (last,) = f.apply("size", (), {"value": shape[axis] - 1, "dtype": int64})
        at = f.sub(last, at)
    return scatter_along(f, keep_where(f, known, ct), at, axis)


def _d_logaddexp(f: Functions, ct: Any, x: Any, y: Any, attrs: Attrs) -> Any:
    """As TensorFlow: positive and negative cotangents apart, each in logarithms, so that nothing overflows."""
    low, zero, one = f.constant(-math.inf, like=x), f.constant(0, like=x), f.constant(1, like=x)
    total = f.select(f.is_inf(y), zero, y)

    def part(g: Any) -> Any:
        some = f.greater(g, zero)
        logs = f.select(some, f.log(f.select(some, g, one)), low)
        return f.exp(f.add(_along(f, f.sub(logs, total), attrs, "logaddexp", True), x))

    return f.sub(part(ct), part(f.neg(ct)))


cumulative = register(OpDef(
    "cumulative", "cumulative", _cumulative_infer, _cumulative_evaluate, _cumulative_vjp, samples=samples("cumulations")
))  # fmt: skip
