"""convolution_filter: the gradient of a convolution with respect to its filter.

Operands x [N, *spatial, Ci] and y [N, *out, Co]; the result w [*kernel, Ci / groups, Co] is the sum over images and
positions, in this order, of the element of x that a place of the filter shows there times y. Attributes are those of
the convolution whose result y is as large as, and `kernel`, the filter's spatial size.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graphcore import dims
from graphcore.errors import InvalidArgumentError, ShapeError
from graphcore.ops.convolve import PER_AXIS, input_gradient, positions
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
from graphcore.ops.spread import padded_array
from graphcore.optable import OpDef, register
from graphcore.types import TensorType

if TYPE_CHECKING:
    from graphcore.functions import Functions

_NAME = "convolution_filter"


def _infer(types: Types, attrs: Attrs) -> tuple[TensorType]:
    x, y = types
    dtype = require_same_dtype(_NAME, types)
    require_kind(_NAME, x, FLOATING)
    spatial, groups = x.rank - 2, attrs["groups"]
    if not 1 <= spatial <= 3 or y.rank != x.rank:
        raise ShapeError(
            f"{_NAME}: operands are {x!r} and {y!r}, expected x [N, *spatial, channels] and the cotangent of its "
            "convolution, both with the same 1 to 3 spatial dimensions"
        )
    for name in (*PER_AXIS, "kernel"):
        check_count(_NAME, name, attrs[name], spatial)
    if groups < 1:
        raise InvalidArgumentError(f"{_NAME}: groups is {groups}, expected at least 1")
    check_equal_dims(_NAME, "images of both operands", x.shape[0], y.shape[0], (x, y))
    for have, want in zip(y.shape[1:-1], positions(x, attrs["kernel"], attrs), strict=True):
        check_equal_dims(_NAME, "positions in y and of the filter in x", have, want, (x, y))
    if any(certainly_not(lambda d=d: dims.equal(dims.mod(d, groups), 0)) for d in (x.shape[-1], y.shape[-1])):
        raise ShapeError(f"{_NAME}: channels of {x!r} and {y!r} do not divide into {groups} groups; give a multiple")
    return (TensorType(dtype, (*attrs["kernel"], dims.floordiv(x.shape[-1], groups), y.shape[-1])),)


def _evaluate(
    x: Any, y: Any, strides: Any, low: Any, high: Any, lhs_dilation: Any, rhs_dilation: Any, kernel: Any,
    groups: int = 1,
) -> Any:  # fmt: skip
    """For every place of the filter, one matrix product per group of what it shows and y."""
    wide = np.float32 if x.dtype.itemsize < 4 else x.dtype
    dtype, x, y = x.dtype, x.astype(wide, copy=False), y.astype(wide, copy=False)
    depth, each, out = x.shape[-1] // groups, y.shape[-1] // groups, y.shape[1:-1]
    result = np.zeros((*kernel, depth, groups, each), wide)
    if y.size == 0 or x.size == 0:
        return result.reshape((*kernel, depth, groups * each)).astype(dtype, copy=False)
    base = padded_array(x, (0, *low, 0), (0, *high, 0), (1, *lhs_dilation, 1), 0)
    right = y.reshape(-1, groups, each).transpose(1, 0, 2)
    for place in itertools.product(*map(range, kernel)):
        at = tuple(
            slice(k * d, k * d + (n - 1) * s + 1, s)
            for k, d, n, s in zip(place, rhs_dilation, out, strides, strict=True)
        )
        left = base[(slice(None), *at)].reshape(-1, groups, depth).transpose(1, 2, 0)
        result[place] = np.matmul(left, right).transpose(1, 0, 2)
    return result.reshape((*kernel, depth, groups * each)).astype(dtype, copy=False)


def _vjp(
    f: Functions, cts: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], attrs: Attrs
) -> Any:
    x, y = inputs
    own = {name: v for name, v in attrs.items() if name != "kernel"}
    return (
        lambda: input_gradient(f, y, x, cts[0], own),
        lambda: f.convolution(x, cts[0], **own),
    )


convolution_filter = register(
    OpDef(_NAME, "correlate", _infer, _evaluate, _vjp, samples=samples("convolution_filters"))
)
