"""convolution: a filter slid over 1 to 3 spatial dimensions, with strides, padding, dilation and groups.

Operands x [N, *spatial, Ci] and w [*kernel, Ci / groups, Co]; the result is [N, *out, Co]. As in deep learning
libraries the filter is not flipped (a cross-correlation). Attributes, one entry per spatial dimension:
`strides`, `low` and `high` (zeros before and after; negative ones cut), `lhs_dilation` (x is spread with zeros
between neighbours), `rhs_dilation` (the filter is spread); and the number `groups`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.rules import (
    FLOATING,
    Attrs,
    Types,
    certainly_not,
    check_count,
    check_equal_dims,
    require_kind,
    require_same_dtype,
    samples,
)  # fmt: skip
from graphcore.ops.spread import dilated, padded_array, windowed_size
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

_WINDOW_BYTES = 64 << 20
"""At most so many bytes of copied windows at a time."""

_SHIFTS = 64
"""With one channel per group and at most so many places in the filter, x is shifted and multiplied."""

PER_AXIS = ("strides", "low", "high", "lhs_dilation", "rhs_dilation")


def _check_ranks(x: TensorType, w: TensorType, attrs: Attrs) -> None:
    spatial = x.rank - 2
    if not 1 <= spatial <= 3 or w.rank != x.rank:
        raise ShapeError(
            f"convolution: operands are {x!r} and {w!r}, expected x [N, *spatial, channels] with 1 to 3 spatial "
            "dimensions and a filter [*kernel, channels / groups, out channels] of the same rank; add dimensions "
            "with tf.expand_dims"
        )
    for name in PER_AXIS:
        check_count("convolution", name, attrs[name], spatial)
    for name in ("strides", "lhs_dilation", "rhs_dilation"):
        if any(certainly_not(lambda v=v: dims.less_equal(1, v)) for v in attrs[name]):
            raise InvalidArgumentError(f"convolution: {name} {tuple(attrs[name])} must be at least 1 everywhere")


def _check_channels(x: TensorType, w: TensorType, groups: int) -> None:
    if groups < 1:
        raise InvalidArgumentError(f"convolution: groups is {groups}, expected at least 1")
    check_equal_dims(
        "convolution", f"channels of x and groups ({groups}) x channels of the filter",
        x.shape[-1], w.shape[-2] * groups, (x, w),
    )  # fmt: skip
    if certainly_not(lambda: dims.equal(dims.mod(w.shape[-1], groups), 0)):
        raise ShapeError(
            f"convolution: {w.shape[-1]} output channels of the filter {w!r} do not divide into {groups} groups; "
            "give a multiple"
        )


def _infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, w = types
    dtype = require_same_dtype("convolution", types)
    require_kind("convolution", x, FLOATING)
    _check_ranks(x, w, attrs)
    _check_channels(x, w, attrs["groups"])
    return (TensorType(dtype, (x.shape[0], *positions(x, w.shape[:-2], attrs), w.shape[-1])),)


def positions(x: TensorType, kernel: Sequence[dims.Dim], attrs: Attrs) -> list[dims.Dim]:
    """How many positions a filter of size `kernel` has along each spatial dimension of x."""
    rows = zip(x.shape[1:-1], kernel, *(attrs[name] for name in PER_AXIS), strict=True)
    return [
        windowed_size(dilated(n, base) + low + high, dilated(k, spread), stride)
        for n, k, stride, low, high, base, spread in rows
    ]


# NumPy


def _evaluate(
    x: Any, w: Any, strides: Any, low: Any, high: Any, lhs_dilation: Any, rhs_dilation: Any, groups: int = 1
) -> Any:
    if x.ndim != w.ndim or x.shape[-1] != w.shape[-2] * groups or w.shape[-1] % groups:
        raise ValueError("operands do not fit")  # which `infer` says in the user's words
    wide = np.float32 if x.dtype.itemsize < 4 else x.dtype
    dtype, x, w = x.dtype, x.astype(wide, copy=False), w.astype(wide, copy=False)
    kernel = w.shape[:-2]
    spread = (0, *low, 0), (0, *high, 0), (1, *lhs_dilation, 1)
    base = padded_array(x, *spread, 0)
    spans = [dilated(k, d) for k, d in zip(kernel, rhs_dilation, strict=True)]
    out: list[Any] = [windowed_size(n, k, s) for n, k, s in zip(base.shape[1:-1], spans, strides, strict=True)]
    shape = (x.shape[0], *out, w.shape[-1])
    if 0 in shape or 0 in w.shape:
        return np.zeros(shape, dtype)
    many = w.shape[-2] == 1 and groups > 1 and np.prod(kernel) <= _SHIFTS
    compute = _by_shifts if many else _by_windows
    return compute(base, w, out, strides, rhs_dilation, groups).astype(dtype, copy=False)


def _by_shifts(base: Any, w: Any, out: Sequence[int], strides: Any, spread: Any, groups: int) -> Any:
    """One channel per group: for every place in the filter, x shifted to it times the filter there."""
    each = w.shape[-1] // groups
    total = np.zeros((base.shape[0], *out, groups, each), base.dtype)
    for place in itertools.product(*map(range, w.shape[:-2])):
        at = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, n, s in zip(place, spread, out, strides, strict=True)
        )
        total += base[(slice(None), *at)][..., None] * w[place].reshape(groups, each)
    return total.reshape((*total.shape[:-2], groups * each))


def _by_windows(base: Any, w: Any, out: Sequence[int], strides: Any, spread: Any, groups: int) -> Any:
    """As one matrix product per group of the copied windows, a part of the batch at a time."""
    kernel, depth, each = w.shape[:-2], w.shape[-2], w.shape[-1] // groups
    rank = len(kernel)
    left = base.strides
    view = np.lib.stride_tricks.as_strided(
        base, (base.shape[0], *out, *kernel, groups, depth),
        (left[0], *(a * s for a, s in zip(left[1:-1], strides, strict=True)),
         *(a * d for a, d in zip(left[1:-1], spread, strict=True)), left[-1] * depth, left[-1]),
        writeable=False,
    )  # fmt: skip
    perm = (2 * rank + 1, *range(rank + 1), *range(rank + 1, 2 * rank + 1), 2 * rank + 2)
    matrices = w.reshape((*kernel, depth, groups, each))
    matrices = matrices.transpose((rank + 1, *range(rank + 1), rank + 2)).reshape(groups, -1, each)
    result = np.empty((base.shape[0], *out, groups, each), base.dtype)
    bytes_each = max(int(np.prod(view.shape[1:])) * base.itemsize, 1)
    step = max(_WINDOW_BYTES // bytes_each, 1)
    for start in range(0, base.shape[0], step):
        part = view[start : start + step].transpose(perm)
        product = np.matmul(part.reshape(groups, -1, matrices.shape[1]), matrices)
        result[start : start + step] = np.moveaxis(product.reshape((*part.shape[: rank + 2], each)), 0, -2)
    return result.reshape((base.shape[0], *out, groups * each))


# gradients


def _regroup(f: Functions, x: Any, axis: int, groups: int, to: int) -> Any:
    """Exchanges axis `to` with the part within a group of `axis`: [.., g * a, .., b] becomes [.., g * b, .., a]."""
    shape = f.type(x).shape
    if groups == 1:
        perm = list(range(len(shape)))
        perm[axis], perm[to] = perm[to], perm[axis]
        return f.transpose(x, perm=tuple(perm))
    each = dims.floordiv(shape[axis], groups)
    split = f.reshape(x, shape=(*shape[:axis], groups, each, *shape[axis + 1 :]))
    inner, other = axis + 1, to if to < axis else to + 1
    perm = list(range(len(shape) + 1))
    perm[inner], perm[other] = perm[other], perm[inner]
    moved = list(shape)
    moved[axis], moved[to] = shape[to] * groups, each
    return f.reshape(f.transpose(split, perm=tuple(perm)), shape=tuple(moved))


def input_gradient(f: Functions, ct: Any, x: Any, w: Any, attrs: Attrs) -> Any:
    """The cotangent, spread by the strides, convolved with the flipped filter, its channels exchanged per group."""
    rank = f.type(x).rank
    flipped = f.reverse(w, axes=tuple(range(rank - 2)))
    back = _regroup(f, flipped, rank - 1, attrs["groups"], rank - 2)
    spans = [dilated(k, d) for k, d in zip(f.type(w).shape, attrs["rhs_dilation"], strict=False)]
    low = tuple(span - 1 - v for span, v in zip(spans, attrs["low"], strict=True))
    have = [dilated(n, s) for n, s in zip(f.type(ct).shape[1:-1], attrs["strides"], strict=True)]
    want = [dilated(n, d) for n, d in zip(f.type(x).shape[1:-1], attrs["lhs_dilation"], strict=True)]
    high = tuple(b - a + s - 1 - v for a, b, s, v in zip(have, want, spans, low, strict=True))
    return f.convolution(
        ct, back, strides=attrs["lhs_dilation"], low=low, high=high, lhs_dilation=attrs["strides"],
        rhs_dilation=attrs["rhs_dilation"], groups=attrs["groups"],
    )  # fmt: skip


def _vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    x, w = inputs
    return (
        lambda: input_gradient(f, cts[0], x, w, attrs),
        lambda: f.convolution_filter(x, cts[0], kernel=f.type(w).shape[:-2], **attrs),
    )


convolution = register(
    OpDef("convolution", "convolve", _infer, _evaluate, _vjp, samples=samples("convolutions"))
)
