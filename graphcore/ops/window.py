"""window_reduce and window_argmax: a window slid over an array, and what it shows at every position combined.

Attributes, one entry per axis of x: `window` (its extents), `strides`, `low` and `high` (padding; negative cuts),
`base_dilation` (x is spread), `window_dilation` (the window is spread); and `combine`: "add", "max" or "min".
Padding and the gaps of a dilated x never win a maximum or minimum and add nothing to a sum.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.dims import Dim
from graphcore.dtypes import DType, as_dtype, int64
from graphcore.errors import InconclusiveDim, InvalidArgumentError
from graphcore.ops.rules import REAL, Attrs, Types, certainly_not, check_count, keep_where, require_kind, samples
from graphcore.ops.spread import dilated, padded_array, windowed_size
from graphcore.optable import Monoid, OpDef, register
from graphcore.types import TensorType, contiguous_strides

if TYPE_CHECKING:
    from graphcore.functions import Functions

PER_AXIS = ("window", "strides", "low", "high", "base_dilation", "window_dilation")

_SHIFTS = 256
"""A window of at most so many places is combined place by place, in order; a larger one at once."""

_UFUNCS: dict[str, np.ufunc] = {"add": np.add, "max": np.maximum, "min": np.minimum}


def neutral(dtype: DType, combine: str) -> Any:
    """What padding counts as."""
    if combine == "add":
        return 0
    if dtype.is_floating:
        return -np.inf if combine == "max" else np.inf
    return int(dtype.min if combine == "max" else dtype.max)


MONOIDS: dict[str, Monoid] = {
    "add": Monoid(lambda dtype: 0, lambda k, acc, x: k.add(acc, x)),
    "max": Monoid(lambda dtype: neutral(dtype, "max"), lambda k, acc, x: k.max(acc, x)),
    "min": Monoid(lambda dtype: neutral(dtype, "min"), lambda k, acc, x: k.min(acc, x)),
}
"""How each `combine` folds."""


def _result_shape(name: str, x: TensorType, attrs: Attrs, words: Sequence[str]) -> tuple[Dim, ...]:
    require_kind(name, x, REAL)
    for what in PER_AXIS:
        check_count(name, what, attrs[what], x.rank)
    for what in ("window", "strides", "base_dilation", "window_dilation"):
        if any(certainly_not(lambda v=v: dims.less_equal(1, v)) for v in attrs[what]):
            raise InvalidArgumentError(f"{name}: {what} {tuple(attrs[what])} must be at least 1 everywhere")
    if attrs["combine"] not in words:
        raise InvalidArgumentError(f"{name}: combine is {attrs['combine']!r}, expected one of {', '.join(words)}")
    rows = zip(x.shape, *(attrs[what] for what in PER_AXIS), strict=True)
    return tuple(
        windowed_size(dilated(n, base) + low + high, dilated(k, spread), stride)
        for n, k, stride, low, high, base, spread in rows
    )


def _infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    return (types[0].with_shape(_result_shape("window_reduce", types[0], attrs, ("add", "max", "min"))),)


def _argmax_infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    return (TensorType(int64, _result_shape("window_argmax", types[0], attrs, ("max", "min"))),)


# NumPy


def _windows(x: Any, fill: Any, attrs: Attrs) -> tuple[Any, tuple[int, ...]]:
    """A view [*out, *window] of the padded array, and the shape of the result."""
    base = padded_array(x, attrs["low"], attrs["high"], attrs["base_dilation"], fill)
    spans = map(dilated, attrs["window"], attrs["window_dilation"])
    out: Any = tuple(map(windowed_size, base.shape, spans, attrs["strides"]))
    steps = [a * s for a, s in zip(base.strides, attrs["strides"], strict=True)]
    steps += [a * d for a, d in zip(base.strides, attrs["window_dilation"], strict=True)]
    shape = (*out, *attrs["window"])
    if 0 in out:
        return np.empty(shape, x.dtype), out
    return np.lib.stride_tricks.as_strided(base, shape, steps, writeable=False), out


def _evaluate(x: Any, combine: str, **attrs: Any) -> Any:
    dtype = as_dtype(x.dtype)
    if combine == "add" and dtype.is_half:  # summed in float32, rounded once
        return _evaluate(x.astype(np.float32), combine, **attrs).astype(x.dtype)
    start = neutral(dtype, combine)
    view, out = _windows(x, start, attrs)
    ufunc, rank = _UFUNCS[combine], x.ndim
    if np.prod(attrs["window"]) > _SHIFTS:
        return ufunc.reduce(view, axis=tuple(range(rank, 2 * rank)), dtype=x.dtype, initial=start)
    total = np.full(out, start, x.dtype)
    for place in itertools.product(*map(range, attrs["window"])):
        ufunc(total, view[(..., *place)], out=total)
    return total


def _argmax_evaluate(x: Any, combine: str, **attrs: Any) -> Any:
    """By comparing place after place: a later one must be strictly better; NaN counts as the best, as in NumPy."""
    view, out = _windows(x, neutral(as_dtype(x.dtype), combine), attrs)
    flat = np.arange(x.size, dtype=np.int64).reshape(x.shape)
    places, _ = _windows(flat, -1, attrs)
    best = np.zeros(out, x.dtype)
    found = np.full(out, -1, np.int64)
    better = np.greater if combine == "max" else np.less
    for place in itertools.product(*map(range, attrs["window"])):
        value, position = view[(..., *place)], places[(..., *place)]
        wins = (position >= 0) & ((found < 0) | better(value, best) | (np.isnan(value) & ~np.isnan(best)))
        best[wins], found[wins] = value[wins], position[wins]
    return found


# gradients


def _sum_gradient(f: Functions, ct: Any, x: Any, attrs: Attrs) -> Any:
    """Every element gets the cotangents of the windows that show it: again a sum over windows."""
    spans = [dilated(k, d) for k, d in zip(attrs["window"], attrs["window_dilation"], strict=True)]
    low = tuple(span - 1 - v for span, v in zip(spans, attrs["low"], strict=True))
    have = [dilated(n, s) for n, s in zip(f.type(ct).shape, attrs["strides"], strict=True)]
    want = [dilated(n, d) for n, d in zip(f.type(x).shape, attrs["base_dilation"], strict=True)]
    high = tuple(b - a + s - 1 - v for a, b, s, v in zip(have, want, spans, low, strict=True))
    return f.window_reduce(
        ct, combine="add", window=attrs["window"], strides=attrs["base_dilation"], low=low, high=high,
        base_dilation=attrs["strides"], window_dilation=attrs["window_dilation"],
    )  # fmt: skip


def always_shows(shape: Sequence[Dim], attrs: Attrs) -> bool:
    """Whether every window shows at least one element of x for certain."""
    rows = zip(attrs["window"], attrs["low"], attrs["high"], attrs["base_dilation"], attrs["window_dilation"],
               shape, strict=True)  # fmt: skip
    try:
        return all(
            base == 1 and (spread == 1 or (low == 0 and high == 0))
            and dims.less(low, k) and dims.less(high, k) and dims.less(0, n)
            for k, low, high, base, spread, n in rows
        )  # fmt: skip
    except InconclusiveDim:
        return False


def _extreme_gradient(f: Functions, ct: Any, x: Any, attrs: Attrs) -> Any:
    """The cotangent goes to the first element that is the extreme of its window, as in TensorFlow."""
    at = f.window_argmax(x, **attrs)
    shape = f.type(x).shape
    if not always_shows(shape, attrs):
        nothing = f.constant(0, like=at)
        ct = keep_where(f, f.less_equal(nothing, at), ct)
        at = f.maximum(at, nothing)
    size = dims.product(shape)
    zeros = f.full(f.type(x).with_shape((size,)), 0)
    indices = f.reshape(at, shape=(*f.type(at).shape, 1))
    return f.reshape(f.scatter(zeros, indices, ct, combine="add"), shape=shape)


def _vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    rule = _sum_gradient if attrs["combine"] == "add" else _extreme_gradient
    return (rule(f, cts[0], inputs[0], attrs),)


# native: what codegen asks about one element


def flat_position(shape: Sequence[Dim], index: Sequence[Dim]) -> Dim:
    """The row-major position of an index."""
    total: Dim = 0
    for i, stride in zip(index, contiguous_strides(shape), strict=True):
        total = total + i * stride
    return total


window_reduce = register(
    OpDef("window_reduce", "window", _infer, _evaluate, _vjp, samples=samples("windows", ("add", "max", "min")))
)
window_argmax = register(OpDef(
    "window_argmax", "window", _argmax_infer, _argmax_evaluate, differentiable=False,
    samples=samples("windows", ("max", "min")),
))  # fmt: skip


def is_positional(op: OpDef) -> bool:
    """Whether a window op gives the position of the extreme, not its value."""
    return op is window_argmax
