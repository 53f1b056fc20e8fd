"""Reductions: attrs `axes` (sorted, non-negative) and `keepdims`; argmax and argmin take one `axis`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, int64
from graphcore.errors import InvalidArgumentError
from graphcore.ops.rules import (
    BOOL,
    NUMBER,
    REAL,
    Attrs,
    Rule,
    Types,
    check_axes,
    conj,
    keep_where,
    require_kind,
    samples,
)
from graphcore.optable import Monoid, OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions


def reduced_shape(shape: Sequence[Dim], axes: Sequence[int], keepdims: bool) -> tuple[Dim, ...]:
    """The shape that is left after reducing `axes`."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _reduction(
    name: str, kinds: str, ufunc: np.ufunc, monoid: Monoid, vjp: Callable[..., Any] | None = None
) -> OpDef:
    """Registers a reduction; `vjp` is (f, ct, x, y, axes) with ct and y as if keepdims were set.

    16-bit floats are folded in float32 and rounded once at the end (NumPy's own float16 sum rounds on the way).
    """

    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        require_kind(name, types[0], kinds)
        axes = check_axes(name, attrs["axes"], types[0].rank)
        return (types[0].with_shape(reduced_shape(types[0].shape, axes, attrs["keepdims"])),)

    def evaluate(x: Any, axes: tuple[int, ...], keepdims: bool = False) -> Any:
        dtype = as_dtype(x.dtype).arithmetic
        found = ufunc.reduce(x, axis=axes, dtype=dtype.numpy, keepdims=keepdims, initial=monoid.init(dtype))
        return found if found.dtype == x.dtype else found.astype(x.dtype)

    def rule(
        f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
    ) -> Any:
        assert vjp is not None
        x, axes = inputs[0], attrs["axes"]
        shape = reduced_shape(f.type(x).shape, axes, True)
        return (vjp(f, f.reshape_to(cts[0], shape), x, f.reshape_to(outputs[0], shape), axes),)

    return register(OpDef(
        name, "reduce", infer, evaluate, vjp and rule, monoid=monoid, differentiable=vjp is not None,
        samples=samples("reductions", kinds),
    ))  # fmt: skip


def _d_extreme(f: Functions, ct: Any, x: Any, y: Any, axes: tuple[int, ...]) -> Any:
    """The cotangent, divided equally among ties, as TensorFlow does."""
    chosen = f.equal(x, y)
    ties = f.reduce_sum(f.cast(chosen, dtype=f.type(x).dtype), axes=axes, keepdims=True)
    return keep_where(f, chosen, f.div(ct, ties))


def _shift_right(f: Functions, x: Any, count: int, reverse: bool) -> Any:
    """The last axis moved by `count` with ones coming in; toward the front if `reverse`."""
    shape = f.type(x).shape
    rank, n = len(shape), shape[-1]
    begin, end = (count, n) if reverse else (0, n - count)
    kept = f.slice(
        x, begin=(0,) * (rank - 1) + (begin,), end=(*shape[:-1], end), strides=(1,) * rank
    )  # fmt: skip
    low, high = (0, count) if reverse else (count, 0)
    none = (0,) * (rank - 1)
    one = f.constant(1, like=x)
    return f.pad(kept, one, low=(*none, low), high=(*none, high), interior=(0,) * rank)


def _exclusive_product(f: Functions, x: Any, n: int, reverse: bool) -> Any:
    """Products of all entries before (after, if `reverse`) each one along the last axis, by doubling."""
    product, step = _shift_right(f, x, 1, reverse), 1
    while step < n - 1:
        product = f.mul(product, _shift_right(f, product, step, reverse))
        step *= 2
    return product


def _products_of_others(f: Functions, x: Any) -> Any:
    """For each entry along the last axis the product of the others; exact at zeros, differentiable again."""
    shape = f.type(x).shape
    n = shape[-1]
    if isinstance(n, int):
        if n <= 1:
            return f.full(f.type(x), 1)
        return f.mul(_exclusive_product(f, x, n, False), _exclusive_product(f, x, n, True))
    # A symbolic size: every entry multiplies the row with itself replaced by one.
    square = (*shape[:-1], n, n)
    row, column = (f.iota(shape=(n, n), axis=a, dtype=int64) for a in (0, 1))
    one = f.constant(1, like=x)
    rows = f.broadcast_to(f.reshape(x, shape=(*shape[:-1], 1, n)), shape=square)
    return f.reduce_prod(f.select(f.equal(row, column), one, rows), axes=(len(shape),), keepdims=False)


def _d_product(f: Functions, ct: Any, x: Any, y: Any, axes: tuple[int, ...]) -> Any:
    shape = f.type(x).shape
    kept = tuple(i for i in range(len(shape)) if i not in axes)
    perm = kept + tuple(axes)
    flat = f.reshape(
        f.transpose(x, perm=perm), shape=(*(shape[i] for i in kept), dims.product(shape[i] for i in axes))
    )
    others = f.reshape(_products_of_others(f, flat), shape=tuple(shape[i] for i in perm))
    return f.mul(ct, f.transpose(conj(f, others), perm=tuple(perm.index(i) for i in range(len(perm)))))


def _lowest(dtype: DType) -> Any:
    return -math.inf if dtype.is_floating else int(dtype.min)


def _highest(dtype: DType) -> Any:
    return math.inf if dtype.is_floating else int(dtype.max)


reduce_sum = _reduction(
    "reduce_sum", NUMBER, np.add, Monoid(lambda dtype: 0, lambda k, acc, x: k.add(acc, x)),
    lambda f, ct, x, y, axes: f.broadcast_to(ct, shape=f.type(x).shape),
)  # fmt: skip
reduce_prod = _reduction(
    "reduce_prod", NUMBER, np.multiply, Monoid(lambda dtype: 1, lambda k, acc, x: k.mul(acc, x)), _d_product
)
reduce_max = _reduction(
    "reduce_max", REAL, np.maximum, Monoid(_lowest, lambda k, acc, x: k.max(acc, x)), _d_extreme
)
reduce_min = _reduction(
    "reduce_min", REAL, np.minimum, Monoid(_highest, lambda k, acc, x: k.min(acc, x)), _d_extreme
)
reduce_any = _reduction(
    "reduce_any", BOOL, np.logical_or, Monoid(lambda dtype: False, lambda k, acc, x: k.or_(acc, x))
)
reduce_all = _reduction(
    "reduce_all", BOOL, np.logical_and, Monoid(lambda dtype: True, lambda k, acc, x: k.and_(acc, x))
)


def _arg(name: str, function: Rule) -> OpDef:
    """Registers argmax or argmin: the first position of the extreme; NaN counts as extreme, as in NumPy."""

    def infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
        require_kind(name, types[0], REAL)
        (axis,) = check_axes(name, (attrs["axis"],), types[0].rank)
        if types[0].shape[axis] == 0:
            raise InvalidArgumentError(
                f"{name}: axis {axis} of {types[0]!r} is empty; it has no extreme element"
            )
        shape = reduced_shape(types[0].shape, (axis,), False)
        return (TensorType(as_dtype(attrs.get("output_type", int64)), shape),)

    def evaluate(x: Any, axis: int, output_type: Any = int64) -> Any:
        if x.shape[axis] == 0:
            raise InvalidArgumentError(
                f"{name}: axis {axis} of shape {x.shape} is empty; it has no extreme element"
            )
        return np.asarray(function(x, axis=axis)).astype(as_dtype(output_type).numpy)

    return register(
        OpDef(name, "reduce", infer, evaluate, differentiable=False, samples=samples("arguments"))
    )


argmax = _arg("argmax", np.argmax)
argmin = _arg("argmin", np.argmin)
